"""The keys, in one line; a click on one presses it."""

from collections.abc import Sequence

from textual import events

from inittui.tui.keys import KEYS, Key
from inittui.tui.look import Look, Row
from inittui.tui.widgets.panel import Panel

LAST = ("runs", "help", "leave")  # always there, at the end


class KeyLine(Panel):
    """As many keys of a table as fit; the `last` ones always."""

    def __init__(
        self, look: Look, *, replay: bool = False, table: Sequence[Key] = KEYS, last: Sequence[str] = LAST
    ) -> None:
        super().__init__(look, id="footer", framed=False)
        self._keys = [key for key in table if key.short and (replay or not key.replay)]
        self._last = last
        self.ended = False  # then there are test images to choose from
        self.view = ""  # what is shown alone
        self.paint = self._line

    def _weight(self, key: Key) -> int:
        """What matters first comes first: the keys of what is shown alone, a replay's own or the way to a sweep's matrix, and
        the sample's once they do something."""
        if key.here:
            return -1
        if key.group == "Matrix" or (key.replay and not self.ended):
            return 0
        return 2 if key.group == "Sample" and not self.ended else 1

    def _shown(self, width: int) -> list[Key]:
        last = [key for key in self._keys if key.short in self._last]
        room = width - sum(_width(key) for key in last)
        shown = []
        meant = [key for key in self._keys if not key.here or self.view in key.here]
        for key in sorted(meant, key=self._weight):
            if key.short not in self._last and _width(key) <= room:
                shown.append(key)
                room -= _width(key)
        return shown + last

    def _line(self, width: int, _height: int) -> list[Row]:
        row: Row = []
        for key in self._shown(width):
            row += [(f" {key.label}", "accent bold"), (f" {key.short} ", "dim")]
        return [row]

    def on_click(self, event: events.Click) -> None:
        left = 0
        for key in self._shown(self.content_size.width):
            left += _width(key)
            if event.x < left:
                self.app.simulate_key(key.keys.split(",")[0])
                return


def _width(key: Key) -> int:
    return len(key.label) + len(key.short) + 3
