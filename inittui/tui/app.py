"""The Textual application: a feed in a thread, a screen, and an orderly end whatever happens to the terminal."""

import asyncio
import contextlib
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Literal

from msgspec.structs import replace
from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.worker import get_current_worker

from inittui.board import Board
from inittui.tui import theme
from inittui.tui.feed import Feed, ReplayFeed
from inittui.tui.guard import Guard
from inittui.tui.keys import KEYS
from inittui.tui.look import Look
from inittui.tui.messages import BoardChanged, MachineChanged
from inittui.tui.screens.main import MainScreen

Leave = Literal["keep", "stop", "done"]
MACHINE_SECONDS = 2.0
RETRY_SECONDS = 1.0


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
        self.guard = Guard()
        self.main: MainScreen | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables(self.current_theme)

    def on_mount(self) -> None:
        self.register_theme(theme.DARK)
        self.register_theme(theme.LIGHT)
        self.theme = "inittui-dark"
        loop = asyncio.get_running_loop()
        self.guard.on_end(lambda code: self._exit_from(loop, code))
        self.main = MainScreen(self.feed, self.look)
        self.push_screen(self.main)
        self.run_worker(self._follow, thread=True, exclusive=True)

    def run_guarded(self, *, mouse: bool = True) -> Leave | None:
        """Run in the terminal. Returns how the person left; `return_code` tells of a signal or a lost terminal."""
        with self.guard.watching():
            return self.run(mouse=mouse)

    def _follow(self) -> None:
        """The feed's thread: files may be slow (NFS), and the screen must not wait for them."""
        from inittui.tui.sampling import Sampler

        worker = get_current_worker()
        sampler = Sampler() if self._watch_machine else None
        good: Board | None = None
        shown: Board | None = None
        seen = False
        sampled = time.monotonic() - MACHINE_SECONDS / 2  # not at once: a load needs some time to be measured over
        while not worker.is_cancelled and not self._ended.is_set():
            try:
                board = good = self.feed.poll()
            except OSError as error:  # a home directory on NFS may be away for a while
                if good is None:
                    raise
                board = replace(good, faults=(*good.faults, f"the run can't be read just now: {error.strerror}"))
                self._ended.wait(RETRY_SECONDS)
            screen = self.main
            if board is not shown and screen is not None:
                shown = board
                screen.post_message(BoardChanged(board))
            due = time.monotonic() - sampled >= MACHINE_SECONDS and not (board.ended and seen)
            if sampler is not None and screen is not None and due:
                sampled, seen = time.monotonic(), True
                screen.post_message(MachineChanged(sampler.sample(board)))
            if not self.is_headless and terminal_gone():
                self.guard.end(128 + signal.SIGHUP)
                return
            self._ended.wait(self._refresh_seconds)

    def _exit_from(self, loop: asyncio.AbstractEventLoop, code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(partial(self.exit, None, code))

    async def action_quit(self) -> None:
        """The command palette's Quit asks like the key does."""
        if self.main is not None:
            self.main.action_leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's own commands, and every key's action: the palette finds them by what they do."""
        yield from super().get_system_commands(screen)
        main = self.main
        if main is None:
            return
        for key in KEYS:
            if key.action not in ("command_palette", "leave") and (not key.replay or isinstance(self.feed, ReplayFeed)):
                title = key.short or key.action.partition("(")[0].replace("_", " ")
                yield SystemCommand(title.capitalize(), key.help, partial(main.run_action, key.action))

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
