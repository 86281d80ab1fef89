"""What the logs of a run have to be on disk, whatever has happened to its processes."""

import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from inittui.record import event_lines, events
from inittui.record.event_log import Tail
from inittui.record.events import Event
from inittui.record.run_directory import RunDir, arm_folders

from .conftest import until


def whole(path: Path) -> list[Event]:
    """The events of a log: nothing in it is damaged, lost or told twice, and time never goes back. Only what follows the last
    newline may be torn, and no reader is shown that."""
    *lines, _ = path.read_bytes().split(b"\n")
    told = [event_lines.decode(line) for line in lines]
    assert [event.seq for event in told] == list(range(len(told)))
    assert all(earlier.t <= later.t for earlier, later in pairwise(told))
    assert list(Tail(path).poll())[: len(told)] == told
    return told


def all_whole(run: RunDir) -> dict[str, list[Event]]:
    """The events of every log of the run that there is: by the arm's folder, the supervisor's under ""."""
    paths = {"": run.log, **{folder: run.arm_log(folder) for folder in arm_folders(run.preset())}}
    return {folder: whole(path) for folder, path in paths.items() if path.exists()}


def epochs(told: Iterable[Event]) -> dict[int, list[int]]:
    """The epochs of each seed, in the order in which they were told."""
    found: dict[int, list[int]] = {}
    for event in told:
        if isinstance(event, events.Epoch):
            found.setdefault(event.seed, []).append(event.epoch)
    return found


def since(began: float, condition: Callable[[], bool], what: str) -> float:
    """Seconds from `began`, on the monotonic clock, until `condition`."""
    until(condition, what)
    return time.monotonic() - began
