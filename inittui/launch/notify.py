"""Notifies a user that a run has ended: the terminal's bell, a desktop notification, or a command of the user's.

The command comes from the environment (INITTUI_NOTIFY, which `--notify` sets), never from a run: nothing that is read from a
run's directory is executed.
"""

import os
import subprocess
from collections.abc import Mapping

from inittui.common.atomic_files import one_line
from inittui.common.child_process import SETTINGS
from inittui.common.errors import UsageError, printable
from inittui.record.run_directory import RunDir

VARIABLE = "INITTUI_NOTIFY"
BELL = "\a"
# Terminals that show the escape sequence OSC 9 as a notification. Others may print it.
_PROGRAMS = ("iTerm.app", "WezTerm", "ghostty")
_TERMS = ("xterm-kitty", "xterm-ghostty", "ghostty", "wezterm", "foot", "foot-extra", "contour")
# Variables of our own process. A command that runs another Python must not inherit them.
_OURS = ("PYTHONPATH", *SETTINGS)
# The command is an argument and not a part of this script, so that its failure is always logged.
_SCRIPT = 'sh -c "$1" || echo "the command of --notify ended with exit code $?"'


def ask(command: str | None) -> None:
    """Supervisors that this process starts run `command` at the end of their run. Raises UsageError if it is empty."""
    if command is None:
        return
    if not command.strip() or "\0" in command:
        raise UsageError("--notify: expected a command for a shell, as in --notify 'notify-send \"$INITTUI_RUN\"'")
    os.environ[VARIABLE] = command


def run_command(run: RunDir, state: str) -> None:
    """Start the user's command, if there is one, and do not wait for it. A failing command does not affect the run. Its
    output is in the supervisor's log."""
    command = os.environ.get(VARIABLE, "").strip()
    if not command:
        return
    variables = {"INITTUI_RUN": run.name, "INITTUI_RUN_DIR": os.path.realpath(run.path), "INITTUI_STATE": state}
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    try:
        subprocess.Popen(
            ["sh", "-c", _SCRIPT, "sh", command], stdin=subprocess.DEVNULL, env=kept | variables, start_new_session=True
        )
    except Exception as error:  # no shell, a command too long, no more processes: the run has ended all the same
        print(f"the command of --notify could not be started: {one_line(error)}", flush=True)


def to_terminal(words: str, environment: Mapping[str, str]) -> str:
    """The bytes for a terminal: its bell, and `words` as a notification if this terminal is known to show one.

    tmux and screen pass on the bell alone.
    """
    term = environment.get("TERM", "")
    inside = "TMUX" in environment or "STY" in environment or term.startswith(("tmux", "screen"))
    known = term in _TERMS or environment.get("TERM_PROGRAM", "") in _PROGRAMS
    return BELL + (f"\x1b]9;{printable(words)[:200]}\a" if known and not inside else "")
