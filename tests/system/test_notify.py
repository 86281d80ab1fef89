"""The end of a run is told: to who watches, and to who does not."""

import re

import pytest

from .conftest import until
from .terminal import Terminal

pytestmark = pytest.mark.slow

SHORT = ("--preset", "digits", "--epochs", "3", "--arm", "he_normal")


def test_a_detached_run_tells_by_a_command_and_by_name_and_state(inittui, tmp_path):
    target = tmp_path / "told"
    done = inittui(*SHORT, "--detach", "--notify", f'echo "$INITTUI_RUN $INITTUI_STATE" > {target}')
    assert done.returncode == 0
    run = inittui.run_dir()
    until(lambda: target.exists() and target.read_text() != "", "the command's words")
    assert target.read_text() == f"{run.name} finished\n"
    assert run.result().status == "finished"
    assert not [path for path in run.path.rglob("*.json*") if "INITTUI_STATE" in path.read_text()]  # nothing to execute


def test_a_command_that_fails_or_never_ends_harms_nothing(inittui, tmp_path):
    pid = tmp_path / "pid"
    done = inittui(*SHORT, "--json", "--notify", f"echo $$ > {pid}; sleep 30; exit 3")
    assert done.returncode == 0, done.stderr
    run = inittui.run_dir()
    until(lambda: not run.alive(), "the supervisor's end")
    assert run.result().status == "finished"
    until(lambda: pid.exists() and pid.read_text() != "", "the command")
    inittui.environment["INITTUI_NOTIFY"] = "exit 3"  # as a person's shell may have it for all runs
    again = inittui(*SHORT, "--plain")
    assert again.returncode == 0
    log = max(inittui.runs_dir.glob("*/supervisor.log"), key=lambda path: path.stat().st_mtime)
    until(lambda: "the command of --notify ended with exit code 3" in log.read_text(), "the word of its failure")


def test_a_stop_is_told_as_one(inittui, tmp_path):
    target = tmp_path / "told"
    inittui("--preset", "digits", "--epochs", "20000", "--detach", "--notify", f'echo "$INITTUI_STATE" > {target}')
    assert inittui("stop", "last").returncode == 0
    until(lambda: target.exists() and target.read_text() == "stopped\n", "the command's word")
    assert inittui("resume", "last", "--detach", "--notify", "").returncode == 2


@pytest.mark.parametrize("look", [["--plain"], []], ids=["plain", "dashboard"])
def test_the_terminal_rings_once_and_shows_it_where_it_can(runs_dir, look):
    terminal = Terminal([*SHORT, *look], runs_dir, environment={"TERM_PROGRAM": "WezTerm"})
    try:
        if look:
            terminal.end()
        else:
            terminal.wait_for_text("finished in")
            terminal.press("q")
            terminal.end()
        assert terminal.raw.count(b"\x1b]9;inittui: digits-") == 1
        assert b" finished\a" in terminal.raw
    finally:
        terminal.kill()
    again = Terminal(["attach", "last", *look], runs_dir, environment={"TERM_PROGRAM": "WezTerm"})
    try:
        if look:
            again.end()
        else:
            again.wait_for_text("finished in")
            again.press("q")
            again.end()
        # It was over already. Textual's own sequences, such as a window's title, end in a bell as well.
        assert b"\a" not in re.sub(rb"\x1b\](?!9;)[^\x07\x1b]*\x07", b"", again.raw)
    finally:
        again.kill()
