"""The footer: a line of keys, as many as fit; a click on a key presses it."""

from collections.abc import Sequence

from textual import events

from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.widgets.panel import Panel, drawn

LAST = ("runs", "help", "leave")


class KeyLine(Panel):
    """Names `keys`, the first ones first. Those whose short text is in `last` are always there, at the end."""

    BORDERED = False
    keys: drawn[Sequence[Key]] = drawn(())

    def __init__(self, glyphs: Glyphs, keys: Sequence[Key] = (), *, last: Sequence[str] = LAST) -> None:
        super().__init__(glyphs, id="footer")
        self._last = last
        self.keys = keys

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        row: Row = []
        for key in self._fitting(width):
            row += [(f" {key.label}", "accent bold"), (f" {key.short} ", "dim")]
        return [row]

    def _fitting(self, width: int) -> list[Key]:
        named = [key for key in self.keys if key.short]
        last = [key for key in named if key.short in self._last]
        room = width - sum(map(_cells, last))
        fitting = []
        for key in named:
            if key not in last and _cells(key) <= room:
                fitting.append(key)
                room -= _cells(key)
        return fitting + last

    def on_click(self, event: events.Click) -> None:
        right = 0
        for key in self._fitting(self.content_size.width):
            right += _cells(key)
            if event.x < right:
                self.app.simulate_key(key.keys.split(",")[0])
                return


def _cells(key: Key) -> int:
    """The width of a key in the line."""
    return len(key.label) + len(key.short) + 3
