"""The keys in one line: as many of a table as fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from inittui.tui.draw.glyphs import Row
from inittui.tui.keys import KEYS, Key

LAST = ("runs", "help", "leave")  # always there, at the end


@dataclass(frozen=True)
class Line:
    """Which keys there are, and what they mean just now."""

    table: Sequence[Key] = KEYS
    last: Sequence[str] = LAST
    replay: bool = False
    ended: bool = False  # then there are test images to choose from
    view: str = ""  # what is shown alone

    def row(self, width: int) -> Row:
        row: Row = []
        for key in self.keys(width):
            row += [(f" {key.label}", "accent bold"), (f" {key.short} ", "dim")]
        return row

    def keys(self, width: int) -> list[Key]:
        """Those that fit, the `last` ones always."""
        named = [key for key in self.table if key.short and (self.replay or not key.replay)]
        last = [key for key in named if key.short in self.last]
        room = width - sum(map(cells, last))
        shown = []
        meant = [key for key in named if not key.here or self.view in key.here]
        for key in sorted(meant, key=self._weight):
            if key.short not in self.last and cells(key) <= room:
                shown.append(key)
                room -= cells(key)
        return shown + last

    def _weight(self, key: Key) -> int:
        """What matters first comes first: the keys of what is shown alone, a replay's own or the way to a sweep's matrix, and
        the sample's once they do something."""
        if key.here:
            return -1
        if key.group == "Matrix" or (key.replay and not self.ended):
            return 0
        return 2 if key.group == "Sample" and not self.ended else 1


def cells(key: Key) -> int:
    """That a key takes."""
    return len(key.label) + len(key.short) + 3
