"""The training loop: yields events, and knows no process, no file and no terminal.

A `TrainingStep` takes the steps. Costs stay on the device between reports.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import torch

from inittui.engine import out_of_memory
from inittui.engine.data.dataset import Dataset
from inittui.engine.data.device_data import DeviceData
from inittui.engine.evaluation import Evaluation, evaluate
from inittui.engine.initialisation.initialise import BATCH, initialise
from inittui.engine.networks.build import build
from inittui.engine.networks.layers import Shape, layers
from inittui.engine.networks.random_streams import stream
from inittui.engine.probes import measure
from inittui.engine.probes.schedule import Prober
from inittui.engine.step.autograd_step import AutogradStep
from inittui.engine.step.batched_mlp import BatchedMLP
from inittui.engine.step.interface import TrainingStep
from inittui.engine.step.replica import Replica
from inittui.engine.step.warm_up import choose_kernels
from inittui.engine.training_threads import ReplicaScheduler, side_by_side
from inittui.engine.watched_example import prediction, sample_event, watched_image
from inittui.experiment.chance import stuck_below
from inittui.experiment.preset import Arm
from inittui.record import events

REPORTS_AT_ONCE = 4  # replicas that report every `report_seconds`; so many more, so much less often


class CostNotFinite(ArithmeticError):
    """The cost became NaN or infinite: the message says where."""


class Stop(Exception):
    """Raised by `between_steps` to end a training early."""


class Trainer:
    """Trains every replica of an arm: always those that have come least far, so that mean and band of the replicas are live.

    On a GPU all replicas are one batch, or a few batches where one does not fit. On a CPU each replica is trained by one
    thread, and `training_threads` of them run at a time.
    `between_steps` is called before every step, with the replicas that take it, and returns the seconds that it waited (a
    pause); it may raise `Stop`. There, and between two events of `run`, those replicas are whole: a snapshot of them is a
    place to go on from.
    """

    def __init__(
        self,
        arm: Arm,
        data: Dataset,
        device: torch.device,
        *,
        scale_test: bool = True,
        between_steps: Callable[[Sequence[Replica]], float] = lambda _: 0.0,
        report_seconds: float = 0.1,
        training_threads: int = 1,
        max_batched: int | None = None,
        hand_written: bool = True,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """At most `max_batched` replicas take their steps together: by default all on a GPU, one on a CPU. Without
        `hand_written` autograd trains everything. `prepare` is called in every training thread, where there are several."""
        self.arm = arm
        self.data = data
        self.device = device
        self.images = DeviceData.of(data, device, scale_test=scale_test, flat=arm.model.factory is None)
        self.steps = len(self.images.train) // arm.training.batch_size
        self.between_steps = between_steps
        self.report_seconds = report_seconds
        self.deviations: list[float] = []  # of the first replica's layers, as drawn
        self.replicas = [self._replica(seed) for seed in arm.training.seeds]
        self.evaluations: dict[int, Evaluation] = {}  # the newest of each seed
        self.prober = Prober(
            arm, self.replicas[0], self.images.first(measure.BATCH), self.images.train_labels[: measure.BATCH]
        )
        self._hand_written = hand_written and BatchedMLP.supports(arm)
        most = max_batched or (len(self.replicas) if device.type == "cuda" else 1)
        # What a network of one's own draws comes from a stream that all threads share.
        self.training_threads = min(training_threads, len(self.replicas)) if arm.model.factory is None else 1
        self.active_threads = self.training_threads  # that have not ended
        self._prepare = prepare
        self.scheduler = ReplicaScheduler(self.replicas, arm.training.epochs, most if self._hand_written else 1)
        self._lock = threading.Lock()
        self._training_steps: dict[int, TrainingStep] = {}  # by the first replica's seed

    def _replica(self, seed: int) -> Replica:
        model = self.arm.model
        network = build(model, self.data.shape, len(self.data.classes), seed)
        # For the schemes that are fitted to data: always the same images, as they are in training.
        drawn = initialise(network, self.arm.init, seed, batch=self.images.first(BATCH).cpu(), exclude=model.exclude)
        self.deviations = self.deviations or drawn
        network.to(self.device)
        return Replica(seed, network, stream(seed, "batches"), torch.zeros(self.steps, device=self.device))

    def run(self) -> Iterator[events.Event]:
        """Train to the end, from where the replicas stand. Raises CostNotFinite, Stop, and what torch raises."""
        self.scheduler.release(self.replicas)  # of an earlier run that was ended
        if any(replica.epochs or replica.step for replica in self.replicas):
            yield events.Restored(places=tuple(replica.place for replica in self.replicas))
            for replica in self.replicas:  # whose last word before the checkpoint may have been that it is given up
                if replica.epochs == self.arm.training.stop_stuck and not replica.step:
                    self.evaluations[replica.seed] = evaluate(replica.network, self.images)
                    yield from self._give_up(replica)
        else:
            yield self._begin()
            yield self.prober.at_start(self.replicas[0])
        yield sample_event(self.data, self._watched)
        if self.training_threads > 1:
            choose_kernels()
        yield from side_by_side(self._training_thread, self.training_threads, self._prepare)
        for replica in self.replicas:  # one that had its last epoch before a checkpoint
            if replica.seed not in self.evaluations:
                self.evaluations[replica.seed] = evaluate(replica.network, self.images)
        # In the order of the seeds, whichever was tested first after a resume.
        self.evaluations = {replica.seed: self.evaluations[replica.seed] for replica in self.replicas}

    @cached_property
    def _watched(self) -> int:
        return watched_image(self.arm.training.seeds[0], len(self.images.test))

    def _begin(self) -> events.Begin:
        training = self.arm.training
        shapes = [Shape.of(layer) for _, layer in layers(self.replicas[0].network)]
        return events.Begin(
            arm=self.arm.name,
            seeds=training.seeds,
            epochs=training.epochs,
            steps=self.steps,
            batch_size=training.batch_size,
            parameters=sum(parameter.numel() for parameter in self.replicas[0].network.parameters()),
            layers=tuple((shape.fan_in, shape.fan_out) for shape in shapes),
            stds=tuple(events.finite(deviation) for deviation in self.deviations),
        )

    def _training_thread(self) -> Iterator[events.Event]:
        """Epochs of replicas that nobody else trains, as long as there are any."""
        while group := self.scheduler.acquire():
            too_many = False
            try:
                yield from self._epoch(group)
            except Exception as error:
                # Nothing but the optimizer, which is last, changes them: they are whole, whichever step it was.
                too_many = len(group) > 1 and out_of_memory.is_out(error)
                if not too_many:
                    raise
            if too_many:  # out here, where the error no longer keeps the stack alive
                self._split(group)
                yield events.Stacked(together=self.scheduler.most, seeds=len(self.replicas))
            self.scheduler.release(group)
        with self._lock:
            self.active_threads -= 1

    def _training_step(self, group: list[Replica]) -> TrainingStep:
        """Those who train `group`: the same as in the epoch before, where it is the same group."""
        with self._lock:
            training_step = self._training_steps.get(group[0].seed)
            if training_step is None or training_step.replicas != group:
                for seed in [
                    seed for seed, other in self._training_steps.items() if any(one in group for one in other.replicas)
                ]:
                    self._dissolve(seed)
                if self._hand_written:
                    training_step = BatchedMLP(group, self.arm, self.images)
                else:
                    training_step = AutogradStep(group[0], self.arm.training, self.images)
                self._training_steps[group[0].seed] = training_step
            return training_step

    def training_step_of(self, replica: Replica) -> TrainingStep:
        """Those who trained `replica` last. Raises StopIteration when nobody has."""
        return next(
            training_step for training_step in self._training_steps.values() if replica in training_step.replicas
        )

    def _split(self, group: list[Replica]) -> None:
        """From now on half as many train together."""
        self.scheduler.most = (len(group) + 1) // 2
        self._dissolve(group[0].seed)

    def _dissolve(self, seed: int) -> None:
        training_step = self._training_steps.pop(seed, None)
        if not isinstance(training_step, BatchedMLP):
            return
        training_step.move_to_cpu()
        replicas = training_step.replicas
        del training_step  # and with it the memory on the device, before the replicas move back there
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        for replica in replicas:
            replica.to(self.device)

    def _epoch(self, group: list[Replica]) -> Iterator[events.Event]:
        """One pass of each replica over its shuffled training images, the last partial batch dropped, or what is left of it;
        then the test."""
        training_step = self._training_step(group)
        training_step.begin_epoch([replica.batches(len(self.images.train)) for replica in group])
        for replica in group:
            replica.seed_global_rng(stream(replica.seed, f"noise/{replica.epochs}").initial_seed())
        # A report says something of every replica; a large stack reports less often.
        report_seconds = max(self.report_seconds, self.report_seconds * len(group) / REPORTS_AT_ONCE)
        reported = group[0].step
        last = reported_at = time.perf_counter()
        # The very first costs are told sooner: they are what a scheme begins with, and somebody waits for them.
        wait = report_seconds if group[0].epochs or reported else report_seconds / 10
        while group[0].step < self.steps:
            waited = self.between_steps(group)
            last += waited
            reported_at += waited
            if group[0].step == self.steps - 1:
                for replica in group:
                    self.prober.note(replica)
            training_step.advance()
            now = time.perf_counter()
            for replica in group:
                replica.step += 1
                replica.seconds += (now - last) / len(group)
            last = now
            if now - reported_at >= wait and group[0].step < self.steps:
                yield from self._report(group, reported, now - reported_at)
                reported, reported_at, wait = group[0].step, now, report_seconds
                last = time.perf_counter()  # what a report's reader does with it is no training
        means = self._mean_costs(group, 0)
        waited = time.perf_counter() - last  # for a device that was still computing
        for replica, mean in zip(group, means, strict=True):
            seconds = replica.seconds + waited / len(group)
            replica.end_epoch()
            began = time.perf_counter()
            self.evaluations[replica.seed] = tested = evaluate(replica.network, self.images)
            yield events.Epoch(
                seed=replica.seed,
                epoch=replica.epochs,
                train_cost=mean,
                test_cost=events.finite(tested.cost),
                test_accuracy=tested.accuracy,
                seconds=seconds,
                test_seconds=time.perf_counter() - began,
                sample=prediction(tested, self._watched),
            )
            if (probe := self.prober.after(replica)) is not None:
                yield probe
            yield from self._give_up(replica)

    def _give_up(self, replica: Replica) -> Iterator[events.Event]:
        """Train a replica no further that has just been tested and is at chance, after as many epochs as the preset says."""
        training = self.arm.training
        if replica.epochs != training.stop_stuck or replica.epochs >= training.epochs:
            return
        if self.evaluations[replica.seed].accuracy < stuck_below(1 / len(self.data.classes)):
            replica.given_up = True
            yield events.AtChance(seed=replica.seed, epoch=replica.epochs)

    def _report(self, group: list[Replica], since: int, seconds: float) -> Iterator[events.Event]:
        """The mean costs of the steps after `since`, which took `seconds`."""
        images = (group[0].step - since) * self.arm.training.batch_size * len(group)
        for replica, mean in zip(group, self._mean_costs(group, since), strict=True):
            yield events.Progress(
                seed=replica.seed,
                epoch=replica.epochs + 1,
                step=replica.step,
                cost=mean,
                samples_per_second=images / seconds,
                device_bytes=self._device_bytes(),
            )

    def _mean_costs(self, group: list[Replica], first: int) -> list[float]:
        """Each replica's mean over the steps since `first`, from the device in one transfer. Raises CostNotFinite."""
        costs = torch.stack([replica.costs[first : replica.step] for replica in group])
        means: list[float] = costs.mean(1, dtype=torch.float64).tolist()
        for replica, mean, own in zip(group, means, costs, strict=True):
            if not math.isfinite(mean):
                place = int((~own.isfinite()).nonzero()[0])
                raise CostNotFinite(
                    f"cost not finite ({own[place].item()}) at step {first + place + 1} of {self.steps} "
                    f"in epoch {replica.epochs + 1}, seed {replica.seed}"
                )
        return means

    def _device_bytes(self) -> int:
        return torch.cuda.memory_reserved(self.device) if self.device.type == "cuda" else 0
