"""The output without a dashboard: one line per epoch and arm, then the table. For pipes, logs and TERM=dumb."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator

from inittui.analysis import result_document
from inittui.board.follower import Follower
from inittui.board.state import ArmBoard, Board
from inittui.common import formatting
from inittui.output import tables
from inittui.record import events

POLL_SECONDS = 0.2
Say = Callable[[str], None]


def watch(
    follower: Follower, say: Say, narrator: "Narrator | None" = None, *, poll_seconds: float = POLL_SECONDS
) -> Board:
    """Pass lines to `say` until the run has ended, and return the last board. A `narrator` skips what it has already said."""
    narrator = narrator or Narrator()
    while True:
        board = follower.poll()
        for line in narrator.lines(board):
            say(line)
        if board.ended:
            return board
        time.sleep(poll_seconds)


def closing(board: Board) -> str:
    """The table and its sentences, from the result document or, if there is none, from the board."""
    return tables.text(result_document.of_board(board), width=terminal_width())


def terminal_width() -> int | None:
    """The columns of the terminal on standard output; None if that is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


class Narrator:
    """Turns boards into lines, and says each thing once."""

    def __init__(self) -> None:
        self._phase = ""
        self._device = False
        self._data = False
        self._tenth = -1
        self._together: dict[str, int] = {}  # replicas that train at a time, by arm
        self._states: dict[str, str] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._faults: set[str] = set()
        self._given_up: set[tuple[str, int]] = set()
        self._resumed: events.Resumed | None = None
        self._disk_full = False

    def lines(self, board: Board) -> Iterator[str]:
        """A line for each thing that is new since the last call."""
        if board.device and not self._device:
            self._device = True
            yield f"device: {board.device.label}, {board.device.threads} thread(s) per worker"
        if board.download and not board.data:
            tenth = 10 * board.download.done // max(1, board.download.total)
            if tenth > self._tenth:
                self._tenth = tenth
                yield f"downloading {board.download.name}: {10 * tenth} %"
        if board.data and not self._data:
            self._data = True
            data = board.data
            yield f"data: {data.title}, {data.train:,} training and {data.test:,} test images"
            if data.note:
                yield f"note: {data.note}"
        if board.resumed != self._resumed and board.resumed is not None:
            yield f"resumed: {', '.join(board.resumed.arms)}; {board.resumed.note}"
        self._resumed = board.resumed
        yield from self._arms(board)
        if board.disk_full != self._disk_full:
            self._disk_full = board.disk_full
            yield "disk full: events wait in memory" if board.disk_full else "the disk has room again: nothing was lost"
        for fault in board.faults:
            if fault not in self._faults:
                yield f"damaged record: {fault}"
        self._faults.update(board.faults)
        if board.phase != self._phase and board.phase in ("failed", "interrupted") and board.detail:
            yield f"{board.phase}: {board.detail}"
        self._phase = board.phase

    def _arms(self, board: Board) -> Iterator[str]:
        width = max(len(arm.name) for arm in board.arms)
        for arm in board.arms:
            name = f"{arm.name:<{width}}"
            yield from self._replicas(arm, name)
            if arm.together != self._together.get(arm.folder, 0):
                self._together[arm.folder] = arm.together
                if arm.together:
                    seeds = f"{arm.together} of {len(arm.seeds)} seeds"
                    yield f"{name}  {seeds} train at a time: more do not fit on the device"
            before = self._states.get(arm.folder)
            self._states[arm.folder] = arm.state
            if arm.state == before:
                continue
            if arm.state in ("failed", "stopped", "interrupted"):
                yield f"{name}  {arm.state}: {arm.reason}" if arm.reason else f"{arm.name}  {arm.state}"
            elif "paused" in (arm.state, before):
                yield f"{name}  {'paused' if arm.state == 'paused' else 'goes on'}"

    def _replicas(self, arm: ArmBoard, name: str) -> Iterator[str]:
        for replica in arm.replicas:
            key = arm.folder, replica.seed
            head = f"{name}  seed {replica.seed}" if len(arm.seeds) > 1 else name
            seen = self._epochs.get(key, 0)
            for point in replica.points[seen:]:
                rate = f"{arm.steps * arm.batch_size / point.seconds:,.0f}" if point.seconds else "-"
                yield (
                    f"{head}  epoch {point.epoch:>{len(str(arm.epochs))}} of {arm.epochs}  "
                    f"cost {formatting.cost(point.train_cost)}  test cost {formatting.cost(point.test_cost)}  "
                    f"accuracy {formatting.percent(point.test_accuracy)}  {rate} images/s"
                )
            # A resume repeats some epochs with the same values; they are not printed again.
            self._epochs[key] = max(seen, len(replica.points))
            if replica.given_up and key not in self._given_up:
                self._given_up.add(key)
                yield f"{head}  stopped at chance after {formatting.count(replica.given_up, 'epoch')}"
