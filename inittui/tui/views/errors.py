"""A box with the reason and the traceback of each arm that failed."""

from rich.text import Text
from textual.binding import Binding
from textual.widgets import Static

from inittui.board.state import Board
from inittui.tui.widgets.box import BoxScreen


class ErrorsScreen(BoxScreen):
    """A section for the run, for each failed arm and for each damaged record."""

    BINDINGS = [Binding("e", "dismiss", "close")]
    DEFAULT_CSS = "ErrorsScreen Static { margin-bottom: 1; }"

    def __init__(self, board: Board) -> None:
        texts = [Text(board.detail)] if board.phase in ("failed", "interrupted") and board.detail else []
        texts += [
            Text.assemble((arm.name, "bold"), "\n", arm.reason, "\n", arm.detail)
            for arm in board.arms
            if arm.state in ("failed", "stopped", "interrupted")
        ]
        texts += [Text(f"damaged record: {fault}") for fault in board.faults]
        super().__init__("errors", [Static(text) for text in texts or [Text("No arm has failed.")]])
