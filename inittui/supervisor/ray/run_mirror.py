"""The driver's copy of an arm that trains on a node: the same files in the run directory, written by the driver alone."""

import contextlib
import os
from pathlib import Path

from inittui.common.atomic_files import read_plain, replace
from inittui.record.disk_room import NO_ROOM, DiskRoom
from inittui.record.event_log import EventLog
from inittui.supervisor.ray.actor import Begun, Report, Stamp
from inittui.supervisor.workers.worker import Job


class Copy:
    """What has arrived of one arm, and from where to ask for more."""

    def __init__(self, job: Job) -> None:
        self._folder = job.folder
        self._log = EventLog(job.folder / "events.jsonl", job.zero)  # which cuts a torn end off
        self.offset = self.printed = 0
        self.known: dict[str, Stamp] = {}
        self._room = DiskRoom(job.folder)

    def beginning(self) -> tuple[bytes, dict[str, bytes]]:
        """What a node needs to go on: the last line of the log, from which numbers and times go on, and the checkpoints."""
        content = read_plain(self._folder / "events.jsonl").removesuffix(b"\n")
        last = content[content.rfind(b"\n") + 1 :]
        files = {path.name: read_plain(path) for path in sorted(self._folder.glob("checkpoint.*.safetensors"))}
        return (last + b"\n" if last else b""), files

    def begun(self, answer: Begun) -> None:
        self.offset, self.printed, self.known = answer.offset, 0, dict(answer.stamps)

    def flush(self) -> bool:
        """Write what waits; False while the disk takes no more."""
        written = self._log.flush()
        self._room.mark(full=not written)
        return written

    def take(self, report: Report) -> bool:
        """Write a report, the log first: no checkpoint is ahead of it. False where the disk had no room for all of it; the
        rest is to be asked for again."""
        self._log.copy(report.lines)
        self.offset += len(report.lines)
        if report.printed:
            with contextlib.suppress(OSError):
                self._print(report.printed)
            self.printed += len(report.printed)
        if not self.flush():
            return False
        if report.files:
            self._log.sync()
        for name, (stamp, content) in report.files.items():
            try:
                replace(self._folder / Path(name).name, content)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                self._room.mark(full=True)
                return False
            self.known[name] = stamp
        self._room.mark(full=False)
        if report.code is not None:  # a worker that has finished needs no checkpoints
            for path in self._folder.glob("checkpoint.*.safetensors"):
                if path.name not in report.left:
                    path.unlink(missing_ok=True)
        return True

    def _print(self, words: bytes) -> None:
        file = os.open(self._folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            os.write(file, words)
        finally:
            os.close(file)

    def close(self) -> None:
        self._room.mark(full=False)
        self._log.close()
