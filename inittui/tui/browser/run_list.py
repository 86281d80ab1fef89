"""The runs of a folder: a table with a cursor and marks, and the details of one run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual import events

from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunSummary
from inittui.record.run_table import Widths
from inittui.tui import keys
from inittui.tui.browser import runs_drawing as drawing
from inittui.tui.browser.runs_drawing import ListState
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.messages import OpenRun
from inittui.tui.widgets.filter_input import FilterInput
from inittui.tui.widgets.panel import Panel, drawn

ROWS_ABOVE = 2  # the border and the heading of the table
FILTER = "words that the name, the state, the preset or an arm must have"
WHEEL_RUNS = 3  # runs per notch of the mouse wheel


class RunList(Panel, can_focus=True):
    """The runs that fit, under a heading. The owner calls `show` whenever it has read the folder."""

    KEYS = (
        Key("enter", "open", "open it on the dashboard", "open", rank=1),
        Key("space", "mark", "mark it: to compare, or to delete several", "mark", rank=2),
        Key("slash", "filter", "only runs with these words", "filter", shown="/", rank=5),
        Key("up,k", "move(-1)", "up"),
        Key("down,j", "move(1)", "down"),
        Key("pageup", "page(-1)", "a page up"),
        Key("pagedown", "page(1)", "a page down"),
        Key("home", "move(-1000000)", "to the newest"),
        Key("end", "move(1000000)", "to the oldest"),
    )
    BINDINGS = keys.bindings(KEYS)

    state: drawn[ListState] = drawn(ListState)

    def __init__(self, folder: Path, on_dashboard: str, glyphs: Glyphs) -> None:
        """`on_dashboard` is the path of the run on the dashboard: the cursor starts there."""
        super().__init__(glyphs, id="runs")
        self.runs: Sequence[RunSummary] | None = None  # all of them; None until the folder was read
        self._folder = folder
        self._path = on_dashboard  # of the run under the cursor, which stays there when runs come and go
        self.state = ListState(on_dashboard=on_dashboard, empty=f"looking into {folder} …")

    @property
    def lines(self) -> int:
        """How many runs fit."""
        return max(1, self.inside.height - 1)

    def title(self, width: int) -> Row:  # noqa: ARG002
        return drawing.title(self.state)

    def paint(self, width: int, height: int) -> list[Row]:
        return drawing.table(self.state, width, height, self.glyphs)

    def on_resize(self) -> None:
        self._select()

    def show(self, runs: Sequence[RunSummary], widths: Widths) -> None:
        """Show `runs`, the newest first, with the `widths` that their columns want."""
        self.runs = runs
        paths = {run.path for run in runs}
        self._select(widths=widths, marked=tuple(path for path in self.state.marked if path in paths))

    def marked(self) -> list[RunSummary]:
        """The marked runs, in the order in which they were marked."""
        by_path = {run.path: run for run in self.runs or ()}
        return [by_path[path] for path in self.state.marked]

    def _select(self, **changes: Any) -> None:
        """Filter the runs, and put the cursor where its run is now."""
        state = replace(self.state, **changes)
        runs = drawing.matching(self.runs or (), state.words)
        cursor = next((index for index, run in enumerate(runs) if run.path == self._path), state.cursor)
        self._move_to(cursor, replace(state, runs=runs, empty=self._why_empty(state.words)))

    def _move_to(self, cursor: int, state: ListState) -> None:
        cursor = max(0, min(cursor, len(state.runs) - 1))
        if state.runs:
            self._path = state.runs[cursor].path
        top = drawing.scrolled(cursor, state.top, self.lines, len(state.runs))
        self.state = replace(state, cursor=cursor, top=top)

    def _why_empty(self, words: str) -> str:
        if self.runs is None:
            return self.state.empty
        if self.runs:
            return f"None of {len(self.runs):,} runs has '{words}'. Esc in the filter shows all again."
        return f"No run in {self._folder}. 'inittui' starts one."

    def action_move(self, by: int) -> None:
        self._move_to(self.state.cursor + by, self.state)

    def action_page(self, by: int) -> None:
        self.action_move(by * self.lines)

    def action_open(self) -> None:
        """Show the run under the cursor on the dashboard; where it is there already, close the list."""
        run = self.state.chosen
        if run and run.path == self.state.on_dashboard:
            self.screen.dismiss()
        elif run:
            self.post_message(OpenRun(RunDir(Path(run.path))))

    def action_mark(self) -> None:
        if run := self.state.chosen:
            others = tuple(path for path in self.state.marked if path != run.path)
            marked = (*others, run.path) if others == self.state.marked else others
            self._move_to(self.state.cursor + 1, replace(self.state, marked=marked))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a run that is clicked; open one that is clicked twice."""
        line = event.y - ROWS_ABOVE
        index = self.state.top + line
        if 0 <= line < self.lines and index < len(self.state.runs):
            self._move_to(index, self.state)
            if event.chain > 1:
                self.action_open()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(WHEEL_RUNS)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-WHEEL_RUNS)

    def action_filter(self) -> None:
        self.app.push_screen(FilterInput(self.state.words, FILTER, lambda words: self._select(words=words)))


class RunDetails(Panel):
    """The run under the cursor of the list."""

    def __init__(self, runs: RunList, glyphs: Glyphs) -> None:
        super().__init__(glyphs, id="details")
        self._list = runs

    def on_mount(self) -> None:
        self.watch(self._list, "state", self.repaint, init=False)

    def title(self, width: int) -> Row:  # noqa: ARG002
        run = self._list.state.chosen
        return [(run.name if run else "", "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        return drawing.details(self._list.state, width, height, self.glyphs)
