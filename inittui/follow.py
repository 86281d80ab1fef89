"""Follows a run directory: every log of it, folded into one board. What a viewer, a report and the supervisor share."""

import threading
import time
from collections.abc import Callable

from msgspec.structs import replace

from inittui import board, events
from inittui.errors import RunError
from inittui.eventlog import Tail
from inittui.rundir import RunDir, arm_folders

LIVENESS_SECONDS = 1.0


class Follower:
    """Reads what is new at each `poll`. Takes nothing but the directory; may be polled from any thread."""

    def __init__(self, run: RunDir, alive: Callable[[], bool] | None = None) -> None:
        """`alive` tells whether the supervisor lives; a run whose supervisor died silently is then over, as failed.

        Raises RunError when the run's preset can't be read.
        """
        self.run = run
        self._alive = alive
        self._asked = time.monotonic()
        self._unreadable = ""
        self._lock = threading.Lock()  # a dashboard's thread may still read while the command line takes over
        preset = run.preset()
        self._supervisor = Tail(run.log)
        self._arms = [Tail(run.arm_log(folder)) for folder in arm_folders(preset)]
        self._board = board.begin(preset, run.name)

    def poll(self) -> board.Board:
        """The board now. The same object as before when nothing has happened."""
        with self._lock:
            gone = self._gone()  # asked before reading: what a supervisor wrote last is on disk once it is gone
            self._read()
            if gone and not self._board.ended:
                words = _last_line(self.run) or "it left no word; 'inittui report' shows what is on disk"
                over = events.Phase(phase="failed", detail=f"the supervisor is gone: {words}")
                self._board = board.fold(self._board, over)
            return self._board

    def _gone(self) -> bool:
        if self._alive is None or time.monotonic() - self._asked < LIVENESS_SECONDS:
            return False
        self._asked = time.monotonic()
        return not self._alive()

    def _read(self) -> None:
        # The supervisor's log is read first and folded last: when it says that the run is over, the arms' last words
        # are on disk already.
        from_supervisor = list(self._supervisor.poll())
        for place, tail in enumerate(self._arms):
            for event in tail.poll():
                self._board = board.fold(self._board, event, place)
        for event in from_supervisor:
            self._board = board.fold(self._board, event)
        if self._board.ended and self._board.result is None and not self._unreadable:
            try:
                if (document := self.run.result()) is not None:
                    self._board = replace(self._board, result=document)
            except RunError as error:
                self._unreadable = str(error)  # the table is then made from the events
        faults = [fault for tail in (self._supervisor, *self._arms) for fault in tail.faults]
        faults += [self._unreadable] if self._unreadable else []
        if tuple(faults) != self._board.faults:
            self._board = replace(self._board, faults=tuple(faults))


def _last_line(run: RunDir) -> str:
    """The last thing that the supervisor or a library of its printed, without control characters."""
    try:
        lines = (run.path / "supervisor.log").read_text("utf-8", "replace").split("\n")
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(char if char.isprintable() else "?" for char in last)[:200]


def timeline(run: RunDir) -> list[tuple[events.AnyEvent, int | None]]:
    """Every event of a run in the order of its clock, each with its arm's place; None for the supervisor's."""
    found: list[tuple[events.AnyEvent, int | None]] = [
        (event, place)
        for place, folder in enumerate(arm_folders(run.preset()))
        for event in Tail(run.arm_log(folder)).poll()
    ]
    found += [(event, None) for event in Tail(run.log).poll()]
    return sorted(found, key=lambda item: item[0].t)
