"""Line charts, sparklines and bars in character cells, as pure functions of numbers and a size.

A number may be None, which means not finite, and may be as large as a float.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from inittui.board.thinned_series import Number, Spot, Thinned
from inittui.common.formatting import short_number
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, Span, fit
from inittui.tui.draw.scale import Scale, extremes, finite, ticks

# The bits of a Braille character's dots, top row first; U+2800 has none of them.
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def _spots(values: Sequence[Number]) -> Sequence[Spot]:
    """The values with their x, counted from 1: the kept ones of a thinned series."""
    return values.spots if isinstance(values, Thinned) else list(enumerate(values, 1))


def buckets(values: Sequence[Number], width: int, filled: int | None = None) -> list[Number]:
    """`values` as `filled` columns (`width` by default). Each is the maximum of its bucket, so that peaks stay visible.

    A bucket that holds a value that is not finite is None. If there are fewer values than columns, they are repeated.
    """
    columns = width if filled is None else min(filled, width)
    if not values or columns < 1:
        return []
    if isinstance(values, Thinned):
        return values.once(("buckets", columns), lambda: _buckets(values.spots, columns))
    return _buckets(_spots(values), columns)


def _buckets(spots: Sequence[Spot], columns: int) -> list[Number]:
    xs = [x for x, _ in spots]
    count = xs[-1]
    out: list[Number] = []
    for column in range(columns):
        first = column * count // columns
        last = max(first + 1, (column + 1) * count // columns)
        part = [value for _, value in spots[bisect_left(xs, first + 1) : bisect_left(xs, last + 1)]]
        if not part:  # thinning has removed the values of this bucket: none of them was a peak
            out.append(out[-1])
            continue
        numbers = finite(part)
        out.append(max(numbers) if len(numbers) == len(part) else None)
    return out


def sparkline(columns: Sequence[Number], width: int, rows: int, glyphs: Glyphs, scale: Scale) -> list[str]:
    """One bar per column, as `rows` lines of `width` cells, the top line first. A value that is not finite is a cross."""
    levels, most = " " + glyphs.levels, len(glyphs.levels)
    bars: list[str] = []  # each from the bottom to the top
    for value in columns[:width]:
        if value is None or not math.isfinite(value):
            bars.append(glyphs.cross.ljust(rows))
            continue
        height = max(1, round(scale.share(value) * rows * most))
        bars.append("".join(levels[min(most, max(0, height - y * most))] for y in range(rows)))
    return ["".join(bar[y] for bar in bars).ljust(width) for y in reversed(range(rows))]


def bar(share: float, width: int, glyphs: Glyphs, style: str) -> Row:
    """A horizontal bar of `width` cells, of which `share` (0 to 1) is full."""
    full, half, empty = glyphs.bar
    share = min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0
    halves = round(share * width * 2)
    filled = full * (halves // 2) + (half if halves % 2 else "")
    return [(filled, style), (empty * (width - len(filled)), "track")]


@dataclass(frozen=True)
class Series:
    """One value for each x = 1, 2, …, drawn as `kind` says.

    line: a line with its marker at the newest value; bare: a line without marker; points: a marker at each value;
    some: a marker at each value that is not None. In the other kinds None is a value that is not finite.
    """

    values: Sequence[Number]
    marker: str
    style: str
    kind: Literal["line", "bare", "points", "some"] = "line"


def line_chart(
    series: Sequence[Series],
    width: int,
    height: int,
    glyphs: Glyphs,
    *,
    last_x: int,
    log: bool,
    empty: str = "",
    names: Sequence[str] = (),
) -> list[Row]:
    """A chart of `height` rows and `width` cells: lines in Braille over each other, with axes.

    x runs from 1 to `last_x`, however many values there are, and is labelled with `names`, one per x, if they are given.
    Each line ends in its marker, so that colour is not needed to distinguish lines. A value that is not finite breaks its
    line and shows a cross. In ASCII each value is its series' marker. `empty` is shown if no value is finite.
    """
    values = [value for line in series for value in extremes(line.values)]
    scale = Scale.of(values, log=log)
    plot_height = max(1, height - 2)
    marks = ticks(scale, max(1, plot_height // 2)) if finite(values) else []
    texts = [short_number(mark) for mark in marks]
    for digits in range(4, 7):  # on a short scale three digits do not distinguish the marks
        if len(set(texts)) < len(texts):
            texts = [short_number(mark, digits) for mark in marks]
    rows_of = [round((1 - scale.share(mark)) * (plot_height * 4 - 1)) // 4 for mark in marks]
    labels = dict(zip(rows_of, texts, strict=True))
    gutter = max([len(label) for label in labels.values()] + [4]) + 1
    plot_width = width - gutter - 1
    if plot_width < 4 or height < 3:
        message = "too small" if finite(values) or not empty else empty
        return [[(fit(message, width), "dim")] for _ in range(height)]
    canvas = _Canvas(plot_width, plot_height, glyphs)
    for line in series:
        canvas.draw(line, scale, last_x)
    for line in series:
        if line.kind == "line":
            canvas.mark_newest(line, scale, last_x)
    rows: list[Row] = []
    axis, tick, corner, base = ("|", "+", "+", "-") if glyphs.ascii else ("│", "┤", "└", "─")
    for y, cells in enumerate(canvas.rows()):
        label = labels.get(y, "")
        rows.append([(label.rjust(gutter), "dim"), (tick if label else axis, "track"), *cells])
    if not finite(values) and empty:
        middle = plot_height // 2
        rows[middle] = [(" " * gutter, ""), (axis, "track"), (empty[:plot_width].center(plot_width), "dim")]
    rows.append([(" " * gutter, ""), (corner + base * plot_width, "track")])
    rows.append([(" " * (gutter + 1), ""), (_x_labels(last_x, plot_width, names), "dim")])
    return rows[:height]


def _column(x: int, last_x: int, dots: int) -> int:
    """The column of `x` among `dots` columns; x is counted from 1."""
    return round((x - 1) * (dots - 1) / (last_x - 1)) if last_x > 1 else dots // 2


def _x_labels(last_x: int, width: int, names: Sequence[str] = ()) -> str:
    line = [" "] * width
    step = next(s for k in range(9) for s in (10**k, 2 * 10**k, 5 * 10**k) if last_x / s * 6 <= width or s >= last_x)
    # Multiples of the step, except those too close to the ends; the ends are always labelled.
    between = [x for x in range(step, last_x, step) if min(x - 1, last_x - x) >= 0.75 * step]
    for x in [1, last_x, *between]:  # the ends first, so that other labels do not displace them
        text = (names[x - 1] if names else str(x))[:width]
        start = min(max(0, _column(x, last_x, width) - (len(text) - 1) // 2), width - len(text))
        around = line[max(0, start - 1) : start + len(text) + 1]
        if all(cell == " " for cell in around):
            line[start : start + len(text)] = text
    return "".join(line)


class _Canvas:
    """A grid of cells with Braille dots and markers. A cell has the style of the series that was drawn last."""

    def __init__(self, width: int, height: int, glyphs: Glyphs) -> None:
        self.width, self.height, self.glyphs = width, height, glyphs
        self._dots: dict[tuple[int, int], tuple[int, str]] = {}  # the bits and the style, by row and column
        self._markers: dict[tuple[int, int], Span] = {}  # by row and column; they hide the dots of their cell

    def _dot_row(self, value: float, scale: Scale) -> int:
        return round((1 - scale.share(value)) * (self.height * 4 - 1))

    def _dot(self, x: int, y: int, style: str) -> None:
        cell = y // 4, x // 2
        bits, _ = self._dots.get(cell, (0, ""))
        self._dots[cell] = (bits | _BRAILLE[y % 4][x % 2], style)

    def draw(self, series: Series, scale: Scale, last_x: int) -> None:
        """The values up to `last_x`: dots and the segments between them, or markers."""
        before: tuple[int, int] | None = None
        for x, value in _spots(series.values):
            if x > max(last_x, 1):
                break
            column = _column(x, last_x, self.width * 2)
            if value is None and series.kind == "some":
                continue
            if value is None or not math.isfinite(value):
                self._markers[self.height - 1, column // 2] = (self.glyphs.cross, "bad")
                before = None
                continue
            here = (column, self._dot_row(value, scale))
            if self.glyphs.ascii or series.kind in ("points", "some"):
                self._markers[here[1] // 4, column // 2] = (series.marker, series.style)
            elif before is None:
                self._dot(*here, series.style)
            else:
                self._segment(before, here, series.style)
            before = here

    def _segment(self, start: tuple[int, int], end: tuple[int, int], style: str) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = start[0] + round((end[0] - start[0]) * step / steps)
            y = start[1] + round((end[1] - start[1]) * step / steps)
            self._dot(x, y, style)

    def mark_newest(self, series: Series, scale: Scale, last_x: int) -> None:
        """The marker at the newest finite value; in the nearest free cell if another marker is there."""
        marker = (series.marker, series.style)
        for x, value in reversed(_spots(series.values)):
            if x <= last_x and value is not None and math.isfinite(value):
                column, row = _column(x, last_x, self.width * 2) // 2, self._dot_row(value, scale) // 4
                nearest = (*range(column, -1, -1), *range(column + 1, self.width))
                free = (c for c in nearest if self._markers.get((row, c), marker) == marker)
                self._markers[row, next(free, column)] = marker
                return

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for y in range(self.height):
            cells = [self._markers.get((y, x)) or self._dots_at(y, x) for x in range(self.width)]
            rows.append([("".join(char for char, _ in run), style) for style, run in groupby(cells, key=itemgetter(1))])
        return rows

    def _dots_at(self, row: int, column: int) -> Span:
        bits, style = self._dots.get((row, column), (0, ""))
        return (chr(0x2800 + bits) if bits else " ", style)
