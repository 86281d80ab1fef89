"""A log of events on disk: one writer appends to it, any number of readers follow it."""

import contextlib
import errno
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain, cycle
from pathlib import Path

import msgspec

from inittui.common import file_lock
from inittui.common.atomic_files import open_plain, read_plain
from inittui.record import event_lines, events
from inittui.record.disk_room import MARKS

SPOOLED_EVENTS = 100_000  # kept in memory while the disk is full: hours of reports
FAULTS_KEPT = 100  # damaged lines that are described; further ones are only counted
BLOCK_BYTES = 1 << 20  # read at a time


class EventLog:
    """Numbers and times events and appends them to one file, from any thread. While the disk is full they wait in memory."""

    def __init__(self, path: Path, zero: float) -> None:
        """`zero` is the run's beginning on the monotonic clock. An existing log is continued; an incomplete last line is cut
        off."""
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._linked = os.fstat(self._file).st_nlink > 0  # not on every network file system
        self.zero = zero
        self._waiting: deque[bytes] = deque()  # lines
        self._lock = threading.RLock()
        self._seq, self._t = 0, 0.0  # of the next event; of the last one
        tail = Tail(path)
        for event in tail.poll():
            self._count(event)
        try:
            self._count(event_lines.decode(read_plain(path)[tail.offset :]))
            self._waiting.append(b"\n")  # only the newline of the last line is missing
        except ValueError:
            os.ftruncate(self._file, tail.offset)

    def _count(self, event: events.Event) -> None:
        self._seq, self._t = max(self._seq, event.seq + 1), max(self._t, event.t)

    def append(self, event: events.Event) -> int:
        """Returns and raises what `flush` does."""
        file_lock.end_if_forked()
        with self._lock:
            # Time never goes back: a resumed run may start its clock before the last event in the log.
            t = max(self._t, round(time.monotonic() - self.zero, 4))
            stamped = msgspec.structs.replace(event, seq=self._seq, t=t)
            self._count(stamped)
            self._waiting.append(event_lines.encode(stamped))
            if len(self._waiting) > SPOOLED_EVENTS:
                self._thin()
            return self.flush()

    def append_lines(self, lines: bytes) -> int:
        """Append whole lines of events that are numbered and timed already. Returns and raises what `flush` does."""
        with self._lock:
            self._waiting.extend(lines.splitlines(keepends=True))
            return self.flush()

    def _thin(self) -> None:
        """Drop every second report of progress. The other events are few, and all of them are needed."""
        keep = cycle((True, False))
        self._waiting = deque(line for line in self._waiting if not event_lines.is_report(line) or next(keep))

    def flush(self) -> int:
        """Write the events that wait. Returns 0, or the errno for which the rest still waits. Raises OSError for any other,
        and if the file was deleted: nobody could read it."""
        with self._lock:
            while True:
                status = os.fstat(self._file)
                if self._linked and not status.st_nlink:
                    raise FileNotFoundError(errno.ENOENT, "its log was deleted")
                if not self._waiting:
                    return 0
                line = self._waiting[0]
                try:
                    written = os.write(self._file, line)
                except OSError as error:
                    if error.errno in MARKS:
                        return error.errno
                    raise
                if written < len(line):
                    os.ftruncate(self._file, status.st_size)  # never leave a part of a line
                    return errno.ENOSPC
                self._waiting.popleft()

    def sync(self) -> None:
        """Flush the file to the disk, so that it survives a crash of the machine. From any thread."""
        os.fsync(self._file)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.flush()
        os.close(self._file)


class Tail:
    """Reads a growing log from where the last read ended. A line without its newline is read later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = f"{path.parent.name}/{path.name}"
        self.offset = 0  # of what is not read yet, in bytes
        self._lines = 0  # read so far
        self.behind = False  # whether the last `batches` ended before the end of the file
        self._damaged = 0
        self._described: list[str] = []

    @property
    def faults(self) -> list[str]:
        """Descriptions of the damaged lines; beyond FAULTS_KEPT only their number."""
        more = self._damaged - len(self._described)
        return self._described + ([f"{self._name}: {more:,} damaged lines more"] if more else [])

    def poll(self) -> Iterator[events.Event]:
        """The events since the last read. A damaged line is described in `faults` and skipped."""
        return chain.from_iterable(self.batches())

    def batches(self, most: int | None = None, *, reports: bool = True) -> Iterator[list[events.Event]]:
        """As `poll`, in lists of the events in BLOCK_BYTES. With `most` it ends after about so many bytes, and `behind` says
        whether there is more. Without `reports` most of those of finished epochs are left out."""
        self.behind = False
        try:
            file = open_plain(self._path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._described, self._damaged = [f"{self._name}: {error.strerror}"], 1
            return
        with file:
            began, size = self.offset, min(BLOCK_BYTES, most or BLOCK_BYTES)
            there_is_more = True
            while there_is_more and not self.behind:
                file.seek(self.offset)
                fresh = file.read(size)
                complete = fresh.rfind(b"\n") + 1
                there_is_more = len(fresh) == size
                if there_is_more and not complete:
                    size *= 2  # a line longer than a block, or a file that is no log
                    continue
                self.offset += complete
                self.behind = there_is_more and most is not None and self.offset - began + len(fresh) > most
                yield self._events(fresh[:complete], reports)

    def _events(self, block: bytes, reports: bool) -> list[events.Event]:
        decoded, faults = event_lines.decode_block(block, reports=reports)
        self._damaged += len(faults)
        for number, error in faults[: FAULTS_KEPT - len(self._described)]:
            self._described.append(f"{self._name}, line {self._lines + number}: {error}")
        self._lines += block.count(b"\n")
        return decoded
