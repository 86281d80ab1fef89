"""The base of each part of the main screen: its keys, and the values that the screen sets."""

from typing import ClassVar

from textual.widget import Widget

from inittui.board.state import Board
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.layout import Plan
from inittui.tui.draw.render_cache import RenderCache
from inittui.tui.keys import Key
from inittui.tui.widgets.panel import Panel, drawn


class BoardView(Widget):
    """A part of the main screen that shows the board.

    The screen sets the attributes named in `TAKES` before it mounts the view and whenever they change. It offers each key
    to the view that is shown alone first, then to the others in their order.
    """

    NAME: ClassVar[str]  # also the widget's id, and the name of its region in the layout
    KEYS: ClassVar[tuple[Key, ...]] = ()
    TAKES: ClassVar[tuple[str, ...]] = ("board",)
    WHOLE: ClassVar[bool] = False  # alone, it takes the room of the arms as well

    board: drawn[Board] = drawn(None)  # type: ignore[arg-type]  # the screen sets it before it mounts the view
    alone = drawn(False)  # the screen shows this view alone

    def repaint(self) -> None:
        """Paint again what has changed."""
        raise NotImplementedError

    def laid_out(self, plan: Plan) -> None:
        """Called after the screen was laid out."""

    @property
    def keys_named(self) -> bool:
        """Whether the footer names this view's keys."""
        return True

    async def action_zoom(self) -> None:
        """Show this view alone; if it is alone, show everything."""
        await self.screen.run_action(f"zoom('{self.NAME}')")

    async def come_forward(self) -> None:
        """Show this view alone."""
        await self.screen.run_action(f"show('{self.NAME}')")


class BoardPanel(Panel, BoardView):
    """A panel of the main screen."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, id=self.NAME)
        self.cached = RenderCache()  # for a panel that takes long to draw
