"""A question with a few answers, over the dashboard."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from inittui.common.errors import printable

Answer = tuple[str, str, str]  # what is returned, its key, what it means


class Question(ModalScreen[str]):
    """Returns the chosen answer, or "" when the person would rather not."""

    BINDINGS = [Binding("escape,q,n", "answer('')", "no")]
    DEFAULT_CSS = """
    Question { align: center middle; background: $background 60%; }
    Question OptionList, Question OptionList:focus {
        width: 66; max-width: 100%; height: auto; max-height: 100%; background: $surface; padding: 1 2;
        border: round $accent; border-title-color: $accent;
    }
    """

    def __init__(self, heading: str, answers: Sequence[Answer], no: str) -> None:
        super().__init__()
        self._heading = printable(heading)
        self._answers = answers
        self._no = no
        for answer, key, words in answers:
            self._bindings.bind(key, f"answer('{answer}')", words)

    def compose(self) -> ComposeResult:
        options = [Option(f"{key}  {printable(words)}", id=answer) for answer, key, words in self._answers]
        choices = OptionList(*options, Option(f"Esc  {self._no}", id="no"), markup=False)
        choices.border_title = self._heading.replace("[", r"\[")
        yield choices

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss("" if event.option.id == "no" else event.option.id or "")

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)
