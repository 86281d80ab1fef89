"""What is sent to a terminal and to a command when a run has ended."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from inittui.common.errors import UsageError
from inittui.launch import notify
from inittui.record.run_directory import RunDir
from tests.helpers import write_run

OSC_9 = "\a\x1b]9;a b\a"


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({"TERM": "xterm-256color"}, "\a"),
        ({}, "\a"),
        ({"TERM": "xterm-kitty"}, OSC_9),
        ({"TERM": "foot"}, OSC_9),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, OSC_9),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, OSC_9),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, "\a"),
        ({"TERM": "xterm-kitty", "TMUX": "x"}, "\a"),
        ({"TERM": "xterm-ghostty", "STY": "x"}, "\a"),
    ],
    ids=str,
)
def test_only_terminals_that_know_it_are_sent_a_notification(environment: dict[str, str], sent: str) -> None:
    assert notify.to_terminal("a b", environment) == sent


def test_what_is_shown_has_no_escape_sequence_in_it() -> None:
    assert notify.to_terminal("a\x1b]0;evil\a", {"TERM": "foot"}) == "\a\x1b]9;a?]0;evil?\a"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    monkeypatch.delenv(notify.VARIABLE, raising=False)
    return write_run(tmp_path / "runs")


def content(path: Path) -> str:
    """Of a file that a command writes; patiently."""
    for _ in range(600):
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


def test_a_command_is_told_of_the_run_and_not_of_our_pythons_modules(
    run: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    target = tmp_path / "it's told"
    monkeypatch.setenv(
        notify.VARIABLE,
        f'echo "$INITTUI_RUN|$INITTUI_STATE|$INITTUI_RUN_DIR|$PYTHONPATH" > "{target}"  # a comment',
    )
    notify.run_command(run, "finished")
    assert content(target) == f"{run.name}|finished|{run.path}|\n"


def test_without_one_nothing_is_started(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a command was started"))
    notify.run_command(run, "finished")


@pytest.mark.parametrize("command", ["exit 3", "nosuchcommand", "if", "kill -9 $$"], ids=str)
def test_a_command_that_fails_is_said_in_the_log(
    run: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv(notify.VARIABLE, command)
    log = tmp_path / "log"
    before = os.dup(1)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        try:
            notify.run_command(run, "failed")
        finally:
            os.dup2(before, 1)
            os.close(before)
    assert "the command of --notify ended with exit code" in content(log)


def test_what_cant_even_be_started_is_survived(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(notify.VARIABLE, "x" * 3_000_000)  # longer than the system takes
    notify.run_command(run, "failed")
    assert "the command of --notify could not be started: " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["", "  ", "a\0b"], ids=repr)
def test_no_command_at_all_is_refused(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(notify.VARIABLE, raising=False)
    with pytest.raises(UsageError, match="--notify: expected a command for a shell"):
        notify.ask(command)
    assert notify.VARIABLE not in os.environ
