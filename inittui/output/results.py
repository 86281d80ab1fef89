"""What an output format renders."""

from msgspec import Struct

from inittui.board.state import Board
from inittui.record.result_schema import ResultDocument


class Report(Struct, frozen=True):
    """What `report` and `compare` print. `width` is that of the terminal, None without one; `confusion` has the confusion
    matrix of each arm, or is None."""

    document: ResultDocument
    each_seed: bool = False
    width: int | None = None
    confusion: dict[str, dict[str, object]] | None = None


class Results(Struct, frozen=True):
    """What `export` writes to a file: the run as a board and as a document. `figure` says which figures to draw."""

    board: Board
    document: ResultDocument
    figure: str
