"""Draws a grey image in character cells."""

import math

from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, Span

_RAMP = " .:-=+*#%@"


def image(pixels: bytes, rows: int, columns: int, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """A grey image in at most `width` x `height` cells, two pixels per cell, without its empty margin and not padded.

    `pixels` are `rows` x `columns` bytes, row by row.
    """
    if min(rows, columns, width, height) < 1:
        return []
    grid = [list(pixels[y * columns : (y + 1) * columns]) for y in range(rows)]
    grid = _resized(_cropped(grid), width, height * 2)
    if len(grid) % 2:
        grid.append([0] * len(grid[0]))
    return [
        [_cell(upper, lower, glyphs) for upper, lower in zip(top, bottom, strict=True)]
        for top, bottom in zip(grid[::2], grid[1::2], strict=True)
    ]


def _cell(upper: int, lower: int, glyphs: Glyphs) -> Span:
    if glyphs.ascii:
        return (_RAMP[(upper + lower) * len(_RAMP) // 512], "")
    return ("▀", f"#{upper:02x}{upper:02x}{upper:02x} on #{lower:02x}{lower:02x}{lower:02x}")


def _cropped(grid: list[list[int]]) -> list[list[int]]:
    """The image without its empty margin except one pixel, square if the image is."""
    filled = [(y, x) for y, line in enumerate(grid) for x, value in enumerate(line) if value > 16]
    if not filled:
        return grid
    ys, xs = [y for y, _ in filled], [x for _, x in filled]
    size = max(max(ys) - min(ys), max(xs) - min(xs)) + 3
    top = min(max(0, (min(ys) + max(ys) + 1) // 2 - size // 2), max(0, len(grid) - size))
    left = min(max(0, (min(xs) + max(xs) + 1) // 2 - size // 2), max(0, len(grid[0]) - size))
    return [line[left : left + size] for line in grid[top : top + size]]


def _resized(grid: list[list[int]], width: int, height: int) -> list[list[int]]:
    """The image enlarged by a whole factor, or reduced to area means: both keep edges in their places."""
    rows, columns = len(grid), len(grid[0])
    factor = min(width / columns, height / rows)
    if factor >= 1:
        times = int(factor)
        return [[value for value in line for _ in range(times)] for line in grid for _ in range(times)]
    ys, xs = range(max(1, int(rows * factor))), range(max(1, int(columns * factor)))
    return [[_area(grid, y / factor, x / factor, 1 / factor) for x in xs] for y in ys]


def _area(grid: list[list[int]], top: float, left: float, size: float) -> int:
    """The mean over a square of `size` x `size` pixels, each weighted by the part of it inside the square."""
    total = weight = 0.0
    for y in range(int(top), min(len(grid), math.ceil(top + size))):
        part_y = min(y + 1, top + size) - max(y, top)
        for x in range(int(left), min(len(grid[0]), math.ceil(left + size))):
            part = part_y * (min(x + 1, left + size) - max(x, left))
            total += part * grid[y][x]
            weight += part
    return min(255, round(total / weight)) if weight else 0
