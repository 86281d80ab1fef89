"""The runs as a table: which columns fit, and the text of each cell. `inittui runs` prints it, and the browser draws it."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from inittui.common import formatting
from inittui.record.run_index import RunSummary

COLUMNS = ("name", "state", "preset", "arms", "best", "age", "size")  # their headings too
RIGHT = ("age", "size")
LEAST = {"age": 7}  # cells, so that the columns stay where they are when an age gets another unit
MOST = {"state": 16}  # cells: the name of a host can be long
GAP = 2
COUNTED = 4  # cells for the number of arms
NAMED = 24  # cells from which on the names of arms are shown
MOST_NAMES = 6  # of arms; a sweep may have hundreds
BARE = 8  # cells for an accuracy without the arm's name
# What a narrow table shortens, in this order, each with the cells that are left; 0 drops the column.
SPARED = (("arms", COUNTED), ("best", BARE), ("preset", 0), ("size", 0), ("arms", 0), ("age", 0), ("best", 0))

Widths = Mapping[str, int]  # cells of each column that is shown, in order


def cells(summary: RunSummary, shown: Widths | None = None) -> dict[str, str]:
    """The text of each column of `shown`, or of all columns. Columns too narrow for names have none."""
    names = [arm.name for arm in summary.arms]
    named = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
    counted = str(len(names) or "-")
    best = summary.best
    figure = formatting.percent(best.accuracy) if best else "-"
    texts = {
        "name": summary.name,
        "state": summary.state,
        "preset": summary.preset or "-",
        "arms": named or "-",
        "best": f"{figure} {best.name}" if best else figure,
        "age": formatting.age(summary.age),
        "size": formatting.size(summary.size),
    }
    if shown is None:
        return texts
    if cell_len(texts["arms"]) > shown.get("arms", 0):
        texts["arms"] = counted if shown.get("arms", 0) < NAMED else f"{counted} arms"
    if shown.get("best", 0) <= BARE:
        texts["best"] = figure
    return {column: texts[column] for column in shown}


def widths(summaries: Sequence[RunSummary]) -> dict[str, int]:
    """The width in cells of each column, if there is room."""
    rows = [{column: column.ljust(LEAST.get(column, 0)) for column in COLUMNS}, *map(cells, summaries)]
    wanted = {column: max(cell_len(row[column]) for row in rows) for column in COLUMNS}
    return {column: min(width, MOST.get(column, width)) for column, width in wanted.items()}


def fit(wanted: Widths, width: int) -> dict[str, int]:
    """The columns that fit into `width` cells. Name and state always stay; a name is cut if nothing else helps."""
    shown = dict(wanted)
    shown["arms"] = min(wanted["arms"], NAMED)
    for column, left in SPARED:
        if total(shown) <= width:
            break
        if left:
            shown[column] = min(shown[column], left)
        else:
            del shown[column]
    if shown.get("arms", 0) >= NAMED:
        shown["arms"] = min(wanted["arms"], shown["arms"] + width - total(shown))
    shown["name"] = max(1, shown["name"] - max(0, total(shown) - width))
    return shown


def total(shown: Widths) -> int:
    return sum(shown.values()) + GAP * (len(shown) - 1)


def text(summaries: Sequence[RunSummary], width: int | None) -> list[str]:
    """The lines of the table, with a heading. With `width` None nothing is shortened."""
    wanted = widths(summaries)
    shown = wanted if width is None else fit(wanted, width)
    lines = [_line({column: column for column in shown}, shown)]
    for summary in summaries:
        row = cells(summary, shown)
        if summary.state == "damaged" or (summary.state == "interrupted" and summary.reason):
            head = {column: shown[column] for column in ("name", "state")}
            line = _line(row, head).ljust(total(head) + GAP) + summary.reason
            lines.append(line if width is None else _cut(line, width).rstrip())
        else:
            lines.append(_line(row, shown))
    return lines


def cell(words: str, column: str, room: int) -> str:
    """`words` in exactly `room` cells, on the side of the column."""
    words = _cut(words, room)
    blank = " " * (room - cell_len(words))
    return blank + words if column in RIGHT else words + blank


def _line(row: Mapping[str, str], shown: Widths) -> str:
    return (" " * GAP).join(cell(row[column], column, room) for column, room in shown.items()).rstrip()


def _cut(words: str, room: int) -> str:
    """`words` in at most `room` cells."""
    return words if cell_len(words) <= room else set_cell_size(words, room - 1).rstrip() + "…"
