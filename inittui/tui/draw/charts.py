"""Pictures as pure functions of numbers and a size. Any number may be None (not finite); none is trusted to be small."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inittui.board.series import Number, Spot, Thinned
from inittui.common.formatting import short_number
from inittui.tui.draw.glyphs import Look, Row, fit

HUGE = 1e307  # beyond that a tenth more may overflow
LOWEST_LOG = 1e-12  # a cost of zero has no logarithm: it is drawn here

_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def finite(values: Sequence[Number]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def extremes(values: Sequence[Number]) -> Sequence[Number]:
    """Values of which a scale comes out as of all of them."""
    return (values.low, values.high) if isinstance(values, Thinned) else values


def _spots(values: Sequence[Number]) -> Sequence[Spot]:
    """The values with their places, from 1: of a thinned history those that are left."""
    return values.spots if isinstance(values, Thinned) else list(enumerate(values, 1))


@dataclass(frozen=True)
class Scale:
    """Maps values to 0..1, linearly or by their logarithm. Holds for ranges that overflow a float."""

    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, values: Sequence[Number], *, log: bool) -> "Scale":
        """The scale that holds every finite value; a flat series gets a range around it."""
        numbers = [max(value, LOWEST_LOG) for value in finite(values)] if log else finite(values)
        if not numbers:
            return cls(0.1, 1.0, log)
        low, high = min(numbers), max(numbers)
        if log and high / 1.02 < low:
            low, high = low / 1.1, high * 1.1 if high < HUGE else high
        elif low == high:
            room = abs(low) * 0.1 or 1.0
            low, high = (low - room if low > -HUGE else low), (high + room if high < HUGE else high)
        return cls(low, high, log)

    def share(self, value: float) -> float:
        """Where `value` lies between low (0) and high (1); clipped."""
        if self.log:
            low, high, value = math.log(self.low), math.log(self.high), math.log(max(value, LOWEST_LOG))
        else:
            # Halved first: the difference of two floats may overflow, that of their halves can't.
            low, high, value = self.low / 2, self.high / 2, value / 2
        span = high - low
        return min(1.0, max(0.0, (value - low) / span)) if span > 0 else 0.5


def buckets(values: Sequence[Number], width: int, filled: int | None = None) -> list[Number]:
    """`values` as `filled` columns (all of `width` by default): the largest of each bucket, so that peaks survive.

    A bucket that holds a value that is not finite is None. Fewer values than columns are repeated.
    """
    columns = width if filled is None else min(filled, width)
    if not values or columns < 1:
        return []
    if isinstance(values, Thinned):
        return values.once(("buckets", columns), lambda: _buckets(values.spots, columns))
    return _buckets(_spots(values), columns)


def _buckets(spots: Sequence[Spot], columns: int) -> list[Number]:
    places = [place for place, _ in spots]
    count = places[-1]
    out: list[Number] = []
    for column in range(columns):
        first = column * count // columns
        last = max(first + 1, (column + 1) * count // columns)
        part = [value for _, value in spots[bisect_left(places, first + 1) : bisect_left(places, last + 1)]]
        if not part:  # all that fell here has been thinned out: it was no peak
            out.append(out[-1])
            continue
        numbers = finite(part)
        out.append(max(numbers) if len(numbers) == len(part) else None)
    return out


def sparkline(columns: Sequence[Number], width: int, rows: int, look: Look, scale: Scale) -> list[str]:
    """Bars from the bottom, one a column, `rows` lines high, top line first. Not finite: a cross at the bottom."""
    if rows < 1 or width < 1:
        return [""] * max(0, rows)
    levels = look.levels
    grid = [[" "] * width for _ in range(rows)]
    for x, value in enumerate(columns[:width]):
        if value is None or not math.isfinite(value):
            grid[rows - 1][x] = look.cross
            continue
        height = max(1, round(scale.share(value) * rows * len(levels)))
        for y in range(rows):
            part = min(len(levels), height - y * len(levels))
            if part > 0:
                grid[rows - 1 - y][x] = levels[part - 1]
    return ["".join(line) for line in grid]


def bar(share: float, width: int, look: Look, style: str) -> Row:
    """A bar of `width` cells, `share` (0 to 1) of it full."""
    full, half, empty = look.bar
    share = min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0
    halves = round(share * width * 2)
    filled = full * (halves // 2) + (half if halves % 2 else "")
    return [(filled, style), (empty * (width - len(filled)), "track")]


@dataclass(frozen=True)
class Series:
    """A value per x (1, 2, …): a line that ends in its marker, a line alone, or a marker on each point; on some, where None
    is no fault."""

    values: Sequence[Number]
    marker: str
    style: str
    kind: Literal["line", "bare", "points", "some"] = "line"


def ticks(scale: Scale, most: int) -> list[float]:
    """Round values within the scale, at most `most`, the largest first."""
    if most < 1:
        return []
    if scale.log:
        return _log_ticks(scale, most)
    span = scale.high / 2 - scale.low / 2
    if not math.isfinite(span) or span <= 0:
        return []
    step = 10.0 ** math.floor(math.log10(span))
    for factor in (0.2, 0.4, 1, 2, 4, 10, 20, 40):
        size = step * factor
        if math.isfinite(size) and size > 0 and span / size * 2 < most:
            first = math.ceil(scale.low / size)
            found = [k * size for k in range(first, first + most + 1) if scale.low <= k * size <= scale.high]
            return found[::-1][:most]
    return [scale.high]


def _log_ticks(scale: Scale, most: int) -> list[float]:
    low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for digits in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [
            digit * 10.0**power
            for power in range(low, min(high, 308) + 1)
            for digit in digits
            if scale.low <= digit * 10.0**power <= scale.high
        ]
        if len(found) <= most:
            break
    else:
        found = found[:: -(-len(found) // most)]
    # Less than a step of digits from end to end: round values, evenly apart, are round enough.
    return found[::-1] if len(found) > 1 else ticks(Scale(scale.low, scale.high, False), most)


def line_chart(
    series: Sequence[Series],
    width: int,
    height: int,
    look: Look,
    *,
    last_x: int,
    log: bool,
    empty: str = "",
    names: Sequence[str] = (),
) -> list[Row]:
    """Lines over each other in Braille, with axes; x runs from 1 to `last_x` whatever has arrived, and is labelled with
    `names`, one a place, where they are given.

    Every line ends in its marker, so that lines are told apart without colour. A value that is not finite breaks its
    line and leaves a cross. In the ASCII look each point is its series' marker.
    """
    every = [value for one in series for value in extremes(one.values)]
    scale = Scale.of(every, log=log)
    plot_height = max(1, height - 2)
    marks = ticks(scale, max(1, plot_height // 2)) if finite(every) else []
    labels = {round((1 - scale.share(mark)) * (plot_height * 4 - 1)) // 4: short_number(mark) for mark in marks}
    gutter = max([len(label) for label in labels.values()] + [4]) + 1
    plot_width = width - gutter - 1
    if plot_width < 4 or height < 3:
        words = "too small" if finite(every) or not empty else empty
        return [[(fit(words, width), "dim")] for _ in range(height)]
    canvas = _Canvas(plot_width, plot_height, look)
    for one in series:
        canvas.line(one, scale, last_x)
    for one in series:
        if one.kind == "line":
            canvas.end(one, scale, last_x)
    rows: list[Row] = []
    wall, tee, corner, floor = ("|", "+", "+", "-") if look.ascii else ("│", "┤", "└", "─")
    for y, cells in enumerate(canvas.rows()):
        label = labels.get(y, "")
        rows.append([(label.rjust(gutter), "dim"), (tee if label else wall, "track"), *cells])
    if not finite(every) and empty:
        middle = plot_height // 2
        rows[middle] = [(" " * gutter, ""), (wall, "track"), (empty[:plot_width].center(plot_width), "dim")]
    rows.append([(" " * gutter, ""), (corner + floor * plot_width, "track")])
    rows.append([(" " * (gutter + 1), ""), (_x_labels(last_x, plot_width, names), "dim")])
    return rows[:height]


def _column(x: int, last_x: int, dots: int) -> int:
    """The dot column of point `x` (1 is the first)."""
    return round((x - 1) * (dots - 1) / (last_x - 1)) if last_x > 1 else dots // 2


def _x_labels(last_x: int, width: int, names: Sequence[str] = ()) -> str:
    line = [" "] * width
    step = next(s for k in range(9) for s in (10**k, 2 * 10**k, 5 * 10**k) if last_x / s * 6 <= width or s >= last_x)
    # Multiples of the step, but for those too near the ends, which are always named.
    between = [x for x in range(step, last_x, step) if min(x - 1, last_x - x) >= 0.75 * step]
    wanted = [1, *between, last_x]
    free = 0
    for x in [wanted[0], wanted[-1], *wanted[1:-1]]:  # the ends first: they are never crowded out
        text = (names[x - 1] if names else str(x))[:width]
        place = min(max(0, _column(x, last_x, width) - (len(text) - 1) // 2), width - len(text))
        around = line[max(0, place - 1) : place + len(text) + 1]
        if place >= free and all(cell == " " for cell in around):
            line[place : place + len(text)] = text
    return "".join(line)


class _Canvas:
    """Cells of Braille dots, each with the style of whoever drew into it last."""

    def __init__(self, width: int, height: int, look: Look) -> None:
        self.width, self.height, self.look = width, height, look
        self._dots = [[0] * width for _ in range(height)]
        self._signs: dict[tuple[int, int], tuple[str, str]] = {}
        self._styles = [[""] * width for _ in range(height)]

    def _place(self, value: float, scale: Scale) -> int:
        return round((1 - scale.share(value)) * (self.height * 4 - 1))

    def _dot(self, x: int, y: int, style: str) -> None:
        row, column = y // 4, x // 2
        self._dots[row][column] |= _BRAILLE[y % 4][x % 2]
        self._styles[row][column] = style

    def line(self, one: Series, scale: Scale, last_x: int) -> None:
        before: tuple[int, int] | None = None
        for place, value in _spots(one.values):
            if place > max(last_x, 1):
                break
            x = _column(place, last_x, self.width * 2)
            if value is None and one.kind == "some":
                continue
            if value is None or not math.isfinite(value):
                self._signs[self.height - 1, x // 2] = (self.look.cross, "bad")
                before = None
                continue
            here = (x, self._place(value, scale))
            if self.look.ascii or one.kind in ("points", "some"):
                self._signs[here[1] // 4, x // 2] = (one.marker, one.style)
            elif before is None:
                self._dot(*here, one.style)
            else:
                self._segment(before, here, one.style)
            before = here

    def _segment(self, start: tuple[int, int], end: tuple[int, int], style: str) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = start[0] + round((end[0] - start[0]) * step / steps)
            y = start[1] + round((end[1] - start[1]) * step / steps)
            self._dot(x, y, style)

    def end(self, one: Series, scale: Scale, last_x: int) -> None:
        """The marker on the newest point; beside another's where both would fall into one cell."""
        for place, value in reversed(_spots(one.values)):
            if place <= last_x and value is not None and math.isfinite(value):
                x, y = _column(place, last_x, self.width * 2) // 2, self._place(value, scale) // 4
                if self._signs.get((y, x)) == (one.marker, one.style):
                    return
                x = next((c for c in (*range(x, -1, -1), *range(x + 1, self.width)) if (y, c) not in self._signs), x)
                self._signs[y, x] = (one.marker, one.style)
                return

    def rows(self) -> list[Row]:
        out: list[Row] = []
        for y in range(self.height):
            row: Row = []
            for x in range(self.width):
                sign, style = self._signs.get((y, x)) or (chr(0x2800 + self._dots[y][x]), self._styles[y][x])
                sign = " " if sign == "\u2800" else sign
                if row and row[-1][1] == style:
                    row[-1] = (row[-1][0] + sign, style)
                else:
                    row.append((sign, style))
            out.append(row)
        return out
