"""The commands pause, resume and stop, with a supervisor that answers when it is waited for."""

from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.cli import arm_requests
from inittui.common.process_identity import Liveness
from inittui.launch import process
from inittui.record import control_requests, events
from inittui.record.run_directory import RunDir
from tests.helpers import canned_events, empty_run, preset, write_events, write_run

FOLDERS = ("xavier_normal", "he_normal")
PAUSED = events.Paused(t=2.2)
STOPPED = events.Stopped(t=2.2, reason="stopped by hand")
FINISHED = events.Finished(t=2.2, seconds=1.0)
NOT_FINITE = events.Failed(t=2.2, kind="cost", reason="cost not finite")
Call = Callable[..., tuple[int, str, str]]


class Supervisor:
    """Takes what has been asked while the command waits, and says `answers` then. The clock goes on by a second a look."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.answers: list[tuple[events.Event, int | None]] = []
        self.heard: list[tuple[str, str]] = []
        self.liveness: Liveness = "alive"
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, _: float) -> None:
        self.now += 1.0
        self.heard += [(verb, folder) for verb, folder, _ in control_requests.take(self.run, FOLDERS)]
        write_events(self.run, self.answers)
        self.answers = []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """Two arms under way."""
    monkeypatch.setenv("INITTUI_RUNS_DIR", str(tmp_path))
    run = empty_run(tmp_path, preset(2))
    write_events(run, canned_events(preset(2), until=2.0))
    return run


@pytest.fixture
def supervisor(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    supervisor = Supervisor(run)
    monkeypatch.setattr(arm_requests, "time", SimpleNamespace(monotonic=supervisor.monotonic, sleep=supervisor.sleep))
    monkeypatch.setattr(RunDir, "liveness", lambda _: supervisor.liveness)
    monkeypatch.setattr(process, "start", lambda run, _: pytest.fail(f"started {run.name}"))
    return supervisor


def refused(answer: tuple[int, str, str]) -> str:
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.startswith("inittui: ")
    assert err.count("\n") == 1
    return err[len("inittui: ") : -1]


def test_a_pause_waits_until_every_arm_has_paused(call: Call, supervisor: Supervisor) -> None:
    supervisor.answers = [(PAUSED, 0), (PAUSED, 1)]
    name = supervisor.run.name
    assert call("pause", name) == (0, f"paused {name}; 'inittui resume {name}' continues it\n", "")
    assert supervisor.heard == [("pause", "")]


@pytest.mark.parametrize("arm", ["he_normal", "xavier_normal"])
def test_one_arm_can_be_paused(call: Call, supervisor: Supervisor, arm: str) -> None:
    supervisor.answers = [(PAUSED, FOLDERS.index(arm))]
    name = supervisor.run.name
    assert call("pause", name, "--arm", arm) == (
        0,
        f"paused {arm} of {name}; 'inittui resume {name}' continues it\n",
        "",
    )
    assert supervisor.heard == [("pause", arm)]


@pytest.mark.parametrize("word", [FINISHED, NOT_FINITE, STOPPED], ids=["finished", "failed", "stopped"])
def test_an_arm_that_ends_meanwhile_is_not_waited_for(call: Call, supervisor: Supervisor, word: Any) -> None:
    supervisor.answers = [(PAUSED, 0), (word, 1)]
    assert call("pause", supervisor.run.name)[0] == 0


def test_a_request_that_nobody_hears_is_a_fault(call: Call, supervisor: Supervisor) -> None:
    supervisor.answers = [(PAUSED, 0)]  # and the other one says nothing
    name = supervisor.run.name
    assert refused(call("pause", name)) == f"run '{name}' has not answered the request to pause in 15 s"
    (supervisor.run.path / "disk-full").touch()
    words = refused(call("pause", name))
    assert words == f"run '{name}' can't answer the request to pause: disk full"


@pytest.mark.parametrize(
    ("verb", "state", "words"),
    [
        ("pause", PAUSED, "arm 'he_normal' has nothing to pause: it is paused"),
        ("pause", FINISHED, "arm 'he_normal' has nothing to pause: it is finished"),
        ("stop", FINISHED, "arm 'he_normal' has nothing to stop: it is finished"),
        ("stop", STOPPED, "arm 'he_normal' has nothing to stop: it is stopped"),
        ("resume", FINISHED, "arm 'he_normal' has nothing to resume: it is finished"),
        ("resume", NOT_FINITE, "arm 'he_normal' has nothing to resume: it is failed"),
        ("resume", None, "arm 'he_normal' has nothing to resume: it is training"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_asked(
    call: Call, supervisor: Supervisor, verb: str, state: events.Event | None, words: str
) -> None:
    if state is not None:
        write_events(supervisor.run, [(state, 1)])
    assert refused(call(verb, supervisor.run.name, "--arm", "he_normal")) == words
    assert control_requests.take(supervisor.run, FOLDERS) == []


def test_a_run_that_is_paused_as_a_whole_has_nothing_to_pause(call: Call, supervisor: Supervisor) -> None:
    name = supervisor.run.name
    write_events(supervisor.run, [(PAUSED, 0), (FINISHED, 1)])
    assert refused(call("pause", name)) == f"run '{name}' has nothing to pause: it is finished, paused"


@pytest.mark.parametrize("verb", ["pause", "stop", "resume"])
def test_an_arm_that_the_run_does_not_have_is_refused_with_the_nearest(
    call: Call, supervisor: Supervisor, verb: str
) -> None:
    words = refused(call(verb, supervisor.run.name, "--arm", "he_norml"))
    assert words == "--arm he_norml: no such arm. Did you mean 'he_normal'?"
    assert "no such arm. Known: xavier_normal, he_normal." in refused(call(verb, supervisor.run.name, "--arm", "?"))


def test_an_arm_is_known_by_its_name_and_by_its_folder(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = preset([{"name": "small / tanh", "init": "he_normal"}, "zeros"])
    run = empty_run(tmp_path, of)
    write_events(run, canned_events(of, until=2.0))
    monkeypatch.setenv("INITTUI_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr(RunDir, "liveness", lambda _: "alive")
    heard: list[str] = []

    def sleep(_: float) -> None:
        heard.extend(folder for _, folder, _ in control_requests.take(run, ["small_tanh"]))
        write_events(run, [(STOPPED, 0)])

    monkeypatch.setattr(arm_requests, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
    assert call("stop", run.name, "--arm", "small / tanh")[:2] == (0, f"stopped small / tanh of {run.name}\n")
    assert heard == ["small_tanh"]
    assert "nothing to stop: it is stopped" in refused(call("stop", run.name, "--arm", "small_tanh"))


@pytest.mark.parametrize("word", ["pause", "stop"])
def test_a_run_that_is_dead_is_asked_for_nothing(call: Call, supervisor: Supervisor, word: str) -> None:
    supervisor.liveness = "dead"
    words = refused(call(word, supervisor.run.name, "--arm", "he_normal"))
    assert f"run '{supervisor.run.name}' is not running" in words
    assert "'inittui resume' continues one" in words
    assert not (supervisor.run.path / "control").exists()


def test_a_run_on_another_host_can_be_paused_through_the_shared_folder(call: Call, supervisor: Supervisor) -> None:
    supervisor.liveness = "elsewhere"
    supervisor.answers = [(PAUSED, 0), (PAUSED, 1)]
    assert call("pause", supervisor.run.name)[0] == 0
    assert supervisor.heard == [("pause", "")]


@pytest.mark.parametrize("state", [PAUSED, STOPPED], ids=["paused", "stopped"])
@pytest.mark.parametrize(
    "answer",
    [
        [(events.Continued(t=3.0), 1)],
        [(events.Resumed(t=3.0, arms=("he_normal",)), None)],
        # It has ended again between two looks.
        [(events.Resumed(t=3.0, arms=("he_normal",)), None), (replace(STOPPED, t=4.0), 1)],
        [(replace(FINISHED, t=4.0), 1)],
    ],
    ids=["goes on", "will", "stopped again", "finished"],
)
def test_one_arm_is_let_go_on(call: Call, supervisor: Supervisor, state: events.Event, answer: list[Any]) -> None:
    write_events(supervisor.run, [(state, 1)])
    supervisor.answers = answer
    name = supervisor.run.name
    assert call("resume", name, "--arm", "he_normal") == (0, f"he_normal of {name} goes on\n", "")
    assert supervisor.heard == [("resume", "he_normal")]


def test_a_dead_run_goes_on_as_a_whole(call: Call, supervisor: Supervisor) -> None:
    supervisor.liveness = "dead"
    name = supervisor.run.name
    words = refused(call("resume", name, "--arm", "he_normal"))
    assert words.startswith(f"--arm he_normal: run '{name}' is not alive, and only a whole run can be continued; ")
    assert f"'inittui resume {name}'" in words


@pytest.mark.parametrize("option", [("--device", "cpu"), ("--data-dir", "x")])
def test_where_a_living_run_trains_cant_be_changed(call: Call, supervisor: Supervisor, option: tuple[str, str]) -> None:
    words = refused(call("resume", supervisor.run.name, *option))
    assert words.endswith(f"is alive: {option[0]} is for a run that has ended")


@pytest.mark.usefixtures("supervisor")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "tpu"), "--device tpu: expected auto, cpu, cuda or cuda:N"),
        (("--refresh", "0"), "--refresh 0: expected a number above 0"),
        (("--data-dir", "~nosuchuser/x"), "~nosuchuser/x"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(
    call: Call, run: RunDir, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(call("resume", run.name, *words))
    assert not (run.path / "control").exists()


def test_a_living_run_is_asked_to_go_on_and_its_name_printed(call: Call, supervisor: Supervisor) -> None:
    assert call("resume", supervisor.run.name, "--detach") == (0, f"{supervisor.run.name}\n", "")
    assert [(verb, folder) for verb, folder, _ in control_requests.take(supervisor.run, FOLDERS)] == [("resume", "")]


def test_a_finished_run_is_not_resumed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITTUI_RUNS_DIR", str(tmp_path))
    run = write_run(tmp_path)
    assert "has nothing to resume (it has finished)" in refused(call("resume", run.name))


def test_a_run_that_can_t_be_taken_up_says_the_last_of_its_words(
    call: Call, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = supervisor.run
    write_events(run, [(STOPPED, 0), (STOPPED, 1), (events.Phase(t=2.5, phase="stopped"), None)])
    supervisor.liveness = "dead"

    def start(run: RunDir, _: int) -> object:
        (run.path / "supervisor.log").write_text("first\nTraceback\nImportError: no torch\n")
        return object()

    monkeypatch.setattr(process, "start", start)
    assert (
        refused(call("resume", run.name, "--plain")) == f"run '{run.name}' could not be resumed: ImportError: no torch"
    )
    monkeypatch.setattr(RunDir, "alive", lambda _: True)
    monkeypatch.setattr(process, "resume", lambda *_, **__: object())
    words = refused(call("resume", run.name, "--plain"))
    assert words == f"run '{run.name}': its supervisor writes no event; 'inittui attach {run.name}' looks again"


def test_a_resume_after_which_nothing_runs_is_an_error_although_nobody_watches(
    call: Call, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run that was killed: its log does not end."""
    run = supervisor.run
    supervisor.liveness = "dead"
    monkeypatch.setattr(process, "start", lambda run, _: (run.path / "supervisor.log").write_text("no torch\n"))
    words = refused(call("resume", run.name, "--detach"))
    assert words == f"run '{run.name}' could not be resumed: no torch"


def test_a_run_of_another_host_is_resumed_here_only_when_that_is_asked_for(
    call: Call, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = supervisor.run
    supervisor.liveness = "elsewhere"
    assert "resume it there, or here with --take-over" in refused(call("resume", run.name, "--detach"))

    def start(*_: object) -> object:
        supervisor.liveness = "alive"
        supervisor.answers = [(events.Phase(t=2.5, phase="starting"), None)]
        return object()

    monkeypatch.setattr(process, "start", start)
    assert call("resume", run.name, "--detach", "--take-over") == (0, f"{run.name}\n", "")


def test_a_process_that_is_not_the_supervisor_is_not_killed(
    call: Call, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "stop", lambda _: None)
    supervisor.run.write_status(replace(supervisor.run.status(), pid=4711))
    words = refused(call("stop", supervisor.run.name))
    assert words.startswith(f"run '{supervisor.run.name}': its status names process 4711, which is not its supervisor")
    assert 30 < supervisor.now < 40


def test_a_stop_waits_until_the_supervisor_has_gone(
    call: Call, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = chain(["alive", "alive"], repeat("dead"))
    supervisor.run.write_status(replace(supervisor.run.status(), state="stopped"))
    monkeypatch.setattr(process, "stop", lambda _: None)
    monkeypatch.setattr(RunDir, "liveness", lambda _: next(lives))
    assert call("stop", supervisor.run.name) == (0, f"stopped {supervisor.run.name}\n", "")
    assert supervisor.now == 2.0
