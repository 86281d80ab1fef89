"""Without a dashboard: one line an epoch and arm, then the table. For pipes, logs and TERM=dumb."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator

from inittui.analysis import result_document
from inittui.board.follower import Follower
from inittui.board.state import Board
from inittui.common import formatting
from inittui.output import tables
from inittui.record import events

POLL_SECONDS = 0.2
Say = Callable[[str], None]


def watch(
    follower: Follower, say: Say, narrator: "Narrator | None" = None, *, poll_seconds: float = POLL_SECONDS
) -> Board:
    """Say what happens until the run is over, and return its last board. A `narrator` knows what it has said before."""
    narrator = narrator or Narrator()
    while True:
        now = follower.poll()
        for line in narrator.lines(now):
            say(line)
        if now.ended:
            return now
        time.sleep(poll_seconds)


def closing(board: Board) -> str:
    """The table and its sentences, from the result document or, where none was written, from the board."""
    return tables.text(result_document.of_board(board), width=terminal_width())


def terminal_width() -> int | None:
    """The columns of the terminal that is printed to; None where there is none to be too narrow."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


class Narrator:
    """Turns boards into lines, each thing once."""

    def __init__(self) -> None:
        self._phase = ""
        self._device = False
        self._data = False
        self._tenth = -1
        self._together: dict[str, int] = {}  # replicas at a time, as told
        self._states: dict[str, str] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._faults: set[str] = set()
        self._given_up: set[tuple[str, int]] = set()
        self._resumed: events.Resumed | None = None
        self._disk_full = False

    def lines(self, board: Board) -> Iterator[str]:
        """What is new on `board` since the last call."""
        if board.device and not self._device:
            self._device = True
            yield f"device: {board.device.label}, {board.device.threads} thread(s) a worker"
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
            for replica in arm.replicas:
                seen = self._epochs.get((arm.folder, replica.seed), 0)
                for point in replica.points[seen:]:
                    cost = "not finite" if point.train_cost is None else f"{point.train_cost:.4f}"
                    test = "not finite" if point.test_cost is None else f"{point.test_cost:.4f}"
                    seed = f"  seed {replica.seed}" if len(arm.seeds) > 1 else ""
                    rate = f"{arm.steps * arm.batch_size / point.seconds:,.0f}" if point.seconds else "-"
                    yield (
                        f"{arm.name:<{width}}{seed}  epoch {point.epoch:>{len(str(arm.epochs))}} of {arm.epochs}  "
                        f"cost {cost}  test cost {test}  accuracy {formatting.percent(point.test_accuracy)}  {rate} images/s"
                    )
                # A resume goes back some epochs; they come out the same, and are not told again.
                self._epochs[arm.folder, replica.seed] = max(seen, len(replica.points))
                if replica.given_up and (arm.folder, replica.seed) not in self._given_up:
                    self._given_up.add((arm.folder, replica.seed))
                    seed = f"  seed {replica.seed}" if len(arm.seeds) > 1 else ""
                    after = formatting.count(replica.given_up, "epoch")
                    yield f"{arm.name:<{width}}{seed}  stopped at chance after {after}"
            if arm.together != self._together.get(arm.folder, 0):
                self._together[arm.folder] = arm.together
                if arm.together:
                    yield (
                        f"{arm.name:<{width}}  {arm.together} of {len(arm.seeds)} seeds train at a time: "
                        "more do not fit on the device"
                    )
            before = self._states.get(arm.folder)
            if arm.state != before:
                if arm.state in ("failed", "stopped", "interrupted"):
                    yield (
                        f"{arm.name:<{width}}  {arm.state}: {arm.reason}" if arm.reason else f"{arm.name}  {arm.state}"
                    )
                elif "paused" in (arm.state, before):
                    yield f"{arm.name:<{width}}  {'paused' if arm.state == 'paused' else 'goes on'}"
            self._states[arm.folder] = arm.state
