"""Whether a process is the one that was recorded."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from inittui.common import process_identity
from inittui.common.process_identity import boot_id, host, liveness, started

PR_SET_NAME = 15
NOBODY = 2**22 + 1  # above Linux's largest pid

on_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


def of(pid: int | None, start: int | None, *, at_host: str | None = None, boot: str | None = None) -> str:
    return liveness(at_host=at_host or host(), boot=boot or boot_id(), pid=pid, start=start)


@contextmanager
def child(does: Callable[[], None] = lambda: None, *, waits: bool = True) -> Iterator[int]:
    """The pid of a fork that `does` something and then waits for us, or ends at once; nobody has waited for it."""
    asked, ask = os.pipe()
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ask)
            does()
            os.write(tell, b"r")
            if waits:
                os.read(asked, 1)
        finally:
            os._exit(0)
    for mine in (asked, tell):
        os.close(mine)
    try:
        assert os.read(ready, 1) == b"r"
        yield pid
    finally:
        for mine in (ask, ready):
            os.close(mine)
        os.waitpid(pid, 0)


def test_ones_own_process_is_alive() -> None:
    own = os.getpid()
    assert started(own) is not None
    assert started(own) == started(own)
    assert of(own, started(own)) == "alive"


@pytest.mark.parametrize("later", [-100, -1, 1, 100])
def test_a_pid_that_was_given_to_another_process_is_dead(later: int) -> None:
    own = os.getpid()
    assert of(own, (started(own) or 0) + later) == "dead"


@pytest.mark.parametrize(
    ("pid", "start"),
    [(None, None), (None, 1), (os.getpid(), None), (NOBODY, 1), (NOBODY, None), (-1, 1), (2**62, 1)],
    ids=["nothing", "no pid", "no start", "nobody", "nobody and no start", "negative", "huge"],
)
def test_what_names_no_process_is_dead(pid: int | None, start: int | None) -> None:
    assert of(pid, start) == "dead"


def test_the_same_pid_after_a_reboot_is_dead_and_on_another_host_nothing_is_guessed() -> None:
    own = os.getpid()
    assert of(own, started(own), boot="another") == "dead"
    assert of(own, started(own), at_host="another", boot="another") == "elsewhere"
    assert of(NOBODY, 1, at_host="another", boot="another") == "elsewhere"
    assert of(None, None, at_host="another", boot="another") == "elsewhere"


def test_a_host_that_was_given_another_name_knows_its_living_process_by_the_boot() -> None:
    own = os.getpid()
    assert of(own, started(own), at_host="another") == "alive"
    assert of(own, 1, at_host="another") == "elsewhere"


def test_a_process_that_has_ended_is_dead() -> None:
    with child() as pid:
        start = started(pid)
        assert of(pid, start) == "alive"
    assert started(pid) is None
    assert of(pid, start) == "dead"


def test_a_process_that_has_ended_and_that_nobody_has_waited_for_is_dead() -> None:
    with child(waits=False) as pid:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        assert started(pid) is None
        assert of(pid, 1) == "dead"


@on_proc
@pytest.mark.parametrize("name", ["a) (b", ")", "((", ") Z 1 2", "a\nb) S", " ", ") X", "\xff) Z (", "0123456789abcde"])
def test_the_name_of_a_process_changes_nothing(name: str) -> None:
    given = name.encode("latin-1")[:15]

    def rename() -> None:
        assert ctypes.CDLL(None).prctl(PR_SET_NAME, given, 0, 0, 0) == 0

    with child(rename) as pid:
        assert b"(" + given + b") " in Path(f"/proc/{pid}/stat").read_bytes()
        assert started_as_psutil_says(pid)
        assert of(pid, started(pid)) == "alive"


@on_proc
def test_a_script_with_parentheses_in_its_name_is_alive(tmp_path: Path) -> None:
    script = tmp_path / "a) S (b"
    script.symlink_to(Path("/bin/sh").resolve())
    with subprocess.Popen([script, "-c", "read line"], stdin=subprocess.PIPE) as process:
        assert started_as_psutil_says(process.pid)
        assert of(process.pid, started(process.pid)) == "alive"


def started_as_psutil_says(pid: int) -> bool:
    """Whether somebody else reads the same start: to some seconds, since his is by a clock that may be set."""
    since_boot = psutil.Process(pid).create_time() - psutil.boot_time()
    return abs((started(pid) or 0) / os.sysconf("SC_CLK_TCK") - since_boot) < 5


@on_proc
def test_processes_that_start_one_after_another_are_told_apart_or_as_old_as_each_other() -> None:
    with child() as first, child() as second:
        starts = [started(os.getpid()), started(first), started(second)]
    assert None not in starts
    assert starts == sorted(start for start in starts if start is not None)


def test_a_boot_is_the_same_however_often_one_asks_also_in_another_process() -> None:
    code = "from inittui.common.process_identity import boot_id, host; print(boot_id(), host())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [boot_id(), host()] == [boot_id(), os.uname().nodename]


def test_without_proc_the_start_is_told_by_the_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on a system that has no /proc."""
    monkeypatch.setattr(process_identity, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    own = os.getpid()
    assert started(own) == round(100 * psutil.Process().create_time())
    assert started(NOBODY) is None
    assert started(-1) is None
    assert boot_id() == f"{psutil.boot_time():.0f}"
    assert of(own, started(own)) == "alive"
    assert of(own, 1) == "dead"
    with child(waits=False) as pid:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert started(pid) is None
