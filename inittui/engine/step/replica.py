"""One training of an arm from one seed, and all of its state that a checkpoint needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from inittui.record import events


@dataclass(frozen=True)
class Snapshot:
    """A replica between two steps. `tensors` lie on the CPU and are nobody else's."""

    place: events.Place
    seconds: float  # of training in the epoch under way
    tensors: dict[str, Tensor]


@dataclass(eq=False)
class Replica:
    """`epochs` are done; `step` and `seconds` count in the epoch under way, and `costs` [steps] holds its steps' costs.
    `state` gives what the optimizer remembers of it, as `PARAMETER/KEY`; whoever trains it puts its own in there.

    Two streams of random numbers: `order` draws the batches, and what a network draws itself (dropout) comes from torch's
    global stream, which is set anew for every epoch, so that neither other replicas nor other arms can move it.
    """

    seed: int
    network: nn.Module
    order: torch.Generator  # the batches' stream
    costs: Tensor
    epochs: int = 0
    step: int = 0
    seconds: float = 0.0
    optimizer_state: Callable[[], Mapping[str, Tensor]] = dict
    saved: events.Place | None = None  # where the newest snapshot stands
    given_up: bool = False  # before its last epoch: nobody trains it any further
    _batches: Tensor | None = None
    _noise: Tensor | None = None  # the global stream's state, as a checkpoint within an epoch held it
    _order_before: Tensor = field(default_factory=lambda: torch.empty(0))

    @property
    def place(self) -> events.Place:
        return events.Place(seed=self.seed, epochs=self.epochs, step=self.step)

    def batches(self, count: int) -> Tensor:
        """The order of the `count` training images in the epoch under way."""
        if self._batches is None:
            self._order_before = self.order.get_state()
            self._batches = torch.randperm(count, generator=self.order).to(self.costs.device)
        return self._batches

    def seed_global_rng(self, seed: int) -> None:
        """Set torch's global stream for the epoch under way: from `seed` at its start, else to where a checkpoint left it."""
        if self._noise is not None:
            torch.set_rng_state(self._noise)
            self._noise = None
        elif self.step == 0:
            torch.manual_seed(seed)

    def end_epoch(self) -> None:
        self.epochs, self.step, self.seconds, self._batches = self.epochs + 1, 0, 0.0, None

    def snapshot(self) -> Snapshot:
        """A copy of everything that the rest of the training depends on."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"optimizer/{name}": value for name, value in self.optimizer_state().items()}
        tensors["costs"] = self.costs[: self.step]
        copied = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
        copied["order"] = self.order.get_state() if self._batches is None else self._order_before.clone()
        if self.step:
            copied["noise"] = torch.get_rng_state()
        self.saved = self.place
        return Snapshot(self.place, self.seconds, copied)

    def restore(self, snapshot: Snapshot) -> None:
        """Become what `snapshot` holds. Raises KeyError, RuntimeError or ValueError when it is of another network."""
        tensors = snapshot.tensors
        self.network.load_state_dict(_under("network/", tensors))
        state = _under("optimizer/", tensors)
        self.optimizer_state = state.copy
        self.epochs, self.step, self.seconds = snapshot.place.epochs, snapshot.place.step, snapshot.seconds
        self.costs[: self.step] = tensors["costs"].to(self.costs.device)
        self.order.set_state(tensors["order"])
        self._noise = tensors.get("noise")
        self._batches = None  # drawn again from the same state, when it is needed
        self.saved = self.place

    def to(self, device: torch.device) -> None:
        self.network.to(device)
        self.costs = self.costs.to(device)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
