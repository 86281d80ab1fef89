"""Keeps drawn rows as long as nothing that they show has changed.

Reports of the epoch under way come several times a second. A chart of a thousand whole epochs does not change with them.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from inittui.board.state import Board

T = TypeVar("T")
_BY_VALUE = (int, float, str)  # other parts of a key are compared by identity, which takes no time for a long history


class RenderCache(Generic[T]):
    """The result of the last call, and its key."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._kept: list[T] = []

    def __call__(self, key: tuple[object, ...], draw: Callable[[], T]) -> T:
        """The result of `draw`, or of the last call if it had the same `key`."""
        same = len(key) == len(self._key) and all(map(_same, key, self._key))
        if not same or not self._kept:
            self._key, self._kept = key, [draw()]
        return self._kept[0]


def _same(a: object, b: object) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, _BY_VALUE) and a == b)


def epoch_key(board: Board) -> tuple[object, ...]:
    """A key of everything on the board that changes with a whole epoch, and not with the reports within one."""
    key: list[object] = [board.run, board.preset, board.phase, board.detail, board.result, board.data]
    for arm in board.arms:
        key += [arm.state, arm.reason, arm.epochs, arm.steps, arm.parameters]
        key += [replica.points for replica in arm.replicas]
    return tuple(key)
