"""Who holds a lock, and who must not inherit it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inittui.common import file_lock


@contextmanager
def forked(fork: Callable[[], int]) -> Iterator[None]:
    """A fork that does nothing until the block ends."""
    asked, ask = os.pipe()
    ready, tell = os.pipe()
    pid = fork()
    if pid == 0:
        os.close(ask)
        os.write(tell, b"r")
        os.read(asked, 1)
        os._exit(0)
    os.read(ready, 1)
    try:
        yield
    finally:
        for end in (asked, ask, ready, tell):
            os.close(end)
        os.waitpid(pid, 0)


def test_a_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert file_lock.held(path) is None
    lock = file_lock.acquire(path, 0)
    assert file_lock.held(path) is True
    with pytest.raises(TimeoutError):
        file_lock.acquire(path, 0)
    file_lock.close(lock)
    assert file_lock.held(path) is False


def test_who_is_refused_leaves_no_descriptor_open(tmp_path: Path) -> None:
    lock = file_lock.acquire(tmp_path / "lock", 0)
    lowest = os.dup(1)
    os.close(lowest)
    with pytest.raises(TimeoutError):
        file_lock.acquire(tmp_path / "lock", 0)
    file_lock.held(tmp_path / "lock")
    assert os.dup(1) == lowest
    os.close(lowest)
    file_lock.close(lock)


def test_a_fork_of_own_code_does_not_hold_the_lock(tmp_path: Path) -> None:
    lock = file_lock.acquire(tmp_path / "lock", 0)
    with forked(os.fork):
        file_lock.close(lock)
        assert file_lock.held(tmp_path / "lock") is False


def test_a_worker_holds_the_lock_and_what_its_own_code_forks_does_not(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = file_lock.acquire(path, 0)
    with forked(file_lock.fork):
        file_lock.close(lock)
        assert file_lock.held(path) is True
    assert file_lock.held(path) is False
    lock = file_lock.acquire(path, 0)
    ready, tell = os.pipe()
    worker = file_lock.fork()
    if worker == 0:
        if os.fork() == 0:
            os.write(tell, f"{os.getpid()}\n".encode())  # it has closed what it must not have by now
            time.sleep(60)
        os._exit(0)
    grandchild = int(os.read(ready, 100))
    os.waitpid(worker, 0)
    file_lock.close(lock)
    try:
        assert file_lock.held(path) is False
    finally:
        os.kill(grandchild, 9)
        for end in (ready, tell):
            os.close(end)


def test_only_what_is_handed_over_is_inherited_by_a_program(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = file_lock.acquire(path, 0)
    for handed_over in (False, True):
        fds = [lock] if handed_over else []
        with subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, pass_fds=fds, close_fds=handed_over
        ) as program:
            file_lock.close(lock)
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(b"x")
            assert program.stdout.read(1) == b"x"
            assert file_lock.held(path) is handed_over
        lock = file_lock.acquire(path, 5)
    file_lock.close(lock)


def test_a_pipe_closes_although_own_code_has_forked() -> None:
    read_end, write_end = os.pipe()
    file_lock.make_private(write_end)
    with forked(os.fork), forked(file_lock.fork):
        file_lock.close(write_end)
        os.set_blocking(read_end, False)  # it raises while a process has the other end open
        assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_a_lock_is_no_standard_stream_even_where_these_are_closed(tmp_path: Path) -> None:
    """Otherwise the supervisor would get a pipe or a log in its place."""
    code = f"""
import os
from pathlib import Path
from inittui.common import file_lock
os.close(0)
assert file_lock.acquire(Path({str(tmp_path / "lock")!r}), 0) > 2
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_own_code_forks_writes_nothing_into_the_run_when_it_comes_back(tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from inittui.common import file_lock
from inittui.common.atomic_files import replace
from inittui.record import events
from inittui.record.event_log import EventLog

def write(log, name):
    log.append(events.Paused())
    replace(folder / name, b"x")

def ended():
    return os.waitstatus_to_exitcode(os.wait()[1])

folder = Path({str(tmp_path)!r})
file_lock.adopt(file_lock.acquire(folder / "lock", 0))
log = EventLog(folder / "events.jsonl", 0.0)
write(log, "supervisor")
for fork in (os.fork, file_lock.fork):
    if fork() == 0:
        write(log, "worker")
        if os.fork() == 0:
            replace(folder / "fork", b"x")
        os._exit(ended() + 1)
    print(ended())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n2\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "lock", "supervisor", "worker"]
    assert (tmp_path / "events.jsonl").read_bytes().count(b"\n") == 2
