"""The result of a check of `inittui doctor`, and the system that is checked.

The checks are functions of a `System`, so that a test can give them any machine.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Check:
    """What was found, and how to fix it. `fault`: a run or the dashboard does not work. `note`: it works, but otherwise than
    people may expect."""

    name: str
    state: State
    finding: str
    fix: str = ""


@dataclass(frozen=True)
class System:
    """Where and by whom inittui was started. Files are read below `root`. `terminal` is its columns and rows, None without a
    terminal."""

    environment: Mapping[str, str] = field(default_factory=dict)  # as it was when the process started
    root: Path = Path("/")
    user: str = ""
    uid: int = 0
    cores: int | None = None  # cores that this process may use; None: they are counted
    terminal: tuple[int, int] | None = None

    def read(self, path: str) -> str:
        """The text of a file below the root; empty if it can't be read: not every system has every file."""
        try:
            return (self.root / path).read_text("utf-8", errors="replace")
        except (OSError, ValueError):
            return ""


def here() -> System:
    """The system of this process."""
    from inittui.tui.terminal.capabilities import given_environment

    return System(
        environment=given_environment(),
        user=_user(),
        uid=os.getuid(),
        terminal=_terminal(),
    )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container the user id may have no name
        return os.environ.get("USER", "")


def _terminal() -> tuple[int, int] | None:
    """Columns and rows of the terminal, also if standard output is a file or a pipe."""
    for stream in (sys.__stdout__, sys.__stdin__, sys.__stderr__):
        try:
            if stream is not None and stream.isatty():
                size = os.get_terminal_size(stream.fileno())
                return size.columns, size.lines
        except (OSError, ValueError):  # closed, or a terminal without a size
            continue
    return None


def shows_colour() -> bool:
    """Whether standard output is a terminal that shows colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in ("", "dumb")


def columns() -> int:
    """The width of a line for people."""
    return max(40, min(100, shutil.get_terminal_size((80, 24)).columns))
