"""Keeps drawn rows as long as nothing that they show has changed.

Reports of the epoch under way come several times a second. A chart of a thousand whole epochs does not change with them.
"""

from collections.abc import Callable

from inittui.board.state import Board
from inittui.tui.draw.rows import Row


class RenderCache:
    """The rows of the last call, and their key."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._rows: list[Row] = []

    def __call__(self, key: tuple[object, ...], draw: Callable[[], list[Row]]) -> list[Row]:
        """The rows of `draw`, or of the last call if it had an equal `key`."""
        if key != self._key:
            self._key, self._rows = key, draw()
        return self._rows


def epoch_key(board: Board) -> tuple[object, ...]:
    """A key of everything on the board that changes with a whole epoch, and not with the reports within one. A history
    that has not changed is the same object, so comparing two keys takes no time."""
    key: list[object] = [board.run, board.preset, board.phase, board.detail, board.result, board.data]
    for arm in board.arms:
        key += [arm.state, arm.reason, arm.epochs, arm.steps, arm.parameters]
        key += [replica.points for replica in arm.replicas]
    return tuple(key)
