"""Requests while a run starts, with a main thread that leaves in time or does not."""

import os
import queue
import shutil
import signal
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from inittui.record import control_requests, events
from inittui.record.run_directory import RunDir
from inittui.supervisor import early_requests
from inittui.supervisor.early_requests import EarlyRequests
from inittui.supervisor.journal import Journal
from tests.helpers import empty_run

FOLDERS = ("xavier_normal", "he_normal")


class Logged(Journal):
    """Stands for the journal: events, and whether there is one."""

    def __init__(self) -> None:
        self.some = threading.Event()
        self.events: list[events.Event] = []

    def emit(self, event: events.Event) -> None:
        self.events.append(event)
        self.some.set()

    def flush(self) -> None:
        pass


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return empty_run(tmp_path)


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that this process sends to itself, in place of sending them."""
    sent: list[int] = []

    def send(pid: int, number: int) -> None:
        assert pid == os.getpid()
        sent.append(number)

    monkeypatch.setattr(os, "kill", send)
    return sent


def in_time(*_: str) -> NoReturn:
    pytest.fail("nobody was late")


def test_a_request_is_logged_and_kept_while_the_main_thread_is_busy(run: RunDir, signals: list[int]) -> None:
    logged, threads = Logged(), threading.active_count()
    with EarlyRequests(run, FOLDERS, logged, in_time) as early:
        control_requests.ask(run, "pause", "he_normal")
        assert logged.some.wait(10)
    assert [(verb, folder) for verb, folder, _ in early.taken] == [("pause", "he_normal")]
    assert [(event.verb, event.arm) for event in logged.events if isinstance(event, events.Asked)] == [
        ("pause", "he_normal")
    ]
    assert (early.stopping, signals) == (False, [])
    assert threading.active_count() == threads, "it must not live when the supervisor forks"


def test_the_stop_of_one_arm_is_no_stop_of_the_run(run: RunDir, signals: list[int]) -> None:
    logged = Logged()
    with EarlyRequests(run, FOLDERS, logged, in_time) as early:
        control_requests.ask(run, "stop", "he_normal")
        assert logged.some.wait(10)
    assert (early.stopping, signals) == (False, [])


@pytest.mark.usefixtures("signals")
def test_a_resume_with_nothing_to_withdraw_is_not_handled_again_later(run: RunDir) -> None:
    logged = Logged()
    with EarlyRequests(run, FOLDERS, logged, in_time) as early:
        control_requests.ask(run, "resume")
        assert logged.some.wait(10)
    assert (len(logged.events), early.taken) == (1, [])


@pytest.mark.parametrize("how", ["a request", "a signal"])
def test_who_does_not_leave_after_a_stop_is_ended(
    run: RunDir, signals: list[int], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(early_requests, "STOP_SECONDS", 0.0)
    ended = threading.Event()
    said: list[tuple[str, str]] = []

    def end(*words: str) -> None:
        said.append(words)  # type: ignore[arg-type]
        ended.set()

    with EarlyRequests(run, FOLDERS, Logged(), end) as early:
        if how == "a request":
            control_requests.ask(run, "stop")
        else:
            early.stopping = True
        assert ended.wait(10)
    assert early.stopping
    assert set(said) == {("stopped", "stopped before training began")}
    assert signals == ([signal.SIGTERM] if how == "a request" else [])


@pytest.mark.usefixtures("signals")
def test_who_leaves_in_time_is_not_ended(run: RunDir) -> None:
    logged = Logged()
    with EarlyRequests(run, FOLDERS, logged, in_time) as early:
        control_requests.ask(run, "stop")
        assert logged.some.wait(10)
    assert [(verb, folder) for verb, folder, _ in early.taken] == [("stop", "")]


def test_a_run_whose_folder_is_deleted_while_the_main_thread_is_busy_is_ended(run: RunDir) -> None:
    ended: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    journal = Journal(run, run.status(), lambda: False)
    with EarlyRequests(run, FOLDERS, journal, lambda *words: ended.put(words)):
        shutil.rmtree(run.path)
        assert ended.get(timeout=10) == ("failed", "the run's folder can't be written: its log was deleted")
    journal.close()


def test_where_no_thread_can_be_started_requests_wait(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with EarlyRequests(run, FOLDERS, Logged(), in_time) as early:
        control_requests.ask(run, "pause")
    assert early.taken == []
    assert len(control_requests.take(run, FOLDERS)) == 1
