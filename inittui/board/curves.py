"""The curves of an arm per epoch: mean, lowest and highest over its replicas, thinned (see `thinned_series.Thinned`).

An epoch is settled once every replica has finished it. Settled epochs are added to the curves once.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from inittui.board.history import History
from inittui.board.thinned_series import Number, Thinned

FIGURES = ("train_cost", "test_cost", "test_percent")  # of a point: what has a curve


class Point(Struct, frozen=True):
    """One epoch of one replica. Costs are None where they were not finite."""

    epoch: int
    train_cost: float | None
    test_cost: float | None
    test_accuracy: float
    seconds: float

    @property
    def test_percent(self) -> float:
        return 100 * self.test_accuracy


def values_of(figure: str, replicas: Sequence[History[Point]], index: int) -> list[Number]:
    """The figure in the epoch with this index, of each replica that has finished the epoch."""
    return [getattr(points[index], figure) for points in replicas if len(points) > index]


def mean_of(values: Sequence[Number]) -> Number:
    """The mean; None if one of them is not finite."""
    finite = [value for value in values if value is not None]
    return sum(finite) / len(finite) if finite and len(finite) == len(values) else None


def band_of(values: Sequence[Number]) -> tuple[Number, Number]:
    """The lowest and the highest of the finite values."""
    finite = [value for value in values if value is not None]
    return (min(finite), max(finite)) if finite else (None, None)


_EMPTY = Thinned()


class Curve(Struct, frozen=True):
    """One figure per epoch: its mean, lowest and highest value over the replicas; all the same for one replica."""

    mean: Thinned = _EMPTY
    low: Thinned = _EMPTY
    high: Thinned = _EMPTY

    def plus(self, values: Sequence[Number]) -> "Curve":
        """With one more epoch: a value per replica that has finished it."""
        mean = self.mean.plus(mean_of(values))
        if len(values) == 1 and self.low is self.mean:
            return Curve(mean, mean, mean)
        low, high = band_of(values)
        return Curve(mean, self.low.plus(low), self.high.plus(high))


class Curves(Struct, frozen=True):
    """The curves of an arm over its settled epochs."""

    epochs: int = 0
    of: dict[str, Curve] = field(default_factory=lambda: dict.fromkeys(FIGURES, Curve()))

    def grown(self, replicas: Sequence[History[Point]]) -> "Curves":
        """With the epochs that are settled since then. `replicas` are the points of each replica."""
        settled = min(map(len, replicas), default=0)
        if settled <= self.epochs:
            return self
        return Curves(settled, {figure: self._upto(settled, figure, replicas) for figure in FIGURES})

    def whole(self, figure: str, replicas: Sequence[History[Point]]) -> Curve:
        """The curve of `figure`, including epochs that only some of the replicas have finished."""
        return self._upto(max(map(len, replicas), default=0), figure, replicas)

    def _upto(self, epochs: int, figure: str, replicas: Sequence[History[Point]]) -> Curve:
        curve = self.of[figure]
        for index in range(self.epochs, epochs):
            curve = curve.plus(values_of(figure, replicas, index))
        return curve
