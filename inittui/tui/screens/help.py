"""The keys, from their one table, and what the screen shows."""

from itertools import groupby

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from inittui.tui.keys import KEYS

ABOUT = (
    "Each panel is one scheme, trained by a process of its own. 'epochs' is the mean training cost of every epoch, "
    "'now' the running cost within the epoch under way. The test accuracy is measured after every epoch. Leaving does "
    "not stop a run unless you say so; 'inittui attach' comes back to it."
)


class HelpScreen(ModalScreen[None]):
    """Any of its keys closes it."""

    BINDINGS = [Binding("escape,q,question_mark,f1,enter", "dismiss", "close")]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 78; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; border-title-color: $accent; background: $surface; padding: 0 1;
    }
    HelpScreen Static { height: auto; }
    """

    def __init__(self, *, replay: bool) -> None:
        super().__init__()
        self._replay = replay

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "help: Esc closes"
            yield Static(Text(ABOUT))
            yield Static(self._table())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        keys = [key for key in KEYS if self._replay or not key.replay]
        for group, of_group in groupby(sorted(keys, key=lambda key: key.group), key=lambda key: key.group):
            table.add_row("", "")
            table.add_row(Text(group, style="dim"), "")
            for key in of_group:
                table.add_row(Text(key.label), Text(key.help))
        return table
