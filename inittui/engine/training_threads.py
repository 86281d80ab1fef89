"""Training replicas of one arm in several threads: the scheduler that assigns replicas to threads, and the threads."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from inittui.engine.step.replica import Replica
from inittui.record import events


class ReplicaScheduler:
    """Assigns replicas to training threads. The replicas with the fewest epochs come first, and at most `max_batched` of
    those at the same epoch and step train together."""

    def __init__(self, replicas: Sequence[Replica], epochs: int, max_batched: int) -> None:
        self.max_batched = max_batched
        self._replicas, self._epochs = replicas, epochs
        self._busy: set[int] = set()  # seeds
        self._lock = threading.Lock()

    def acquire(self) -> list[Replica]:
        """The replicas that the calling thread trains next; empty when no replica is left to begin."""
        with self._lock:
            left = [replica for replica in self._replicas if replica.epochs < self._epochs and not replica.given_up]
            free = [replica for replica in left if replica.seed not in self._busy]
            first = min(free, key=lambda replica: replica.epochs, default=None)
            level = [r for r in free if first and (r.epochs, r.step) == (first.epochs, first.step)]
            group = level[: self.max_batched]
            self._busy.update(replica.seed for replica in group)
            return group

    @contextmanager
    def idle(self) -> Iterator[list[Replica]]:
        """The replicas that no thread trains. `acquire` blocks while this is held."""
        with self._lock:
            yield [replica for replica in self._replicas if replica.seed not in self._busy]

    def release(self, group: Sequence[Replica]) -> None:
        """Other threads may acquire the replicas of `group` again."""
        with self._lock:
            self._busy.difference_update(replica.seed for replica in group)


def run_in_threads(
    train: Callable[[], Iterator[events.Event]], threads: int, prepare: Callable[[], None]
) -> Iterator[events.Event]:
    """Run `train` in each of `threads` threads after `prepare`, and yield the events of all of them here.

    One thread is the calling thread, without `prepare`. A thread continues when its event has been consumed, as a single
    generator does. An exception in one thread stops the others at their next event, and is raised here when all have ended.
    """
    if threads == 1:
        yield from train()
        return
    messages: queue.SimpleQueue[tuple[events.Event | BaseException | None, threading.Event]] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        consumed = threading.Event()
        try:
            prepare()
            for event in train():
                consumed.clear()
                messages.put((event, consumed))
                consumed.wait()
                if stop.is_set():
                    break
            messages.put((None, consumed))
        except BaseException as error:  # of any kind: it is raised again in the thread that consumes the events
            stop.set()
            messages.put((error, consumed))

    for number in range(threads):
        threading.Thread(target=work, daemon=True, name=f"training-{number}").start()
    first_error: BaseException | None = None
    running = threads
    try:
        while running:
            message, consumed = messages.get()
            if isinstance(message, events.Event):
                yield message
            else:
                running -= 1
                first_error = first_error or message
            consumed.set()
    finally:
        stop.set()
    if first_error is not None:
        raise first_error
