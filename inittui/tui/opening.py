"""From a feed to a dashboard in the terminal and back. Imports Textual only when the first frame can be seen already."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from inittui.tui import still, terminal
from inittui.tui.feed import Feed
from inittui.tui.guard import Guard

if TYPE_CHECKING:
    from inittui.tui.app import Dashboard, Leave


def show(
    feed: Feed,
    *,
    ascii_only: bool | None = None,
    theme: terminal.Theme = "auto",
    refresh: float = 4.0,
    mouse: bool = True,
    runs_dir: Path | None = None,
) -> "tuple[Dashboard, Leave | None]":
    """The dashboard when the person has left it, and how; its `return_code` tells of a signal or a lost terminal."""
    terminal.prepare(os.environ)
    look, board, guard = terminal.look(ascii_only), feed.poll(), Guard()
    with guard.watching(), ExitStack() as hush:
        hush.enter_context(still.quiet())
        with still.painted(feed, board, look, theme) as first:
            from inittui.tui.app import Dashboard

            app = Dashboard(feed, board, guard, ascii_only=look.ascii, theme=theme, refresh=refresh, runs_dir=runs_dir)
            hush.close()  # what Textual finds it leaves behind
            with terminal.alone(ascii_only=look.ascii, entered=first.taken_over if first.up else None):
                return app, app.run(mouse=mouse)
