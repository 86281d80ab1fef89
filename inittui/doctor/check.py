"""What a check says, and what it looks at. The checks are functions of a System, so a test can show them any machine."""

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
    """`fault`: a run or the dashboard can't do its work. `note`: it can, but not as one might expect."""

    name: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True)
class System:
    """Where and by whom inittui was started. Files are read below `root`; `terminal` is its size, None without one."""

    environment: Mapping[str, str] = field(default_factory=dict)  # as the process was given it
    root: Path = Path("/")
    user: str = ""
    uid: int = 0
    cores: int = 1  # cores that this process may use
    terminal: tuple[int, int] | None = None

    def read(self, path: str) -> str:
        """The text of a file below the root; empty where it can't be read, which on some systems is all there is."""
        try:
            return (self.root / path).read_text("utf-8", errors="replace")
        except (OSError, ValueError):
            return ""


def here() -> System:
    """This process's own system."""
    from inittui.common.cores import usable_cores
    from inittui.tui.terminal.capabilities import given_environment

    return System(
        environment=given_environment(),
        user=_user(),
        uid=os.getuid(),
        cores=usable_cores(),
        terminal=_terminal(),
    )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container the number may have no name
        return os.environ.get("USER", "")


def _terminal() -> tuple[int, int] | None:
    """The size of the terminal, also when standard output goes into a file or a pipe."""
    for stream in (sys.__stdout__, sys.__stdin__, sys.__stderr__):
        try:
            if stream is not None and stream.isatty():
                found = os.get_terminal_size(stream.fileno())
                return found.columns, found.lines
        except (OSError, ValueError):  # closed, or a terminal that has no size
            continue
    return None


def shows_colour() -> bool:
    """Whether standard output is a terminal that shows colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in ("", "dumb")


def columns() -> int:
    """How wide a line may be that a person reads."""
    return max(40, min(100, shutil.get_terminal_size((80, 24)).columns))
