"""Why arms failed, in full."""

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from inittui.board import Board


class ErrorsScreen(ModalScreen[None]):
    """One section an arm that failed; the whole traceback where there is one."""

    BINDINGS = [Binding("escape,q,e,enter", "dismiss", "close")]
    DEFAULT_CSS = """
    ErrorsScreen { align: center middle; background: $background 60%; }
    ErrorsScreen > VerticalScroll {
        width: 110; max-width: 100%; height: auto; max-height: 100%;
        border: round $error; border-title-color: $error; background: $surface; padding: 0 1;
    }
    ErrorsScreen Static { height: auto; margin-bottom: 1; }
    """

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def compose(self) -> ComposeResult:
        failed = [arm for arm in self._board.arms if arm.state == "failed"]
        with VerticalScroll() as box:
            box.border_title = "errors: Esc closes"
            if self._board.phase == "failed" and self._board.detail:
                yield Static(Text(self._board.detail))
            for arm in failed:
                yield Static(Text.assemble((arm.name, "bold"), "\n", arm.reason, "\n", arm.detail))
            for fault in self._board.faults:
                yield Static(Text(f"damaged record: {fault}"))
            if not failed and not self._board.faults and not self._board.detail:
                yield Static("No arm has failed.")
