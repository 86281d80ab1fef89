"""Whether a run is alive, for every way in which its folder, its lock and its status may disagree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.common import file_lock, process_identity
from inittui.common.errors import RunError
from inittui.launch import process
from inittui.record import control_requests, delete_run
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunIndex
from inittui.record.run_table import text
from tests.helpers import canned_events, empty_run, make_alive, preset, write_events


def changed(run: RunDir, **changes: Any) -> RunDir:
    run.write_status(replace(run.status(), **changes))
    return run


@pytest.fixture
def alive(tmp_path: Path) -> RunDir:
    run = empty_run(tmp_path / "runs", preset(2))
    write_events(run, canned_events(preset(2), until=2.0))
    return make_alive(run)


def refusal(run: RunDir) -> str:
    with pytest.raises(RunError) as caught:
        process.stop(run)
    return str(caught.value)


@pytest.fixture
def victim() -> Iterator[dict[str, object]]:
    """The identity of a living process that is no supervisor."""
    with subprocess.Popen(["sleep", "60"]) as child:
        yield process_identity.fields(child.pid)
        assert child.poll() is None
        child.kill()


@pytest.fixture
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda pid, number: pytest.fail(f"signal {number} to {pid}"))


# Copies


def copy(run: RunDir, links: bool) -> RunDir:
    target = run.path.with_name("copy")
    shutil.copytree(run.path, target, copy_function=os.link if links else shutil.copy2)
    return RunDir(target)


@pytest.mark.usefixtures("no_signals")
@pytest.mark.parametrize("links", [False, True], ids=["copied", "hard links, so that even the lock is the same"])
def test_a_copy_of_a_living_run_is_not_alive_and_says_whose_copy_it_is(alive: RunDir, links: bool) -> None:
    copied = copy(alive, links)
    note = f"a copy of '{alive.name}', not running"
    assert (copied.alive(), alive.alive()) == (False, True)
    assert (copied.copy_note(), alive.copy_note()) == (note, "")
    assert refusal(copied) == f"run 'copy' is {note}; 'inittui runs' shows what is"
    listed = {run.name: run for run in RunIndex(alive.path.parent).read()}
    assert (listed["copy"].state, listed["copy"].alive, listed["copy"].reason) == ("interrupted", False, note)
    assert listed[alive.name].alive
    assert f"interrupted  {note}" in "\n".join(text(list(listed.values()), None))
    board = Follower(copied, copied.liveness).poll()
    assert board.detail == f"{note}; 'inittui resume {copied.path}' goes on"
    if not links:
        delete_run.delete(copied)
        assert alive.alive()


def test_a_run_that_is_moved_stays_what_it_is(alive: RunDir) -> None:
    moved = RunDir(alive.path.rename(alive.path.with_name("moved")))
    assert moved.alive()
    assert moved.copy_note() == ""


def test_a_run_from_before_the_reboot_is_no_copy(alive: RunDir) -> None:
    alive.write_status(replace(alive.status(), folder="1:2", boot="the one before", run="other"))
    assert alive.copy_note() == ""


# The lock decides


def test_a_run_without_its_lock_is_dead_whatever_its_status_says(tmp_path: Path, victim: dict[str, object]) -> None:
    run = empty_run(tmp_path)
    with run.lock():
        pass
    for claims in (process_identity.fields(os.getpid()), victim):
        changed(run, state="training", **claims)
        assert run.liveness() == "dead"
        assert "not running" in refusal(run)


@pytest.mark.parametrize("locked", [True, False])
def test_a_process_that_is_no_supervisor_is_sent_no_signal(
    tmp_path: Path, victim: dict[str, object], locked: bool
) -> None:
    run = make_alive(empty_run(tmp_path)) if locked else empty_run(tmp_path)
    changed(run, state="training", **victim)
    assert run.alive() is locked
    words = f"its status names process {victim['pid']}, which is not its supervisor; nothing is sent to it"
    assert (words if locked else "not running") in refusal(run)


def test_the_supervisor_of_another_run_is_sent_no_signal(tmp_path: Path) -> None:
    run, other = (make_alive(empty_run(tmp_path)) for _ in range(2))
    words = [sys.executable, "-c", "input()", process_identity.SUPERVISOR, str(other.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as child:
        changed(run, **process_identity.fields(child.pid))
        assert "is not its supervisor" in refusal(run)
        changed(other, **process_identity.fields(child.pid))
        process.stop(other)
        assert child.wait() == -15


def test_without_a_lock_file_the_command_line_of_the_process_decides(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    words = [sys.executable, "-c", "input()", process_identity.SUPERVISOR, str(run.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as child:
        changed(run, **process_identity.fields(child.pid))
        assert run.alive()
        child.kill()
    assert not run.alive()
    changed(run, **process_identity.fields(os.getpid()))
    assert not run.alive()


# Containers: other pids, another host's name, the same kernel


@pytest.mark.usefixtures("no_signals")
def test_a_run_of_another_container_is_alive_as_long_as_it_is_locked_and_stops_by_a_request(alive: RunDir) -> None:
    changed(alive, host="3f2a", pid=1, pid_started=1, pid_namespace="pid:[1]")
    assert alive.alive()
    process.stop(alive)
    assert [verb for verb, _, _ in control_requests.take(alive, ())] == ["stop"]
    assert process.resume(alive) is None
    assert [verb for verb, _, _ in control_requests.take(alive, ())] == ["resume"]


def test_after_a_container_has_restarted_under_another_name_its_run_is_dead(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    with run.lock():
        pass
    changed(run, state="training", host="3f2a", pid=1, pid_started=1, pid_namespace="pid:[1]")
    assert run.liveness() == "dead"
    assert RunIndex(tmp_path).read()[0].state == "interrupted"
    delete_run.delete(run)
    assert not run.path.exists()


def test_a_run_of_another_machine_is_resumed_only_by_a_take_over_and_never_while_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = changed(empty_run(tmp_path), state="training", host="gpu7", boot="another", pid=1, pid_started=1)
    started: list[str] = []
    monkeypatch.setattr(process, "start", lambda run, _: started.append(run.name))
    with pytest.raises(
        RunError, match=r"resume it there, or here with --take-over .*\(two supervisors would damage it\)"
    ):
        process.resume(run)
    acquire = file_lock.acquire
    monkeypatch.setattr(file_lock, "acquire", lambda path, _: acquire(path, 0))
    process.resume(run, take_over=True)
    assert started == [run.name]
    with run.lock(), pytest.raises(RunError, match="a process of it still writes"):
        process.resume(run, take_over=True)
    assert started == [run.name]


def test_a_run_whose_supervisor_was_killed_is_dead_while_its_workers_end(alive: RunDir) -> None:
    assert changed(alive, pid=2**22 + 1).liveness() == "dead"
