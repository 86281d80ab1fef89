"""The screen of the runs: open one on the dashboard, compare two, delete."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.notifications import SeverityLevel
from textual.screen import Screen

from inittui.common.errors import RunError, printable
from inittui.record import delete_run, run_table
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunIndex, RunSummary
from inittui.record.run_table import Widths
from inittui.tui import keys
from inittui.tui.browser import runs_drawing as drawing
from inittui.tui.browser.compare_screen import CompareScreen
from inittui.tui.browser.run_list import RunDetails, RunList
from inittui.tui.browser.run_pair import RunPair, read_pair
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.keys import Key
from inittui.tui.messages import State
from inittui.tui.widgets.key_line import KeyLine
from inittui.tui.widgets.panel import Page
from inittui.tui.widgets.question import DeleteQuestion

READ_SECONDS = 1.0  # between two reads of the folder


class BrowserScreen(Screen[None]):
    """Reads the folder once a second, in a thread: it may be on NFS, and the screen must not wait for it."""

    AUTO_FOCUS = "RunList"
    KEYS = (
        Key("c", "compare", "compare the two marked, or the marked one with this", "compare", rank=3),
        Key("d,delete", "delete", "delete it, or the marked ones", "delete", rank=4),
        Key("escape,q,r", "dismiss", "close", "close", shown="esc"),
    )
    BINDINGS = keys.bindings(KEYS)
    DEFAULT_CSS = """
    BrowserScreen { overflow: hidden; background: $background; color: $foreground; }
    BrowserScreen #head, BrowserScreen #footer { height: 1; }
    BrowserScreen #runs { height: 1fr; }
    """

    @dataclass
    class RunsRead(State):
        """The runs of the folder as they are now, with the widths that their columns want."""

        runs: Sequence[RunSummary]
        widths: Widths

    def __init__(self, folder: Path, shown: RunDir | None, glyphs: Glyphs) -> None:
        """`shown` is the run on the dashboard."""
        super().__init__()
        self.glyphs = glyphs
        self._folder = folder
        self._left = threading.Event()
        self._read_now = threading.Event()
        self._list = RunList(folder, str(shown.path) if shown else "", glyphs)
        self._details = RunDetails(self._list, glyphs)
        self._head = Page(glyphs, lambda width: [drawing.head(self._list.runs or (), str(folder), width)], id="head")

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._list
        yield self._details
        yield KeyLine(self.glyphs, sorted((*RunList.KEYS, *self.KEYS), key=lambda key: key.rank), last=("close",))

    def on_mount(self) -> None:
        self._read_folder()

    def on_resize(self) -> None:
        height = self.size.height
        lines = 0 if height < 16 else 3 if height < 24 else 4 if height < 32 else 5
        self._details.display = lines > 0
        self._details.styles.height = lines + 2

    def on_unmount(self) -> None:
        self._left.set()
        self._read_now.set()

    @work(thread=True, group="read")
    def _read_folder(self) -> None:
        index = RunIndex(self._folder)
        while not self._left.is_set():
            self._read_now.clear()
            runs = index.read()
            self.post_message(self.RunsRead(runs, run_table.widths(runs)))
            self._read_now.wait(READ_SECONDS)

    def on_browser_screen_runs_read(self, message: RunsRead) -> None:
        self._list.show(message.runs, message.widths)
        self._head.repaint()

    def action_compare(self) -> None:
        pair, chosen = self._list.marked(), self._list.state.chosen
        if len(pair) == 1 and chosen is not None and chosen.path != pair[0].path:
            pair.append(chosen)
        if len(pair) == 2:
            self._compare(*pair)
        elif len(pair) > 2:
            self._report(f"two runs can be compared, {len(pair)} are marked; space takes a mark away", "warning")
        else:
            self._report("space marks a run; then c on another compares the two", "warning")

    @work(thread=True, group="compare", exclusive=True)
    def _compare(self, a: RunSummary, b: RunSummary) -> None:
        """In a thread: presets and results are read."""
        try:
            self.app.call_from_thread(self._show_pair, read_pair(a, b))
        except (RunError, OSError) as error:
            self.app.call_from_thread(self._report, error)

    def _show_pair(self, pair: RunPair) -> None:
        if self.is_current:  # the user may have closed it meanwhile
            self.app.push_screen(CompareScreen(pair, self.glyphs))

    def action_delete(self) -> None:
        chosen = self._list.state.chosen
        targets = self._list.marked() or ([chosen] if chosen else [])
        if alive := next((run for run in targets if run.alive), None):
            self._report(f"{alive.name} is alive: a run that is alive can't be deleted", "warning")
        elif any(run.path == self._list.state.on_dashboard for run in targets):
            self._report("the run on the dashboard can't be deleted: open another one first", "warning")
        elif targets:
            self.app.push_screen(DeleteQuestion(targets), partial(self._answered, targets))

    def _answered(self, targets: Sequence[RunSummary], answer: str | None) -> None:
        if answer:
            self._delete(targets)

    @work(thread=True, group="delete")
    def _delete(self, targets: Sequence[RunSummary]) -> None:
        """In a thread: a folder may be large or slow."""
        for target in targets:
            try:
                delete_run.delete(RunDir(Path(target.path)))
            except (RunError, OSError) as error:
                self.app.call_from_thread(self._report, error)
            self._read_now.set()

    def _report(self, problem: Exception | str, severity: SeverityLevel = "error") -> None:
        self.notify(printable(str(problem)), severity=severity, timeout=6, markup=False)
