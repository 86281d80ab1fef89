import gzip
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from inittui.engine.data.download import download
from inittui.engine.data.load import load
from inittui.experiment import dataset_files, datasets
from inittui.experiment.dataset_files import DataFilesError
from inittui.experiment.datasets import DATASETS, DatasetEntry
from inittui.experiment.preset import Data

MNIST = DATASETS["mnist"]
PATIENCE = 120.0  # seconds that anything here may take on a busy machine


class Server(ThreadingHTTPServer):
    """Serves `files`, by path; a path's second item, when there is one, is how many bytes it sends before it falls silent.

    `asked` are the paths that were asked for."""

    daemon_threads = True
    files: dict[str, tuple[bytes, int | None]]
    asked: list[str]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.files, self.asked = {}, []

    def start(self) -> None:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/some/where"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path not in self.server.files:
            return self.send_error(404, "Gone fishing \x1b[31m")
        content, silent_after = self.server.files[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:silent_after])
        if silent_after is not None:
            time.sleep(PATIENCE)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.start()
        yield server
        server.shutdown()


def silent(_title: str, _done: int, _total: int) -> None:
    """A report that nobody reads."""


def refused(data_dir: Path, mirror: str, stall_seconds: float = PATIENCE) -> str:
    """The message of a download of MNIST that must fail and leave nothing behind."""
    with pytest.raises(DataFilesError) as caught:
        download("mnist", data_dir, silent, stall_seconds, [mirror])
    assert list(data_dir.iterdir()) == []
    message = str(caught.value)
    assert message.startswith("MNIST could not be downloaded (")
    assert message.isprintable()
    return message


@pytest.fixture
def small(server: Server, monkeypatch: pytest.MonkeyPatch) -> DatasetEntry:
    """A small set in the place of MNIST, which the server has: four files of ten labels, two of them of unknown digest."""
    files = []
    for number in range(4):
        content = replace(MNIST.files[1], shape=(10,)).header + bytes(range(10))
        archive = gzip.compress(content, mtime=0)
        server.files[f"/some/where/labels-{number}.gz"] = archive, None
        md5 = hashlib.md5(content).hexdigest() if number < 2 else None
        digest = hashlib.md5(archive).hexdigest()
        files.append(datasets.RawFile(f"labels-{number}", (10,), len(archive), digest, md5))
    small = replace(MNIST, files=tuple(files))
    monkeypatch.setattr(datasets, "DATASETS", {"mnist": small})
    return small


def arrived(data_dir: Path) -> bool:
    """Whether the small set is there, complete, and nothing else."""
    assert [path.name for path in data_dir.iterdir()] == ["MNIST"]
    return dataset_files.inspect("mnist", data_dir).state == "complete"


def test_a_closed_port_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.chdir(tmp_path)
    message = refused(Path("new/folder"), f"http://{host}", stall_seconds=10 * PATIENCE)
    assert f"({host}: Connection refused); try again, or copy its files, extracted or as .gz, to new" in message
    assert capfd.readouterr() == ("", "")


def test_a_missing_archive_is_an_error_with_the_servers_words(server: Server, tmp_path: Path) -> None:
    assert "HTTP Error 404: Gone fishing ?[31m)" in refused(tmp_path, server.address)


def test_a_damaged_archive_is_an_error(server: Server, tmp_path: Path) -> None:
    server.files["/some/where/train-images-idx3-ubyte.gz"] = gzip.compress(b"anything"), None
    assert "train-images-idx3-ubyte.gz arrived damaged" in refused(tmp_path, server.address)


def test_a_host_without_a_name_is_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert "(no network: " in refused(tmp_path, "http://nowhere.invalid")


def test_a_server_that_never_answers_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        message = refused(tmp_path, f"http://127.0.0.1:{mute.getsockname()[1]}", stall_seconds=0.3)
    assert re.search(r"nothing arrived for \d+ s", message)


def test_a_server_that_falls_silent_is_an_error(server: Server, tmp_path: Path) -> None:
    server.files["/some/where/train-images-idx3-ubyte.gz"] = bytes(9_912_422), 2_000_000
    assert re.search(r"nothing arrived for \d+ s", refused(tmp_path, server.address, stall_seconds=0.3))


def test_an_absent_set_is_downloaded_checked_and_read(
    server: Server, mnist_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The published archives are in no repository: these hold the same files, and have digests of their own.
    files = []
    for file in MNIST.files:
        archive = gzip.compress((MNIST.raw(mnist_dir) / file.name).read_bytes(), compresslevel=1, mtime=0)
        server.files[f"/some/where/{file.archive}"] = archive, None
        files.append(replace(file, archive_size=len(archive), archive_md5=hashlib.md5(archive).hexdigest()))
    mirrors = ("http://127.0.0.1:9/", server.address + "/")
    monkeypatch.setattr(datasets, "DATASETS", {"mnist": replace(MNIST, files=tuple(files), mirrors=mirrors)})
    reports: list[tuple[str, int, int]] = []
    dataset = load(Data(), tmp_path, lambda *report: reports.append(report))
    assert (dataset.name, dataset.note, len(dataset.train_images)) == ("mnist", "", 60_000)
    assert [path.name for path in tmp_path.iterdir()] == ["MNIST"]
    assert sorted(path.name for path in MNIST.raw(tmp_path).iterdir()) == sorted(file.name for file in MNIST.files)
    total = sum(file.archive_size for file in files)
    assert reports[0] == ("MNIST", 0, total)
    assert reports[-1] == ("MNIST", total, total)
    assert [done for _, done, _ in reports] == sorted({done for _, done, _ in reports})
    assert len(reports) > 20


@pytest.mark.parametrize("failing", ["refuses", "is silent", "has another file"])
def test_a_mirror_that_fails_is_followed_by_the_next_and_tried_once(
    server: Server, small: DatasetEntry, tmp_path: Path, failing: str
) -> None:
    with Server(("127.0.0.1", 0), Handler) as other:
        other.start()
        if failing != "refuses":
            other.files = dict.fromkeys(server.files, (b"another", 3 if failing == "is silent" else None))
        download("mnist", tmp_path, silent, 1, [other.address, server.address])
        other.shutdown()
    assert arrived(tmp_path)
    assert (len(other.asked), len(server.asked)) == (1, len(small.files))


@pytest.mark.usefixtures("small")
def test_where_tls_fails_the_digest_protects_alone(server: Server, tmp_path: Path) -> None:
    download("mnist", tmp_path, silent, PATIENCE, [server.address.replace("http:", "https:")])  # it speaks no TLS
    assert arrived(tmp_path)


def test_a_proxy_of_the_environment_is_used(
    server: Server, small: DatasetEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    mirror = "http://nowhere.invalid/some/where"
    server.files = {f"http://nowhere.invalid{path}": content for path, content in server.files.items()}
    download("mnist", tmp_path, silent, PATIENCE, [mirror])
    assert arrived(tmp_path)
    assert server.asked == [f"{mirror}/{file.archive}" for file in small.files]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), OSError("a report that fails is no fault of the download")]
)
@pytest.mark.parametrize("when", ["at the beginning", "later"])
def test_an_interruption_goes_through_and_leaves_nothing(
    server: Server, tmp_path: Path, interruption: BaseException, when: str
) -> None:
    def report(_title: str, done: int, _total: int) -> None:
        if done or when == "at the beginning":
            raise interruption

    with pytest.raises(type(interruption)) as caught:
        download("mnist", tmp_path, report, PATIENCE, [server.address])
    assert caught.value is interruption
    assert list(tmp_path.iterdir()) == []


def test_files_of_unknown_digest_keep_their_archives(server: Server, small: DatasetEntry, tmp_path: Path) -> None:
    raw = small.raw(tmp_path)
    raw.mkdir(parents=True)
    (raw / "labels-0").write_text("wrong, and replaced")
    download("mnist", tmp_path, silent, PATIENCE, [server.address])
    assert arrived(tmp_path)
    names = ["labels-0", "labels-1", "labels-2", "labels-2.gz", "labels-3", "labels-3.gz"]
    assert sorted(path.name for path in raw.iterdir()) == names


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    with pytest.raises(DataFilesError) as caught:
        download("mnist", folder, silent)
    expected = f"MNIST could not be downloaded ({folder} can't be written: Not a directory)"
    assert str(caught.value) == f"{expected}; give a folder that can be written with --data-dir"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataFilesError, match=r"can't be written: Permission denied.*--data-dir"):
        download("mnist", tmp_path, silent)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.usefixtures("small")
def test_a_killed_download_leaves_no_file_and_the_next_one_removes_its_folder(server: Server, tmp_path: Path) -> None:
    server.files["/some/where/train-images-idx3-ubyte.gz"] = bytes(9_912_422), 2_000_000
    script = (
        "import sys, pathlib; from inittui.engine.data.download import download\n"
        "download('mnist', pathlib.Path(sys.argv[1]), lambda *_: None, 600, [sys.argv[2]])"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), server.address])
    try:
        wait_for(lambda: any(path.stat().st_size for path in tmp_path.glob(".download-*/MNIST/raw/*")))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith(".download-")
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (0, 0))
    other = tmp_path / ".download-other"  # of a slow download: its folder is old, its file still grows
    other.mkdir()
    (other / "growing").touch()
    os.utime(other, (0, 0))
    download("mnist", tmp_path, silent, PATIENCE, [server.address])
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "MNIST"]
    assert dataset_files.inspect("mnist", tmp_path).state == "complete"
