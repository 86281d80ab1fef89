"""A log of events on disk: one writer appends, any number of readers follow."""

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

SPOOLED_EVENTS = 100_000  # kept in memory while a disk is full: hours of reports
FAULTS_KEPT = 100  # damaged lines that are described; beyond that they are counted
BLOCK_BYTES = 1 << 20  # read at a time


class EventLog:
    """Appends events to one file, numbered and timed; from any thread. A full disk loses and tears nothing: events wait in
    memory."""

    def __init__(self, path: Path, zero: float) -> None:
        """`zero` is the run's beginning on the monotonic clock. An existing log is continued; a torn end of it is cut off,
        since its event was never whole."""
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self.zero = zero
        self._waiting: deque[tuple[bool, bytes]] = (
            deque()
        )  # whether it may be dropped when there are too many; the line
        self._lock = threading.RLock()
        self._seq, self._t = 0, 0.0  # of the next event; of the last one
        for event in Tail(path).poll():
            self._count(event)
        self._mend_end()

    def _count(self, event: events.Event) -> None:
        self._seq, self._t = max(self._seq, event.seq + 1), max(self._t, event.t)

    def _mend_end(self) -> None:
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
            self._waiting.append((False, b"\n"))  # only the newline was not written
            self._count(last)

    @property
    def disk_full(self) -> bool:
        """Whether events wait because the disk takes no more."""
        return bool(self._waiting)

    def append(self, event: events.Event) -> None:
        with self._lock:
            # Never back: the clock of a run that goes on starts at the last that a reader was shown.
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
        """Give up every second report of progress; the other events are few, and each is needed."""
        reports = 0
        kept = deque[tuple[bool, bytes]]()
        for may_go, line in self._waiting:
            reports += may_go
            if not may_go or reports % 2:
                kept.append((may_go, line))
        self._waiting = kept

    def flush(self) -> bool:
        """Write what waits. False while the disk takes no more."""
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
                    os.ftruncate(self._file, size)  # a part of a line is worse than none
                    return False
                self._waiting.popleft()
            return True

    def sync(self) -> None:
        """See to it that what is written outlives the machine. From any thread."""
        os.fsync(self._file)

    def close(self) -> None:
        self.flush()
        os.close(self._file)


class Tail:
    """Reads a growing log, from where it last stopped. A line without its end is not yet there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._line = 0
        self.behind = False  # whether the last `batches` left off before the end
        self._damaged = 0
        self._described: list[str] = []

    @property
    def faults(self) -> list[str]:
        """The damaged lines, in words; when they are very many, the first of them and their number."""
        more = self._damaged - len(self._described)
        return self._described + ([f"{self._name}: {more:,} damaged lines more"] if more else [])

    @property
    def _name(self) -> str:
        return f"{self._path.parent.name}/{self._path.name}"

    def poll(self) -> Iterator[events.AnyEvent]:
        """The events that have arrived since. A damaged line is noted in `faults` with its number and passed over."""
        for batch in self.batches():
            yield from batch

    def batches(self, most: int | None = None, *, reports: bool = True) -> Iterator[list[events.AnyEvent]]:
        """As `poll`, as many events at a time as are in BLOCK_BYTES. With `most` it ends once so many bytes are read, and
        `behind` says whether there is more. Without `reports` those of epochs that are over are left out, most of them."""
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
                size *= 2  # a line that is longer than a block, or no log at all
                continue
            self._offset += complete
            self.behind = there_is_more and most is not None and self._offset - began + len(fresh) > most
            yield self._events(fresh[:complete], reports)
            if not there_is_more or self.behind:
                return

    def _events(self, block: bytes, reports: bool) -> list[events.AnyEvent]:
        found, faults = event_lines.decode_block(block, reports=reports)
        self._damaged += len(faults)
        for number, error in faults[: FAULTS_KEPT - len(self._described)]:
            self._described.append(f"{self._name}, line {self._line + number}: {error}")
        self._line += block.count(b"\n")
        return found
