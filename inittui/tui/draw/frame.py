"""Rows in a frame with a title, and the Rich style of a style key."""

from collections.abc import Callable, Mapping

from rich.style import Style

from inittui.tui.draw.glyphs import COLOURS, Glyphs
from inittui.tui.draw.rows import Row, pad, width_of

Paint = Callable[[int, int], list[Row]]  # rows for a width and a height
Title = Callable[[int], Row]  # a row of at most this width
FRAME = "track"  # the style of a frame by default
ACROSS, DOWN = 4, 2  # cells of the width and the height that a frame takes


def filled(paint: Paint, width: int, height: int) -> list[Row]:
    """The painted rows, cut and padded to exactly `height` rows of exactly `width` cells."""
    if width <= 0 or height <= 0:
        return []
    rows = [pad(row, width) for row in paint(width, height)[:height]]
    return [*rows, *(pad([], width) for _ in range(height - len(rows)))]


def framed(title: Title, paint: Paint, width: int, height: int, glyphs: Glyphs, frame: str = FRAME) -> list[Row]:
    """Exactly `height` rows of exactly `width` cells: a frame of the style `frame` with a title, and the rows inside."""
    if width <= ACROSS or height < DOWN:
        return filled(lambda _width, _height: [], width, height)
    inner, lines = width - ACROSS, height - DOWN
    rows = filled(paint, inner, lines)
    corners, line, side = ("++++", "-", "|") if glyphs.ascii else ("╭╮╰╯", "─", "│")
    heading = title(width - 6)
    heading = pad(heading, min(width_of(heading), width - 6)) if heading else []
    top: Row = [(corners[0] + line, frame), *([(" ", ""), *heading, (" ", "")] if heading else [])]
    top.append((line * (width - 1 - width_of(top)) + corners[1], frame))
    body: list[Row] = [[(f"{side} ", frame), *row, (f" {side}", frame)] for row in rows]
    return [top, *body, [(corners[2] + line * (width - 2) + corners[3], frame)]]


def style_of(key: str, variables: Mapping[str, str]) -> Style:
    """The Rich style for a span's style key; the keys are listed in `rows`. `variables` are the theme's, with those of
    `palette.variables`."""
    styles = {
        "bold": Style(bold=True),
        "soft": Style(dim=True),
        "reverse": Style(reverse=True),
        "brand": Style(color=variables["inittui-accent"], bold=True, reverse=True),
        **{name: Style(color=variables[f"inittui-{name}"]) for name in ("dim", "good", "warn", "accent", "track")},
        "bad": Style(color=variables["inittui-bad"], bold=True),
        "cursor": Style(bgcolor=variables["inittui-track"]),
        **{f"arm{place}": Style(color=variables[f"inittui-arm{place}"]) for place in range(COLOURS)},
    }
    names = key.split()
    if not names:
        return Style()
    if all(name in styles for name in names):
        return Style.combine(styles[name] for name in names)
    return Style.parse(key)
