"""A box that asks a question, and the questions before leaving and before deleting."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from inittui.common import formatting
from inittui.common.errors import printable
from inittui.record.run_index import RunSummary

Answer = tuple[str, str, str]  # what is returned, its key, what it means

LEAVE_ANSWERS: tuple[Answer, ...] = (
    ("keep", "k", "leave, and keep it running: 'inittui attach' comes back"),
    ("stop", "s", "stop it: its results so far are kept; it can be resumed"),
)


class Question(ModalScreen[str]):
    """Returns the chosen answer, or "" if the user chooses none. `safe`: Enter alone chooses none."""

    BINDINGS = [Binding("escape,q,n", "dismiss('')", "no")]
    DEFAULT_CSS = """
    Question { align: center middle; background: $background 60%; }
    Question OptionList, Question OptionList:focus {
        width: 100%; min-width: 10; max-width: 66; height: auto; max-height: 100%; background: $surface; padding: 1 2;
        border: round $accent; border-title-color: $accent;
    }
    """

    def __init__(self, heading: str, answers: Sequence[Answer], no: str, *, safe: bool = False) -> None:
        super().__init__()
        self._answers = answers
        options = [Option(f"{key}  {printable(words)}", id=answer) for answer, key, words in answers]
        self._choices = OptionList(*options, Option(f"Esc  {no}", id="no"), markup=False)
        self._choices.border_title = printable(heading).replace("[", r"\[")
        if safe:
            self._choices.highlighted = len(options)

    def compose(self) -> ComposeResult:
        yield self._choices

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss("" if event.option.id == "no" else event.option.id or "")

    def on_key(self, event: events.Key) -> None:
        answer = next((answer for answer, key, _ in self._answers if key == event.key), None)
        if answer is not None:
            event.stop()
            self.dismiss(answer)


class LeaveQuestion(Question):
    """Returns `keep` (leave, the training continues), `stop`, or "" (stay)."""

    def __init__(self, *, paused: bool = False) -> None:
        super().__init__("training is paused" if paused else "training is under way", LEAVE_ANSWERS, "stay")


class DeleteQuestion(Question):
    """Returns `delete` or "". Enter alone keeps the runs, because a deleted run cannot be restored."""

    def __init__(self, runs: Sequence[RunSummary]) -> None:
        size = formatting.size(sum(run.size for run in runs))
        single = len(runs) == 1
        heading = f"delete {runs[0].name}?" if single else f"delete {len(runs)} runs?"
        names = "" if single else ": " + ", ".join(run.name for run in runs[:3]) + (", …" if len(runs) > 3 else "")
        answers = [("delete", "y", f"delete {size} for good{names}")]
        super().__init__(heading, answers, "keep it" if single else "keep them", safe=True)
