"""A box over the dashboard that scrolls and closes."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget


class BoxScreen(ModalScreen[None]):
    """Shows what `contents` returns under the title `heading`, on plain ground: a dashboard that shines through costs a third
    of the time until the box is there, and goes on costing while it is open."""

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
        """What is in the box, from top to bottom."""
        return []
