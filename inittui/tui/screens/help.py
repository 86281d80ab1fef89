"""The keys, from their one table, and what the screen shows."""

from itertools import groupby

from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Static

from inittui.tui.keys import KEYS
from inittui.tui.screens.box import BoxScreen

ABOUT = (
    "Each panel is one scheme, trained by a process of its own. 'epochs' is the mean training cost of every epoch, "
    "'now' the running cost within the epoch under way. The test accuracy is measured after every epoch. Leaving does "
    "not stop a run unless you say so; 'inittui attach' comes back to it."
)


class HelpScreen(BoxScreen):
    """All keys, in their groups. A replay has some of its own."""

    BINDINGS = [Binding("question_mark,f1", "dismiss", "close")]
    heading = "help"

    def __init__(self, *, replay: bool) -> None:
        super().__init__()
        self._replay = replay

    def contents(self) -> list[Widget]:
        return [Static(Text(ABOUT)), Static(self._table())]

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
