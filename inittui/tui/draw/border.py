"""Draws rows in a border with a title."""

from collections.abc import Callable

from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, pad, width_of

Paint = Callable[[int, int], list[Row]]  # rows for a width and a height
Title = Callable[[int], Row]  # a row of at most this width
BORDER = "track"  # the style of a border by default
ACROSS, DOWN = 4, 2  # cells of the width and the height that a border takes


def filled(paint: Paint, width: int, height: int) -> list[Row]:
    """The painted rows, cut and padded to exactly `height` rows of exactly `width` cells."""
    if width <= 0 or height <= 0:
        return []
    rows = [pad(row, width) for row in paint(width, height)[:height]]
    return [*rows, *(pad([], width) for _ in range(height - len(rows)))]


def bordered(title: Title, paint: Paint, width: int, height: int, glyphs: Glyphs, border: str = BORDER) -> list[Row]:
    """Exactly `height` rows of exactly `width` cells: a border of the style `border` with a title, and the rows inside."""
    if width <= ACROSS or height < DOWN:
        return filled(lambda _width, _height: [], width, height)
    inner, lines = width - ACROSS, height - DOWN
    rows = filled(paint, inner, lines)
    corners, line, side = ("++++", "-", "|") if glyphs.ascii else ("╭╮╰╯", "─", "│")
    heading = title(width - 6)
    heading = pad(heading, min(width_of(heading), width - 6)) if heading else []
    top: Row = [(corners[0] + line, border), *([(" ", ""), *heading, (" ", "")] if heading else [])]
    top.append((line * (width - 1 - width_of(top)) + corners[1], border))
    body: list[Row] = [[(f"{side} ", border), *row, (f" {side}", border)] for row in rows]
    return [top, *body, [(corners[2] + line * (width - 2) + corners[3], border)]]
