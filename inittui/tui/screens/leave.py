"""Asks before leaving a run that trains."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

ANSWERS = (
    ("keep", "k  leave, and keep it running: 'inittui attach' comes back"),
    ("stop", "s  stop it: what it has so far is kept"),
    ("stay", "Esc  stay"),
)


class LeaveScreen(ModalScreen[str]):
    """Returns `keep` (leave, training goes on), `stop`, or `stay`."""

    BINDINGS = [
        Binding("k", "answer('keep')", "keep it running"),
        Binding("s,x", "answer('stop')", "stop it"),
        Binding("escape,q,n", "answer('stay')", "stay"),
    ]
    DEFAULT_CSS = """
    LeaveScreen { align: center middle; background: $background 60%; }
    LeaveScreen OptionList, LeaveScreen OptionList:focus {
        width: 66; max-width: 100%; height: auto; background: $surface; padding: 1 2;
        border: round $accent; border-title-color: $accent;
    }
    """

    def compose(self) -> ComposeResult:
        choices = OptionList(*(Option(words, id=answer) for answer, words in ANSWERS))
        choices.border_title = "training is under way"
        yield choices

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "stay")

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)
