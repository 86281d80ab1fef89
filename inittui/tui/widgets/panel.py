"""A widget that paints rows, and refreshes only those that have changed."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from inittui.tui.draw.frame import FRAME, Paint, Title, filled, framed, style_of
from inittui.tui.draw.glyphs import Look, Row, pad


class Panel(Widget):
    """Paints what `paint(width, height)` returns, in a frame with a title if it is `framed`.

    The owner calls `repaint` when something may have changed; lines that are the same are not sent again.
    """

    def __init__(self, look: Look, *, id: str | None = None, framed: bool = True) -> None:
        super().__init__(id=id)
        self.look = look
        self.framed = framed
        self.paint: Paint = lambda _width, _height: []
        self.frame = FRAME
        self.title: Title = lambda _width: []
        self._rows: list[Row] = []
        self._painted_for = Size(0, 0)  # the size that the rows are for
        self._styles_of: dict[str, Style] = {}

    @property
    def inside(self) -> Size:
        """The cells that `paint` has to fill."""
        size = self.content_size
        return Size(max(0, size.width - 4), max(0, size.height - 2)) if self.framed else size

    def repaint(self) -> None:
        """Paint again, and send the lines that differ."""
        width = self.content_size.width
        old, rows = self._rows, self._paint()
        if len(rows) != len(old):
            self.refresh()
            return
        changed = [Region(0, y, width, 1) for y, row in enumerate(rows) if row != old[y]]
        if changed:
            self.refresh(*changed)

    def _paint(self) -> list[Row]:
        self._painted_for = self.content_size
        width, height = self._painted_for
        if self.framed:
            self._rows = framed(self.title, self.paint, width, height, self.look, self.frame)
        else:
            self._rows = filled(self.paint, width, height)
        return self._rows

    def on_resize(self) -> None:
        self.repaint()

    def restyle(self) -> None:
        """The theme has changed, and the colours with it."""
        self._styles_of = {}
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if self._painted_for != self.content_size:  # of a new size the first frame has everything, and not the next one
            self._paint()
        base = self.rich_style
        width = self.content_size.width
        row = self._rows[y] if y < len(self._rows) else []
        segments = [Segment(self.look.final(text), base + self._style(style)) for text, style in pad(row, width)]
        return Strip(segments, width)

    def _style(self, key: str) -> Style:
        if key not in self._styles_of:
            self._styles_of[key] = style_of(key, self.app.theme_variables)
        return self._styles_of[key]


class Page(Panel):
    """A panel without a frame, as high as its rows are many: for a box that scrolls. Sooner there than a rich table."""

    DEFAULT_CSS = "Page { width: 1fr; height: auto; }"

    def __init__(self, look: Look, rows: Callable[[int], list[Row]]) -> None:
        """`rows` are those of a width."""
        super().__init__(look, framed=False)
        self._rows_of = rows
        self.paint = lambda width, _height: rows(width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self._rows_of(width))
