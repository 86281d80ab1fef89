"""What the trainer needs of a training step, whichever way the step is computed."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from inittui.engine.step.replica import Replica


class TrainingStep(Protocol):
    """Replicas that stand at the same place and take each step together."""

    replicas: list[Replica]

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        """Take up an epoch, or what is left of it. `orders` [n] of each replica: its training images, shuffled."""

    def advance(self) -> None:
        """The next step of every replica: its cost is noted in `Replica.costs`, nothing waits for the device."""
