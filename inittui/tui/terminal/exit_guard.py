"""Ends the dashboard on a signal, or when its terminal has gone.

Textual's output thread blocks on a terminal that nobody reads. Its queue fills, then the event loop blocks, and a requested
exit never happens. The guard therefore requests an exit, waits for a grace period, restores the terminal as far as possible
and ends the process. Nothing is lost: the dashboard owns no data.
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
POLL_SECONDS = 0.5  # how long one poll waits for the terminal's end
SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM)
# Leave the alternate screen, show the cursor, wrap lines, stop the reports of mouse, focus and pasted text.
_RESTORE = (
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[0m\r\n"
)


class ExitGuard:
    """Ends the process on SIGHUP, SIGQUIT and SIGTERM, and when the terminal has gone.

    Handling SIGHUP is not enough: a parent may have set it to be ignored, and only the terminal's own session receives it.
    """

    def __init__(self) -> None:
        self._request_exit: Callable[[int], None] = lambda _code: None
        self._attributes: list[Any] | None = None
        self._code: int | None = None  # of the exit that was requested
        self._ended = threading.Event()

    def on_end(self, request_exit: Callable[[int], None]) -> None:
        """`request_exit(code)` asks the application to exit; it must not block. Called at once if an exit was requested
        before the application could take it."""
        self._request_exit = request_exit
        if self._code is not None:
            request_exit(self._code)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Handle the signals and watch the terminal in this context. Main thread only."""
        with contextlib.suppress(termios.error, OSError, ValueError, AttributeError):
            self._attributes = termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
        # Not the event loop's signal handlers: they wait for the loop, which may be blocked.
        before = {number: signal.signal(number, lambda n, _frame: self.end(128 + n)) for number in SIGNALS}
        # A separate thread: a slow disk or a low refresh rate does not delay it.
        threading.Thread(target=self._watch_terminal, daemon=True, name="terminal").start()
        try:
            yield
        finally:
            self._ended.set()
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self, code: int) -> None:
        """Request an exit with `code`, and force it after the grace period. Once; from any thread."""
        if self._code is not None:
            return
        self._code = code
        threading.Thread(target=self._force, args=(code,), daemon=True).start()
        self._request_exit(code)

    def _watch_terminal(self) -> None:
        while not self._ended.is_set():
            if terminal_gone(POLL_SECONDS):
                self.end(128 + signal.SIGHUP)
                return

    def _force(self, code: int) -> None:
        if self._ended.wait(GRACE_SECONDS):
            return
        with contextlib.suppress(Exception):
            descriptor = sys.__stdin__.fileno()  # type: ignore[union-attr]
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):  # its buffer is full
                os.write(descriptor, _RESTORE)
            os.set_blocking(descriptor, True)
            if self._attributes is not None:
                termios.tcsetattr(descriptor, termios.TCSANOW, self._attributes)
        os._exit(code)


def terminal_gone(seconds: float = 0.0) -> bool:
    """Whether standard input is closed or its other end has gone; waits up to `seconds` for that."""
    if sys.__stdin__ is None or sys.__stdin__.closed:
        return True
    poller = select.poll()
    try:
        poller.register(sys.__stdin__.fileno(), 0)
        return any(
            flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poller.poll(1000 * seconds)
        )
    except (OSError, ValueError):  # this system can't poll it
        time.sleep(seconds)
        return False
