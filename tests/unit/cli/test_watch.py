"""What is said and done once the dashboard has gone: about the run that it showed last."""

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.board.source import LiveSource
from inittui.cli.main import main
from inittui.common.errors import RunError
from inittui.launch import process
from inittui.output import lines
from inittui.record import events
from inittui.record.run_directory import RunDir
from inittui.tui import run_app
from tests.helpers import canned_events, empty_run, make_alive, preset, write_events, write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")


def living(runs_dir: Path, name: str) -> RunDir:
    run = empty_run(runs_dir, preset(name=name))
    write_events(run, canned_events(preset(name=name), until=2.0))
    return make_alive(run)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that were asked to stop; they do at once."""
    asked: list[str] = []
    monkeypatch.setattr(process, "stop", lambda run: asked.append(run.name))
    monkeypatch.setattr(lines, "watch", lambda follower, _: replace(follower.poll(), phase="stopped"))
    monkeypatch.setattr(lines, "closing", lambda board: f"closing of {board.run}")
    return asked


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A dashboard in which a person opens `another` run, and leaves in a way."""

    def by(way: str, another: RunDir | None = None) -> None:
        def show(source: Any, **_: Any) -> tuple[SimpleNamespace, str]:
            shown = source if another is None else LiveSource(Follower(another))
            return SimpleNamespace(source=shown, return_code=None), way

        monkeypatch.setattr(run_app, "show", show)
        monkeypatch.setenv("TEXTUAL_DRIVER", "a browser's")

    return by


@pytest.mark.usefixtures("stopped")
def test_keeping_names_the_run_that_was_shown_last(
    tmp_path: Path, leaving: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = living(tmp_path, "first"), living(tmp_path, "second")
    leaving("keep", second)
    assert main(["attach", "first", "--runs-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out == f"training goes on. Come back with: inittui attach {second.path}\n"
    assert err == f"{first.name} goes on as well: inittui attach {first.path}\n"


def test_stopping_stops_the_run_that_was_shown_last(
    tmp_path: Path, leaving: Callable[..., None], stopped: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    living(tmp_path, "first")
    second = living(tmp_path, "second")
    leaving("stop", second)
    assert main(["attach", "first", "--runs-dir", str(tmp_path)]) == 130
    assert stopped == [second.name]
    assert f"closing of {second.name}" in capsys.readouterr().out


@pytest.mark.parametrize("alive", [True, False])
def test_a_dashboard_that_cannot_be_shown_names_the_run_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], alive: bool
) -> None:
    def show(_source: Any, **_: Any) -> None:
        raise RunError("textual 99 can't show the dashboard")

    monkeypatch.setattr(run_app, "show", show)
    monkeypatch.setenv("TEXTUAL_DRIVER", "a browser's")
    run = living(tmp_path, "first") if alive else write_run(tmp_path)
    assert main(["attach", run.name, "--runs-dir", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "textual 99 can't show the dashboard" in err
    assert (f"training goes on: inittui attach {run.path}" in err) == alive


@pytest.mark.usefixtures("stopped")
def test_the_table_is_of_the_run_that_was_shown_last(
    tmp_path: Path, leaving: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = living(tmp_path, "first"), write_run(tmp_path, preset(name="second"))
    for words, another in ((["attach", "first"], second), (["replay", "second"], second)):
        leaving("done", another)
        assert main([*words, "--runs-dir", str(tmp_path)]) == 0
        out, err = capsys.readouterr()
        assert f"closing of {second.name}" in out
        assert f"run: {second.path}" in out
        assert (first.name in err) == (words[0] == "attach")


@pytest.mark.usefixtures("stopped")
def test_a_replay_says_nothing_when_it_is_left(
    tmp_path: Path, leaving: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path)
    leaving("done")
    assert main(["replay", "last", "--runs-dir", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_attach_and_replay_print_the_table(
    call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    run = write_run(runs_dir)
    code, out, _ = call("attach", run.name)
    assert code == 0
    assert "epoch 3 of 3" in out
    assert "* the highest" in out
    code, out, _ = call("replay", run.name)
    assert code == 0
    assert "* the highest" in out


def test_a_run_that_failed_is_exit_code_one(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, endings={1: events.Failed(kind="cost", reason="cost not finite")})
    code, out, _ = call("attach", run.name, "--plain")
    assert code == 1
    assert "he_normal failed: cost not finite." in out
