"""Downloads a data set: pooch fetches and checks the archives from one mirror or the next, then the files are extracted."""

import errno
import gzip
import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from inittui.experiment import dataset_files, datasets
from inittui.experiment.dataset_files import DataFilesError
from inittui.experiment.datasets import STAND_IN, DatasetEntry, RawFile

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

    The files are checked before they are moved into `data_dir`, so none is ever half-written there. `report` is called with
    the title, the bytes received and the bytes in total. `mirrors` are addresses of folders to use instead of the data set's
    own; a mirror that sends nothing for `stall_seconds` has failed. Raises DataFilesError when no mirror has the files, and
    when `data_dir` can't be written.
    """
    files = datasets.DATASETS[name]
    with _writing(files, data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        _remove_left_behind(data_dir)
        # In the data folder, so that the files are moved into place by a rename.
        temporary = tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=data_dir)
    with temporary as folder:
        try:
            _fetch(files, files.raw(Path(folder)), _Progress(files, report), stall_seconds, mirrors or files.mirrors)
            arrived = dataset_files.inspect(name, Path(folder))
            if arrived.state != "complete":
                raise _Unavailable(f"what arrived is damaged: {arrived.what}")
        except _Unavailable as error:
            what = f"{files.title} could not be downloaded ({error})"
            fix = f"try again, or copy its files to {files.raw(data_dir)}, or take --data {STAND_IN.name}"
            raise DataFilesError(what, fix) from None
        with _writing(files, data_dir):
            _move(files, Path(folder), data_dir)


class _Unavailable(Exception):
    """The files are not available; the message is the reason, in one line."""

    def __init__(self, why: str) -> None:
        # Part of the text comes from a server, and it is printed to the terminal.
        super().__init__("".join(char if char.isprintable() else "?" for char in why[:300]))


@contextmanager
def _writing(files: DatasetEntry, data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{error.filename2 or data_dir} can't be written: {error.strerror or error}"
        what = f"{files.title} could not be downloaded ({reason})"
        raise DataFilesError(what, "give a folder that can be written with --data-dir") from None


def _remove_left_behind(data_dir: Path) -> None:
    for folder in data_dir.glob(f"{TEMPORARY}*"):
        with suppress(FileNotFoundError):  # its own process removes it at this moment
            newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            if time.time() - newest > LEFT_BEHIND_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _move(files: DatasetEntry, source: Path, data_dir: Path) -> None:
    files.raw(data_dir).mkdir(parents=True, exist_ok=True)
    for file in files.files:
        # Without a known digest of the extracted file, the archive is kept: its digest is checked at every start.
        names = (file.name,) if file.md5 else (file.archive, file.name)
        for name in names:
            (files.raw(source) / name).replace(files.raw(data_dir) / name)


class _Progress:
    """The progress bar that pooch calls (`update`, `reset`, `close`). It reports the bytes of all archives together."""

    total = 0  # of one archive; pooch sets it

    def __init__(self, files: DatasetEntry, report: Report) -> None:
        self._title, self._report = files.title, report
        self._all = sum(file.archive_size for file in files.files)
        self._complete = self._partial = 0
        self._shown = -1
        self.changed = time.monotonic()
        self.failed: OSError | None = None  # raised by `report`; it is not an error of the download
        self._show()

    def update(self, count: int) -> None:
        self._partial += count
        self._show()

    def reset(self) -> None:
        self._partial, self.changed = 0, time.monotonic()

    def close(self) -> None:
        pass

    def complete(self, file: RawFile) -> None:
        self._complete += file.archive_size
        self._partial = 0
        self._show()

    def _show(self) -> None:
        self.changed = time.monotonic()
        done = min(self._complete + self._partial, self._all)
        if done <= self._shown:  # the next mirror starts at the first byte
            return
        self._shown = done
        try:
            self._report(self._title, done, self._all)
        except OSError as error:
            self.failed = error
            raise


def _fetch(files: DatasetEntry, raw: Path, progress: _Progress, stall_seconds: float, mirrors: Sequence[str]) -> None:
    """Download the archives into `raw` and extract them. Raises _Unavailable with the first mirror's reason."""
    import pooch

    pooch.get_logger().setLevel("ERROR")  # by default it prints a line per file to standard error
    downloader = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=CHUNK_BYTES,
        timeout=(min(CONNECT_SECONDS, stall_seconds), stall_seconds),
        headers={"Accept-Encoding": "identity"},  # the digest is that of the stored archive
    )
    for file in files.files:
        untried, reasons = list(mirrors), []
        while untried:
            mirror = untried.pop(0)
            address = f"{mirror.removesuffix('/')}/{file.archive}"
            progress.reset()
            try:
                pooch.retrieve(address, f"md5:{file.archive_md5}", fname=file.archive, path=raw, downloader=downloader)
                with gzip.open(raw / file.archive) as packed, (raw / file.name).open("wb") as target:
                    shutil.copyfileobj(packed, target)
            except (OSError, ValueError) as error:
                if error is progress.failed:
                    raise
                reasons.append(_reason(error, address, time.monotonic() - progress.changed))
                if mirror.startswith("https:") and any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
                    # A proxy that inspects TLS has its own certificate. The digest protects the download without TLS too.
                    untried.insert(0, mirror.replace("https:", "http:", 1))
            else:
                # First for the next file: a mirror that fails may take long to fail.
                mirrors = [mirror, *(other for other in mirrors if other != mirror)]
                progress.complete(file)
                break
        else:
            raise _Unavailable(reasons[0])


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
            if cause is error:  # not wrapped by a library: the error is of the file that is written
                return words
            if isinstance(cause, socket.gaierror) or cause.errno in NO_NETWORK:
                return f"no network: {words}"
            return f"{where}: {words}"
    if not isinstance(error, OSError):  # pooch raises ValueError for a wrong digest; those of requests are OSErrors too
        return f"{where}: {address.rpartition('/')[2]} arrived damaged"
    return f"{where}: {str(error).partition(chr(10))[0] or type(error).__name__}"
