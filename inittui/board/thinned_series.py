"""The values of a curve, thinned for drawing: of a series of any length a bounded number of values is kept, peaks included.

`plus` returns a longer series and does not change the first one.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar, cast, overload

from inittui.board.history import History

T = TypeVar("T")
Number = float | None  # None where a value was not finite
Spot = tuple[int, Number]  # a value's position, from 1, and the value
Bucket = tuple[Spot | None, Spot | None, Spot | None]  # the lowest, the highest, the first that is not finite

BUCKETS = 512  # at most, of a thinned series
MOST = 3 * BUCKETS + 2  # values at most that a thinned series keeps


class Thinned(Sequence[Number]):
    """The values of a series of any length, thinned so that peaks are kept.

    Every bucket of `width` values keeps its lowest and its highest value with their positions, and the first value that is
    not finite. The first and the last value of the series are kept too. The width is 1 at first, so that nothing is left out,
    and doubles whenever there are BUCKETS full buckets. As a sequence it has the kept values, at most MOST, in their order.
    """

    __slots__ = ("_first", "_full", "_last", "_made", "_open", "_spots", "high", "low", "seen", "width")

    def __init__(self) -> None:
        self.seen = 0  # number of values so far
        self.width = 1
        self.low: float | None = None  # of all finite values
        self.high: float | None = None
        self._full: History[Bucket] = History()
        self._open: Bucket | None = None  # the last bucket, while it is not full
        self._first: Number = None
        self._last: Number = None
        self._spots: list[Spot] | None = None
        self._made: dict[object, object] = {}

    @classmethod
    def of(cls, values: Iterable[Number]) -> "Thinned":
        made = cls()
        for value in values:
            made = made.plus(value)
        return made

    def plus(self, value: Number) -> "Thinned":
        """This series with `value` appended."""
        more = Thinned()
        more.seen, more.width = self.seen + 1, self.width
        more._first, more._last = (self._first if self.seen else value), value
        spot = (more.seen, value)
        if value is not None and math.isfinite(value):
            more.low = value if self.low is None or value < self.low else self.low
            more.high = value if self.high is None or value > self.high else self.high
            bucket: Bucket = (spot, spot, None)
        else:
            more.low, more.high = self.low, self.high
            bucket = (None, None, spot)
        if self._open is not None:
            bucket = _merged(self._open, bucket)
        if more.seen % more.width:
            more._full, more._open = self._full, bucket
            return more
        more._full = self._full.plus(bucket)
        if len(more._full) >= BUCKETS:
            more._full = History(map(_merged, more._full[::2], more._full[1::2]))
            more.width *= 2
        return more

    def upto(self, count: int) -> "Thinned":
        """The series after its first `count` values, rounded down to whole buckets."""
        if count >= self.seen:
            return self
        buckets = self._full[: count // self.width]
        less = Thinned()
        less.width, less.seen, less._full = self.width, len(buckets) * self.width, History(buckets)
        finite = [spot[1] for bucket in buckets for spot in bucket[:2] if spot is not None and spot[1] is not None]
        less.low, less.high = min(finite, default=None), max(finite, default=None)
        kept = [spot for bucket in buckets for spot in _spots(bucket)]
        less._first, less._last = (self._first, kept[-1][1]) if kept else (None, None)
        return less

    def times(self, factor: float) -> "Thinned":
        """Each value times `factor`, which is above 0."""
        if factor == 1:
            return self
        scaled = Thinned()
        scaled.seen, scaled.width = self.seen, self.width
        scaled._full = History(_times(bucket, factor) for bucket in self._full)
        scaled._open = _times(self._open, factor) if self._open is not None else None
        scaled._first, scaled._last, scaled.low, scaled.high = (
            None if value is None else value * factor for value in (self._first, self._last, self.low, self.high)
        )
        return scaled

    @property
    def spots(self) -> list[Spot]:
        """The kept values with their positions, from 1, in their order. Do not modify it."""
        if self._spots is None:
            kept = [spot for bucket in self._full for spot in _spots(bucket)]
            kept += _spots(self._open) if self._open is not None else []
            if self.seen and kept[0][0] != 1:
                kept.insert(0, (1, self._first))
            if self.seen and kept[-1][0] != self.seen:
                kept.append((self.seen, self._last))
            self._spots = kept
        return self._spots

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returns. It is called once per `key` and remembered, since the series never changes."""
        if key not in self._made:
            self._made[key] = make()
        return cast(T, self._made[key])

    def __len__(self) -> int:
        return len(self.spots)

    def __iter__(self) -> Iterator[Number]:
        return (value for _, value in self.spots)

    @overload
    def __getitem__(self, index: int) -> Number: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Number, ...]: ...
    def __getitem__(self, index: int | slice) -> Number | tuple[Number, ...]:
        if isinstance(index, slice):
            return tuple(value for _, value in self.spots[index])
        return self.spots[index][1]

    def __bool__(self) -> bool:
        return self.seen > 0

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Thinned):
            return (self.seen, self.width) == (other.seen, other.width) and self.spots == other.spots
        if not isinstance(other, tuple):
            return NotImplemented
        return tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.seen} values, {self.spots!r})"


def _merged(earlier: Bucket, later: Bucket) -> Bucket:
    """Two buckets merged into one. Of equal values the earlier one is kept."""
    low, high, gap = earlier
    if low is None or (later[0] is not None and later[0][1] < low[1]):  # type: ignore[operator]  # both are finite
        low = later[0]
    if high is None or (later[1] is not None and later[1][1] > high[1]):  # type: ignore[operator]
        high = later[1]
    return low, high, gap or later[2]


def _times(bucket: Bucket, factor: float) -> Bucket:
    low, high, gap = (spot if spot is None or spot[1] is None else (spot[0], spot[1] * factor) for spot in bucket)
    return low, high, gap


def _spots(bucket: Bucket) -> list[Spot]:
    """The values that a bucket keeps, in their order, each position once."""
    low, high, gap = bucket
    if gap is None and low is not None and high is not None and low[0] == high[0]:
        return [low]
    return [(position, value) for position, value in sorted({spot[0]: spot[1] for spot in bucket if spot}.items())]
