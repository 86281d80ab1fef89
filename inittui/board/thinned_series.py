"""The values of a curve, thinned for drawing: of a series of any length a bounded number of values is kept, peaks included.

`plus` returns a longer series and does not change the first one.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeVar, cast, overload

T = TypeVar("T")
Number = float | None  # None where a value was not finite
Spot = tuple[int, Number]  # a value's position, from 1, and the value
Bucket = tuple[Spot, ...]  # the lowest, the highest and the first value that is not finite, in their order

BUCKETS = 512  # at most, of a thinned series
MOST = 3 * BUCKETS + 2  # values at most that a thinned series keeps


@dataclass
class Thinned(Sequence[Number]):
    """The values of a series of any length, thinned so that peaks are kept. Do not modify it.

    Every bucket of `width` values keeps its lowest and its highest value with their positions, and the first value that is
    not finite. The first and the last value of the series are kept too. The width is 1 at first, so that nothing is left out,
    and doubles whenever there are BUCKETS full buckets. As a sequence it has the kept values, at most MOST, in their order.
    """

    seen: int = 0  # number of values so far
    width: int = 1
    _full: tuple[Bucket, ...] = ()
    _open: Bucket = ()  # the last bucket, while it is not full
    _ends: tuple[Spot, ...] = ()  # the first and the last value

    @classmethod
    def of(cls, values: Iterable[Number]) -> "Thinned":
        made = cls()
        for value in values:
            made = made.plus(value)
        return made

    def plus(self, value: Number) -> "Thinned":
        """This series with `value` appended."""
        spot = (self.seen + 1, value)
        ends = (self._ends[0] if self._ends else spot, spot)
        bucket = _kept((*self._open, spot)) if self._open else (spot,)
        if spot[0] % self.width:
            return Thinned(spot[0], self.width, self._full, bucket, ends)
        full = (*self._full, bucket)
        if len(full) < BUCKETS:
            return Thinned(spot[0], self.width, full, (), ends)
        halved = tuple(_kept(a + b) for a, b in zip(full[::2], full[1::2], strict=True))
        return Thinned(spot[0], 2 * self.width, halved, (), ends)

    def upto(self, count: int) -> "Thinned":
        """The series after its first `count` values, rounded down to whole buckets."""
        if count >= self.seen:
            return self
        full = self._full[: count // self.width]
        ends = (self._ends[0], full[-1][-1]) if full else ()
        return Thinned(len(full) * self.width, self.width, full, (), ends)

    @cached_property
    def spots(self) -> list[Spot]:
        """The kept values with their positions, from 1, in their order."""
        return list(dict(chain(self._ends[:1], *self._full, self._open, self._ends[1:])).items())

    @cached_property
    def low(self) -> Number:
        """The lowest finite value."""
        return min((value for _, value in _finite(self.spots)), default=None)

    @cached_property
    def high(self) -> Number:
        """The highest finite value."""
        return max((value for _, value in _finite(self.spots)), default=None)

    @cached_property
    def _made(self) -> dict[object, object]:
        return {}

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


def _finite(spots: Sequence[Spot]) -> list[tuple[int, float]]:
    return [(position, value) for position, value in spots if value is not None and math.isfinite(value)]


def _kept(spots: Bucket) -> Bucket:
    """What a bucket of these values keeps. Of equal values the earlier one is kept."""
    low: tuple[int, float] | None = None
    high: tuple[int, float] | None = None
    gap: Spot | None = None
    for position, value in spots:
        if value is None or not math.isfinite(value):
            gap = gap or (position, value)
            continue
        if low is None or value < low[1]:
            low = (position, value)
        if high is None or value > high[1]:
            high = (position, value)
    return tuple(sorted({spot for spot in (low, high, gap) if spot}))
