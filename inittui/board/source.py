"""Where a dashboard's boards come from. Production and tests put the same thing into the same door."""

import contextlib
import time
from bisect import bisect_right
from typing import Protocol

from msgspec.structs import replace

from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.board.follower import Follower, timeline
from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.common.process_identity import boot_id
from inittui.record import gallery
from inittui.record.gallery import Gallery
from inittui.record.run_directory import RunDir

REPLAY_SECONDS = 20.0  # how long a replay takes unless a speed is given
FIRST_BYTES = 1 << 18  # of each log of up to eight arms, before the first frame


class BoardSource(Protocol):
    """Boards over time, and what belongs to them."""

    @property
    def live(self) -> bool:
        """Whether something trains that leaving could stop."""

    @property
    def run(self) -> RunDir | None:
        """The run that can be steered: None where there is only something to look at."""

    def poll(self) -> Board:
        """The board now; the same object when nothing has changed. Called from a thread of its own."""

    def now(self, board: Board) -> float:
        """Seconds since the run began."""

    def gallery(self) -> Gallery | None:
        """The test images with predictions, once the run is over."""

    @property
    def tag(self) -> str:
        """A word for the header, such as `replay x4`; empty for a live run."""


class LiveSource:
    """A run directory that is being written."""

    live = True

    @property
    def tag(self) -> str:
        """Whether it still lives on another host can't be seen from here."""
        if self.follower.behind:
            return "reading"
        return f"on {self._host}" if self.follower.liveness == "elsewhere" and not self._ended else ""

    def __init__(self, follower: Follower) -> None:
        """Raises RunError when the run's status can't be read."""
        self.follower = follower
        self._host = follower.run.status().host
        self._zero = self._zero_of(follower.run)
        self._phase = ""
        self._ended = False
        self._polled = False
        # Of hundreds of arms so much less of each: a frame waits for all of them.
        self._first = max(1 << 12, FIRST_BYTES * 8 // max(8, len(follower.run.status().arms)))

    @property
    def run(self) -> RunDir:
        return self.follower.run

    @staticmethod
    def _zero_of(run: RunDir) -> float | None:
        """The run's beginning on our monotonic clock. On another machine, or after a reboot, that clock means nothing."""
        status = run.status()
        return status.monotonic if status.boot == boot_id() else None

    def poll(self) -> Board:
        """At first a long run's beginning alone, so that there is something on the screen; all that there is from then on."""
        board = self.follower.poll(None if self._polled else self._first)
        self._polled = True
        self._ended = board.ended
        if board.phase != self._phase:  # a run that is taken up again has another zero
            self._phase = board.phase
            with contextlib.suppress(RunError):  # a damaged status costs the clock alone
                self._zero = self._zero_of(self.run)
        return board

    def now(self, board: Board) -> float:
        return max(board.t, time.monotonic() - self._zero) if self._zero is not None else board.t

    def gallery(self) -> Gallery | None:
        return gallery_of(self.run)


class ReplaySource:
    """A finished run, shown again as it went, faster."""

    live = False
    run = None

    def __init__(self, run: RunDir, speed: float | None = None) -> None:
        """`speed` is times as fast as it went; None makes the whole run last REPLAY_SECONDS. Raises RunError."""
        self._run = run
        self._events = timeline(run)
        if not self._events:
            raise RunError(f"run '{run.name}' has no events to replay; 'inittui report {run.name}' says what is there")
        self._times = [event.t for event, _ in self._events]
        self._length = self._times[-1]
        self.speed = speed or max(1.0, self._length / REPLAY_SECONDS)
        self._board = boards.begin(run.preset(), run.name)
        self._next = 0
        self._clock = 0.0
        self._ticked: float | None = None
        self.held = False
        self.last = Follower(run).poll()

    @property
    def tag(self) -> str:
        return (
            "replay, held" if self.held else f"replay x{self.speed:.3g}" if self._next < len(self._times) else "replay"
        )

    def poll(self) -> Board:
        here = time.monotonic()
        if self._ticked is not None and not self.held:
            self._clock = min(self._length, self._clock + (here - self._ticked) * self.speed)
        self._ticked = here
        due = bisect_right(self._times, self._clock)
        for event, arm in self._events[self._next : due]:
            self._board = fold(self._board, event, arm)
        if due != self._next and due == len(self._times):
            self._board = replace(self.last, t=self._board.t)
        self._next = due
        return self._board

    def now(self, board: Board) -> float:
        return board.t if board.ended else self._clock

    def to_end(self) -> None:
        self._clock = self._length

    def gallery(self) -> Gallery | None:
        return gallery_of(self._run)


class StillSource:
    """One board, at rest: for a picture, and for tests."""

    live = False
    run = None
    tag = ""

    def __init__(self, board: Board, pictures: Gallery | None = None) -> None:
        self.board = board
        self._gallery = pictures

    def poll(self) -> Board:
        return self.board

    def now(self, board: Board) -> float:
        return board.t

    def gallery(self) -> Gallery | None:
        return self._gallery


def gallery_of(run: RunDir) -> Gallery | None:
    try:
        return gallery.read(run)
    except RunError:
        return None  # a damaged gallery costs its pictures; the table does not depend on it
