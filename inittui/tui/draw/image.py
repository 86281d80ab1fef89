"""A grey image in a terminal's cells."""

import math

from inittui.tui.draw.glyphs import Look, Row


def image(pixels: bytes, rows: int, columns: int, width: int, height: int, look: Look) -> list[Row]:
    """A grey image in at most `width` x `height` cells, two pixels a cell; the empty margin is cropped.

    `pixels` are 0..255, row by row. The picture is not padded: it takes what it needs.
    """
    if min(rows, columns, width, height) < 1:
        return []
    grid = [list(pixels[y * columns : (y + 1) * columns]) for y in range(rows)]
    grid = _resized(_cropped(grid), width, height * 2)
    if len(grid) % 2:
        grid.append([0] * len(grid[0]))
    out: list[Row] = []
    for top, bottom in zip(grid[::2], grid[1::2], strict=True):
        row: Row = []
        for upper, lower in zip(top, bottom, strict=True):
            if look.ascii:
                ramp = " .:-=+*#%@"
                row.append((ramp[(upper + lower) * len(ramp) // 512], ""))
            else:
                row.append(("▀", f"#{upper:02x}{upper:02x}{upper:02x} on #{lower:02x}{lower:02x}{lower:02x}"))
        out.append(row)
    return out


def _cropped(grid: list[list[int]]) -> list[list[int]]:
    """Without the empty margin, but for one pixel of it, and square where the image was."""
    filled = [(y, x) for y, line in enumerate(grid) for x, value in enumerate(line) if value > 16]
    if not filled:
        return grid
    ys, xs = [y for y, _ in filled], [x for _, x in filled]
    size = max(max(ys) - min(ys), max(xs) - min(xs)) + 3
    top = min(max(0, (min(ys) + max(ys) + 1) // 2 - size // 2), max(0, len(grid) - size))
    left = min(max(0, (min(xs) + max(xs) + 1) // 2 - size // 2), max(0, len(grid[0]) - size))
    return [line[left : left + size] for line in grid[top : top + size]]


def _resized(grid: list[list[int]], width: int, height: int) -> list[list[int]]:
    """Whole multiples when it grows, area means when it shrinks: both leave edges where they are."""
    tall, wide = len(grid), len(grid[0])
    factor = min(width / wide, height / tall)
    if factor >= 1:
        times = int(factor)
        return [[value for value in line for _ in range(times)] for line in grid for _ in range(times)]
    new_tall, new_wide = max(1, int(tall * factor)), max(1, int(wide * factor))
    return [
        [_area(grid, y / factor, x / factor, 1 / factor) for x in range(new_wide)]
        for y in range(new_tall)
    ]  # fmt: skip


def _area(grid: list[list[int]], top: float, left: float, size: float) -> int:
    """The mean over a square of `size` source pixels, parts of pixels by their share."""
    total = weight = 0.0
    for y in range(int(top), min(len(grid), math.ceil(top + size))):
        part_y = min(y + 1, top + size) - max(y, top)
        for x in range(int(left), min(len(grid[0]), math.ceil(left + size))):
            part = part_y * (min(x + 1, left + size) - max(x, left))
            total += part * grid[y][x]
            weight += part
    return min(255, round(total / weight)) if weight else 0
