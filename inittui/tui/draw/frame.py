"""Rows in a frame, and what the keys of their styles stand for."""

from collections.abc import Callable, Mapping

from rich.style import Style

from inittui.tui.draw.glyphs import COLOURS, Look, Row, pad, width_of

Paint = Callable[[int, int], list[Row]]  # rows for a width and height
Title = Callable[[int], Row]  # at most so wide
FRAME = "track"  # the style of a frame that is nothing special
ACROSS, DOWN = 4, 2  # cells that a frame takes of a width and a height


def filled(paint: Paint, width: int, height: int) -> list[Row]:
    """Exactly `height` rows of exactly `width` cells."""
    if width <= 0 or height <= 0:
        return []
    rows = [pad(row, width) for row in paint(width, height)[:height]]
    return [*rows, *(pad([], width) for _ in range(height - len(rows)))]


def framed(title: Title, paint: Paint, width: int, height: int, look: Look, frame: str = FRAME) -> list[Row]:
    """As many, with a frame of the style `frame` and a title around what is painted."""
    if width <= ACROSS or height < DOWN:
        return filled(lambda _width, _height: [], width, height)
    inner, lines = width - ACROSS, height - DOWN
    rows = filled(paint, inner, lines)
    corners, across, side = ("++++", "-", "|") if look.ascii else ("╭╮╰╯", "─", "│")
    named = title(width - 6)
    named = pad(named, min(width_of(named), width - 6)) if named else []
    head: Row = [(corners[0] + across, frame), *([(" ", ""), *named, (" ", "")] if named else [])]
    head.append((across * (width - 1 - width_of(head)) + corners[1], frame))
    body: list[Row] = [[(f"{side} ", frame), *row, (f" {side}", frame)] for row in rows]
    return [head, *body, [(corners[2] + across * (width - 2) + corners[3], frame)]]


def style_of(key: str, variables: Mapping[str, str]) -> Style:
    """The style of a span: see `look`. `variables` are a theme's, those of `palette` among them."""
    named = {
        "bold": Style(bold=True),
        "soft": Style(dim=True),
        "reverse": Style(reverse=True),
        "brand": Style(color=variables["inittui-accent"], bold=True, reverse=True),
        **{name: Style(color=variables[f"inittui-{name}"]) for name in ("dim", "good", "warn", "accent", "track")},
        "bad": Style(color=variables["inittui-bad"], bold=True),
        "cursor": Style(bgcolor=variables["inittui-track"]),
        **{f"arm{place}": Style(color=variables[f"inittui-arm{place}"]) for place in range(COLOURS)},
    }
    words = key.split()
    if not words:
        return Style()
    if all(word in named for word in words):
        return Style.combine(named[word] for word in words)
    return Style.parse(key)
