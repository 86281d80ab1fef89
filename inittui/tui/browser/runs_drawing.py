"""Draws the run list: the table of runs, and the details of the run under the cursor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.cells import cell_len

from inittui.common import formatting
from inittui.common.errors import in_quotes
from inittui.record import run_table
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunSummary, word_for
from inittui.record.run_table import GAP, Widths
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, fit, pad, spread, wrap
from inittui.tui.views import header

STATE_STYLES = {**header.STATE_STYLES, "damaged": "bad"}
MARGIN = 3  # cells before the name: the cursor and the mark


@dataclass(frozen=True)
class ListState:
    """The runs that match the filter, the newest first, and the user's position among them."""

    runs: Sequence[RunSummary] = ()
    widths: Widths = field(default_factory=dict)  # that the columns of all runs want
    words: str = ""  # of the filter
    cursor: int = 0
    top: int = 0  # the first run on the screen
    marked: tuple[str, ...] = ()  # paths, in the order in which they were marked
    on_dashboard: str = ""  # the path of the run on the dashboard
    empty: str = ""  # why there is no run to show

    @property
    def chosen(self) -> RunSummary | None:
        """The run under the cursor."""
        return self.runs[self.cursor] if self.cursor < len(self.runs) else None


def matching(runs: Sequence[RunSummary], words: str) -> Sequence[RunSummary]:
    """The runs that have every one of `words` in their name, state, preset or arms."""
    parts = words.casefold().split()
    return [run for run in runs if all(part in _searched(run) for part in parts)]


def _searched(run: RunSummary) -> str:
    return " ".join((run.name, run.state, run.preset, *(arm.name for arm in run.arms))).casefold()


def scrolled(cursor: int, top: int, lines: int, count: int) -> int:
    """The first of the `lines` runs on the screen: still `top`, unless the cursor would be off the screen."""
    top = min(max(top, cursor - lines + 1), cursor)
    return max(0, min(top, count - lines))


def head(runs: Sequence[RunSummary], folder: str, width: int) -> Row:
    """The folder, the number of runs and their size."""
    left: Row = [(" inittui ", "brand"), (" runs", "bold"), ("  ", ""), (folder, "dim")]
    if not runs:
        return left
    facts = f"{formatting.count(len(runs), 'run')}, {formatting.size(sum(run.size for run in runs))}"
    alive = sum(run.alive for run in runs)
    return spread(left, [(f"{facts}, {alive} alive " if alive else f"{facts} ", "")], width)


def title(state: ListState) -> Row:
    """The title of the table: the cursor's position, the number of marks, the filter."""
    return [
        ("newest first", "bold"),
        (f"  {state.cursor + 1:,} of {len(state.runs):,}" if state.runs else "", "dim"),
        (f"  {len(state.marked)} marked" if state.marked else "", "accent"),
        (f"  with '{state.words}'" if state.words else "", "accent"),
    ]


def table(state: ListState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The heading, and a line for each run that fits. Runs that are not on the screen take no time."""
    if not state.runs:
        return [[(line, "dim")] for line in wrap(state.empty, width, height)]
    columns = run_table.fit(state.widths, width - MARGIN)
    headings = (run_table.cell(column, column, room) for column, room in columns.items())
    rows: list[Row] = [[(" " * MARGIN + (" " * GAP).join(headings), "dim")]]
    for index, run in enumerate(state.runs[state.top : state.top + height - 1], state.top):
        at_cursor = index == state.cursor
        row: Row = [
            ((">" if glyphs.ascii else "▸") if at_cursor else " ", "accent bold"),
            (("#" if glyphs.ascii else "■") if run.path in state.marked else " ", "accent bold"),
            (" ", ""),
            *_run(run, columns, at_cursor=at_cursor, on_dashboard=run.path == state.on_dashboard),
        ]
        row = pad(row, width)
        rows.append([(text, f"{style} cursor".strip()) for text, style in row] if at_cursor else row)
    return rows[:height]


def _run(run: RunSummary, columns: Widths, *, at_cursor: bool, on_dashboard: bool) -> Row:
    quiet = "" if at_cursor else "dim"  # dim text is not readable on the cursor's background
    styles = {
        "name": "accent bold" if on_dashboard else "bold" if at_cursor else "",
        "state": STATE_STYLES.get(run.state, "accent" if run.alive else quiet),
        "arms": "",
    }
    cells = run_table.cells(run, columns)
    damaged = run.state == "damaged"
    row: Row = []
    for column, room in columns.items():
        if damaged and column not in ("name", "state"):
            return [*row, (run.reason, quiet)]
        text = run_table.cell(cells[column], column, room)
        if column == "best":
            figure = text[: len(formatting.percent(run.best.accuracy if run.best else None))]
            row += [(figure, "bold"), (text[len(figure) :], quiet)]
        else:
            row.append((text, styles.get(column, quiet)))
        row.append((" " * GAP, ""))
    return row[:-1]


def details(state: ListState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The run under the cursor, with what the table has no room for."""
    run = state.chosen
    if run is None:
        return []
    started = _local_time(run.started)
    facts = [
        run.preset,
        f"started {started}, {formatting.age(run.age)} ago" if started else "",
        f"took {formatting.clock(run.seconds)}" if run.seconds is not None else "",
        run.device,
        formatting.size(run.size),
        "on the dashboard now" if run.path == state.on_dashboard else "",
    ]
    style = STATE_STYLES.get(run.state, "accent" if run.alive else "")
    first: Row = [(run.state, f"{style} bold")]
    for fact in filter(None, facts):
        first += [(f" {glyphs.dot} ", "dim"), (fact, "")]
    note = _note(run)
    lines = wrap(note, width, max(1, height - 1 - min(len(run.arms), 2))) if note else []
    room = max(0, height - 1 - len(lines))
    arms = [_arm(run, index, width, glyphs) for index in range(len(run.arms))]
    if len(arms) > room:
        arms = [*arms[: room - 1], [(f"and {len(arms) - room + 1} more arms", "dim")]] if room else []
    note_style = "warn" if run.state in ("failed", "damaged") else "dim"
    return [first, *arms, *([(line, note_style)] for line in lines), [(run.path, "dim")]][:height]


def _arm(run: RunSummary, index: int, width: int, glyphs: Glyphs) -> Row:
    arm = run.arms[index]
    longest = max(cell_len(arm.name) for arm in run.arms)
    best = run.best is arm and sum(arm.accuracy is not None for arm in run.arms) > 1
    row: Row = [
        (f"{glyphs.marker(index)} ", arm_style(index)),
        (fit(arm.name, min(longest, max(8, width - 24))), f"{arm_style(index)} bold"),
    ]
    if arm.accuracy is not None:
        row.append((f"  {formatting.percent(arm.accuracy)}", "good bold" if best else "bold"))
        row.append((f" {glyphs.star}" if best else "", "good bold"))
    if arm.status != "finished":
        row.append((f"  {arm.status or 'no result yet'}", "bad" if arm.status == "failed" else "dim"))
    return row


def _note(run: RunSummary) -> str:
    """What the user should know about the run's state."""
    if run.reason:
        return run.reason
    if run.state == "interrupted":
        resume = in_quotes("resume", word_for(RunDir(Path(run.path))))
        return f"Its supervisor ended unexpectedly: {resume} continues the run."
    if run.state.startswith("on "):
        return "It belongs to another host: this host can't determine whether it is alive."
    return ""


def _local_time(started: str) -> str:
    """An ISO 8601 time as local date and time, to the minute; empty if it is not a time."""
    try:
        return f"{datetime.fromisoformat(started).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return ""
