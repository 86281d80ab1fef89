"""The Textual application: a feed in a thread, a screen, and an orderly end whatever happens to the terminal."""

import asyncio
import contextlib
import select
import signal
import sys
import threading
import time
from functools import partial
from typing import Literal

from textual.app import App
from textual.worker import get_current_worker

from inittui.tui import theme
from inittui.tui.feed import Feed
from inittui.tui.look import Look
from inittui.tui.messages import BoardChanged, MachineChanged
from inittui.tui.screens.main import MainScreen

Leave = Literal["keep", "stop", "done"]
MACHINE_SECONDS = 2.0


class Dashboard(App[Leave]):
    """Shows what a feed tells. It owns nothing: closing it changes nothing in the run."""

    TITLE = "inittui"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self, feed: Feed, *, ascii_only: bool = False, refresh: float = 4.0, watch_machine: bool = True
    ) -> None:
        super().__init__()
        self.feed = feed
        self.look = Look(ascii=ascii_only or not can_encode_blocks())
        self._refresh_seconds = 1 / refresh
        self._watch_machine = watch_machine
        self._ended = threading.Event()
        self.main: MainScreen | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables(self.current_theme)

    def on_mount(self) -> None:
        self.register_theme(theme.DARK)
        self.register_theme(theme.LIGHT)
        self.theme = "inittui-dark"
        self._handle_signals()
        self.main = MainScreen(self.feed, self.look)
        self.push_screen(self.main)
        self.run_worker(self._follow, thread=True, exclusive=True)

    def _handle_signals(self) -> None:
        """Textual handles neither: it would die without restoring the terminal, or live on without one."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            with contextlib.suppress(RuntimeError, ValueError):  # not in the main thread: a test, or a picture
                loop.add_signal_handler(number, partial(self.exit, None, 128 + number))

    def _follow(self) -> None:
        """The feed's thread: files may be slow (NFS), and the screen must not wait for them."""
        from inittui.tui.sampling import Sampler

        worker = get_current_worker()
        sampler = Sampler() if self._watch_machine else None
        shown = None
        sampled = 0.0
        while not worker.is_cancelled and not self._ended.is_set():
            board = self.feed.poll()
            screen = self.main
            if board is not shown and screen is not None:
                shown = board
                screen.post_message(BoardChanged(board))
            due = time.monotonic() - sampled >= MACHINE_SECONDS and not (board.ended and sampled)
            if sampler is not None and screen is not None and due:
                sampled = time.monotonic()
                screen.post_message(MachineChanged(sampler.sample(board)))
            if terminal_gone():
                self.call_from_thread(self.exit, return_code=128 + signal.SIGHUP)
                return
            self._ended.wait(self._refresh_seconds)

    def on_unmount(self) -> None:
        self._ended.set()


def can_encode_blocks() -> bool:
    """Whether the locale can print blocks and Braille."""
    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    try:
        "█⣿●".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def terminal_gone() -> bool:
    """Whether standard input is a terminal whose other end has closed."""
    if sys.__stdin__ is None or sys.__stdin__.closed:
        return True
    poller = select.poll()
    try:
        poller.register(sys.__stdin__.fileno(), 0)
        return any(flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poller.poll(0))
    except (OSError, ValueError):
        return False
