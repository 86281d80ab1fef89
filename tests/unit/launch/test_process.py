"""How a supervisor is started: with its lock, and with the status for itself. A small program stands in for it."""

import errno
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.cli.commands import stop
from inittui.cli.main import main
from inittui.common import file_lock, process_identity
from inittui.common.errors import RunError
from inittui.launch import process, start_run
from inittui.record.run_directory import RunDir, Status
from tests.helpers import empty_run, preset

PROGRAM = """
import os, sys, time
from pathlib import Path
os.read(0, 1)
run = Path(sys.argv[1])
(run / "seen").write_bytes((run / "status.json").read_bytes())
print(os.fstat(int(sys.argv[2])).st_ino == (run / "lock").stat().st_ino, flush=True)
while not (run / "go").exists():
    time.sleep(0.01)
(run / "status.json").write_text("the supervisor's")
"""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stand_in_supervisor.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(process_identity, "SUPERVISOR", "stand_in_supervisor")


def started(run: RunDir) -> "subprocess.Popen[bytes]":
    with run.lock() as lock:
        return process.start(run, lock)


def test_a_supervisor_has_the_lock_and_is_alive_from_its_first_moment(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "runs")
    supervisor = started(run)
    status = run.status()
    assert (status.pid, status.state, run.alive()) == (supervisor.pid, "starting", True)
    (run.path / "go").touch()
    assert supervisor.wait(10) == 0
    assert run.last_words() == "True"
    assert not file_lock.held(run.path / "lock")


def test_a_status_that_is_written_late_does_not_replace_what_the_supervisor_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = empty_run(tmp_path / "runs")
    (run.path / "go").touch()
    write = RunDir.write_status

    def late(run: RunDir, status: Status) -> None:
        time.sleep(0.5)  # many times what the stand-in needs to start
        write(run, status)

    monkeypatch.setattr(RunDir, "write_status", late)
    supervisor = started(run)
    assert supervisor.wait(10) == 0
    assert (run.path / "status.json").read_text() == "the supervisor's"
    assert f'"pid": {supervisor.pid},' in (run.path / "seen").read_text()


def test_a_run_whose_lock_is_held_is_not_started_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = empty_run(tmp_path / "runs")
    before = run.status()
    acquire = file_lock.acquire
    monkeypatch.setattr(file_lock, "acquire", lambda path, _: acquire(path, 0))
    with run.lock(), pytest.raises(RunError, match="a process of it still writes; try again when it has ended"):
        process.resume(run)
    assert run.status() == before
    assert not (run.path / "supervisor.log").exists()


@pytest.mark.parametrize("fault", ["fork", "status"])
def test_a_supervisor_that_can_t_be_started_leaves_no_run_and_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    killed: list[int] = []
    kill = subprocess.Popen.kill
    write = RunDir.write_status

    def noted(self: "subprocess.Popen[bytes]") -> None:
        killed.append(self.pid)
        kill(self)

    def fails(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def fails_the_second_time(run: RunDir, status: Status) -> None:
        write(run, status) if status.pid is None else fails()

    monkeypatch.setattr(subprocess.Popen, "kill", noted)
    if fault == "fork":
        monkeypatch.setattr(subprocess, "Popen", fails)
    else:
        monkeypatch.setattr(RunDir, "write_status", fails_the_second_time)
    with pytest.raises(RunError, match="resource temporarily unavailable"):
        start_run.begin(preset(), runs_dir=tmp_path / "runs", data_dir=tmp_path)
    assert list((tmp_path / "runs").iterdir()) == []
    assert len(killed) == (fault == "status")


@pytest.mark.parametrize("how", ["deaf", "dead"])
def test_what_a_stop_does_not_end_is_killed_and_the_run_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    monkeypatch.setenv("INITTUI_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(stop, "STOP_SECONDS", 0.1)
    run = empty_run(tmp_path / "runs")
    supervisor = started(run)  # which never unblocks SIGTERM

    def die(_: RunDir) -> None:
        supervisor.kill()
        supervisor.wait()

    if how == "dead":
        monkeypatch.setattr(process, "stop", die)
    assert main(["stop", run.name]) == 0
    assert supervisor.wait(10) == -signal.SIGKILL
    out, err = capsys.readouterr()
    words = (
        "its supervisor did not react to a stop and was killed"
        if how == "deaf"
        else "its supervisor ended without a result"
    )
    assert out == f"stopped {run.name}\n"
    assert err == f"inittui: {words}; 'inittui resume {run.name}' goes on from its last checkpoints\n"
    assert (run.status().state, run.status().reason) == ("stopped", words)
    board = Follower(run, run.liveness).poll()
    assert (board.phase, board.detail, {arm.state for arm in board.arms}) == ("stopped", words, {"stopped"})


def test_a_run_that_has_stopped_itself_is_left_as_it_is(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    run.write_status(replace(run.status(), state="stopped", reason="by hand"))
    assert process.end(run) == ""
    assert run.status().reason == "by hand"
    assert not run.log.exists()
