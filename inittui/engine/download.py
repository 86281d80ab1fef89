"""Downloading a data set, through torchvision in a process of its own.

torchvision can't be asked how far it is, can't be stopped, prints as it pleases and writes half files into place. As a
child that fills a temporary folder it is watched, killed and cleaned up after from outside.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from inittui import datafiles
from inittui.datafiles import DataFilesError, DatasetFiles
from inittui.launch import child_environment

Report = Callable[[str, int, int], None]  # title, bytes done, bytes in all

CHILD = (sys.executable, "-m", "inittui.engine.download")
POLL_SECONDS = 0.1
REASON, LOG = "reason", "log"  # files in the temporary folder: one line for a person, and all that the child prints


def download(
    name: str, data_dir: Path, report: Report, stall_seconds: float = 10.0, mirrors: Sequence[str] | None = None
) -> None:
    """Put the files of data set `name`, a key of datafiles.DATASETS, into `data_dir`, checked, over any that are there.

    `report` is called with the title, the bytes that have arrived and the bytes in all, whenever more have. `mirrors` are
    folders' addresses to take the archives from instead of torchvision's own. Raises DataFilesError when they can't be
    had, when nothing arrives for `stall_seconds`, and when `data_dir` can't be written. Nothing half-written stays.
    """
    files = datafiles.DATASETS[name]
    with _writing(files, data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        # In the data folder, so that the files are moved into place by a rename.
        temporary = tempfile.TemporaryDirectory(prefix=".download-", dir=data_dir)
    with temporary as folder:
        try:
            _fetch(files, Path(folder), report, stall_seconds, mirrors or ())
            found = datafiles.inspect(name, Path(folder))
            if found.state != "complete":
                raise _Unavailable(f"what arrived is damaged: {found.what}")
        except _Unavailable as error:
            what = f"{files.title} could not be downloaded ({error})"
            mend = f"try again, or copy its files to {files.raw(data_dir)}, or take --data digits"
            raise DataFilesError(what, mend) from None
        with _writing(files, data_dir):
            _move(files, Path(folder), data_dir)


class _Unavailable(Exception):
    """Why the files could not be had, in one line."""


@contextmanager
def _writing(files: DatasetFiles, data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{error.filename2 or data_dir} can't be written: {error.strerror or error}"
        what = f"{files.title} could not be downloaded ({reason})"
        raise DataFilesError(what, "give a folder that can be written with --data-dir") from None


def _fetch(files: DatasetFiles, folder: Path, report: Report, stall_seconds: float, mirrors: Sequence[str]) -> None:
    """Run the child to its end and watch it. Raises _Unavailable."""
    command = [*CHILD, files.name, str(folder), str(stall_seconds), *mirrors]
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=child_environment(), start_new_session=True
        )
    try:
        _watch(child, files, folder, report, stall_seconds)
    finally:
        child.kill()
        child.communicate()
    if child.returncode != 0:
        raise _Unavailable(_last_words(folder, child.returncode))


def _watch(
    child: "subprocess.Popen[bytes]", files: DatasetFiles, folder: Path, report: Report, stall_seconds: float
) -> None:
    """Report the growth of `folder` until the child ends. Raises _Unavailable when nothing grows for `stall_seconds`."""
    archives = {file.name + ".gz": file.archive_size for file in files.files}
    total = sum(archives.values())
    grown, reported, since = -1, -1, time.monotonic()
    while child.poll() is None:
        sizes = _sizes(files.raw(folder))
        # torchvision makes the folder when it begins. Until then it is being imported, which may take long.
        if sizes is None or sum(sizes.values()) != grown:
            grown, since = sum((sizes or {}).values()), time.monotonic()
        elif time.monotonic() - since > stall_seconds:
            raise _Unavailable(_stalled(stall_seconds))
        done = sum(min(size, archives.get(name, 0)) for name, size in (sizes or {}).items())
        if done > reported:
            report(files.title, done, total)
            reported = done
        time.sleep(POLL_SECONDS)
    if child.returncode == 0 and reported < total:
        report(files.title, total, total)


def _sizes(folder: Path) -> dict[str, int] | None:
    """The size in bytes of each file, None where there is no folder yet."""
    try:
        return {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    except FileNotFoundError:
        return None


def _stalled(seconds: float) -> str:
    return f"nothing arrived for {seconds:g} s"


def _last_words(folder: Path, status: int) -> str:
    """Why the child failed: what it wrote, else the last line that it printed, else how it ended."""
    for name in (REASON, LOG):
        path = folder / name
        lines = path.read_text("utf-8", "replace").split("\n") if path.exists() else []
        if words := [line.strip() for line in lines if line.strip()]:
            # A server chooses some of these words, and they reach the terminal.
            return "".join(char if char.isprintable() else "?" for char in words[-1][:200])
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return f"the process that downloads it ended by {how}"


def _move(files: DatasetFiles, source: Path, data_dir: Path) -> None:
    files.raw(data_dir).mkdir(parents=True, exist_ok=True)
    for file in files.files:
        # Where the extracted file's digest is not known, the archive's is: kept, it proves the file at every start.
        names = (file.name,) if file.md5 else (file.name + ".gz", file.name)
        for name in names:
            (files.raw(source) / name).replace(files.raw(data_dir) / name)


# The child


def main(arguments: Sequence[str]) -> int:
    """NAME FOLDER TIMEOUT [MIRROR ...]: the child. Fills the folder, or writes into it why not, and returns the status."""
    name, folder, timeout, *mirrors = arguments
    files = datafiles.DATASETS[name]
    threading.Thread(target=_end_with_parent, args=(Path(folder),), daemon=True).start()
    socket.setdefaulttimeout(float(timeout))  # torchvision sets none, and would wait for ever
    try:
        import torchvision.datasets

        kind = getattr(torchvision.datasets, files.folder)
        if mirrors:
            kind.mirrors = [mirror.removesuffix("/") + "/" for mirror in mirrors]
        kind(folder, download=True)
    except Exception as error:
        shutil.rmtree(files.raw(Path(folder)), ignore_errors=True)  # makes room for the reason, should the disk be full
        (Path(folder) / REASON).write_text(_reason(error, float(timeout)), "utf-8", "replace")
        return 1
    return 0


def _end_with_parent(folder: Path) -> None:
    """Standard input ends when the parent does, killed or not; the folder is nobody's then."""
    while os.read(0, 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _reason(error: Exception, timeout: float) -> str:
    """One line for what torchvision says in several. The first mirror speaks, since the others are its spares."""
    text = str(error)
    if mirror := re.search(r"Error downloading (\S+):\nTried (\S+), got:\n(.*)", text):
        archive, address, text = mirror.groups()
        where = f"{urlsplit(address).netloc}: "
    else:
        archive, where = "", ""
    words = re.sub(r"^<urlopen error (.*)>$", r"\1", text.strip().split("\n")[0])
    errno = re.match(r"\[Errno (-?\d+)\] ", words)
    words = words[errno.end() :] if errno else words
    if isinstance(error, TimeoutError) or words.endswith("timed out"):
        return where + _stalled(timeout)
    # Negative numbers are the resolver's, the others ENETDOWN, ENETUNREACH, EHOSTUNREACH.
    if errno and (int(errno[1]) < 0 or int(errno[1]) in (100, 101, 113)):
        return f"no network: {words}"
    if words == "File not found or corrupted.":
        return f"{where}{archive} arrived damaged"
    return where + (words or type(error).__name__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
