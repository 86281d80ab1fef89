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

POLL_SECONDS = 0.2


def watch(follower: Follower, say: Callable[[str], None], narrator: "Narrator | None" = None) -> Board:
    """Pass lines to `say` until the run has ended, and return the last board. A `narrator` skips what it has already said."""
    narrator = narrator or Narrator()
    while True:
        board = follower.poll()
        for line in narrator.lines(board):
            say(line)
        if board.ended:
            return board
        time.sleep(POLL_SECONDS)


def closing(board: Board) -> str:
    """The table and its sentences, from the result document or, if there is none, from the board."""
    return tables.text(result_document.of_board(board), width=terminal_width())


def terminal_width() -> int | None:
    """The columns of the terminal on standard output; None if that is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


class Narrator:
    """Turns boards into lines, and says each thing once."""

    def __init__(self) -> None:
        self._said: set[str] = set()  # the lines about what happens once
        self._states: dict[str, str] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._waiting_for = ""

    def lines(self, board: Board) -> Iterator[str]:
        """A line for each thing that is new since the last call."""
        if board.device:
            yield from self._once(f"device: {board.device.label}, {board.device.threads} thread(s) per worker")
        if data := board.data:
            yield from self._once(
                f"data: {data.title}, {data.train:,} training and {formatting.count(data.test, 'test image')}"
            )
            if data.note:
                yield from self._once(f"note: {data.note}")
        elif download := board.download:
            tenth = 10 * download.done // max(1, download.total)
            yield from self._once(f"downloading {download.name}: {10 * tenth} %")
        if board.resumed:
            yield from self._once(f"resumed: {', '.join(board.resumed.arms)}; {board.resumed.note}")
        yield from self._arms(board)
        if board.waiting_for != self._waiting_for:
            self._waiting_for = why = board.waiting_for
            yield f"{why}: events wait in memory" if why else "the disk can be written again: nothing was lost"
        for fault in board.faults:
            yield from self._once(f"damaged record: {fault}")
        if board.phase in ("failed", "interrupted") and board.detail:
            yield from self._once(f"{board.phase}: {board.detail}")

    def _once(self, line: str) -> Iterator[str]:
        if line not in self._said:
            self._said.add(line)
            yield line

    def _arms(self, board: Board) -> Iterator[str]:
        width = max(len(arm.name) for arm in board.arms)
        for arm in board.arms:
            name = f"{arm.name:<{width}}"
            yield from self._replicas(arm, name)
            if arm.together:
                seeds = f"{arm.together} of {len(arm.seeds)} seeds"
                yield from self._once(f"{name}  {seeds} train at a time: more do not fit on the device")
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
            if replica.given_up:
                yield from self._once(f"{head}  stopped at chance after {formatting.count(replica.given_up, 'epoch')}")
