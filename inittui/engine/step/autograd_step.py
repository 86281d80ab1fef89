"""The reference training step: one replica, any module, autograd and torch's own optimizers."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.data.device_data import DeviceData
from inittui.engine.step.optimizer_state import load_state, named_state
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Training


class AutogradStep:
    """See `interface.TrainingStep`."""

    def __init__(self, replica: Replica, training: Training, data: DeviceData) -> None:
        """Raises KeyError or ValueError when the replica's optimizer state does not fit its network."""
        self.replicas = [replica]
        self._data, self._batch_size = data, training.batch_size
        self._order = torch.empty(0)
        self._device = data.train.device
        self._bf16 = training.precision == "bf16"
        self.optimizer = optimizer(replica.network.parameters(), training)
        load_state(self.optimizer, replica.optimizer_state())
        replica.optimizer_state = partial(named_state, self.optimizer)

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        (self._order,) = orders

    def advance(self) -> None:
        (replica,) = self.replicas
        first = replica.step * self._batch_size
        x, labels = self._data.batch(self._order[first : first + self._batch_size])
        with torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext():
            cost = cross_entropy(replica.network(x), labels)
        self.optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        replica.costs[replica.step] = cost.detach()


def optimizer(parameters: Iterable[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    """The optimizer of `training`, fused where torch and the device support it: one pass over the parameters, not eight."""
    parameters = list(parameters)
    classes: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
    }
    options: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        options["momentum"] = training.momentum
    create = classes[training.optimizer]
    try:
        return create(parameters, **options, fused=True)
    except (RuntimeError, TypeError):  # this torch fuses on GPUs only, or not this optimizer
        return create(parameters, **options)
