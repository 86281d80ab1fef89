"""Sees to it that the viewer ends when its terminal does.

Textual's output thread blocks on a terminal that nobody reads, its queue fills, and then the event loop blocks too: an exit
that is asked for politely may never come. The guard asks politely, and after a grace ends the process itself, the terminal
restored as far as it still takes orders. Nothing is lost by that: the viewer owns nothing.
"""

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

GRACE_SECONDS = 1.5
LOOK_SECONDS = 0.5  # between two looks at the terminal, should it not say by itself that it has gone
SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM)
# Leave the alternate screen, show the cursor, wrap lines, stop reporting mouse, focus and pasted text.
_RESTORE = (
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[0m\r\n"
)


class Guard:
    """Ends a viewer on SIGHUP, SIGQUIT and SIGTERM, and when its terminal has gone.

    SIGHUP alone would not do: it may be ignored from the start, and is sent to the terminal's own session only.
    """

    def __init__(self) -> None:
        self._polite: Callable[[int], None] = lambda _code: None
        self._attributes: list[Any] | None = None
        self._armed = threading.Event()
        self._over = threading.Event()

    def on_end(self, polite: Callable[[int], None]) -> None:
        """`polite(code)` asks the application to exit; it must not block."""
        self._polite = polite

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Handle the signals, and watch the terminal, while the application runs. Main thread only."""
        with contextlib.suppress(termios.error, OSError, ValueError, AttributeError):
            self._attributes = termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
        # Not the event loop's own handlers: those wait for a loop that may be blocked.
        before = {number: signal.signal(number, lambda n, _frame: self.end(128 + n)) for number in SIGNALS}
        # A thread of its own: neither a slow disk nor a screen drawn once in ten seconds delays it.
        threading.Thread(target=self._watch_terminal, daemon=True, name="terminal").start()
        try:
            yield
        finally:
            self._over.set()
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self, code: int) -> None:
        """Ask for an exit with `code`, and exact it after the grace. Once; from any thread."""
        if self._armed.is_set():
            return
        self._armed.set()
        threading.Thread(target=self._exact, args=(code,), daemon=True).start()
        self._polite(code)

    def _watch_terminal(self) -> None:
        while not self._over.is_set():
            if terminal_gone(LOOK_SECONDS):
                self.end(128 + signal.SIGHUP)
                return

    def _exact(self, code: int) -> None:
        if self._over.wait(GRACE_SECONDS):
            return
        with contextlib.suppress(Exception):
            descriptor = sys.__stdin__.fileno()  # type: ignore[union-attr]
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):  # it takes no more
                os.write(descriptor, _RESTORE)
            os.set_blocking(descriptor, True)
            if self._attributes is not None:
                termios.tcsetattr(descriptor, termios.TCSANOW, self._attributes)
        os._exit(code)


def terminal_gone(seconds: float = 0.0) -> bool:
    """Whether standard input is a terminal whose other end has closed. Waits `seconds` for that."""
    if sys.__stdin__ is None or sys.__stdin__.closed:
        return True
    poller = select.poll()
    try:
        poller.register(sys.__stdin__.fileno(), 0)
        return any(
            flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poller.poll(1000 * seconds)
        )
    except (OSError, ValueError):  # a system that can't poll it
        time.sleep(seconds)
        return False
