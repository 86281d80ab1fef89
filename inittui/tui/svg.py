"""Draws the dashboard as SVG, without a terminal."""

import asyncio

from inittui.board.follower import Follower
from inittui.board.source import StillSource, gallery_of
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.tui.app import Dashboard


def screenshot(run: RunDir, columns: int, rows: int) -> str:
    """An SVG picture of the run's present state, `columns` x `rows` cells. Raises RunError if the run can't be read,
    or if the installed Textual can't draw the dashboard."""
    return asyncio.run(_draw(StillSource(Follower(run).poll(), gallery_of(run)), columns, rows))


async def _draw(source: StillSource, columns: int, rows: int) -> str:
    # The picture does not depend on a terminal.
    app = Dashboard(source, ascii_only=False, theme="dark", watch_machine=False)
    async with app.run_test(size=(columns, rows)) as pilot:
        await pilot.pause(0.2)
        if app.unsupported:
            raise RunError(app.unsupported)
        return app.export_screenshot(title=f"inittui: {source.board.run}")
