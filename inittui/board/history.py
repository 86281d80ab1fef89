"""A tuple that grows by one item at a time.

`plus` returns a longer history and does not change the first one. Its time does not depend on the length: the versions share
one list, and each of them reads only its own beginning of it.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

T = TypeVar("T")

_growing = threading.Lock()  # two threads may extend the same history


class History(Sequence[T]):
    """A tuple that is cheap to extend. Equal to a tuple or History of the same items. A slice is a tuple."""

    __slots__ = ("_items", "_length")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._length = len(self._items)

    def plus(self, item: T) -> "History[T]":
        """This history with `item` appended."""
        longer: History[T] = History.__new__(History)
        with _growing:
            # The list can be shared unless another version has extended it.
            longer._items = self._items if len(self._items) == self._length else self._items[: self._length]
            longer._items.append(item)
        longer._length = self._length + 1
        return longer

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._length)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        chosen = range(self._length)[index]
        return self._items[chosen] if isinstance(chosen, int) else tuple(self._items[i] for i in chosen)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, tuple | History) and tuple(self) == tuple(other))
