"""Lanes: threads that train replicas of one arm side by side, and the scheduler that says whose turn it is."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from inittui.engine.step.replica import Replica
from inittui.record import events


class ReplicaScheduler:
    """Whose turn it is: of the replicas that nobody trains, those that have come least far, `most` at a time of those that
    stand at the same place."""

    def __init__(self, replicas: Sequence[Replica], epochs: int, most: int) -> None:
        self._replicas, self._epochs, self.most = replicas, epochs, most
        self._taken: set[int] = set()  # seeds
        self._lock = threading.Lock()

    def acquire(self) -> list[Replica]:
        """The next ones, now the caller's; none where nothing is left to begin."""
        with self._lock:
            left = [one for one in self._replicas if one.epochs < self._epochs and not one.given_up]
            free = [one for one in left if one.seed not in self._taken]
            if not free:
                return []
            first = min(free, key=lambda one: one.epochs)
            group = [one for one in free if (one.epochs, one.step) == (first.epochs, first.step)][: self.most]
            self._taken.update(one.seed for one in group)
            return group

    @contextmanager
    def idle(self) -> Iterator[list[Replica]]:
        """Those that nobody trains; nobody begins to in here."""
        with self._lock:
            yield [one for one in self._replicas if one.seed not in self._taken]

    def release(self, group: Sequence[Replica]) -> None:
        with self._lock:
            self._taken.difference_update(one.seed for one in group)


def side_by_side(
    lane: Callable[[], Iterator[events.Event]], lanes: int, prepare: Callable[[], None]
) -> Iterator[events.Event]:
    """The events of `lanes` iterators, each of which runs in a thread of its own, after `prepare`; of one, in this thread.

    An iterator goes on only when its event has been dealt with here, as it would in one thread. What one of them raises ends
    the others at their next event, and is raised here when all have ended.
    """
    if lanes == 1:
        yield from lane()
        return
    told: queue.SimpleQueue[tuple[events.Event | BaseException | None, threading.Event]] = queue.SimpleQueue()
    over = threading.Event()

    def work() -> None:
        dealt_with = threading.Event()
        end: BaseException | None = None
        try:
            prepare()
            for event in lane():
                dealt_with.clear()
                told.put((event, dealt_with))
                dealt_with.wait()
                if over.is_set():
                    break
        except BaseException as error:  # whatever it is, it is raised again where the events are read
            end = error
            over.set()
        told.put((end, dealt_with))

    for number in range(lanes):
        threading.Thread(target=work, daemon=True, name=f"training-{number}").start()
    fault: BaseException | None = None
    at_work = lanes
    try:
        while at_work:
            one, dealt_with = told.get()
            if isinstance(one, events.Event):
                yield one
            else:
                at_work -= 1
                fault = fault or one
            dealt_with.set()
    finally:
        over.set()
    if fault is not None:
        raise fault
