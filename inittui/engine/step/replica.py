"""One training of an arm from one seed, and all of its state that a checkpoint needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from inittui.record import events


@dataclass(frozen=True)
class Snapshot:
    """The state of a replica between two steps. `tensors` are copies on the CPU."""

    position: events.Position
    seconds: float  # of training so far in the present epoch
    tensors: dict[str, Tensor]


@dataclass(eq=False)
class Replica:
    """`epochs` counts complete epochs. `step` and `seconds` count in the present epoch, and `costs` [steps] has its costs.

    There are two streams of random numbers. `order` draws the batches. What a network draws itself (dropout) comes from
    torch's global stream, which is seeded for every epoch, so that other replicas and arms do not change it.
    """

    seed: int
    network: nn.Module
    order: torch.Generator
    costs: Tensor
    epochs: int = 0
    step: int = 0
    seconds: float = 0.0
    optimizer_state: Callable[[], Mapping[str, Tensor]] = dict  # as `PARAMETER/KEY`; set by whichever step trains it
    saved: events.Position | None = None  # of the latest snapshot
    given_up: bool = False  # stopped at chance before its last epoch
    _noise: Tensor | None = None  # the global stream's state in a snapshot from within an epoch
    _order_after: Tensor = field(init=False)  # the state of `order` after the present epoch's batches

    @property
    def position(self) -> events.Position:
        """How far the training is."""
        return events.Position(seed=self.seed, epochs=self.epochs, step=self.step)

    def batches(self, count: int) -> Tensor:
        """The order of the `count` training images in the present epoch, int64 [count] on the replica's device.

        The state of `order` stays that of the epoch's start, from which a restored replica draws the same batches.
        """
        before = self.order.get_state()
        batches = torch.randperm(count, generator=self.order).to(self.costs.device)
        self._order_after = self.order.get_state()
        self.order.set_state(before)
        return batches

    def seed_global_rng(self, seed: int) -> None:
        """Seed torch's global stream at the start of an epoch. Within one, set it to the state in the restored snapshot."""
        if self._noise is not None:
            torch.set_rng_state(self._noise)
            self._noise = None
        elif self.step == 0:
            torch.manual_seed(seed)

    def end_epoch(self) -> None:
        self.epochs, self.step, self.seconds = self.epochs + 1, 0, 0.0
        self.order.set_state(self._order_after)

    def snapshot(self) -> Snapshot:
        """A copy of everything that the rest of the training depends on. Raises TypeError when that is not tensors alone."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        for name, value in tensors.items():
            if not isinstance(value, Tensor):
                raise TypeError(f"'{name}' in its state_dict is a {type(value).__name__}; expected a tensor")
        tensors |= {f"optimizer/{name}": value for name, value in self.optimizer_state().items()}
        tensors["costs"] = self.costs[: self.step]
        copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
        copies["order"] = self.order.get_state()
        if self.step:
            copies["noise"] = torch.get_rng_state()
        self.saved = self.position
        return Snapshot(self.position, self.seconds, copies)

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from `snapshot`. Raises KeyError, RuntimeError or ValueError when it is of another network."""
        tensors = snapshot.tensors
        self.network.load_state_dict(_under("network/", tensors))
        optimizer_state = _under("optimizer/", tensors)
        self.optimizer_state = optimizer_state.copy
        self.epochs, self.step, self.seconds = snapshot.position.epochs, snapshot.position.step, snapshot.seconds
        self.costs[: self.step] = tensors["costs"].to(self.costs.device)
        self.order.set_state(tensors["order"])
        self._noise = tensors.get("noise")
        self.saved = self.position

    def to(self, device: torch.device) -> None:
        self.network.to(device)
        self.costs = self.costs.to(device)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
