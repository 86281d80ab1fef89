"""The keys, in one line; a click on one presses it."""

from collections.abc import Callable

from textual import events

from inittui.tui.draw.glyphs import Look
from inittui.tui.views.keyline import Line, cells
from inittui.tui.widgets.panel import Panel


class KeyLine(Panel):
    """What `line` says just now."""

    def __init__(self, look: Look, line: Callable[[], Line]) -> None:
        super().__init__(look, id="footer", framed=False)
        self._line = line
        self.paint = lambda width, _height: [line().row(width)]

    def on_click(self, event: events.Click) -> None:
        left = 0
        for key in self._line().keys(self.content_size.width):
            left += cells(key)
            if event.x < left:
                self.app.simulate_key(key.keys.split(",")[0])
                return
