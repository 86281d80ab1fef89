"""The training step of each group of replicas: made when the group first trains, kept while the group stays the same."""

import threading

import torch

from inittui.engine.data.device_data import DeviceData
from inittui.engine.step.autograd_step import AutogradStep
from inittui.engine.step.batched_mlp import BatchedMLP
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Arm

TrainingStep = AutogradStep | BatchedMLP


class TrainingSteps:
    """The training steps of one arm, safe to use from several threads that train different replicas."""

    def __init__(self, arm: Arm, data: DeviceData, *, hand_written: bool) -> None:
        """`hand_written` is taken where the arm's network supports it; autograd trains everything else."""
        self.hand_written = hand_written and BatchedMLP.supports(arm)
        self._arm, self._data = arm, data
        self.steps: dict[int, TrainingStep] = {}  # by the seed of the group's first replica
        self._lock = threading.RLock()

    def for_group(self, group: list[Replica]) -> TrainingStep:
        """The step that trains `group` together. One replica at a time without the hand-written step."""
        with self._lock:
            seed = group[0].seed
            if seed not in self.steps or self.steps[seed].replicas != group:
                for stale in [key for key, step in self.steps.items() if not set(group).isdisjoint(step.replicas)]:
                    self.remove(stale)
                if self.hand_written:
                    self.steps[seed] = BatchedMLP(group, self._arm, self._data)
                else:
                    self.steps[seed] = AutogradStep(group[0], self._arm.training, self._data)
            return self.steps[seed]

    def remove(self, seed: int) -> None:
        """Free the memory that a group's step holds on the device; `seed` is that of its first replica. The replicas keep
        their state."""
        with self._lock:
            step = self.steps.pop(seed, None)
        if not isinstance(step, BatchedMLP):
            return
        replicas, device = step.replicas, step.device
        for replica in replicas:  # through the CPU's memory: the device may have no room for a second copy
            replica.optimizer_state = {key: value.cpu() for key, value in replica.optimizer_state().items()}.copy
            replica.to(torch.device("cpu"))
        del step  # and with it the memory on the device
        if device.type == "cuda":
            torch.cuda.empty_cache()
        for replica in replicas:
            replica.to(device)
