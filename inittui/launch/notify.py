"""Tells a person that a run has ended: the terminal's bell, a notification where the terminal knows how, a command of theirs.

The command is a person's own and comes by their environment (INITTUI_NOTIFY, which `--notify` sets). It is never read from
a run: nothing that lies in a run's directory is executed.
"""

import os
import subprocess
from collections.abc import Mapping

from inittui.common.atomic_files import one_line
from inittui.common.errors import UsageError, printable
from inittui.record.run_directory import RunDir

VARIABLE = "INITTUI_NOTIFY"
BELL = "\a"
# They show OSC 9, which iTerm2 began, as a notification. To others it may mean something else, or show as rubbish.
_PROGRAMS = ("iTerm.app", "WezTerm", "ghostty")
_TERMS = ("xterm-kitty", "xterm-ghostty", "ghostty", "wezterm", "foot", "foot-extra", "contour")
# Of our own process, so that modules are found; a command of another Python must not be given them.
_OURS = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUNBUFFERED")
# The command is an argument, not a part of this script: whatever is in it, its failure is said in the supervisor's log.
_SCRIPT = 'sh -c "$1" || echo "the command of --notify ended with exit code $?"'


def ask(command: str | None) -> None:
    """Have supervisors that are started from now on run `command` at the end of their run. Raises UsageError."""
    if command is None:
        return
    if not command.strip() or "\0" in command:
        raise UsageError("--notify: expected a command for a shell, as in --notify 'notify-send \"$INITTUI_RUN\"'")
    os.environ[VARIABLE] = command


def run_command(run: RunDir, state: str) -> None:
    """Start the command that was asked for, if any. It is not waited for, and whatever becomes of it is no fault here: its
    words are in the log that the supervisor prints to."""
    command = os.environ.get(VARIABLE, "").strip()
    if not command:
        return
    told = {"INITTUI_RUN": run.name, "INITTUI_RUN_DIR": str(run.path), "INITTUI_STATE": state}
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    try:
        subprocess.Popen(
            ["sh", "-c", _SCRIPT, "sh", command], stdin=subprocess.DEVNULL, env=kept | told, start_new_session=True
        )
    except (
        Exception
    ) as error:  # no shell, too long a command, no process to be had: the run has ended well all the same
        print(f"the command of --notify could not be started: {one_line(error)}", flush=True)


def to_terminal(words: str, environment: Mapping[str, str]) -> str:
    """What a terminal is sent: its bell, and `words` as a notification where it is known to show one.

    tmux and screen pass a bell on, and keep the rest for themselves.
    """
    term = environment.get("TERM", "")
    inside = "TMUX" in environment or "STY" in environment or term.startswith(("tmux", "screen"))
    known = term in _TERMS or environment.get("TERM_PROGRAM", "") in _PROGRAMS
    return BELL + (f"\x1b]9;{printable(words)[:200]}\a" if known and not inside else "")
