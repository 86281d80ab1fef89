"""The screen of two runs side by side. It scrolls if they do not fit."""

from textual.app import ComposeResult
from textual.screen import Screen

from inittui.tui import keys
from inittui.tui.browser import compare_drawing
from inittui.tui.browser.run_pair import RunPair
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.widgets.key_line import KeyLine
from inittui.tui.widgets.panel import Panel, drawn

WHEEL_ROWS = 3  # rows per notch of the mouse wheel


class PairPanel(Panel, can_focus=True):
    """The pair, from the row `top` on."""

    KEYS = (
        Key("up,k", "scroll(-1)", "up"),
        Key("down,j", "scroll(1)", "down", "scroll", shown="down"),
        Key("pageup", "page(-1)", "a page up"),
        Key("pagedown,space", "page(1)", "a page down"),
        Key("home", "page(-1000)", "to the top"),
        Key("end", "page(1000)", "to the end"),
        Key("x", "swap", "B first", "swap A and B"),
    )
    BINDINGS = keys.bindings(KEYS)

    top = drawn(0)

    def __init__(self, pair: RunPair, glyphs: Glyphs) -> None:
        super().__init__(glyphs, id="compare")
        self._pair = pair

    def _drawn(self) -> tuple[list[Row], int]:
        """All rows, and the first one on the screen: after the last row no line stays empty."""
        rows = compare_drawing.rows(self._pair, self.inside.width, self.glyphs)
        return rows, max(0, min(self.top, len(rows) - self.inside.height))

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        rows, first = self._drawn()
        return rows[first:]

    def title(self, width: int) -> Row:  # noqa: ARG002
        (rows, first), height = self._drawn(), self.inside.height
        lines = f"  lines {first + 1} to {first + height} of {len(rows)}" if len(rows) > height else ""
        return [("two runs side by side", "bold"), (lines, "dim")]

    def action_scroll(self, by: int) -> None:
        self.top = max(0, self._drawn()[1] + by)

    def action_page(self, by: int) -> None:
        self.action_scroll(by * max(1, self.inside.height - 1))

    def action_swap(self) -> None:
        self._pair = self._pair.swapped()
        self.repaint()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(WHEEL_ROWS)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-WHEEL_ROWS)


class CompareScreen(Screen[None]):
    """Shows a pair of runs until the user closes it."""

    AUTO_FOCUS = "PairPanel"
    KEYS = (Key("escape,q,c,enter", "dismiss", "close", "close", shown="esc"),)
    BINDINGS = keys.bindings(KEYS)
    DEFAULT_CSS = """
    CompareScreen { overflow: hidden; background: $background; color: $foreground; }
    CompareScreen #compare { height: 1fr; }
    CompareScreen #footer { height: 1; }
    """

    def __init__(self, pair: RunPair, glyphs: Glyphs) -> None:
        super().__init__()
        self._pair = pair
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        yield PairPanel(self._pair, self._glyphs)
        yield KeyLine(self._glyphs, (*PairPanel.KEYS, *self.KEYS), last=("close",))
