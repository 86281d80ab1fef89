"""What the supervisor writes about a run while it trains: its status and its log. On a full disk both wait in memory."""

import contextlib
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from inittui.record import events
from inittui.record.disk_room import DiskRoom, NotWritable
from inittui.record.event_log import EventLog
from inittui.record.run_directory import RunDir, Status


def pinned(run: RunDir) -> RunDir:
    """The same run through a descriptor of its directory, where the system has /proc. A writer then writes to
    this directory even after it is moved, and never to a new directory with the old name."""
    descriptor = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY)
    path = Path(f"/proc/self/fd/{descriptor}")
    if path.exists():
        return RunDir(path, run.name)
    os.close(descriptor)
    return run


class Journal:
    """The status and the log of one run, from any thread. Every method but `end` and `close` raises NotWritable if its
    folder can't be written, and waiting does not help."""

    def __init__(self, run: RunDir, status: Status, stopping: Callable[[], bool]) -> None:
        self.status = status
        self._run = run
        self._log = EventLog(run.log, status.monotonic)
        self._room = DiskRoom(run.path, stopping)
        self._lock = threading.RLock()
        self._unsaved = False  # whether the status has still to be written, because the disk is full

    def emit(self, event: events.Event) -> None:
        """Append to the supervisor's log."""
        self._room.attempt(partial(self._log.append, event))

    def save(self, **changes: Any) -> None:
        """Change the status. If it can't be written now, `flush` tries again."""
        self.status, self._unsaved = replace(self.status, **changes), True
        self.flush()

    def phase(self, phase: Any, detail: str = "") -> None:
        # The status first: a viewer that reads the phase in the log then finds a live supervisor in the status.
        self.save(state=phase, reason=detail if phase in events.ENDED else "")
        self.emit(events.Phase(phase=phase, detail=detail))

    def end(self, phase: Any, detail: str) -> None:
        """As `phase`, but each is written as far as it can be, and nothing is raised."""
        print(detail, flush=True)
        with contextlib.suppress(NotWritable):
            self.save(state=phase, reason=detail)
        with contextlib.suppress(NotWritable):
            self.emit(events.Phase(phase=phase, detail=detail))

    def flush(self) -> None:
        """Write what waits in memory, as far as the disk has room."""
        self._room.attempt(self._write)

    def wait(self, write: Callable[[], None] | None = None, lost: str = "the last events are lost") -> None:
        """Call `write`, by default write what waits in memory, and wait as long as there is no room for it."""
        self._room.wait(write or self._write, lost)

    def _write(self) -> int:
        with self._lock:  # two threads would write the same temporary file
            error = self._log.flush()
            if self._unsaved:
                self._run.write_status(self.status)
                self._unsaved = False
            return error

    def close(self) -> None:
        with contextlib.suppress(NotWritable):
            self.wait()
        self._log.close()
