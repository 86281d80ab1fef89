"""Pictures that are kept for as long as what they were made of has not changed."""

from collections.abc import Callable
from typing import Generic, TypeVar

from inittui.board.state import Board

T = TypeVar("T")
PLAIN = (int, float, str)  # compared by value; all else has to be the very same object


class Memo(Generic[T]):
    """The last thing that was made, and of what. A picture of a thousand epochs is drawn anew when one more is over, not
    at every report of the epoch under way."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._made: list[T] = []

    def __call__(self, of: tuple[object, ...], make: Callable[[], T]) -> T:
        """What `make` returned when it was last called, or returns now if anything in `of` is another than then."""
        same = len(of) == len(self._of) and all(map(_same, of, self._of))
        if not same or not self._made:
            self._of, self._made = of, [make()]
        return self._made[0]


def _same(a: object, b: object) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, PLAIN) and a == b)


def epochs(board: Board) -> tuple[object, ...]:
    """All that a picture of whole epochs is made of, for `Memo`: the same while only reports come in."""
    of: list[object] = [board.run, board.preset, board.phase, board.detail, board.result, board.data]
    for arm in board.arms:
        of += [arm.state, arm.reason, arm.epochs, arm.steps, arm.parameters]
        of += [replica.points for replica in arm.replicas]
    return tuple(of)
