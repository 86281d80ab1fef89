"""What a key is: its names, the action that it runs, and how the help and the footer name it."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """A key of a screen or of a panel, from which the binding, the line in the help and the place in the footer follow."""

    keys: str  # as Textual names them, alternatives separated by commas
    action: str  # of the screen or panel that owns the key
    help: str = ""  # keys without a text are not in the help
    short: str = ""  # keys without a short text are not in the footer
    shown: str = ""  # how the key is printed; its first name by default
    group: str = "Everywhere"  # heading in the help
    replay: bool = False  # works in a replay only
    only_alone: bool = False  # works only while its panel is shown alone
    named_alone: bool = False  # the footer names it only while its panel is shown alone
    rank: int = 30  # keys with a lower rank come first in the footer
    rank_ended: int | None = None  # the rank after the end of the run, where it differs

    @property
    def label(self) -> str:
        return self.shown or self.keys.split(",")[0]


def bindings(table: Sequence[Key]) -> list[BindingType]:
    """Textual's bindings of a table."""
    return [Binding(key.keys, key.action, key.help, show=False) for key in table]
