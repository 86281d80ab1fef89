"""Follows a run directory: reads its logs and folds them into one board. Viewers, reports and the supervisor use it."""

import threading
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from msgspec.structs import replace

from inittui.board import state
from inittui.board.fold import fold
from inittui.common.errors import RunError, in_quotes
from inittui.common.process_identity import Liveness
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.run_directory import RunDir, arm_folders
from inittui.record.run_index import word_for

LIVENESS_SECONDS = 1.0


class Follower:
    """Reads what is new at each `poll`. Needs only the directory. May be polled from any thread."""

    def __init__(self, run: RunDir, liveness: Callable[[], Liveness] | None = None) -> None:
        """`liveness` returns whether the supervisor lives. With it, a run whose supervisor died without logging its end is
        `interrupted`. Raises RunError if the run's preset can't be read.
        """
        self.run = run
        self._liveness = liveness
        self._checked = time.monotonic() - LIVENESS_SECONDS
        self._fresh = False  # whether `liveness` was updated and not evaluated since
        self.liveness: Liveness = "alive"  # as last determined
        self._unreadable: tuple[str, ...] = ()  # why the result can't be read
        self._lock = threading.Lock()  # a dashboard's thread may still poll while the command line already does
        preset = run.preset()
        self._supervisor = Tail(run.log)
        self._arms = [Tail(run.arm_log(folder)) for folder in arm_folders(preset)]
        self._pending: list[events.Event] = []  # the supervisor's, to be folded after the arms'
        self._board = state.begin(preset, run.name)

    @property
    def behind(self) -> bool:
        """Whether the last `poll` ended before the end of an arm's log."""
        return any(tail.behind for tail in self._arms)

    def poll(self, most: int | None = None) -> state.Board:
        """The board now; the same object as before if nothing has happened.

        With `most` it reads about so many bytes of each log, so that the board may be one of the past: see `behind`.
        """
        with self._lock:
            self._check_liveness()  # before reading: a dead supervisor's last events are on disk
            self._read(most)
            if self.behind:
                return self._board
            fresh, self._fresh = self._fresh, False
            if fresh and self.liveness == "dead" and not self._board.ended:
                gone = self.run.copy_note() or "the supervisor is gone"
                cause = self.run.last_words() or self.run.waiting_for()
                because = f" ({cause})" if cause else ""
                detail = f"{gone}{because}; {in_quotes('resume', word_for(self.run))} goes on"
                if not self.run.path.exists():
                    detail = f"its folder '{self.run.path}' was moved or deleted"
                self._board = fold(self._board, events.Phase(phase="interrupted", detail=detail, t=self._board.t))
            return self._board

    def _check_liveness(self) -> None:
        """Once per second: whether the supervisor lives, and whether events wait in memory."""
        if self._liveness is None or time.monotonic() - self._checked < LIVENESS_SECONDS:
            return
        self._checked = time.monotonic()
        self.liveness = self._liveness()
        waiting_for = self.run.waiting_for() if self.liveness != "dead" else ""
        if waiting_for != self._board.waiting_for:
            self._board = replace(self._board, waiting_for=waiting_for)
        self._fresh = True

    def _read(self, most: int | None) -> None:
        # The supervisor's log is read first and folded last: when it says that the run has ended, the last events of the
        # arms are on disk.
        self._pending += self._supervisor.poll()
        for index, tail in enumerate(self._arms):
            for batch in tail.batches(most, reports=False):
                for event in batch:
                    self._board = fold(self._board, event, index)
        foldable = list(takewhile(_without_arm, self._pending)) if self.behind else self._pending
        for event in foldable:
            self._board = fold(self._board, event)
        self._pending = self._pending[len(foldable) :]
        if not self._board.ended:
            self._unreadable = ()
        elif self._board.result is None and not self._unreadable:
            self._read_result()
        faults = tuple(fault for tail in (self._supervisor, *self._arms) for fault in tail.faults) + self._unreadable
        if faults != self._board.faults:
            self._board = replace(self._board, faults=faults)

    def _read_result(self) -> None:
        try:
            document = self.run.result()
            if document is None:
                return
            if len(document.arms) != len(self._board.arms):
                raise RunError(f"run '{self.run.name}': result.json belongs to another run: it has other arms")
            self._board = replace(self._board, result=document)
        except RunError as error:
            self._unreadable = (str(error),)  # the result is then made from the events


def _without_arm(event: events.Event) -> bool:
    """Whether an event of the supervisor concerns no arm, so that it may be folded before the arms' events."""
    if isinstance(event, events.Phase):
        return event.phase not in events.ENDED
    return isinstance(event, events.Download | events.DataReady | events.DeviceReady)


def timeline(run: RunDir) -> list[tuple[events.Event, int | None]]:
    """Every event of a run in the order of its clock, each with the index of its arm, or None for the supervisor's log."""
    logs: list[tuple[Path, int | None]] = [
        (run.arm_log(folder), index) for index, folder in enumerate(arm_folders(run.preset()))
    ]
    timed = [(event, arm) for path, arm in [*logs, (run.log, None)] for event in Tail(path).poll()]
    return sorted(timed, key=lambda item: item[0].t)
