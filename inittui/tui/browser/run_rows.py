"""The table of runs: a panel that says which line was clicked, and scrolls with the wheel."""

from textual import events
from textual.message import Message

from inittui.tui.widgets.panel import Painted

ABOVE = 2  # lines above the first run: the frame and the heading
WHEEL = 3  # runs a notch


class RunRows(Painted):
    """What is clicked is told as the number of the line, from 0."""

    class Clicked(Message):
        def __init__(self, line: int, *, twice: bool) -> None:
            super().__init__()
            self.line = line
            self.twice = twice

    class Wheeled(Message):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    @property
    def lines(self) -> int:
        """The runs that there is room for."""
        return max(1, self.inside.height - 1)

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y - ABOVE < self.lines:
            self.post_message(self.Clicked(event.y - ABOVE, twice=event.chain > 1))

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Wheeled(WHEEL))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Wheeled(-WHEEL))
