"""A log of events on disk: one writer appends, any number of readers follow."""

import errno
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from inittui import events

SPOOLED_EVENTS = 100_000  # kept in memory while a disk is full: hours of reports


class EventLog:
    """Appends events to one file, numbered and timed. A full disk loses and tears nothing: events wait in memory."""

    def __init__(self, path: Path, zero: float) -> None:
        """`zero` is the run's beginning on the monotonic clock. An existing log is continued."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._zero = zero
        self._waiting: deque[bytes] = deque(maxlen=SPOOLED_EVENTS)
        self._seq = sum(1 for _ in Tail(path).poll())
        if _is_torn(path):
            self._waiting.append(b"\n")  # or the next event would be lost with the torn one

    def append(self, event: events.Event) -> None:
        stamped = msgspec.structs.replace(event, seq=self._seq, t=round(time.monotonic() - self._zero, 4))
        self._seq += 1
        self._waiting.append(events.encode(stamped))
        self.flush()

    def flush(self) -> bool:
        """Write what waits. False while the disk takes no more."""
        while self._waiting:
            line = self._waiting[0]
            size = os.fstat(self._file).st_size
            try:
                written = os.write(self._file, line)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                    return False
                raise
            if written < len(line):
                os.ftruncate(self._file, size)  # a part of a line is worse than none
                return False
            self._waiting.popleft()
        return True

    def close(self) -> None:
        self.flush()
        os.close(self._file)


class Tail:
    """Reads a growing log, from where it last stopped. A line without its end is not yet there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._line = 0
        self.faults: list[str] = []

    def poll(self) -> Iterator[events.AnyEvent]:
        """The events that have arrived since. A damaged line is noted in `faults` with its number and passed over."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
        except FileNotFoundError:
            return
        complete = fresh.rfind(b"\n") + 1
        self._offset += complete
        for line in fresh[:complete].split(b"\n")[:-1]:  # not splitlines: a damaged byte may be a carriage return
            self._line += 1
            try:
                event = events.decode(line)
            except ValueError as error:
                self.faults.append(f"{self._path.parent.name}/{self._path.name}, line {self._line}: {error}")
                continue
            yield event


def _is_torn(path: Path) -> bool:
    """Whether a log ends within a line."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
