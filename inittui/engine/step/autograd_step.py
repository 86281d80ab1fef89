"""The reference training step: one replica, any module, autograd and torch's own optimizers."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.data.device_data import DeviceData
from inittui.engine.step.optimizer_state import load_state, state_of, states_by_parameter
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Training


class AutogradStep:
    """The reference path: autograd and torch's own optimizers, for any module."""

    def __init__(self, replica: Replica, training: Training, images: DeviceData) -> None:
        self.replicas = [replica]
        self._images, self._size = images, training.batch_size
        self._order = torch.empty(0)
        self._device = images.train.device
        self._half = training.precision == "bf16"
        self.optimizer = optimizer(replica.network.parameters(), training)
        load_state(self.optimizer, states_by_parameter(replica.optimizer_state()))
        replica.optimizer_state = partial(state_of, self.optimizer)

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        (self._order,) = orders

    def advance(self) -> None:
        (replica,) = self.replicas
        batch = self._order[replica.step * self._size : (replica.step + 1) * self._size]
        x, labels = self._images.batch(batch)
        with torch.autocast(self._device.type, torch.bfloat16) if self._half else nullcontext():
            cost = cross_entropy(replica.network(x), labels)
        self.optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        replica.costs[replica.step] = cost.detach()


def optimizer(parameters: Iterable[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    """The preset's optimizer, fused where this torch and device can: one pass over the parameters instead of eight."""
    parameters = list(parameters)
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
    }
    options: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        options["momentum"] = training.momentum
    kind = kinds[training.optimizer]
    try:
        return kind(parameters, **options, fused=True)
    except (RuntimeError, TypeError):  # a torch that fuses on GPUs only, or not this one
        return kind(parameters, **options)
