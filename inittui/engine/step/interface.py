"""The interface of a training step: what the trainer calls, however the step is computed."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from inittui.engine.step.replica import Replica


class TrainingStep(Protocol):
    """Takes the steps of replicas that are at the same step of the same epoch.

    It trains each replica's network in place, and provides each replica's `optimizer_state`.
    """

    replicas: list[Replica]

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        """Called before the first step of an epoch, or of the rest of one.

        `orders` has, for each replica, the shuffled indices of its training images, int64 [n].
        """

    def advance(self) -> None:
        """Take the next step of every replica and write its cost to `Replica.costs`. Does not wait for the device."""
