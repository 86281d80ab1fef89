"""Two runs side by side: what differs in what was asked for, and what came out, arm by arm."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from inittui.common import formatting
from inittui.experiment.preset import SECTIONS, Preset
from inittui.record.run_index import RunSummary
from inittui.tui.browser.runs_view import STATE_STYLES
from inittui.tui.draw.glyphs import Look, Row, fit, width_of, wrap

GAP = 2
SHORTEST_NAME = 8
NO_TEST = "This is no test of significance: for one, train the arms in one run, with --seeds 10."


@dataclass(frozen=True)
class Outcome:
    """An arm as it stands: its mean test accuracy over `seeds` of them, and whether that is its last word."""

    status: str
    mean: float | None
    std: float | None
    seeds: int


@dataclass(frozen=True)
class Side:
    """One of the two runs. `data` and `test` say what it trained and was tested on, as far as it got."""

    summary: RunSummary
    preset: Preset
    data: str
    test: int
    arms: Mapping[str, Outcome]


def rows(a: Side, b: Side, width: int, look: Look) -> list[Row]:
    """Everything, from top to bottom, as many lines as it takes."""
    found = [_head("A", a, width, look), _head("B", b, width, look), []]
    changes = differences(a, b)
    found.append([("What differs", "bold")] if changes else [("Their presets ask for the same.", "bold")])
    for key, of_a, of_b in changes:
        found += _change(key, look.text(of_a), look.text(of_b), width, max(cell_len(key) for key, _, _ in changes))
    found += [[], *_table(a, b, width, look), []]
    for words in remarks(a, b):
        found += [[(line, "dim")] for line in wrap(look.text(words), width, 6)]
    return found


def differences(a: Side, b: Side) -> list[tuple[str, str, str]]:
    """Each key in which the two differ, with A's value and B's."""
    found = []
    for section in SECTIONS:
        of_a, of_b = getattr(a.preset, section), getattr(b.preset, section)
        for key in of_a.__struct_fields__:
            one, other = getattr(of_a, key), getattr(of_b, key)
            if one != other:
                found.append((f"{section}.{key}", _value(one), _value(other)))
    if a.data != b.data and a.data and b.data:
        found.append(("images", a.data, b.data))
    arms = [{arm.name: "; ".join([arm.init.label, *arm.changes]) for arm in side.preset.arms} for side in (a, b)]
    found += [
        (f"arm {name}", words, arms[1][name]) for name, words in arms[0].items() if arms[1].get(name, words) != words
    ]
    if a.summary.device != b.summary.device and a.summary.device and b.summary.device:
        found.append(("device", a.summary.device, b.summary.device))
    return found


def _value(value: object) -> str:
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if not isinstance(value, tuple):
        return str(value)
    if len(value) > 8 and value == tuple(range(value[0], value[0] + len(value))):
        return f"{value[0]} to {value[-1]}"
    if len(value) > 8:
        return f"[{', '.join(map(str, value[:3]))}, … {len(value)} in all]"
    return f"[{', '.join(map(str, value))}]"


def incomparable(a: Side, b: Side) -> str:
    """Why no difference of accuracies can be told; empty where it can."""
    for side, name in ((a, "A"), (b, "B")):
        if not side.test:
            return f"No difference is told: {name} has not got as far as its data."
    same = (a.preset.data.name, a.test, a.preset.data.scale_test) == (
        b.preset.data.name,
        b.test,
        b.preset.data.scale_test,
    )
    return "" if same else "No difference is told: the two were tested on different images."


def difference(a: Outcome | None, b: Outcome | None) -> float | None:
    """B's accuracy less A's, where both arms have finished."""
    if a is None or b is None or a.status != "finished" or b.status != "finished" or a.mean is None or b.mean is None:
        return None
    return b.mean - a.mean


def remarks(a: Side, b: Side) -> list[str]:
    """What has to be known before a difference is believed."""
    found = [why] if (why := incomparable(a, b)) else []
    for side, name in ((a, "A"), (b, "B")):
        if missing := [arm for arm, outcome in side.arms.items() if outcome.mean is None]:
            found.append(f"No accuracy in {name}: {', '.join(missing)}.")
    if any(o.mean is not None and o.status != "finished" for side in (a, b) for o in side.arms.values()):
        found.append("* did not finish, or has not yet: its accuracy so far.")
    return [*found, NO_TEST]


def _head(letter: str, side: Side, width: int, look: Look) -> Row:
    run = side.summary
    state = (run.state, STATE_STYLES.get(run.state, "accent"))
    room = width - 4 - len(run.state) - 2
    name = fit(run.name, min(cell_len(run.name), max(1, room)))
    row: Row = [(f" {letter} ", "brand"), (" ", ""), (name, "bold"), ("  ", ""), state]
    took = f"took {formatting.clock(run.seconds)}" if run.seconds is not None else ""
    for fact in filter(None, (f"{formatting.age(run.age)} ago", side.data, took, run.device)):
        if width_of(row) + cell_len(fact) + 3 <= width:
            row += [(f" {look.dot} ", "dim"), (fact, "dim")]
    return row


def _change(key: str, a: str, b: str, width: int, longest: int) -> list[Row]:
    """A line where it fits, else one for the key and one for each value."""
    letters = (("A ", "accent bold"), ("B ", "accent bold"))
    if longest + cell_len(a) + cell_len(b) + 11 <= width:
        return [
            [
                ("  ", ""),
                (fit(key, longest), "dim"),
                ("  ", ""),
                letters[0],
                (a, ""),
                (" / ", "dim"),
                letters[1],
                (b, ""),
            ]
        ]
    values = [
        [("    ", ""), letter, (fit(value, width - 6).rstrip(), "")]
        for letter, value in zip(letters, (a, b), strict=True)
    ]
    return [[("  ", ""), (key, "dim")], *values]


def _table(a: Side, b: Side, width: int, look: Look) -> list[Row]:
    """A line an arm of either: both accuracies, the difference in points, the seeds behind them."""
    cells = _cells(a, b, full=True)
    if _wide(cells, look) > width:
        cells = _cells(a, b, full=False)
    cells = [[look.text(cell) for cell in row] for row in cells]
    rooms = [max(cell_len(row[i]) for row in cells) for i in range(len(cells[0]))]
    rooms[0] = max(SHORTEST_NAME, min(rooms[0], width - sum(rooms[1:]) - GAP * (len(rooms) - 1)))
    found: list[Row] = []
    for number, row in enumerate(cells):
        styles = ("dim", "accent bold", "accent bold", "dim", "dim") if number == 0 else ("bold", "", "", "bold", "dim")
        spans: Row = [(fit(row[0], rooms[0]), styles[0])]
        spans += [
            (" " * (GAP + room - cell_len(cell)) + cell, style)
            for cell, room, style in zip(row[1:], rooms[1:], styles[1:], strict=True)
        ]
        found.append(spans)
    return found


def _wide(cells: list[list[str]], look: Look) -> int:
    return sum(max(cell_len(look.text(row[i])) for row in cells) + GAP for i in range(len(cells[0]))) - GAP


def _cells(a: Side, b: Side, *, full: bool) -> list[list[str]]:
    """The table in words; `full` has deviations, and the unit of the differences."""
    told = not incomparable(a, b)
    cells = [["arm", "A", "B", "B − A, points" if full else "B − A", "seeds"]]
    names = [*a.arms, *(name for name in b.arms if name not in a.arms)]
    for name in sorted(names, key=lambda name: not (name in a.arms and name in b.arms)):  # first those of both
        one, other = a.arms.get(name), b.arms.get(name)
        points = difference(one, other) if told else None
        seeds = " / ".join(str(outcome.seeds) if outcome else "-" for outcome in (one, other))
        cells.append(
            [
                name,
                _accuracy(one, full=full),
                _accuracy(other, full=full),
                "-" if points is None else f"{100 * points:+.2f}".replace("-", "−"),
                seeds,
            ]
        )
    return cells


def _accuracy(outcome: Outcome | None, *, full: bool) -> str:
    if outcome is None:
        return "not in it"
    if outcome.mean is None:
        return outcome.status
    deviation = f" ± {100 * outcome.std:.2f}" if full and outcome.std is not None else ""
    return f"{100 * outcome.mean:.2f} %{deviation}" + ("" if outcome.status == "finished" else " *")
