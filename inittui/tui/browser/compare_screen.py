"""Two runs side by side. Scrolls where they do not fit."""

from pathlib import Path

from textual.app import ComposeResult
from textual.screen import Screen

from inittui.analysis import result_document
from inittui.board.follower import Follower
from inittui.record.result_schema import ArmResult
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunSummary
from inittui.tui import keys
from inittui.tui.browser import compare_view
from inittui.tui.browser.compare_view import Outcome, Side
from inittui.tui.draw.glyphs import Look, Row
from inittui.tui.keys import Key
from inittui.tui.widgets.key_line import KeyLine
from inittui.tui.widgets.panel import Painted

KEYS = (
    Key("up,k", "scroll(-1)", "up"),
    Key("down,j", "scroll(1)", "down", "scroll", shown="down"),
    Key("pageup", "page(-1)", "a page up"),
    Key("pagedown,space", "page(1)", "a page down"),
    Key("home", "page(-1000)", "to the top"),
    Key("end", "page(1000)", "to the end"),
    Key("x", "swap", "B first", "swap A and B"),
    Key("escape,q,c,enter", "dismiss", "close", "close", shown="esc"),
)


class CompareScreen(Screen[None]):
    """Shows what `views.compare` makes of two sides."""

    BINDINGS = keys.bindings(KEYS)
    DEFAULT_CSS = """
    CompareScreen { overflow: hidden; background: $background; color: $foreground; }
    CompareScreen #compare { height: 1fr; }
    CompareScreen #footer { height: 1; }
    """

    def __init__(self, a: Side, b: Side, look: Look) -> None:
        super().__init__()
        self.look = look
        self.sides = (a, b)
        self.top = 0
        self._panel = Painted(
            look, lambda width, height: self._rows(width)[self._place(width, height) :], self._title, id="compare"
        )

    def compose(self) -> ComposeResult:
        yield self._panel
        yield KeyLine(self.look, KEYS, last=("close",))

    def _rows(self, width: int) -> list[Row]:
        return compare_view.rows(*self.sides, width, self.look)

    def _place(self, width: int, height: int) -> int:
        """The first row on the screen: never so far down that the last ones leave room below them."""
        self.top = max(0, min(self.top, len(self._rows(width)) - height))
        return self.top

    def _title(self, _width: int) -> Row:
        inside = self._panel.inside
        count = len(self._rows(inside.width))
        top = self._place(inside.width, inside.height)
        lines = f"  lines {top + 1} to {min(count, top + inside.height)} of {count}" if count > inside.height else ""
        return [("two runs side by side", "bold"), (lines, "dim")]

    def action_scroll(self, by: int) -> None:
        self.top = max(0, self.top + by)
        self._panel.repaint()

    def action_page(self, by: int) -> None:
        self.action_scroll(by * max(1, self._panel.inside.height - 1))

    def action_swap(self) -> None:
        self.sides = (self.sides[1], self.sides[0])
        self._panel.repaint()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)


def read(summary: RunSummary) -> Side:
    """A run as one side, from its result, or from its logs as far as they go. Raises RunError."""
    run = RunDir(Path(summary.path))
    preset = run.preset()
    document = run.result()
    if document is None:
        board = Follower(run).poll()
        arms = result_document.arms(board, interval=False)
        data = board.data
        title, train, test = (data.title, data.train, data.test) if data else ("", 0, 0)
    else:
        arms = document.arms
        title, train, test = document.data.title, document.data.train, document.data.test
    outcomes = {arm.name: _outcome(arm) for arm in arms}
    return Side(summary, preset, f"{title} {train:,}/{test:,}" if test else "", test, outcomes)


def _outcome(arm: ArmResult) -> Outcome:
    accuracy = arm.test_accuracy
    seeds = sum(replica.test_accuracy is not None for replica in arm.replicas)
    if accuracy is None:
        return Outcome(arm.status, None, None, seeds)
    return Outcome(arm.status, accuracy.mean, accuracy.std, seeds)
