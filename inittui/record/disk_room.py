"""Writing to a run's folder: which errors a writer waits for, how it tells readers that it waits, and how it waits.

A full disk, a full quota and a failing disk may get better. Every other error, such as a folder that was deleted or made
read-only, ends the writer.
"""

import contextlib
import errno
import time
from collections.abc import Callable
from pathlib import Path

from inittui.common.atomic_files import reason

# The name of an empty file, which needs no room. It exists as long as the writer of its folder waits.
MARKS = {errno.ENOSPC: "disk-full", errno.EDQUOT: "disk-quota-exceeded", errno.EIO: "disk-error"}
RETRY_SECONDS = 0.25
STOP_SECONDS = 5.0  # how long a stop waits for room


class NotWritable(Exception):
    """A run's folder can't be written, and waiting does not help."""

    exit_code = 1


def waiting_for(folder: Path) -> str:
    """Why the writer of this folder waits: `disk full`; "" if it does not."""
    return next((name.replace("-", " ") for name in MARKS.values() if (folder / name).exists()), "")


def mark(folder: Path, error: int) -> None:
    """Create the file that says that this folder's writer waits because of `error`, an errno, and remove the others; 0 means
    that it does not wait."""
    for number, name in MARKS.items():
        with contextlib.suppress(OSError):  # no room for a name either: the writer waits all the same
            if number == error:
                (folder / name).touch(mode=0o600)
            else:
                (folder / name).unlink(missing_ok=True)


class DiskRoom:
    """The room that one writer has for its folder. Keeps the folder's mark up to date."""

    def __init__(self, folder: Path, stopping: Callable[[], bool] = lambda: False) -> None:
        """`stopping` returns whether a stop is requested: then `wait` gives up after STOP_SECONDS."""
        self._folder, self._stopping = folder, stopping
        self._error = 0
        self._give_up_at: float | None = None
        mark(folder, 0)  # left by a writer that was killed while the disk was full

    def attempt(self, write: Callable[[], int | None]) -> bool:
        """Call `write`, which returns the errno of what it could not write, or raises OSError. Returns whether all is
        written; False if that is a matter of waiting. Raises NotWritable."""
        try:
            error = write() or 0
        except OSError as raised:
            if raised.errno not in MARKS:
                raise NotWritable(f"the run's folder can't be written: {reason(raised)}") from raised
            error = raised.errno
        if error != self._error:
            self._error = error
            mark(self._folder, error)
        return not error

    def wait(self, write: Callable[[], int | None], lost: str = "the last events are lost") -> bool:
        """Repeat `write` until all is written, however long that takes. Raises NotWritable.

        Returns False, and prints what is `lost`, if a stop is requested and there is no room within STOP_SECONDS."""
        while not self.attempt(write):
            if self._give_up_at is None and self._stopping():
                self._give_up_at = time.monotonic() + STOP_SECONDS
            if self._give_up_at is not None and time.monotonic() > self._give_up_at:
                print(f"{MARKS[self._error].replace('-', ' ')}: {lost}", flush=True)
                return False
            time.sleep(RETRY_SECONDS)
        return True
