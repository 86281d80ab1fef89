"""Runs the dashboard in the terminal until the user leaves it."""

from pathlib import Path

from inittui.board.source import BoardSource
from inittui.common.errors import RunError
from inittui.tui.app import Dashboard, Leave
from inittui.tui.terminal import capabilities
from inittui.tui.terminal.exclusive_output import exclusive_output


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
    frame is complete. Raises RunError if the run can't be read, or if the installed Textual can't show the dashboard.
    """
    app = Dashboard(source, source.poll(), ascii_only=ascii_only, theme=theme, refresh=refresh, runs_dir=runs_dir)
    with app.guard.watching(), exclusive_output(ascii_only=app.glyphs.ascii):
        leave = app.run(mouse=mouse)
    if app.unsupported:
        raise RunError(f"{app.unsupported}; --plain prints lines instead")
    return app, leave
