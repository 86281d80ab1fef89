"""The Textual application: a source in a thread, a screen, and an orderly end whatever happens to the terminal."""

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
from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.worker import get_current_worker

from inittui.board.follower import Follower
from inittui.board.source import BoardSource, LiveSource
from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.record.run_index import default_runs_dir
from inittui.tui.draw.palette import palette, variables
from inittui.tui.messages import BoardChanged, MachineChanged, OpenRun
from inittui.tui.screens.main import MainScreen
from inittui.tui.terminal import capabilities, textual_private
from inittui.tui.terminal.exit_guard import ExitGuard

Leave = Literal["keep", "stop", "done"]
MACHINE_SECONDS = 2.0
RETRY_SECONDS = 1.0
REST = 4  # times as long between two looks at a run that has ended: it may be taken up again, but seldom is


class Dashboard(App[Leave]):
    """Shows what a source tells. It owns nothing: closing it changes nothing in the run."""

    TITLE = "inittui"
    ENABLE_COMMAND_PALETTE = True

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
        self.source = source
        self._board = board
        self.glyphs = capabilities.glyphs_for(ascii_only)
        self._first_theme = capabilities.background(theme, capabilities.given_environment())
        self._refresh_seconds = 1 / refresh
        self._watch_machine = watch_machine
        self._runs_dir = runs_dir
        self._ended = threading.Event()
        self.guard = ExitGuard()
        self.unsupported = ""  # why the installed Textual can't show the dashboard
        self.main: MainScreen | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(self.current_theme, few=self.few_colours)

    @property
    def few_colours(self) -> bool:
        """Whether the terminal takes 16 colours only. Greys come out better of the full palette."""
        if self.is_headless or self.no_color:
            return False
        return self.console.color_system == "standard"

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
        self.run_worker(self._follow, thread=True, exclusive=True)

    def on_print(self, event: events.Print) -> None:
        """What a library prints goes where its C code writes to, and is told when the dashboard has gone."""
        with contextlib.suppress(OSError):  # a full disk: nothing that is worth a torn screen
            os.write(2 if event.stderr else 1, event.text.encode("utf-8", "replace"))

    def _follow(self) -> None:
        """The source's thread: files may be slow (NFS), and the screen must not wait for them."""
        from inittui.tui.machine_monitor import MachineMonitor

        worker = get_current_worker()
        sampler = MachineMonitor() if self._watch_machine else None
        on: MainScreen | None = None
        shown: Board | None = None
        seen = False
        sampled = time.monotonic() - MACHINE_SECONDS / 2  # not at once: a load needs some time to be measured over
        while not worker.is_cancelled and not self._ended.is_set():
            if (screen := self.main) is None:
                return
            if screen is not on:  # another run has been opened: what was known belongs to the one before
                on, good, shown, seen = screen, screen.board, None, False
            try:
                board = good = screen.source.poll()
            except OSError as error:  # a home directory on NFS may be away for a while
                board = replace(good, faults=(*good.faults, f"the run can't be read just now: {error.strerror}"))
                self._ended.wait(RETRY_SECONDS)
            # One at a time: a terminal that nobody reads blocks the screen, and what waited for it would pile up.
            if board is not shown and (shown is None or screen.board is shown):
                shown = board
                screen.post_message(BoardChanged(board))
            if board.preset.sweep:
                # The chart's intervals need it. Imported in this thread, it does not keep the screen waiting (0.2 s).
                import scipy.special  # noqa: F401
            due = time.monotonic() - sampled >= MACHINE_SECONDS and not (board.ended and seen)
            if sampler is not None and due:
                sampled, seen = time.monotonic(), True
                screen.post_message(MachineChanged(sampler.sample(board)))
            self._ended.wait(self._refresh_seconds * (REST if board.ended else 1))

    def _exit_from(self, loop: asyncio.AbstractEventLoop, code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(partial(self.exit, None, code))

    def action_runs(self) -> None:
        """The runs of the folder in which the one on the screen lies."""
        from inittui.tui.browser.screen import BrowserScreen  # the first frame need not wait for it

        run = self.source.run
        folder = run.path.parent if run else self._runs_dir or default_runs_dir()
        shown = RunDir(folder / self.main.board.run) if self.main else None
        self.push_screen(BrowserScreen(folder, shown, self.glyphs))

    def on_open_run(self, message: OpenRun) -> None:
        self.open_run(message.run)

    def open_run(self, run: RunDir) -> None:
        """Show another run: a living one as it goes on, an ended one as it ended."""
        self.run_worker(partial(self._read_run, run), thread=True, group="open", exclusive=True)

    def _read_run(self, run: RunDir) -> None:
        """In a thread: a long log takes a while to read."""
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
        """BoardSource and screen change together, so that no board of one run comes to the screen of another."""
        main = MainScreen(source, self.glyphs)
        while self.screen is not self.main and len(self.screen_stack) > 2:
            await self.pop_screen()
        await self.switch_screen(main)
        self.source, self.main = source, main

    def action_toggle_theme(self) -> None:
        """From any theme to ours of the other background."""
        self.theme = f"inittui-{'light' if self.current_theme.dark else 'dark'}"

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
        for owner, key in main.keys():  # noqa: SIM118
            if key.help and key.action not in ("app.command_palette", "leave"):
                title = key.short or key.action.partition("(")[0].rpartition(".")[2].replace("_", " ")
                yield SystemCommand(title.capitalize(), key.help, partial(owner.run_action, key.action))

    def on_unmount(self) -> None:
        self._ended.set()
