"""A program in a pseudo-terminal, with a terminal emulator that holds what a user would see."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pexpect
import pyte

# Variables that describe the terminal: those of the terminal that the tests run in must not count.
UNSET = ("NO_COLOR", "COLUMNS", "LINES", "COLORTERM", "COLORFGBG", "LC_ALL", "LC_CTYPE", "INITTUI_THEME", "TMUX", "STY")
PATIENCE = 60.0  # seconds after which a test gives up


def _as_from_a_shell() -> None:
    """A shell starts a program with default signal handlers, also where the tests run under nohup."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """`inittui` with arguments, in `columns` x `rows`; `program` is the command before them.

    `environment` is changed against a plain terminal's; None takes a variable away.
    """

    def __init__(
        self,
        arguments: list[str],
        runs_dir: Path,
        *,
        columns: int = 120,
        rows: int = 40,
        program: Sequence[str] = (sys.executable, "-m", "inittui"),
        environment: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        given = {
            **{key: value for key, value in os.environ.items() if key not in UNSET},
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "INITTUI_RUNS_DIR": str(runs_dir),
            **environment,
        }
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.child = pexpect.spawn(
            program[0],
            [*program[1:], *arguments],
            env={key: value for key, value in given.items() if value is not None},
            dimensions=(rows, columns),
            timeout=PATIENCE,
            preexec_fn=_as_from_a_shell,
        )

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def read(self, seconds: float = 0.1) -> None:
        """Take what the program has written within `seconds`."""
        try:
            fresh = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return
        self.raw += fresh
        self._stream.feed(fresh)

    def wait_for(self, condition: Callable[[str], bool], what: str) -> str:
        """Read until the screen fulfils `condition`; returns its text."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                self.read()
            except pexpect.EOF:
                raise AssertionError(f"the program ended before {what}:\n{self.text}") from None
            if condition(self.text):
                return self.text
        raise AssertionError(f"no {what} on the screen:\n{self.text}")

    def wait_for_text(self, *words: str) -> str:
        """Words that a narrow panel broke into two lines are found as well."""

        def there(text: str) -> bool:
            flat = " ".join(text.replace("│", " ").split())
            return all(word in text or word in flat for word in words)

        return self.wait_for(there, " and ".join(words))

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def end(self) -> int:
        """Read to the program's end; its exit code, 128 + n for a signal that killed it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                self.read()
            except pexpect.EOF:
                break
        self.child.wait()
        self.child.close()
        status, killed_by = self.child.exitstatus, self.child.signalstatus
        return int(status) if status is not None else 128 + int(killed_by)

    def hang_up(self) -> None:
        """Close our end: the connection is lost."""
        # Not the bare descriptor: pexpect would close its number once more, when it may be another file's.
        self.child.ptyproc.fileobj.close()

    def kill(self) -> None:
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
