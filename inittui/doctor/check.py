"""The result of a check of `inittui doctor`, and the system that is checked.

The checks are functions of a `System`, so that a test can give them any machine.
"""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from inittui.tui.terminal.capabilities import given_environment

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
    terminal: tuple[int, int] | None = None

    def read(self, path: str) -> str:
        """The text of a file below the root; empty if it can't be read: not every system has every file."""
        try:
            return (self.root / path).read_text("utf-8", errors="replace")
        except (OSError, ValueError):
            return ""


def here() -> System:
    """The system of this process."""
    return System(given_environment(), user=psutil.Process().username(), uid=os.getuid(), terminal=_terminal())


def _terminal() -> tuple[int, int] | None:
    """Columns and rows of the terminal, also if standard output is a file or a pipe."""
    for descriptor in (1, 0, 2):
        with contextlib.suppress(OSError):  # closed, or no terminal
            return os.get_terminal_size(descriptor)
    return None
