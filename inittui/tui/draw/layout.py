"""The place of each panel, as a pure function of the terminal's size and of what there is to show."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from textual.geometry import Region

from inittui.tui.draw.border import ACROSS, DOWN
from inittui.tui.draw.rows import SMALLEST

Lines = Callable[[int], int]  # lines for a width


@dataclass(frozen=True)
class Plan:
    """The regions of the panels that are shown, by panel. `columns` and `panel_height` are of the arms' panels."""

    regions: dict[str, Region] = field(default_factory=dict)
    arms_as: Literal["panels", "lines"] = "panels"
    columns: int = 1
    panel_height: int = 8


def plan(
    width: int, height: int, arms: int, *, table: Lines, ended: bool, zoom: str, note: bool, whole: bool = False
) -> Plan | None:
    """The plan for a terminal of `width` x `height` cells; None if it is smaller than SMALLEST.

    `table(width)` is the number of lines that the result wants, both without its border. `zoom` names the panel that is shown
    alone; with `whole` it takes the place of the arms as well. `note` is whether the header has a note.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return None
    head = min(2 + note, height // 5)
    machine = height >= 18
    regions = {"header": Region(0, 0, width, head), "footer": Region(0, height - 1, width, 1)}
    if machine:
        regions["machine"] = Region(0, height - 2, width, 1)
    body = Region(0, head, width, height - head - machine - 1)
    if whole:
        return Plan({**regions, zoom: body}, "lines", 1, 1)
    if width >= 100 and height >= 30:
        return _large(regions, body, arms, table, zoom)
    return _stacked(regions, body, arms, table, ended, zoom)


def _grid(arms: int, width: int, narrowest: int) -> tuple[int, int]:
    """Columns and rows for the arms' panels, all rows about equally full."""
    rows = math.ceil(arms / max(1, min(arms, width // narrowest)))
    return math.ceil(arms / rows), rows


def _cut(body: Region, lines: int) -> tuple[Region, Region]:
    """The first `lines` lines of the body, and the rest."""
    return body.split_horizontal(max(0, min(lines, body.height)))


def _large(regions: dict[str, Region], body: Region, arms: int, table: Lines, zoom: str) -> Plan:
    """Arms on top, chart over table on the left, the sample on the right."""
    columns, rows = _grid(arms, body.width, 40)
    panel = 8 if rows == 1 else 7 if rows == 2 and body.height >= 44 else 6 if rows == 2 else 5
    top, rest = _cut(body, min(rows * panel, max(panel, body.height * 45 // 100)))
    regions["arms"] = top
    if zoom:
        regions[zoom] = rest
        return Plan(regions, "panels", columns, panel)
    side = max(40, body.width * 33 // 100)
    left, regions["sample"] = rest.split_vertical(rest.width - side)
    lower = min(table(left.width - ACROSS) + DOWN, max(5, rest.height - 6))
    regions["chart"], regions["result"] = _cut(left, left.height - lower)
    return Plan(regions, "panels", columns, panel)


def _stacked(regions: dict[str, Region], body: Region, arms: int, table: Lines, ended: bool, zoom: str) -> Plan:
    """One below the other. While the run trains: arms and chart; at the end: table and sample."""
    columns, rows = _grid(arms, body.width, 38)
    if not ended and not zoom and body.height >= rows * 5 + 7:
        regions["arms"], regions["chart"] = _cut(body, rows * 5)
        return Plan(regions, "panels", columns, 5)
    if zoom or not ended:
        lines = min(arms, max(2, body.height // 4))
        if body.height - lines >= 5:
            regions["arms"], body = _cut(body, lines)
        regions[zoom or "chart"] = body
        return Plan(regions, "lines", 1, 1)
    # The table names every arm: the arms' own lines are shown only if there is room left.
    lines = table(body.width - ACROSS) + DOWN
    if body.height >= lines + 10 + arms:
        regions["arms"], body = _cut(body, arms)
    wanted = min(lines, body.height if body.height < 12 else body.height - 7)
    regions["result"], rest = _cut(body, wanted if body.height - wanted >= 5 else body.height)
    if rest.height:
        regions["sample"] = rest
    return Plan(regions, "lines", 1, 1)
