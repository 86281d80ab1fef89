"""Runs the dashboard in the terminal until the user leaves it."""

from pathlib import Path

from inittui.board.source import BoardSource
from inittui.tui.app import Dashboard, Leave
from inittui.tui.terminal import capabilities


def show(
    source: BoardSource,
    *,
    ascii_only: bool | None = None,
    theme: capabilities.Theme = "auto",
    refresh: float = 4.0,
    mouse: bool = True,
    runs_dir: Path | None = None,
) -> tuple[Dashboard, Leave | None]:
    """Returns the dashboard and how the user left it. The dashboard's `return_code` reports a signal or a lost terminal.

    The source is polled once before the terminal changes: an unreadable run ends with an ordinary message, and the first
    frame is complete.
    """
    app = Dashboard(source, source.poll(), ascii_only=ascii_only, theme=theme, refresh=refresh, runs_dir=runs_dir)
    with app.guard.watching(), capabilities.alone(ascii_only=app.look.ascii):
        return app, app.run(mouse=mouse)
