"""A full disk: which errors mean that, how a writer tells readers that it has no room, and how it waits for room."""

import contextlib
import errno
import time
from collections.abc import Callable
from pathlib import Path

from inittui.common.atomic_files import reason

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
DISK_FULL = "disk-full"  # an empty file, which needs no room; exists as long as the writer of its folder has none
RETRY_SECONDS = 0.25
STOP_SECONDS = 5.0  # how long a stop waits for room


def mark_full(folder: Path, full: bool) -> None:
    """Create or remove the file that says that this folder's writer has no room."""
    with contextlib.suppress(OSError):  # no room for a name either: the writer waits all the same
        if full:
            (folder / DISK_FULL).touch(mode=0o600)
        else:
            (folder / DISK_FULL).unlink(missing_ok=True)


class DiskRoom:
    """The room that one writer has for its folder. Keeps the folder's mark up to date."""

    def __init__(self, folder: Path, stopping: Callable[[], bool] = lambda: False) -> None:
        """`stopping` returns whether a stop is requested: then `wait` gives up after STOP_SECONDS."""
        self._folder, self._stopping = folder, stopping
        self._full = False
        self._give_up_at: float | None = None
        mark_full(folder, False)  # left by a writer that was killed while the disk was full

    def mark(self, *, full: bool) -> None:
        if full != self._full:
            self._full = full
            mark_full(self._folder, full)

    def wait(self, write: Callable[[], object], lost: str = "the last events are lost") -> bool:
        """Repeat `write` until it neither returns False nor raises OSError, whose reason is printed, however long that takes.

        Returns False, and prints what is `lost`, if a stop is requested and there is no room within STOP_SECONDS."""
        printed = ""
        while True:
            try:
                if write() is not False:
                    break
            except OSError as error:
                if (why := reason(error)) != printed:
                    print(f"writing to {self._folder.name} failed: {why}", flush=True)
                    printed = why
            self.mark(full=True)
            if self._give_up_at is None and self._stopping():
                self._give_up_at = time.monotonic() + STOP_SECONDS
            if self._give_up_at is not None and time.monotonic() > self._give_up_at:
                print(f"{printed or 'the disk is full'}: {lost}", flush=True)
                return False
            time.sleep(RETRY_SECONDS)
        self.mark(full=False)
        return True
