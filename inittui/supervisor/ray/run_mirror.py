"""Mirrors the files of an arm that trains on a node into the run directory. Only the supervisor writes there."""

import contextlib
import os
from functools import partial
from pathlib import Path

from inittui.common.atomic_files import read_plain, replace
from inittui.record.disk_room import DiskRoom, mark
from inittui.record.event_log import EventLog
from inittui.supervisor.ray.actor import Report, Stamp
from inittui.supervisor.workers.worker import Job

CHECKPOINTS = "checkpoint.*.safetensors"


class ArmMirror:
    """The files of one arm that have arrived. `offset`, `printed` and `stamps` say from where to ask for more."""

    def __init__(self, job: Job) -> None:
        self._folder = job.folder
        self._log = EventLog(job.folder / "events.jsonl", job.zero)  # which cuts off a torn end
        self.offset = self.printed = 0  # bytes of the node's log, and of what was printed there
        self.stamps: dict[str, Stamp] = {}
        self._room = DiskRoom(job.folder)

    def start_files(self) -> dict[str, bytes]:
        """What a node needs to continue, by file name: the log's last line, whose number and time the next event follows, and
        the checkpoints."""
        lines = read_plain(self._folder / "events.jsonl").splitlines()
        last = lines[-1] + b"\n" if lines else b""
        self.offset = len(last)  # where new lines begin in the node's log
        return {path.name: read_plain(path) for path in self._folder.glob(CHECKPOINTS)} | {"events.jsonl": last}

    def flush(self) -> bool:
        """Write what waits in memory. False while the disk is full. Raises NotWritable."""
        return self._room.attempt(self._log.flush)

    def write(self, report: Report) -> bool:
        """Write a report. The log comes first, so that no checkpoint is ahead of it. Returns False if the disk has no room
        for all of it; the next poll asks for the rest. Raises NotWritable."""
        written = self._room.attempt(partial(self._log.append_lines, report.lines))
        self.offset += len(report.lines)
        if report.printed:
            path = self._folder / "worker.log"
            with contextlib.suppress(OSError):
                log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
                with os.fdopen(log, "wb", buffering=0) as file:
                    file.write(report.printed)
            self.printed += len(report.printed)
        if not written:
            return False
        if report.files:
            self._log.sync()
        for name, content in report.files.items():
            if not self._room.attempt(partial(replace, self._folder / Path(name).name, content)):
                return False
            self.stamps[name] = report.stamps[name]
        if report.code is not None:  # a worker that has finished has deleted its checkpoints
            for path in self._folder.glob(CHECKPOINTS):
                if path.name not in report.stamps:
                    path.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        mark(self._folder, 0)
        self._log.close()
