"""A box over the dashboard that scrolls, and that Escape closes."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget


class BoxScreen(ModalScreen[None]):
    """Shows the widgets of `contents` under the title `heading`. The background is opaque, because Textual would draw
    the dashboard below a transparent one at each change."""

    BINDINGS = [Binding("escape,q,enter", "dismiss", "close")]
    DEFAULT_CSS = """
    BoxScreen { align: center middle; background: $background; }
    BoxScreen > VerticalScroll {
        width: 100; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; border-title-color: $accent; background: $surface; padding: 0 1;
    }
    BoxScreen Static { height: auto; }
    """
    heading = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = f"{self.heading}: Esc closes"
            yield from self.contents()

    def contents(self) -> list[Widget]:
        """The widgets in the box, from top to bottom."""
        return []
