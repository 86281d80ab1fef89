"""The Textual application: a thread that polls a board source, the main screen, and an orderly end on signals."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec.structs import replace
from rich.console import RenderableType
from textual import events, work
from textual.app import App, SystemCommand
from textual.geometry import Size
from textual.screen import Screen
from textual.worker import get_current_worker

from inittui.board.follower import Follower
from inittui.board.source import BoardSource, LiveSource
from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.record.run_index import default_runs_dir
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.palette import palette, variables
from inittui.tui.messages import BoardChanged, MachineChanged, OpenRun
from inittui.tui.screens.main import MainScreen
from inittui.tui.terminal import capabilities, textual_private
from inittui.tui.terminal.exit_guard import ExitGuard

Leave = Literal["keep", "stop", "done"]
MACHINE_SECONDS = 2.0
RETRY_SECONDS = 1.0
LARGEST = Size(1000, 500)  # cells; a terminal, or COLUMNS, can claim to have any number of them
REST = 4  # an ended run is polled so many times less often: it can be resumed, but seldom is


class Dashboard(App[Leave]):
    """Shows the boards of a source. Closing it changes nothing in the run."""

    TITLE = "inittui"

    def __init__(
        self,
        source: BoardSource,
        board: Board | None = None,
        *,
        ascii_only: bool | None = None,
        theme: capabilities.Theme = "auto",
        refresh: float = 4.0,
        watch_machine: bool = True,
        runs_dir: Path | None = None,
    ) -> None:
        """`board` is the source's first board, if it has been polled already. `ascii_only` and `theme` are taken from the
        environment unless they are given; `runs_dir` is for a source that has no run of its own."""
        capabilities.prepare(os.environ)
        super().__init__()
        environment = capabilities.given_environment()
        if ascii_only is None:
            ascii_only = not capabilities.shows_blocks(environment)
        self.source = source
        self._board = board
        self.glyphs = Glyphs(ascii=ascii_only)
        self._first_theme = capabilities.background(theme, environment)
        self._refresh_seconds = 1 / refresh
        self._watch_machine = watch_machine
        self._runs_dir = runs_dir
        self._ended = threading.Event()
        self.guard = ExitGuard()
        self.unsupported = ""  # why the installed Textual can't show the dashboard
        self.main: MainScreen | None = None

    @property
    def size(self) -> Size:
        """The size of the terminal, at most LARGEST."""
        return _bounded(super().size)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            event.size = event.virtual_size = event.container_size = _bounded(event.size)
        await super().on_event(event)

    def panic(self, *renderables: RenderableType) -> None:
        """Also a failure of the thread that reads keys ends with an exit code that is not 0."""
        super().panic(*renderables)
        self.exit(return_code=self.return_code or 1)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(self.current_theme, few=self.few_colours)

    @property
    def few_colours(self) -> bool:
        """Whether the terminal has 16 colours only. Without colours the full palette gives better greys."""
        return not (self.is_headless or self.no_color) and self.console.color_system == "standard"

    def on_mount(self) -> None:
        if reason := textual_private.unsupported(self):
            self.unsupported = reason
            self.exit()
            return
        for dark in (True, False):
            self.register_theme(palette(dark=dark, few=self.few_colours))
        self.theme = f"inittui-{self._first_theme}"
        if not self.is_headless:
            self.begin_capture_print(self)
        loop = asyncio.get_running_loop()
        self.guard.on_end(lambda code: self._exit_from(loop, code))
        self.main = MainScreen(self.source, self.glyphs, self._board)
        self.push_screen(self.main)
        self._follow()

    def on_print(self, event: events.Print) -> None:
        """Write what a library prints where its C code writes to. It appears after the dashboard has closed."""
        with contextlib.suppress(OSError):  # a full disk must not disturb the screen
            os.write(2 if event.stderr else 1, event.text.encode("utf-8", "replace"))

    @work(thread=True)
    def _follow(self) -> None:
        """Poll the source, in a thread, because files may be slow (NFS) and the screen must not wait for them."""
        from inittui.tui import machine_monitor

        machine_monitor.begin()
        screen: MainScreen | None = None
        posted: Board | None = None
        sampled_after_end = False
        sampled_at = time.monotonic() - MACHINE_SECONDS / 2  # the first load is measured over half of the time
        while self.main is not None and not self._ended.is_set():
            if self.main is not screen:  # another run was opened
                screen, posted, sampled_after_end = self.main, None, False
                last_read = screen.board
            try:
                board = last_read = screen.source.poll()
            except OSError as error:  # a home directory on NFS may be away for a while
                fault = f"the run can't be read just now: {error.strerror}"
                board = replace(last_read, faults=(*last_read.faults, fault))
                self._ended.wait(RETRY_SECONDS)
            # The next board waits until the screen has this one: an unread terminal blocks the screen.
            if board is not posted and (posted is None or screen.board is posted):
                posted = board
                screen.post_message(BoardChanged(board))
            if board.preset.sweep:
                # The matrix needs it for intervals. The import takes 0.2 s, and in this thread it does not block the screen.
                import scipy.special  # noqa: F401
            due = time.monotonic() - sampled_at >= MACHINE_SECONDS and not (board.ended and sampled_after_end)
            if self._watch_machine and due:
                sampled_at, sampled_after_end = time.monotonic(), True
                screen.post_message(MachineChanged(machine_monitor.sample(board)))
            self._ended.wait(self._refresh_seconds * (REST if board.ended else 1))

    def _exit_from(self, loop: asyncio.AbstractEventLoop, code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(partial(self.exit, None, code))

    def action_runs(self) -> None:
        """List the runs in the folder of the run on the screen."""
        from inittui.tui.browser.screen import BrowserScreen  # the first frame need not wait for it

        run = self.source.run
        folder = run.path.parent if run else self._runs_dir or default_runs_dir()
        shown = run or (RunDir(folder / self.main.board.run) if self.main else None)
        self.push_screen(BrowserScreen(folder, shown, self.glyphs))

    def on_open_run(self, message: OpenRun) -> None:
        self._open(message.run)

    @work(thread=True, group="open", exclusive=True)
    def _open(self, run: RunDir) -> None:
        """Read the run, in a thread, because a long log takes a while, and show it."""
        worker = get_current_worker()
        try:
            follower = Follower(run, run.liveness)
            board = follower.poll()
            source = LiveSource(follower)
            if board.phase == "refused":
                raise RunError(f"run '{run.name}' was refused before it trained: {board.detail}")
        except (RunError, OSError) as error:
            self.call_from_thread(self.notify, str(error), severity="error", timeout=6, markup=False)
            return
        if not worker.is_cancelled:
            self.call_later(self._show, source)

    async def _show(self, source: LiveSource) -> None:
        """Change source and screen together, so that no board of one run reaches the screen of another."""
        main = MainScreen(source, self.glyphs)
        while self.screen is not self.main and len(self.screen_stack) > 2:
            await self.pop_screen()
        await self.switch_screen(main)
        self.source, self.main = source, main

    def action_toggle_theme(self) -> None:
        """Change to our theme with the other background."""
        self.theme = f"inittui-{'light' if self.current_theme.dark else 'dark'}"

    async def action_quit(self) -> None:
        """The command palette's Quit asks first, as the key does."""
        if self.main is not None:
            self.main.action_leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette's entries: Textual's own, and the action of each key that works now."""
        yield from super().get_system_commands(screen)
        main = self.main
        for owner, key in main.keys() if main else ():
            works = not key.only_alone or (main and main.shows_alone(owner))
            if works and key.help and key.action not in ("app.command_palette", "leave"):
                title = key.short or key.action.partition("(")[0].rpartition(".")[2].replace("_", " ")
                yield SystemCommand(title.capitalize(), key.help, partial(owner.run_action, key.action))

    def on_unmount(self) -> None:
        self._ended.set()


def _bounded(size: Size) -> Size:
    return Size(*map(min, size, LARGEST))
