"""Asks before leaving a run that trains."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label


class LeaveScreen(ModalScreen[str]):
    """Returns `keep` (leave, training goes on), `stop`, or `stay`."""

    BINDINGS = [
        Binding("k", "answer('keep')", "keep it running"),
        Binding("s,x", "answer('stop')", "stop it"),
        Binding("escape,q,n", "answer('stay')", "stay"),
        Binding("right,down", "app.focus_next", show=False),
        Binding("left,up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    LeaveScreen { align: center middle; background: $background 60%; }
    LeaveScreen > Vertical {
        width: 62; max-width: 100%; height: auto; border: round $accent; background: $surface; padding: 0 1;
    }
    LeaveScreen Label { width: 100%; }
    LeaveScreen Horizontal { height: auto; align: center middle; margin-top: 1; }
    LeaveScreen Button { min-width: 10; margin: 0 1; height: 1; border: none; }
    """

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label("Training is under way.")
            yield Label("k  leave, and keep it running: 'inittui attach' comes back")
            yield Label("s  stop it: what it has so far is kept")
            yield Label("Esc  stay")
            with Horizontal():
                yield Button("Keep", id="keep", variant="primary", compact=True)
                yield Button("Stop", id="stop", variant="error", compact=True)
                yield Button("Stay", id="stay", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)
