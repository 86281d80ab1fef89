"""The reference training step: one replica, any module, autograd and torch's own optimizers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.data.device_data import DeviceData
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Training


class AutogradStep:
    """Takes the steps of a replica. It trains the replica's network in place, and provides its `optimizer_state`."""

    def __init__(self, replica: Replica, training: Training, data: DeviceData) -> None:
        """Raises KeyError or ValueError when the replica's optimizer state does not fit its network."""
        self.replicas = [replica]
        self._data, self._batch_size = data, training.batch_size
        self._order = torch.empty(0)
        self._bf16 = training.precision == "bf16"
        self.optimizer = optimizer(replica.network.parameters(), training)
        _load(self.optimizer, replica.optimizer_state())
        replica.optimizer_state = partial(_named_state, self.optimizer)

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        """Called before the first step of an epoch, or of the rest of one.

        `orders` has, for each replica, the shuffled indices of its training images, int64 [n].
        """
        (self._order,) = orders

    def advance(self) -> None:
        """Take the next step of every replica and write its cost to `Replica.costs`. Does not wait for the device."""
        (replica,) = self.replicas
        first = replica.step * self._batch_size
        x, labels = self._data.batch(self._order[first : first + self._batch_size])
        with torch.autocast(x.device.type, torch.bfloat16) if self._bf16 else nullcontext():
            cost = cross_entropy(replica.network(x), labels)
        self.optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        replica.costs[replica.step] = cost.detach()


def optimizer(parameters: Iterable[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    """The optimizer of `training`, fused where torch and the device support it: one pass over the parameters, not eight."""
    options: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        options["momentum"] = training.momentum
    optimizers = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    parameters = list(parameters)
    create: Callable[..., torch.optim.Optimizer] = partial(optimizers[training.optimizer], **options)
    try:  # not every torch, device and dtype has a fused kernel, and some refuse a dtype at the first step only
        kinds = {(parameter.device, parameter.dtype): parameter for parameter in parameters if parameter.requires_grad}
        tried = [nn.Parameter(parameter.detach().new_zeros(1)) for parameter in kinds.values()]
        for parameter in tried:
            parameter.grad = torch.zeros_like(parameter)
        create(tried, fused=True).step()
        return create(parameters, fused=True)
    except (RuntimeError, TypeError):
        return create(parameters)


def _named_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's own tensors, not copies. What is no tensor (SGD's momentum before the first step) is left out."""
    return {
        f"{parameter}/{key}": value
        for parameter, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def _load(optimizer: torch.optim.Optimizer, named: Mapping[str, Tensor]) -> None:
    """Raises ValueError or KeyError when `named` is the state of another network's optimizer."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in named.items():
        parameter, _, key = name.partition("/")
        states.setdefault(int(parameter), {})[key] = value.clone()  # the optimizer changes the tensors that it is given
    if states:
        optimizer.load_state_dict(optimizer.state_dict() | {"state": states})
