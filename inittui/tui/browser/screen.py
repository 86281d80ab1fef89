"""The runs: open one on the dashboard, compare two, delete."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from inittui.common.errors import RunError, printable
from inittui.record import delete_run, run_table
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunIndex, RunSummary
from inittui.tui import keys
from inittui.tui.browser import runs_view as view
from inittui.tui.browser.compare_screen import CompareScreen, read
from inittui.tui.browser.compare_view import Side
from inittui.tui.browser.run_rows import RunRows
from inittui.tui.browser.runs_view import Listed
from inittui.tui.draw.glyphs import Look
from inittui.tui.keys import Key
from inittui.tui.messages import OpenRun, RunsRead
from inittui.tui.widgets.key_line import KeyLine
from inittui.tui.widgets.panel import Painted
from inittui.tui.widgets.question import DeleteQuestion

LOOK_SECONDS = 1.0

KEYS = (
    Key("enter", "open", "open it on the dashboard", "open"),
    Key("space", "mark", "mark it: to compare, or to delete several", "mark"),
    Key("c", "compare", "compare the two marked, or the marked one with this", "compare"),
    Key("d,delete", "delete", "delete it, or the marked ones", "delete"),
    Key("slash", "filter", "only runs with these words", "filter", shown="/"),
    Key("up,k", "move(-1)", "up"),
    Key("down,j", "move(1)", "down"),
    Key("pageup", "page(-1)", "a page up"),
    Key("pagedown", "page(1)", "a page down"),
    Key("home", "move(-1000000)", "to the newest"),
    Key("end", "move(1000000)", "to the oldest"),
    Key("escape,q,r", "close", "close", "close", shown="esc"),
)


class _Head(Painted):
    FRAMED = False


class BrowserScreen(Screen[None]):
    """Looks into the folder once a second, in a thread: it may be on NFS, and the screen must not wait for it."""

    AUTO_FOCUS = ""
    BINDINGS = keys.bindings(KEYS)
    DEFAULT_CSS = """
    BrowserScreen { overflow: hidden; background: $background; color: $foreground; }
    BrowserScreen #head, BrowserScreen #footer { height: 1; }
    BrowserScreen #runs { height: 1fr; }
    BrowserScreen Input, BrowserScreen Input:focus {
        height: 1; border: none; padding: 0 1; display: none; background: $surface;
    }
    """

    def __init__(self, folder: Path, shown: RunDir | None, look: Look) -> None:
        """`shown` is the run on the dashboard: the cursor begins there."""
        super().__init__()
        self.folder = folder
        self.look = look
        self._all: Sequence[RunSummary] | None = None  # None until the folder has been looked into
        self._wanted = ""
        self._marked: dict[str, None] = {}  # in the order in which they were marked
        self._left = threading.Event()
        self._again = threading.Event()
        self._at = str(shown.path) if shown else ""  # the path under the cursor, which stays with its run
        self.listed = Listed(shown=self._at, empty=f"looking into {folder} …")
        self._head = _Head(
            look, lambda width, _h: [view.header(self._all, str(self.folder), width)], lambda _w: [], id="head"
        )
        self._rows = RunRows(
            look,
            lambda width, height: view.table(self.listed, width, height, look),
            lambda _w: view.title(self.listed, self._wanted),
            id="runs",
        )
        self._details = Painted(
            look,
            lambda width, height: view.details(
                self.listed.chosen, width, height, look, on_screen=self.listed.shown == self._at
            ),
            lambda _w: [(printable(one.name) if (one := self.listed.chosen) else "", "bold")],
            id="details",
        )

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._rows
        yield self._details
        yield Input(placeholder="words that the name, the state, the preset or an arm must have")
        yield KeyLine(self.look, KEYS, last=("close",))

    def on_mount(self) -> None:
        self.run_worker(self._look_again_and_again, thread=True, group="look")

    def on_unmount(self) -> None:
        self._left.set()
        self._again.set()

    def on_resize(self) -> None:
        height = self.size.height
        lines = 0 if height < 16 else 3 if height < 24 else 4 if height < 32 else 5
        self._details.display = lines > 0
        self._details.styles.height = lines + 2
        self.call_after_refresh(self._arrange)

    def _look_again_and_again(self) -> None:
        listing = RunIndex(self.folder)
        while not self._left.is_set():
            self._again.clear()
            found = listing.read()
            self.post_message(RunsRead(found, run_table.widths(found)))
            self._again.wait(LOOK_SECONDS)

    def on_runs_read(self, message: RunsRead) -> None:
        self._all = message.runs
        there = {run.path for run in message.runs}
        self._marked = {path: None for path in self._marked if path in there}
        self._arrange(message.widths)

    def _arrange(self, widths: run_table.Widths | None = None) -> None:
        """Filter, put the cursor where its run is now, scroll to it, paint."""
        runs = view.matching(self._all or (), self._wanted)
        cursor = next((place for place, run in enumerate(runs) if run.path == self._at), self.listed.cursor)
        self._go(runs, cursor, self.listed.widths if widths is None else widths)

    def _go(self, runs: Sequence[RunSummary], cursor: int, widths: run_table.Widths) -> None:
        cursor = max(0, min(cursor, len(runs) - 1))
        if runs:
            self._at = runs[cursor].path
        self.listed = Listed(
            runs=runs,
            widths=widths,
            cursor=cursor,
            top=view.scrolled(cursor, self.listed.top, self._rows.lines, len(runs)),
            marked=self._marked,
            shown=self.listed.shown,
            empty=self._why_empty(),
        )
        for panel in (self._head, self._rows, self._details):
            panel.repaint()

    def _why_empty(self) -> str:
        if self._all is None:
            return self.listed.empty
        if self._all:
            return f"None of {len(self._all):,} runs has '{self._wanted}'. Esc in the filter shows all again."
        return f"No run in {self.folder}. 'inittui' starts one."

    def action_move(self, by: int) -> None:
        self._go(self.listed.runs, self.listed.cursor + by, self.listed.widths)

    def action_page(self, by: int) -> None:
        self.action_move(by * self._rows.lines)

    def on_run_rows_wheeled(self, message: RunRows.Wheeled) -> None:
        self.action_move(message.by)

    def on_run_rows_clicked(self, message: RunRows.Clicked) -> None:
        place = self.listed.top + message.line
        if place < len(self.listed.runs):
            self.action_move(place - self.listed.cursor)
            if message.twice:
                self.action_open()

    def action_open(self) -> None:
        chosen = self.listed.chosen
        if chosen is not None and chosen.path == self.listed.shown:
            self.dismiss()
        elif chosen is not None:
            self.post_message(OpenRun(RunDir(Path(chosen.path))))

    def action_mark(self) -> None:
        if chosen := self.listed.chosen:
            if chosen.path in self._marked:
                del self._marked[chosen.path]
            else:
                self._marked[chosen.path] = None
            self.action_move(1)

    def action_compare(self) -> None:
        known = {run.path: run for run in self._all or ()}
        pair = [known[path] for path in self._marked]
        if len(pair) == 1 and self.listed.chosen is not None and self.listed.chosen.path not in self._marked:
            pair.append(self.listed.chosen)
        if len(pair) == 2:
            self.run_worker(partial(self._compare, *pair), thread=True, group="compare", exclusive=True)
        elif len(pair) > 2:
            self._say(f"two runs can be compared, {len(pair)} are marked; space takes a mark away")
        else:
            self._say("space marks a run; then c on another compares the two")

    def _compare(self, a: RunSummary, b: RunSummary) -> None:
        """In a thread: presets and results are read."""
        try:
            sides = read(a), read(b)
        except (RunError, OSError) as error:
            self.app.call_from_thread(self._say, str(error), bad=True)
        else:
            self.app.call_from_thread(self._show_pair, *sides)

    def _show_pair(self, a: Side, b: Side) -> None:
        if self.is_current:  # it may have been closed meanwhile
            self.app.push_screen(CompareScreen(a, b, self.look))

    def action_delete(self) -> None:
        chosen = self.listed.chosen
        targets = [run for run in self._all or () if run.path in self._marked] or ([chosen] if chosen else [])
        if alive := next((run for run in targets if run.alive), None):
            self._say(f"{alive.name} is alive: stop it before you delete it")
        elif any(run.path == self.listed.shown for run in targets):
            self._say("the run on the dashboard can't be deleted: open another one first")
        elif targets:
            self.app.push_screen(DeleteQuestion(targets), partial(self._delete, targets))

    def _delete(self, targets: Sequence[RunSummary], answer: str | None) -> None:
        if answer:
            self.run_worker(partial(self._delete_all, targets), thread=True, group="delete")

    def _delete_all(self, targets: Sequence[RunSummary]) -> None:
        """In a thread: large folders, or slow ones."""
        for target in targets:
            try:
                delete_run.delete(RunDir(Path(target.path)))
            except (RunError, OSError) as error:
                self.app.call_from_thread(self._say, str(error), bad=True)
            self._again.set()

    def _say(self, words: str, *, bad: bool = False) -> None:
        self.notify(printable(words), severity="error" if bad else "warning", timeout=6, markup=False)

    def action_filter(self) -> None:
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)  # at once: what is typed next is meant for it
        self.call_after_refresh(self._arrange)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value
        self._arrange()

    def on_input_submitted(self) -> None:
        self._leave_filter()

    def _leave_filter(self) -> None:
        field = self.query_one(Input)
        field.display = False
        self.set_focus(None)
        self.call_after_refresh(self._arrange)

    def action_close(self) -> None:
        """Esc in the filter shows all runs again; else it closes."""
        field = self.query_one(Input)
        if field.has_focus:
            field.value = ""
            self._leave_filter()
        else:
            self.dismiss()
