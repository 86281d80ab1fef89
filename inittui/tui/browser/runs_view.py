"""The runs to choose from: a table of those that are on the screen, and the one under the cursor in full."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.cells import cell_len

from inittui.common import formatting
from inittui.record import run_table
from inittui.record.run_index import RunSummary
from inittui.record.run_table import GAP, Widths
from inittui.tui.draw.glyphs import Look, Row, arm_style, fit, pad, spread, width_of, wrap

STATE_STYLES = {
    "finished": "good",
    "failed": "bad",
    "refused": "bad",
    "damaged": "bad",
    "stopped": "warn",
    "interrupted": "warn",
}
MARGIN = 3  # cells before the name: the cursor and the mark


@dataclass(frozen=True)
class Listed:
    """What the table shows: the runs that pass the filter, the newest first, and where a person is among them."""

    runs: Sequence[RunSummary] = ()
    widths: Widths = field(default_factory=dict)  # what the columns of all of them want
    cursor: int = 0
    top: int = 0  # the first one on the screen
    marked: Collection[str] = ()  # paths
    shown: str = ""  # the path of the run on the dashboard
    empty: str = ""  # said where there is no run to show

    @property
    def chosen(self) -> RunSummary | None:
        """The run under the cursor."""
        return self.runs[self.cursor] if self.cursor < len(self.runs) else None


def matching(runs: Sequence[RunSummary], wanted: str) -> Sequence[RunSummary]:
    """The runs that have every word of `wanted` in their name, state, preset or arms."""
    parts = wanted.casefold().split()
    return [run for run in runs if all(part in _searched(run) for part in parts)] if parts else runs


def _searched(run: RunSummary) -> str:
    return " ".join((run.name, run.state, run.preset, *(arm.name for arm in run.arms))).casefold()


def scrolled(cursor: int, top: int, lines: int, count: int) -> int:
    """The first run on a screen of `lines` runs: as before, unless the cursor has left it."""
    lines = max(1, lines)
    top = min(max(top, cursor - lines + 1), cursor)
    return max(0, min(top, count - lines))


def header(runs: Sequence[RunSummary] | None, folder: str, width: int) -> Row:
    """Where the runs are, how many, and what they take."""
    left: Row = [(" inittui ", "brand"), (" runs", "bold"), ("  ", ""), (folder, "dim")]
    if not runs:
        return pad(left, width)
    alive = sum(run.alive for run in runs)
    facts = [
        formatting.count(len(runs), "run"),
        formatting.size(sum(run.size for run in runs)),
        *([f"{alive} alive"] if alive else []),
    ]
    return spread(left, [(", ".join(facts) + " ", "")], width)


def title(listed: Listed, wanted: str) -> Row:
    place = f"  {listed.cursor + 1:,} of {len(listed.runs):,}" if listed.runs else ""
    marked = f"  {len(listed.marked)} marked" if listed.marked else ""
    return [
        ("newest first", "bold"),
        (place, "dim"),
        (marked, "accent"),
        (f"  with '{wanted}'" if wanted else "", "accent"),
    ]


def table(listed: Listed, width: int, height: int, look: Look) -> list[Row]:
    """The heading, and a line for each run that there is room for. Runs beyond the screen cost nothing."""
    if not listed.runs:
        return [[(line, "dim")] for line in wrap(listed.empty, width, height)]
    shown = run_table.fit(listed.widths, width - MARGIN)
    rows: list[Row] = [[(" " * MARGIN + _joined({column: column for column in shown}, shown), "dim")]]
    for place, run in enumerate(listed.runs[listed.top : listed.top + height - 1], listed.top):
        here = place == listed.cursor
        row: Row = [
            ((">" if look.ascii else "▸") if here else " ", "accent bold"),
            (("#" if look.ascii else "■") if run.path in listed.marked else " ", "accent bold"),
            (" ", ""),
            *_run(run, shown, width - MARGIN, here=here, on_screen=run.path == listed.shown),
        ]
        row = pad(row, width)
        rows.append([(text, f"{style} cursor".strip()) for text, style in row] if here else row)
    return rows[:height]


def _run(run: RunSummary, shown: Widths, width: int, *, here: bool, on_screen: bool) -> Row:
    quiet = "" if here else "dim"  # dim letters on the cursor's ground can't be read
    cells = run_table.cells(run, shown)
    gap = (" " * GAP, "")
    name_style = "accent bold" if on_screen else "bold" if here else ""
    row: Row = [
        (fit(cells["name"], shown["name"]), name_style),
        gap,
        (fit(cells["state"], shown["state"]), STATE_STYLES.get(run.state, "accent" if run.alive else quiet)),
    ]
    if run.state == "damaged":
        return [*row, gap, (fit(run.reason, max(0, width - width_of(row) - GAP)), quiet)]
    for column in list(shown)[2:]:
        room = shown[column]
        text = f"{cells[column]:>{room}}" if column in run_table.RIGHT else fit(cells[column], room)
        if column == "best":
            figure = text[: len(formatting.percent(run.best.accuracy if run.best else None))]
            row += [gap, (figure, "bold"), (text[len(figure) :], quiet)]
        else:
            row += [gap, (text, "" if column == "arms" else quiet)]
    return row


def _joined(cells: dict[str, str], shown: Widths) -> str:
    return (" " * GAP).join(
        f"{cells[column]:>{room}}" if column in run_table.RIGHT else fit(cells[column], room)
        for column, room in shown.items()
    )


def details(run: RunSummary | None, width: int, height: int, look: Look, *, on_screen: bool) -> list[Row]:
    """The run under the cursor: what a table has no room for."""
    if run is None:
        return []
    facts = [
        run.preset,
        f"begun {_clock(run.started)}, {formatting.age(run.age)} ago" if _clock(run.started) else "",
        f"took {formatting.clock(run.seconds)}" if run.seconds is not None else "",
        run.device,
        formatting.size(run.size),
        "on the dashboard now" if on_screen else "",
    ]
    state = STATE_STYLES.get(run.state, "accent" if run.alive else "")
    first: Row = [(run.state, f"{state} bold")]
    for fact in filter(None, facts):
        first += [(f" {look.dot} ", "dim"), (fact, "")]
    rows = [first]
    note = _note(run)
    lines = wrap(note, width, max(1, height - 1 - min(len(run.arms), 2))) if note else []
    room = max(0, height - 1 - len(lines))
    arms = [_arm(run, place, width, look) for place in range(len(run.arms))]
    if len(arms) > room:
        arms = [*arms[: room - 1], [(f"and {len(arms) - room + 1} arms more", "dim")]] if room else []
    rows += arms
    rows += [[(line, "warn" if run.state in ("failed", "damaged") else "dim")] for line in lines]
    if len(rows) < height:
        rows.append([(run.path, "dim")])
    return rows[:height]


def _arm(run: RunSummary, place: int, width: int, look: Look) -> Row:
    arm = run.arms[place]
    longest = max(cell_len(one.name) for one in run.arms)
    best = run.best is arm and sum(one.accuracy is not None for one in run.arms) > 1
    row: Row = [
        (f"{look.marker(place)} ", arm_style(place)),
        (fit(arm.name, min(longest, max(8, width - 24))), f"{arm_style(place)} bold"),
    ]
    if arm.accuracy is not None:
        row.append((f"  {formatting.percent(arm.accuracy)}", "good bold" if best else "bold"))
        row.append((f" {look.star}" if best else "", "good bold"))
    if arm.status != "finished":
        row.append((f"  {arm.status or 'no result yet'}", "bad" if arm.status == "failed" else "dim"))
    return row


def _note(run: RunSummary) -> str:
    if run.reason:
        return run.reason
    if run.state == "interrupted":
        return f"Its supervisor ended without a word: 'inittui resume {run.name}' goes on."
    if run.state.startswith("on "):
        return "It belongs to another host: from here nobody can see whether it is alive."
    return ""


def _clock(started: str) -> str:
    """The time of day here, to the minute; nothing where it is no time."""
    try:
        return f"{datetime.fromisoformat(started).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return ""
