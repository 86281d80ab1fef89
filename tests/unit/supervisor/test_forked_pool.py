"""Workers as forks: those that end in ways of their own, that do not stop, and that can't be started."""

import errno
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from inittui.record import disk_room, events
from inittui.supervisor.workers import forked_pool, pool, worker
from inittui.supervisor.workers.forked_pool import ForkedPool
from inittui.supervisor.workers.worker import EVENTS_LOST, Job
from tests.unit.tiny import CPU, arm, dataset

Body = Callable[[Job, int], int]  # what a worker does: the job, and its control pipe; its exit code
DATA = dataset()


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a pool of the arms `a` and `b`, whose workers do `body`; and what the pool says of its arms."""
    said: list[events.Gone] = []

    def make(body: Body, slots: int = 2) -> tuple[ForkedPool, list[events.Gone]]:
        monkeypatch.setattr(worker, "run", lambda job, _, pipe: body(job, pipe))
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        jobs = [Job(arm(name=name), tmp_path / name, 0.0, CPU, 1, True) for name in ("a", "b")]
        return ForkedPool(jobs, DATA, slots, said.append, lambda *_: None), said  # type: ignore[arg-type]

    return make


def run_out(of: ForkedPool) -> None:
    end = time.monotonic() + 30
    while of.busy:
        of.tick()
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_exit_code_of_0_is_passed_on_without_a_verdict(begin: Any) -> None:
    def leave(_: Job, __: int) -> NoReturn:
        os._exit(0)

    members, said = begin(leave)
    run_out(members)
    assert sorted((gone.arm, gone.reason, gone.stopped) for gone in said) == [("a", "", False), ("b", "", False)]


@pytest.mark.parametrize("stops", [True, False])
def test_who_does_not_stop_is_killed_and_told_as_stopped(
    begin: Any, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    monkeypatch.setattr(pool, "STOP_GRACE_SECONDS", 30.0 if stops else 0.1)

    def deaf(_: Job, control_pipe: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if stops:
            return int(os.read(control_pipe, 1) != worker.STOP)
        while True:
            time.sleep(60)

    members, said = begin(deaf)
    members.tick()
    members.stop()
    run_out(members)
    reason = "" if stops else pool.KILLED
    assert sorted((gone.arm, gone.reason, gone.stopped) for gone in said) == [
        ("a", reason, not stops),
        ("b", reason, not stops),
    ]
    assert "memory" not in pool.KILLED


def test_a_worker_that_is_killed_by_others_has_failed(begin: Any) -> None:
    members, said = begin(lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    run_out(members)
    assert all(gone.reason.startswith("killed by signal 9") and not gone.stopped for gone in said)


def test_lost_events_are_told_with_their_reason(begin: Any) -> None:
    def lose(job: Job, _: int) -> int:
        if job.folder.name == "a":
            disk_room.mark(job.folder, errno.EDQUOT)
        return EVENTS_LOST

    members, said = begin(lose)
    run_out(members)
    assert sorted(gone.reason for gone in said) == [
        "disk quota exceeded: its last events are lost",
        "its log was deleted: its last events are lost",
    ]
    assert not disk_room.waiting_for(members.members["a"].job.folder)


def refuse_forks(monkeypatch: pytest.MonkeyPatch, which: Callable[[int], bool], kind: str = "fork") -> None:
    """Have `os.fork` (or `os.pipe`) fail at its calls for whose number `which` is true, counted from 0."""
    call, number = getattr(os, kind), iter(range(1_000_000))

    def sometimes() -> Any:
        if which(next(number)):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return call()

    monkeypatch.setattr(os, kind, sometimes)


@pytest.mark.parametrize("kind", ["fork", "pipe"])
def test_an_arm_that_cant_be_started_waits_and_the_other_one_trains(
    begin: Any, monkeypatch: pytest.MonkeyPatch, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forked_pool, "START_RETRY_SECONDS", 0.02)

    def train(job: Job, _: int) -> int:
        began = job.folder.with_name("b") / "began"
        while job.folder.name == "a" and not began.exists():
            time.sleep(0.01)
        began.touch()
        return 0

    members, said = begin(train)
    refuse_forks(monkeypatch, lambda number: 1 <= number < 8, kind)
    files = len(list(Path("/proc/self/fd").iterdir()))
    run_out(members)
    assert sorted((gone.arm, gone.reason) for gone in said) == [("a", ""), ("b", "")]
    assert len(list(Path("/proc/self/fd").iterdir())) == files
    assert capfd.readouterr().out.count("b waits, since no process can be started for it: resource") == 1


def test_where_no_process_can_be_started_at_all_each_arm_fails_and_says_why(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked_pool, "START_RETRY_SECONDS", 0.0)
    members, said = begin(lambda *_: 0)
    refuse_forks(monkeypatch, lambda _: True)
    run_out(members)
    assert sorted((gone.arm, gone.reason) for gone in said) == [
        (name, "no process can be started for it: resource temporarily unavailable") for name in ("a", "b")
    ]
