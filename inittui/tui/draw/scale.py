"""Linear and logarithmic scales, and the round values that an axis marks. A value that is not finite may be None."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inittui.board.thinned_series import Number, Thinned

HUGE = 1e307  # 10 % more than a larger value may overflow
LOWEST_LOG = 1e-12  # a logarithmic scale draws smaller values, such as a cost of zero, here


def finite(values: Sequence[Number]) -> list[float]:
    """The values that are finite, in their order."""
    return [value for value in values if value is not None and math.isfinite(value)]


def extremes(values: Sequence[Number]) -> Sequence[Number]:
    """Values with the same finite minimum and maximum as `values`: fewer, if the series is thinned."""
    return (values.low, values.high) if isinstance(values, Thinned) else values


@dataclass(frozen=True)
class Scale:
    """Maps values to 0..1, linearly or by their logarithm. The range may be wider than the largest float."""

    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, values: Sequence[Number], *, log: bool) -> "Scale":
        """The scale from the smallest to the largest finite value; equal values get a range around them."""
        numbers = finite(values) or [0.1, 1.0]
        low, high = min(numbers), max(numbers)
        if log:
            low, high = max(low, LOWEST_LOG), max(high, LOWEST_LOG)
        if log and high / 1.02 < low:
            low, high = low / 1.1, high * 1.1 if high < HUGE else high
        elif low == high:
            margin = abs(low) * 0.1 or 1.0
            low, high = (low - margin if low > -HUGE else low), (high + margin if high < HUGE else high)
        return cls(low, high, log)

    def share(self, value: float) -> float:
        """The position of `value` between low (0) and high (1), clipped to that range."""
        if self.log:
            low, high, value = math.log(self.low), math.log(self.high), math.log(max(value, LOWEST_LOG))
        else:
            # The difference of two floats may overflow, the difference of their halves can't.
            low, high, value = self.low / 2, self.high / 2, value / 2
        span = high - low
        return min(1.0, max(0.0, (value - low) / span)) if span > 0 else 0.5


def ticks(scale: Scale, most: int) -> list[float]:
    """At most `most` round values within the scale, the largest first."""
    if most < 1:
        return []
    if scale.log:
        return _log_ticks(scale, most)
    span = scale.high / 2 - scale.low / 2
    if not math.isfinite(span) or span <= 0:
        return []
    power = 10.0 ** math.floor(math.log10(span))
    for factor in (0.2, 0.4, 1, 2, 4, 10, 20, 40):
        step = power * factor
        if math.isfinite(step) and step > 0 and span / step * 2 < most:
            first = math.ceil(scale.low / step)
            marks = [k * step for k in range(first, first + most + 1) if scale.low <= k * step <= scale.high]
            return marks[::-1][:most]
    return [scale.high]


def _log_ticks(scale: Scale, most: int) -> list[float]:
    low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for digits in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        marks = [
            digit * 10.0**power
            for power in range(low, min(high, 308) + 1)
            for digit in digits
            if scale.low <= digit * 10.0**power <= scale.high
        ]
        if len(marks) <= most:
            break
    else:
        marks = marks[:: -(-len(marks) // most)]
    # A scale that is shorter than the step from 1 to 2 gets the marks of a linear scale.
    return marks[::-1] if len(marks) > 1 else ticks(Scale(scale.low, scale.high, False), most)
