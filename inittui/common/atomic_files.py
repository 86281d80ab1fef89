"""Writing files whole, and saying in a line why one can't be."""

import contextlib
import errno
import io
import os
import stat
import sys
from pathlib import Path
from typing import Any

from inittui.common.errors import printable


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def one_line(error: BaseException) -> str:
    """The error's first line, without control characters."""
    return printable((str(error).strip() or type(error).__name__).splitlines()[0])


def open_plain(path: Path) -> io.BufferedReader:
    """`path` to be read. Raises OSError for what is no file, such as a FIFO or a device: reading those may never end."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a plain file")
    return file


def read_plain(path: Path) -> bytes:
    """The content of a file; otherwise as `open_plain`."""
    with open_plain(path) as file:
        return file.read()


def replace(path: Path, content: bytes | bytearray, *, mode: int = 0o600) -> None:
    """Write `content` so that a reader sees the old file or the new one, whole. The umask takes from `mode`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def print_what_fits() -> None:
    """From now on what this process prints and can't be written is dropped: a full disk must not end what trains."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        file = _Lossy(descriptor, "w", closefd=False)
        setattr(sys, name, io.TextIOWrapper(file, "utf-8", "backslashreplace", write_through=True))


class _Lossy(io.FileIO):
    def write(self, content: Any) -> int:
        with contextlib.suppress(OSError):
            super().write(content)
        return memoryview(content).nbytes
