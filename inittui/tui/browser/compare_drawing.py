"""Draws two runs side by side: what differs in their presets, and the accuracies of their arms."""

from rich.cells import cell_len

from inittui.analysis import verdict
from inittui.common import formatting
from inittui.record.result_schema import ArmResult
from inittui.tui.browser.run_pair import RunPair, Side, differences, gain, remarks
from inittui.tui.browser.runs_drawing import STATE_STYLES
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, fit, width_of, wrap

GAP = 2
SHORTEST_NAME = 8
LONGEST_REMARK = 20  # lines


def rows(pair: RunPair, width: int, glyphs: Glyphs) -> list[Row]:
    """All rows, from top to bottom, however many they are."""
    rows: list[Row] = [_head("A", pair.a, width, glyphs), _head("B", pair.b, width, glyphs), []]
    changes = differences(pair)
    rows.append([("What differs" if changes else "Their presets ask for the same.", "bold")])
    longest = max((cell_len(key) for key, _, _ in changes), default=0)
    for key, of_a, of_b in changes:
        rows += _change(key, glyphs.text(of_a), glyphs.text(of_b), width, longest)
    rows += [[], *_table(pair, width, glyphs), []]
    for remark in remarks(pair):
        rows += [[(line, "dim")] for line in wrap(glyphs.text(remark), width, LONGEST_REMARK)]
    return rows


def _head(letter: str, side: Side, width: int, glyphs: Glyphs) -> Row:
    run = side.summary
    state = (run.state, STATE_STYLES.get(run.state, "accent"))
    room = width - 4 - len(run.state) - 2
    name = fit(run.name, min(cell_len(run.name), max(1, room)))
    row: Row = [(f" {letter} ", "brand"), (" ", ""), (name, "bold"), ("  ", ""), state]
    took = f"took {formatting.clock(run.seconds)}" if run.seconds is not None else ""
    for fact in (f"{formatting.age(run.age)} ago", side.data, took, run.device):
        if fact and width_of(row) + cell_len(fact) + 3 <= width:
            row += [(f" {glyphs.dot} ", "dim"), (fact, "dim")]
    return row


def _change(key: str, a: str, b: str, width: int, longest: int) -> list[Row]:
    """One line if it fits, else one for the key and one for each value. `longest` is the width of the longest key."""
    mark_a, mark_b = ("A ", "accent bold"), ("B ", "accent bold")
    if longest + cell_len(a) + cell_len(b) + 11 <= width:
        return [[("  ", ""), (fit(key, longest), "dim"), ("  ", ""), mark_a, (a, ""), (" / ", "dim"), mark_b, (b, "")]]
    values: list[Row] = [
        [("    ", ""), mark, (fit(value, width - 6).rstrip(), "")] for mark, value in ((mark_a, a), (mark_b, b))
    ]
    return [[("  ", ""), (key, "dim")], *values]


def _table(pair: RunPair, width: int, glyphs: Glyphs) -> list[Row]:
    """One line per arm of either run: both accuracies, their difference in points, the numbers of seeds."""
    cells = _cells(pair, glyphs, full=True)
    if sum(_widths(cells)) + GAP * (len(cells[0]) - 1) > width:
        cells = _cells(pair, glyphs, full=False)
    widths = _widths(cells)
    widths[0] = max(SHORTEST_NAME, min(widths[0], width - sum(widths[1:]) - GAP * (len(widths) - 1)))
    rows: list[Row] = []
    for line, (name, *others) in enumerate(cells):
        styles = ("dim", "accent bold", "accent bold", "dim", "dim") if line == 0 else ("bold", "", "", "bold", "dim")
        right = (" " * (GAP + room - cell_len(cell)) + cell for cell, room in zip(others, widths[1:], strict=True))
        rows.append(list(zip((fit(name, widths[0]), *right), styles, strict=True)))
    return rows


def _widths(cells: list[list[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _cells(pair: RunPair, glyphs: Glyphs, *, full: bool) -> list[list[str]]:
    """The heading and the lines of the table. `full`: with standard deviations, and the unit of the differences."""
    cells = [["arm", "A", "B", "B − A, points" if full else "B − A", "seeds"]]
    a, b = pair.a.arms, pair.b.arms
    for name in sorted(a | b, key=lambda name: not (name in a and name in b)):  # first the arms that both runs have
        both, difference = (a.get(name), b.get(name)), gain(pair, name)
        points = "-" if difference is None else verdict.points(difference)
        cells.append([name, *(_accuracy(arm, full=full) for arm in both), points, " / ".join(map(_seeds, both))])
    return [[glyphs.text(cell) for cell in row] for row in cells]


def _seeds(arm: ArmResult | None) -> str:
    """The number of seeds that have an accuracy."""
    return str(sum(replica.test_accuracy is not None for replica in arm.replicas)) if arm else "-"


def _accuracy(arm: ArmResult | None, *, full: bool) -> str:
    if arm is None:
        return "not in it"
    accuracy = arm.test_accuracy
    if accuracy is None:
        return arm.status
    deviation = f" ± {100 * accuracy.std:.2f}" if full and accuracy.std is not None else ""
    return formatting.percent(accuracy.mean) + deviation + ("" if arm.status == "finished" else " *")
