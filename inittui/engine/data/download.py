"""Downloads a data set: pooch fetches and checks the archives from one mirror or the next, then the files are extracted."""

import errno
import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from inittui.experiment import datasets
from inittui.experiment.dataset_files import DataFilesError
from inittui.experiment.datasets import STAND_IN, DatasetEntry

Report = Callable[[str, int, int], None]  # title, bytes done, bytes in all

TEMPORARY = ".download-"  # how the name of a temporary folder in the data folder begins
LEFT_BEHIND_SECONDS = 3600.0  # an older, unchanged temporary folder belongs to a process that was killed
CONNECT_SECONDS = 3.0  # for each address of a host; Amazon's hosts have eight, and a firewall may drop all packets
CHUNK_BYTES = 1 << 16  # one report per chunk
NO_NETWORK = (errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH)


def download(
    name: str, data_dir: Path, report: Report, stall_seconds: float = 10.0, mirrors: Sequence[str] | None = None
) -> None:
    """Download the files of data set `name`, a key of datasets.DATASETS, into `data_dir`, over any that are there.

    Complete files whose archives have the published digest are moved into `data_dir`, so none is ever half-written there.
    `report` is called with the title, the bytes received and the bytes in total. `mirrors` are addresses of folders to use
    instead of the data set's own; a mirror that sends nothing for `stall_seconds` has failed. Raises DataFilesError when no
    mirror has the files, and when `data_dir` can't be written.
    """
    entry = datasets.DATASETS[name]
    raw = entry.raw(data_dir)
    progress = _Progress(entry, report)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _remove_left_behind(data_dir)
        # In the data folder, so that the files are moved into place by a rename.
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=data_dir) as folder:
            downloaded = entry.raw(Path(folder))
            _fetch(entry, downloaded, progress, stall_seconds, mirrors or entry.mirrors)
            raw.mkdir(parents=True, exist_ok=True)
            for path in downloaded.iterdir():
                path.replace(raw / path.name)
        return
    except _Unavailable as error:
        # Part of the text comes from a server, and it is printed to the terminal.
        reason = "".join(char if char.isprintable() else "?" for char in str(error)[:300])
        fix = f"try again, or copy its files, extracted or as .gz, to {raw}, or take --data {STAND_IN.name}"
    except OSError as error:
        if error is progress.failed:
            raise
        reason = f"{error.filename2 or data_dir} can't be written: {error.strerror or error}"
        fix = "give a folder that can be written with --data-dir"
    raise DataFilesError(f"{entry.title} could not be downloaded ({reason})", fix)


class _Unavailable(Exception):
    """No mirror has the files; the message is the reason, in one line."""


def _remove_left_behind(data_dir: Path) -> None:
    for folder in data_dir.glob(f"{TEMPORARY}*"):
        with suppress(FileNotFoundError):  # its own process removes it at this moment
            newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            if time.time() - newest > LEFT_BEHIND_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


class _Progress:
    """The progress bar that pooch calls (`update`, `reset`, `close`). It reports the bytes of all archives together."""

    total = 0  # of one archive; pooch sets it

    def __init__(self, entry: DatasetEntry, report: Report) -> None:
        self._title, self._report = entry.title, report
        self._all = sum(file.archive_size for file in entry.files)
        self.complete = self._partial = 0
        self._shown = -1
        self.failed: OSError | None = None  # raised by `report`; it is not an error of the download
        self.update(0)

    def update(self, count: int) -> None:
        self._partial += count
        self.changed = time.monotonic()
        done = min(self.complete + self._partial, self._all)
        if done <= self._shown:  # the next mirror starts at the first byte
            return
        self._shown = done
        try:
            self._report(self._title, done, self._all)
        except OSError as error:
            self.failed = error
            raise

    def reset(self) -> None:
        self._partial, self.changed = 0, time.monotonic()

    def close(self) -> None:
        pass


def _fetch(entry: DatasetEntry, raw: Path, progress: _Progress, stall_seconds: float, mirrors: Sequence[str]) -> None:
    """Download the archives into `raw` and extract them. Raises _Unavailable with the first mirror's reason, and OSError
    when a file can't be written."""
    import pooch

    pooch.get_logger().setLevel("ERROR")  # by default it prints a line per file to standard error
    downloader = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=CHUNK_BYTES,
        timeout=(min(CONNECT_SECONDS, stall_seconds), stall_seconds),
        headers={"Accept-Encoding": "identity"},  # the digest is that of the stored archive
    )
    working, reasons = list(mirrors), list[str]()
    for file in entry.files:
        md5, extract = f"md5:{file.archive_md5}", pooch.Decompress(name=file.name)
        while working:
            address = f"{working[0].removesuffix('/')}/{file.archive}"
            progress.reset()
            try:
                pooch.retrieve(address, md5, fname=file.archive, path=raw, processor=extract, downloader=downloader)
                break
            except (OSError, ValueError) as error:
                if getattr(error, "errno", None) is not None or error is progress.failed:
                    raise  # of the file that is written, or of the report
                reasons.append(_reason(error, address, time.monotonic() - progress.changed))
                mirror = working.pop(0)  # not tried again for the next file: a mirror that fails may take long to fail
                if mirror.startswith("https:") and any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
                    # A proxy that inspects TLS has its own certificate. The digest protects the download without TLS too.
                    working.insert(0, mirror.replace("https:", "http:", 1))
        else:
            raise _Unavailable(reasons[0])
        progress.complete += file.archive_size
        if file.md5:  # without it the archive is kept: its digest is checked at every start
            (raw / file.archive).unlink()


def _causes(error: BaseException) -> list[BaseException]:
    """The exception and its causes, the original one last."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    return causes


def _reason(error: Exception, address: str, silence: float) -> str:
    """One line for an error of pooch, requests or urllib3. The innermost exception has the operating system's message."""
    where, causes = urlsplit(address).netloc, _causes(error)
    if (response := getattr(error, "response", None)) is not None:
        return f"{where}: HTTP Error {response.status_code}: {response.reason}"
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"{where}: nothing arrived for {silence:.0f} s"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.errno is not None:
            words = cause.strerror or str(cause)
            no_network = isinstance(cause, socket.gaierror) or cause.errno in NO_NETWORK
            return f"no network: {words}" if no_network else f"{where}: {words}"
    if not isinstance(error, OSError):  # pooch raises ValueError for a wrong digest; those of requests are OSErrors too
        return f"{where}: {address.rpartition('/')[2]} arrived damaged"
    return f"{where}: {str(error).partition(chr(10))[0] or type(error).__name__}"
