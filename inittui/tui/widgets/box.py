"""A box over the dashboard that scrolls, and that Escape closes."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget


class BoxScreen(ModalScreen[None]):
    """Shows widgets, from top to bottom, under a title. The background is opaque, because Textual would draw the dashboard
    below a transparent one at each change."""

    BINDINGS = [Binding("escape,q,enter", "dismiss", "close")]
    DEFAULT_CSS = """
    BoxScreen { align: center middle; background: $background; }
    BoxScreen > VerticalScroll {
        width: 100; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; border-title-color: $accent; background: $surface; padding: 0 1;
    }
    BoxScreen Static { height: auto; }
    """

    def __init__(self, heading: str, contents: Sequence[Widget]) -> None:
        super().__init__()
        self._heading, self._contents = heading, contents

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = f"{self._heading}: Esc closes"
            yield from self._contents
