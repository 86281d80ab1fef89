"""Follows a run directory: every log of it, folded into one board. What a viewer, a report and the supervisor share."""

import threading
import time
from collections.abc import Callable

from msgspec.structs import replace

from inittui.board import state
from inittui.board.fold import fold
from inittui.common.errors import RunError
from inittui.common.process_identity import Liveness
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.run_directory import RunDir, arm_folders

LIVENESS_SECONDS = 1.0
# The supervisor's words that are about no arm, and mean the same whatever the arms have said.
OF_NO_ARM = (events.Download, events.DataReady, events.DeviceReady)


class Follower:
    """Reads what is new at each `poll`. Takes nothing but the directory; may be polled from any thread."""

    def __init__(self, run: RunDir, liveness: Callable[[], Liveness] | None = None) -> None:
        """`liveness` tells whether the supervisor lives; a run whose supervisor is dead without a word is `interrupted`.

        Raises RunError when the run's preset can't be read.
        """
        self.run = run
        self._liveness = liveness
        self._asked = time.monotonic() - LIVENESS_SECONDS
        self._news = False  # whether the answer is yet to be looked at
        self.liveness: Liveness = "alive"  # as it was asked last
        self._unreadable = ""
        self._lock = threading.Lock()  # a dashboard's thread may still read while the command line takes over
        preset = run.preset()
        self._supervisor = Tail(run.log)
        self._arms = [Tail(run.arm_log(folder)) for folder in arm_folders(preset)]
        self._held: list[events.AnyEvent] = []  # the supervisor's words that wait until every arm's log is read
        self._board = state.begin(preset, run.name)

    @property
    def behind(self) -> bool:
        """Whether the last `poll` was told to leave off before the end of some arm's log."""
        return any(tail.behind for tail in self._arms)

    def poll(self, most: int | None = None) -> state.Board:
        """The board now. The same object as before when nothing has happened.

        With `most` so many bytes of each log are read, about, and a long run's board may be one of its past: see `behind`.
        """
        with self._lock:
            self._ask()  # before reading: what a supervisor wrote last is on disk once it is gone
            self._read(most)
            if self.behind:
                return self._board
            asked, self._news = self._news, False
            if asked and self.liveness == "dead" and not self._board.ended:
                words = self.run.last_words() or ("the disk was full" if self.run.disk_full() else "")
                detail = (
                    f"the supervisor is gone{f' ({words})' if words else ''}; 'inittui resume {self.run.name}' goes on"
                )
                over = events.Phase(phase="interrupted", detail=detail, t=self._board.t)
                self._board = fold(self._board, over)
            return self._board

    def _ask(self) -> None:
        """Once a second: whether the supervisor lives, and whether the disk is full."""
        if self._liveness is None or time.monotonic() - self._asked < LIVENESS_SECONDS:
            return
        self._asked = time.monotonic()
        self.liveness = self._liveness()
        full = self.liveness != "dead" and self.run.disk_full()
        if full != self._board.disk_full:
            self._board = replace(self._board, disk_full=full)
        self._news = True

    def _read(self, most: int | None) -> None:
        # The supervisor's log is read first and folded last: when it says that the run is over, the arms' last words
        # are on disk already.
        self._held += self._supervisor.poll()
        for place, tail in enumerate(self._arms):
            for batch in tail.batches(most, reports=False):
                for event in batch:
                    self._board = fold(self._board, event, place)
        may_be_said = _before_the_arms(self._held) if self.behind else len(self._held)
        for event in self._held[:may_be_said]:
            self._board = fold(self._board, event)
        del self._held[:may_be_said]
        if not self._board.ended:
            self._unreadable = ""
        if self._board.ended and self._board.result is None and not self._unreadable:
            try:
                document = self.run.result()
                if document is not None and len(document.arms) != len(self._board.arms):
                    raise RunError(f"run '{self.run.name}': result.json is of another run: it has other arms")
            except RunError as error:
                self._unreadable = str(error)  # the table is then made from the events
            else:
                if document is not None:
                    self._board = replace(self._board, result=document)
        faults = [fault for tail in (self._supervisor, *self._arms) for fault in tail.faults]
        faults += [self._unreadable] if self._unreadable else []
        if tuple(faults) != self._board.faults:
            self._board = replace(self._board, faults=tuple(faults))


def _before_the_arms(told: list[events.AnyEvent]) -> int:
    """How many of the supervisor's first words mean the same before the arms' as after them."""
    for number, event in enumerate(told):
        if not isinstance(event, OF_NO_ARM) and not (
            isinstance(event, events.Phase) and event.phase not in events.ENDED
        ):
            return number
    return len(told)


def timeline(run: RunDir) -> list[tuple[events.AnyEvent, int | None]]:
    """Every event of a run in the order of its clock, each with its arm's place; None for the supervisor's."""
    found: list[tuple[events.AnyEvent, int | None]] = [
        (event, place)
        for place, folder in enumerate(arm_folders(run.preset()))
        for event in Tail(run.arm_log(folder)).poll()
    ]
    found += [(event, None) for event in Tail(run.log).poll()]
    return sorted(found, key=lambda item: item[0].t)
