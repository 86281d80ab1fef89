"""Crews: replicas that take their steps together. The reference path takes one replica and any module, by autograd."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.data.device_data import Images
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Training


class Crew(Protocol):
    """Replicas that stand at the same place and take each step together."""

    replicas: list[Replica]

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        """Take up an epoch, or what is left of it. `orders` [n] of each replica: its training images, shuffled."""

    def advance(self) -> None:
        """The next step of every replica: its cost is noted in `Replica.costs`, nothing waits for the device."""


class Reference:
    """The reference path: autograd and torch's own optimizers, for any module."""

    def __init__(self, replica: Replica, training: Training, images: Images) -> None:
        self.replicas = [replica]
        self._images, self._size = images, training.batch_size
        self._order = torch.empty(0)
        self._device = images.train.device
        self._half = training.precision == "bf16"
        self.optimizer = optimizer(replica.network.parameters(), training)
        load_moments(self.optimizer, number_states(replica.moments()))
        replica.moments = partial(moments_of, self.optimizer)

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


def moments_of(of: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimizer remembers, as `NUMBER/KEY` by the parameter's number: its own tensors, not copies. What is no tensor
    is None, as SGD's momentum before the first step: absent is the same."""
    return {
        f"{number}/{key}": value
        for number, state in of.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def number_states(moments: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """`NUMBER/KEY` as torch's optimizers hold it, in copies: an optimizer keeps what it is given, and would train in it."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        number, _, key = name.partition("/")
        states.setdefault(int(number), {})[key] = value.clone()
    return states


def load_moments(into: torch.optim.Optimizer, states: dict[int, dict[str, Tensor]]) -> None:
    """Raises ValueError or KeyError when they are another network's."""
    if states:
        into.load_state_dict(into.state_dict() | {"state": states})


def warm_up(*, autograd: bool) -> None:
    """Have MKL choose its kernels, and where the reference path trains something, torch import now what it imports at the
    first optimizer (0.8 s): once here, not once in every fork."""
    if autograd:
        optimizer(nn.Linear(1, 1).parameters(), Training()).zero_grad()
    choose_kernels()


@torch.no_grad()
def choose_kernels() -> None:
    """Have MKL choose its kernels, in one thread. Where two threads of a process make its first calls at once, one of them
    may get other last bits: seen in 9 of 582 forks that began so, and in none of 2,138 that called this first."""
    a = torch.ones(1, 32, 32)
    for product in (torch.bmm(a, a), torch.baddbmm(a, a, a), torch.mm(a[0], a[0]), torch.addmm(a[0], a[0], a[0])):
        for function in (torch.exp, torch.log, torch.tanh, torch.sigmoid):
            function(product)
