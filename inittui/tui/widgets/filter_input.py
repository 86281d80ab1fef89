"""A line at the bottom of the screen for the words of a filter."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Input

LONGEST = 200  # characters


class FilterInput(ModalScreen[None]):
    """Calls `changed` with the words at each key. Enter keeps the words, Escape removes them."""

    BINDINGS = [Binding("escape", "none", "none")]
    DEFAULT_CSS = """
    FilterInput { align: left bottom; background: $background 0%; }
    FilterInput Input, FilterInput Input:focus { height: 1; border: none; padding: 0 1; background: $surface; }
    """

    def __init__(self, words: str, placeholder: str, changed: Callable[[str], None]) -> None:
        super().__init__()
        self._words, self._placeholder, self._changed = words, placeholder, changed

    def compose(self) -> ComposeResult:
        yield Input(self._words, placeholder=self._placeholder, max_length=LONGEST)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._changed(event.value)

    def on_input_submitted(self) -> None:
        self.dismiss()

    def action_none(self) -> None:
        self._changed("")
        self.dismiss()
