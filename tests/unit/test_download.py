import gzip
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from inittui import datafiles
from inittui.datafiles import DATASETS, DataFilesError
from inittui.engine import download as module
from inittui.engine.data import load
from inittui.engine.download import download
from inittui.preset import Data

MNIST = DATASETS["mnist"]
PATIENCE = 120.0  # seconds that anything here may take on a busy machine


class Server(ThreadingHTTPServer):
    """Serves `files`, by path; a path's second item, when there is one, is how many bytes it sends before it falls silent."""

    daemon_threads = True
    files: dict[str, tuple[bytes, int | None]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/some/where"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
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
        server.files = {}
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def refused(data_dir: Path, mirror: str, stall_seconds: float = PATIENCE) -> str:
    """The message of a download of MNIST that must fail and leave nothing behind."""
    with pytest.raises(DataFilesError) as caught:
        download("mnist", data_dir, lambda *_: None, stall_seconds, [mirror])
    assert list(data_dir.iterdir()) == []
    message = str(caught.value)
    assert message.startswith("MNIST could not be downloaded (")
    assert message.isprintable()
    return message


def test_a_closed_port_is_an_error_at_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server.server_close()
    (tmp_path / "torch.py").write_text("raise ImportError('a file of that name in the working folder is not torch')")
    monkeypatch.chdir(tmp_path)
    message = refused(Path("new/folder"), server.address, stall_seconds=10 * PATIENCE)
    assert f"(127.0.0.1:{server.server_port}: Connection refused); try again, or copy its files to new" in message
    assert capfd.readouterr() == ("", "")


def test_a_missing_archive_is_an_error_with_the_servers_words(server: Server, tmp_path: Path) -> None:
    assert "HTTP Error 404: Gone fishing ?[31m)" in refused(tmp_path, server.address)


def test_a_damaged_archive_is_an_error(server: Server, tmp_path: Path) -> None:
    server.files["/some/where/train-images-idx3-ubyte.gz"] = gzip.compress(b"anything"), None
    assert "train-images-idx3-ubyte.gz arrived damaged" in refused(tmp_path, server.address)


def test_a_server_that_never_answers_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        message = refused(tmp_path, f"http://127.0.0.1:{mute.getsockname()[1]}", stall_seconds=1)
    assert "nothing arrived for 1 s" in message


def test_a_server_that_falls_silent_is_an_error(server: Server, tmp_path: Path) -> None:
    server.files["/some/where/train-images-idx3-ubyte.gz"] = bytes(9_912_422), 2_000_000
    assert "nothing arrived for 1 s" in refused(tmp_path, server.address, stall_seconds=1)


def test_an_absent_set_is_downloaded_checked_and_read(
    server: Server, mnist_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The published archives are in no repository, so the child expects the digests of these, which hold the same files.
    resources = []
    for file in MNIST.files:
        content = (MNIST.raw(mnist_dir) / file.name).read_bytes()
        archive = gzip.compress(content, compresslevel=1, mtime=0)
        server.files[f"/some/where/{file.name}.gz"] = archive, None
        resources.append((f"{file.name}.gz", hashlib.md5(archive).hexdigest()))
    script = (
        "import sys, torchvision\n"
        f"torchvision.datasets.MNIST.resources = {resources!r}\n"
        f"torchvision.datasets.MNIST.mirrors = ['http://127.0.0.1:9/', {server.address + '/'!r}]\n"
        "from inittui.engine.download import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    monkeypatch.setattr(module, "CHILD", (sys.executable, "-c", script))
    reports: list[tuple[str, int, int]] = []
    dataset = load(Data(), tmp_path, lambda *report: reports.append(report))
    assert (dataset.name, dataset.note, len(dataset.train_images)) == ("mnist", "", 60_000)
    assert [path.name for path in tmp_path.iterdir()] == ["MNIST"]
    assert sorted(path.name for path in MNIST.raw(tmp_path).iterdir()) == sorted(file.name for file in MNIST.files)
    total = sum(file.archive_size for file in MNIST.files)
    assert reports[0] == ("MNIST", 0, total)
    assert reports[-1] == ("MNIST", total, total)
    assert [done for _, done, _ in reports] == sorted({done for _, done, _ in reports})


# A child of our own in the place of torchvision: what the parent makes of it.


def child(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(module, "CHILD", (sys.executable, "-c", script))


FOREVER = "import time; time.sleep(600)"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "the process that downloads it ended by signal SIGKILL"),
        ("raise SystemExit(3)", "the process that downloads it ended by exit status 3"),
        ("print('one'); raise ImportError('it is \\x1b[31mbroken')", "(ImportError: it is ?[31mbroken)"),
        ("pass", "what arrived is damaged: "),
    ],
)
def test_a_child_that_ends_badly_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    child(monkeypatch, script)
    assert reason in refused(tmp_path, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), OSError("a report that fails is no fault of the download")]
)
def test_an_interruption_goes_through_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    child(monkeypatch, FOREVER)

    def report(*_: object) -> None:
        raise interruption

    with pytest.raises(type(interruption)) as caught:
        download("mnist", tmp_path, report)
    assert caught.value is interruption
    assert list(tmp_path.iterdir()) == []


def test_files_of_unknown_digest_keep_their_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents: dict[str, bytes] = {}
    files = []
    for place in range(4):
        content = replace(MNIST.files[1], shape=(10,)).header + bytes(range(10))
        archive = gzip.compress(content, mtime=0)
        contents |= {f"labels-{place}": content, f"labels-{place}.gz": archive}
        md5 = hashlib.md5(content).hexdigest() if place < 2 else None
        files.append(datafiles.RawFile(f"labels-{place}", (10,), 1, hashlib.md5(archive).hexdigest(), md5))
    small = replace(MNIST, files=tuple(files))
    monkeypatch.setattr(datafiles, "DATASETS", {"mnist": small})
    child(
        monkeypatch,
        "import pathlib, sys\n"
        "raw = pathlib.Path(sys.argv[2]) / 'MNIST' / 'raw'\n"
        "raw.mkdir(parents=True)\n"
        f"for name, content in {contents!r}.items():\n"
        "    (raw / name).write_bytes(content)\n",
    )
    raw = small.raw(tmp_path)
    raw.mkdir(parents=True)
    (raw / "labels-0").write_text("wrong, and replaced")
    download("mnist", tmp_path, lambda *_: None)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == {
        name: content for name, content in contents.items() if name not in ("labels-0.gz", "labels-1.gz")
    }


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    with pytest.raises(DataFilesError) as caught:
        download("mnist", folder, lambda *_: None)
    expected = f"MNIST could not be downloaded ({folder} can't be written: Not a directory)"
    assert str(caught.value) == f"{expected}; give a folder that can be written with --data-dir"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataFilesError, match=r"can't be written: Permission denied.*--data-dir"):
        download("mnist", tmp_path, lambda *_: None)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_killed_parent_takes_the_child_and_its_folder_along(server: Server, tmp_path: Path) -> None:
    server.files["/some/where/train-images-idx3-ubyte.gz"] = bytes(9_912_422), 2_000_000
    script = (
        "import sys, pathlib; from inittui.engine.download import download\n"
        "download('mnist', pathlib.Path(sys.argv[1]), lambda *_: None, 600, [sys.argv[2]])"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), server.address])
    try:
        wait_for(lambda: any(tmp_path.glob(".download-*/MNIST/raw/*.gz")))
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
        wait_for(lambda: not list(tmp_path.iterdir()))
        wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    finally:
        parent.kill()
        parent.wait()
