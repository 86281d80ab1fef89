"""A log of events on disk: one writer appends to it, any number of readers follow it."""

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from inittui.common.atomic_files import open_plain, read_plain
from inittui.record import event_lines, events
from inittui.record.disk_room import NO_ROOM

SPOOLED_EVENTS = 100_000  # kept in memory while the disk is full: hours of reports
FAULTS_KEPT = 100  # damaged lines that are described; further ones are only counted
BLOCK_BYTES = 1 << 20  # read at a time


class EventLog:
    """Numbers and times events and appends them to one file, from any thread. While the disk is full they wait in memory."""

    def __init__(self, path: Path, zero: float) -> None:
        """`zero` is the run's beginning on the monotonic clock. An existing log is continued; an incomplete last line is cut
        off."""
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self.zero = zero
        # Per event: whether it may be dropped when too many wait, and its line.
        self._waiting: deque[tuple[bool, bytes]] = deque()
        self._lock = threading.RLock()
        self._seq, self._t = 0, 0.0  # of the next event; of the last one
        for event in Tail(path).poll():
            self._count(event)
        self._repair_end()

    def _count(self, event: events.Event) -> None:
        self._seq, self._t = max(self._seq, event.seq + 1), max(self._t, event.t)

    def _repair_end(self) -> None:
        content = read_plain(self._path)
        whole = content.rfind(b"\n") + 1
        rest = content[whole:]
        if not rest:
            return
        try:
            last = event_lines.decode(rest)
        except ValueError:
            os.ftruncate(self._file, whole)
        else:
            self._waiting.append((False, b"\n"))  # only the newline is missing
            self._count(last)

    @property
    def disk_full(self) -> bool:
        """Whether events wait in memory because the disk has no room for them."""
        return bool(self._waiting)

    def append(self, event: events.Event) -> None:
        with self._lock:
            # Time never goes back: a resumed run may start its clock before the last event in the log.
            t = max(self._t, round(time.monotonic() - self.zero, 4))
            stamped = msgspec.structs.replace(event, seq=self._seq, t=t)
            self._count(stamped)
            self._waiting.append((isinstance(event, events.Progress), event_lines.encode(stamped)))
            if len(self._waiting) > SPOOLED_EVENTS:
                self._thin()
            self.flush()

    def append_lines(self, lines: bytes) -> None:
        """Append whole lines of events that are numbered and timed already."""
        with self._lock:
            self._waiting.extend((False, line) for line in lines.splitlines(keepends=True))
            self.flush()

    def _thin(self) -> None:
        """Drop every second report of progress. The other events are few, and all of them are needed."""
        reports = 0
        kept = deque[tuple[bool, bytes]]()
        for droppable, line in self._waiting:
            reports += droppable
            if not droppable or reports % 2:
                kept.append((droppable, line))
        self._waiting = kept

    def flush(self) -> bool:
        """Write the events that wait. Returns False if the disk has no room for all of them."""
        with self._lock:
            while self._waiting:
                line = self._waiting[0][1]
                size = os.fstat(self._file).st_size
                try:
                    written = os.write(self._file, line)
                except OSError as error:
                    if error.errno in NO_ROOM:
                        return False
                    raise
                if written < len(line):
                    os.ftruncate(self._file, size)  # never leave a part of a line
                    return False
                self._waiting.popleft()
            return True

    def sync(self) -> None:
        """Flush the file to the disk, so that it survives a crash of the machine. From any thread."""
        os.fsync(self._file)

    def close(self) -> None:
        self.flush()
        os.close(self._file)


class Tail:
    """Reads a growing log from where the last read ended. A line without its newline is read later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._line = 0
        self.behind = False  # whether the last `batches` ended before the end of the file
        self._damaged = 0
        self._described: list[str] = []

    @property
    def faults(self) -> list[str]:
        """Descriptions of the damaged lines; beyond FAULTS_KEPT only their number."""
        more = self._damaged - len(self._described)
        return self._described + ([f"{self._name}: {more:,} damaged lines more"] if more else [])

    @property
    def _name(self) -> str:
        return f"{self._path.parent.name}/{self._path.name}"

    def poll(self) -> Iterator[events.AnyEvent]:
        """The events since the last read. A damaged line is described in `faults` and skipped."""
        for batch in self.batches():
            yield from batch

    def batches(self, most: int | None = None, *, reports: bool = True) -> Iterator[list[events.AnyEvent]]:
        """As `poll`, in lists of the events in BLOCK_BYTES. With `most` it ends after about so many bytes, and `behind` says
        whether there is more. Without `reports` most of those of finished epochs are left out."""
        self.behind = False
        try:
            with open_plain(self._path) as file:
                yield from self._blocks(file, most, reports)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._described, self._damaged = [f"{self._name}: {error.strerror}"], 1

    def _blocks(self, file: BinaryIO, most: int | None, reports: bool) -> Iterator[list[events.AnyEvent]]:
        began, size = self._offset, min(BLOCK_BYTES, most or BLOCK_BYTES)
        while True:
            file.seek(self._offset)
            fresh = file.read(size)
            complete = fresh.rfind(b"\n") + 1
            there_is_more = len(fresh) == size
            if there_is_more and not complete:
                size *= 2  # a line longer than a block, or a file that is no log
                continue
            self._offset += complete
            self.behind = there_is_more and most is not None and self._offset - began + len(fresh) > most
            yield self._events(fresh[:complete], reports)
            if not there_is_more or self.behind:
                return

    def _events(self, block: bytes, reports: bool) -> list[events.AnyEvent]:
        decoded, faults = event_lines.decode_block(block, reports=reports)
        self._damaged += len(faults)
        for number, error in faults[: FAULTS_KEPT - len(self._described)]:
            self._described.append(f"{self._name}, line {self._line + number}: {error}")
        self._line += block.count(b"\n")
        return decoded
