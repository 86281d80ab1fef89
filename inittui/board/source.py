"""Where a dashboard's boards come from: a live run, a replay, or one board that does not change."""

import contextlib
import time
from collections import deque

from msgspec.structs import replace

from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.board.follower import Follower, timeline
from inittui.board.state import Board
from inittui.common.errors import RunError, in_quotes
from inittui.common.process_identity import boot_id
from inittui.record import gallery
from inittui.record.gallery import Gallery
from inittui.record.run_directory import RunDir
from inittui.record.run_index import word_for

REPLAY_SECONDS = 20.0  # how long a replay takes if no speed is given
FIRST_BYTES = 1 << 18  # that are read of each log of up to eight arms before the first frame


class BoardSource:
    """Boards over time, and what belongs to them."""

    live = False  # whether it is a run that trains, which a user may stop when leaving
    run: RunDir | None = None  # the run that can be paused and stopped; None if there is none

    @property
    def tag(self) -> str:
        """A word for the header, such as `replay x4`; empty for a live run on this machine."""
        return ""

    def poll(self) -> Board:
        """The board now; the same object if nothing has changed. Called from a thread."""
        raise NotImplementedError

    def now(self, board: Board) -> float:
        """Seconds since the run began."""
        return board.t

    def gallery(self) -> Gallery | None:
        """The test images with predictions, once the run has ended."""
        raise NotImplementedError


class LiveSource(BoardSource):
    """A run directory that is being written."""

    live = True

    def __init__(self, follower: Follower) -> None:
        """Raises RunError if the run's status can't be read."""
        self.follower = follower
        self.run: RunDir = follower.run
        self._status = self.run.status()
        self._board: Board | None = None

    @property
    def tag(self) -> str:
        """On another host the run may have ended: this can't be determined here."""
        if self.follower.behind:
            return "reading"
        under_way = self._board is None or not self._board.ended
        return f"on {self._status.host}" if self.follower.liveness == "elsewhere" and under_way else ""

    def poll(self) -> Board:
        """The first call reads only a long run's beginning, so that the first frame is quick; later calls read everything."""
        # With hundreds of arms less of each log is read: the first frame waits for all of them.
        first_bytes = max(1 << 12, FIRST_BYTES * 8 // max(8, len(self._status.arms)))
        before, self._board = self._board, self.follower.poll(None if self._board else first_bytes)
        if before is None or before.phase != self._board.phase:  # a resumed run has another beginning
            with contextlib.suppress(RunError):  # with a damaged status only the clock is missing
                self._status = self.run.status()
        return self._board

    def now(self, board: Board) -> float:
        """By the monotonic clock; by the newest event if the run began on another machine or before a reboot."""
        if self._status.boot != boot_id():
            return board.t
        return max(board.t, time.monotonic() - self._status.monotonic)

    def gallery(self) -> Gallery | None:
        return gallery_of(self.run)


class ReplaySource(BoardSource):
    """A run that has ended, shown again from its beginning."""

    def __init__(self, run: RunDir, speed: float | None = None) -> None:
        """`speed` is a factor; None lets the whole run take REPLAY_SECONDS, or less. Raises RunError if there are no
        events."""
        self._run = run
        self._events = deque(timeline(run))  # that are not shown yet
        if not self._events:
            raise RunError(
                f"run '{run.name}' has no events to replay; {in_quotes('report', word_for(run))} says what is there"
            )
        self._length = self._events[-1][0].t
        self.speed = speed or max(1.0, self._length / REPLAY_SECONDS)
        self._board = boards.begin(run.preset(), run.name)
        self._clock = 0.0
        self._ticked: float | None = None
        self.paused = False
        self.last = Follower(run).poll()

    @property
    def tag(self) -> str:
        if self.paused:
            return "replay, paused"
        return f"replay x{self.speed:.3g}" if self._events else "replay"

    def poll(self) -> Board:
        here = time.monotonic()
        if self._ticked is not None and not self.paused:
            self._clock = min(self._length, self._clock + (here - self._ticked) * self.speed)
        self._ticked = here
        while self._events and self._events[0][0].t <= self._clock:
            self._board = fold(self._board, *self._events.popleft())
            if not self._events:
                self._board = replace(self.last, t=self._board.t)
        return self._board

    def now(self, board: Board) -> float:
        return board.t if board.ended else self._clock

    def to_end(self) -> None:
        self._clock = self._length

    def gallery(self) -> Gallery | None:
        return gallery_of(self._run)


class StillSource(BoardSource):
    """One board that does not change: for a picture, and for tests."""

    def __init__(self, board: Board, pictures: Gallery | None = None) -> None:
        self.board = board
        self._gallery = pictures

    def poll(self) -> Board:
        return self.board

    def gallery(self) -> Gallery | None:
        return self._gallery


def gallery_of(run: RunDir) -> Gallery | None:
    try:
        return gallery.read(run)
    except RunError:
        return None  # without the gallery only the pictures are missing
