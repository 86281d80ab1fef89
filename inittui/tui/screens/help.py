"""The help: what the screen shows, and every key."""

from collections.abc import Sequence
from itertools import groupby

from textual.binding import Binding

from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, wrap
from inittui.tui.keys import Key
from inittui.tui.widgets.box import BoxScreen
from inittui.tui.widgets.panel import Page

ABOUT = (
    "Each panel is one scheme, trained by a process of its own. 'epochs' is the mean training cost of every epoch, "
    "'now' the running cost within the epoch under way. The test accuracy is measured after every epoch. Leaving does "
    "not stop a run unless you say so; 'inittui attach' comes back to it."
)


class HelpScreen(BoxScreen):
    """The keys that have a help text, in their groups."""

    BINDINGS = [Binding("question_mark,f1", "dismiss", "close")]

    def __init__(self, glyphs: Glyphs, keys: Sequence[Key]) -> None:
        super().__init__("help", [Page(glyphs, self._rows)])
        self._glyphs = glyphs
        self._keys = sorted((key for key in keys if key.help), key=lambda key: key.group)

    def _rows(self, width: int) -> list[Row]:
        rows: list[Row] = [[(line, "")] for line in wrap(self._glyphs.text(ABOUT), width, 20)]
        wide = max(len(key.label) for key in self._keys)
        for group, of_group in groupby(self._keys, key=lambda key: key.group):
            rows += [[], [(group, "dim")]]
            for key in of_group:
                lines = wrap(self._glyphs.text(key.help), width - wide - 2, 20)
                labels = [key.label, *[""] * len(lines)]
                rows += [
                    [(f"{label:<{wide}}  ", "bold"), (line, "")] for label, line in zip(labels, lines, strict=False)
                ]
        return rows
