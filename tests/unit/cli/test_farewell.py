"""What is said last, whatever ends a viewer."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from inittui.cli.main import main
from inittui.launch import process
from inittui.output import lines
from inittui.record.run_directory import RunDir
from inittui.record.run_index import runs
from tests.helpers import canned_events, empty_run, make_alive, preset, write_events, write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")
DIGITS = ("--preset", "digits", "--plain")


@pytest.fixture
def run(runs_dir: Path) -> RunDir:
    of = preset(name="mine")
    run = empty_run(runs_dir, of)
    write_events(run, canned_events(of, until=2.0))
    return make_alive(run)


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], object]], None]]:
    """What happens while the supervisor starts."""
    locks: list[int] = []

    def meanwhile(happens: Callable[[], object]) -> None:
        def start(run: RunDir, lock: int) -> Any:
            locks.append(os.dup(lock))  # as the supervisor inherits it
            make_alive(run)
            happens()
            return SimpleNamespace()

        monkeypatch.setattr(process, "start", start)

    yield meanwhile
    for lock in locks:
        os.close(lock)


def interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def ended(how: Callable[[], object]) -> Callable[..., NoReturn]:
    """A viewer that is ended in a way before it has read anything."""

    def watch(*_: object) -> NoReturn:
        how()
        pytest.fail("nothing ended it")

    return watch


@pytest.fixture
def on_full_disk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a command whose standard output accepts nothing: its exit code, and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        with open("/dev/full", "w", encoding="utf-8") as file, monkeypatch.context() as patch:  # noqa: PTH123
            patch.setattr("sys.stdout", file)
            code = main(words)
        return code, *capsys.readouterr()

    return run


def test_an_interrupt_in_the_first_moment_names_the_run_that_trains(
    call: Call, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "watch", ended(interrupted))
    expected = f"training goes on: inittui attach {run.name}\n"
    assert call("attach", "--plain") == (130, f"run: {run.path}\n", expected)


def test_output_that_cant_be_written_names_the_run_that_trains(run: RunDir, on_full_disk: Call) -> None:
    words = f"inittui: [Errno 28] No space left on device\ntraining goes on: inittui attach {run.name}\n"
    assert on_full_disk("attach", "--plain") == (1, "", words)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM])
def test_a_signal_ends_a_viewer_with_words_too(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    monkeypatch.setattr(lines, "watch", ended(lambda: os.kill(os.getpid(), number)))
    with pytest.raises(SystemExit) as caught:
        main(["attach", "--plain"])
    assert caught.value.code == 128 + number
    assert capsys.readouterr().err == f"training goes on: inittui attach {run.name}\n"
    assert signal.getsignal(number) == signal.SIG_DFL


def test_an_ignored_hangup_stays_ignored(call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hung_up(_: object) -> str:
        signal.raise_signal(signal.SIGHUP)
        return "the table"

    write_run(runs_dir)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        monkeypatch.setattr(lines, "closing", hung_up)
        assert call("attach", "last", "--plain")[0] == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("finished", "the run has ended (finished): inittui report {}"),
        ("training", "the run was interrupted: inittui resume {}"),
    ],
    ids=["finished", "killed"],
)
def test_a_run_that_trains_no_more_is_named_with_what_became_of_it(
    call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, state: str, words: str
) -> None:
    run = write_run(runs_dir)
    run.write_status(replace(run.status(), state=state))
    monkeypatch.setattr(lines, "watch", ended(interrupted))
    assert call("attach", run.name, "--plain")[2] == words.format(run.name) + "\n"


def test_an_interrupt_while_the_supervisor_starts_waits_until_the_run_can_be_named(
    call: Call, runs_dir: Path, starting: Callable[..., None]
) -> None:
    starting(interrupted)
    code, out, err = call(*DIGITS)
    (run,) = runs(runs_dir)
    assert (code, out, err) == (130, "", f"training goes on: inittui attach {run.name}\n")
    assert run.alive()


def test_an_interrupt_before_that_leaves_no_run(call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunDir, "create", create)
    assert call(*DIGITS) == (130, "", "no run was started\n")
    assert runs(runs_dir) == []


def test_a_detached_run_whose_name_cant_be_printed_is_named(
    runs_dir: Path, starting: Callable[..., None], on_full_disk: Call
) -> None:
    starting(lambda: None)
    code, _, err = on_full_disk("--preset", "digits", "--detach")
    (run,) = runs(runs_dir)
    assert code == 1
    assert err.endswith(f"\ntraining goes on: inittui attach {run.name}\n")


def test_a_second_interrupt_says_that_the_run_stops(
    call: Call, runs_dir: Path, starting: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    starting(lambda: None)
    monkeypatch.setattr(lines, "watch", ended(interrupted))
    monkeypatch.setattr(process, "stop", lambda _: None)
    code, _, err = call(*DIGITS)
    (run,) = runs(runs_dir)
    assert code == 130
    assert err.splitlines()[-1] == f"the run stops: inittui report {run.name}"


def test_the_words_reach_a_run_outside_of_the_folder_of_runs(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_alive(empty_run(tmp_path / "my runs", preset(name="mine")))
    monkeypatch.setattr(lines, "watch", ended(interrupted))
    assert call("attach", str(run.path), "--plain")[2] == f"training goes on: inittui attach '{run.path}'\n"
