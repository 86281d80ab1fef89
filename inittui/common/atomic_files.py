"""Reads and atomic writes of files, their names, and the reason of a failure in one line."""

import contextlib
import errno
import io
import os
import re
import stat
import sys
from pathlib import Path
from typing import Any

from inittui.common import file_lock
from inittui.common.errors import message_of, printable

LONGEST_LINE = 500  # characters of a message


def reason(error: OSError) -> str:
    """What the operating system says, in lower case: `permission denied`."""
    return (error.strerror or str(error)).lower()


def one_line(error: BaseException) -> str:
    """The first line of the error's message, without control characters."""
    line = printable((message_of(error).strip() or type(error).__name__).splitlines()[0])
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def open_plain(path: Path) -> io.BufferedReader:
    """Open `path` for reading. Raises OSError if it is no regular file: reading a FIFO or a device may never end."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a plain file")
    return file


def read_plain(path: Path) -> bytes:
    """The content of a regular file. Raises OSError, as `open_plain` does."""
    with open_plain(path) as file:
        return file.read()


def read_end(path: Path, most: int) -> str:
    """The text in the last `most` bytes of a regular file: a log may have any size. Raises OSError, as `open_plain` does."""
    with open_plain(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read(most).decode("utf-8", "replace")


def replace(path: Path, content: bytes | bytearray, *, mode: int = 0o600, kept: int | None = None) -> None:
    """Write a file atomically: a reader sees either the old content or all of the new. The umask applies to `mode`; `kept` is
    the mode in place of that."""
    file_lock.end_if_forked()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            if kept is not None:
                os.fchmod(file.fileno(), kept)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Delete what `replace` left in `folder` when its process was killed."""
    for leftover in folder.glob(".*.[0-9]*"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def replace_kept(path: Path, content: bytes) -> None:
    """As `replace`, for a file of the user's own: an existing one keeps its mode, and a link keeps being one."""
    path = Path(os.path.realpath(path))
    before = path.stat().st_mode if path.exists() else None
    if before is not None and not stat.S_ISREG(before):
        raise OSError(errno.EINVAL, "it is not a plain file")
    replace(path, content, mode=0o666 if before is None else 0o600, kept=before and stat.S_IMODE(before))


def slug(name: str) -> str:
    """`name` as a file name of letters, digits, dots, dashes and underscores: never hidden, empty or a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:60] or "run"


def make_folder(parent: Path, stem: str) -> Path:
    """Create a folder named `stem`, with a number if that exists, that only the user can read. Raises OSError."""
    for number in range(1, 10_000):
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return path
    raise OSError(errno.EEXIST, f"too many folders named {stem}")


def print_what_fits() -> None:
    """From now on drop what this process prints if it can't be written: a full disk must not end a training process."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        file = _Lossy(descriptor, "w", closefd=False)
        setattr(sys, name, io.TextIOWrapper(file, "utf-8", "backslashreplace", write_through=True))


class _Lossy(io.FileIO):
    def write(self, content: Any) -> int:
        with contextlib.suppress(OSError):
            super().write(content)
        return memoryview(content).nbytes
