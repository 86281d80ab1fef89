"""A widget that paints rows, and refreshes only those that have changed."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from inittui.tui.look import COLOURS, Look, Row, pad, width_of

Paint = Callable[[int, int], list[Row]]


class Panel(Widget):
    """Paints what `paint(width, height)` returns, in a frame with a title if it is `framed`.

    The owner calls `repaint` when something may have changed; lines that are the same are not sent again.
    """

    def __init__(self, look: Look, *, id: str | None = None, framed: bool = True) -> None:
        super().__init__(id=id)
        self.look = look
        self.framed = framed
        self.paint: Paint = lambda _width, _height: []
        self.frame = "track"  # the style of the frame
        self.title: Callable[[int], Row] = lambda _width: []
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
        self._rows = self._paint_rows(width, height) if width > 0 and height > 0 else []
        return self._rows

    def _paint_rows(self, width: int, height: int) -> list[Row]:
        inner = self.inside
        rows = [pad(row, inner.width) for row in self.paint(inner.width, inner.height)[: inner.height]]
        rows += [pad([], inner.width) for _ in range(inner.height - len(rows))]
        if not self.framed:
            return rows
        if width < 5 or height < 2:
            return [pad([], width) for _ in range(height)]
        corners, across, side = ("+++" + "+", "-", "|") if self.look.ascii else ("╭╮╰╯", "─", "│")
        title = self.title(width - 6)
        title = pad(title, min(width_of(title), width - 6)) if title else []
        head: Row = [(corners[0] + across, self.frame), *([(" ", ""), *title, (" ", "")] if title else [])]
        head.append((across * (width - 1 - width_of(head)) + corners[1], self.frame))
        body: list[Row] = [[(f"{side} ", self.frame), *row, (f" {side}", self.frame)] for row in rows]
        return [head, *body, [(corners[2] + across * (width - 2) + corners[3], self.frame)]]

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
            self._styles_of[key] = self._resolve(key)
        return self._styles_of[key]

    def _resolve(self, key: str) -> Style:
        variables = self.app.theme_variables
        named = {
            "bold": Style(bold=True),
            "soft": Style(dim=True),
            "reverse": Style(reverse=True),
            "brand": Style(color=variables["inittui-accent"], bold=True, reverse=True),
            **{name: Style(color=variables[f"inittui-{name}"]) for name in ("dim", "good", "warn", "accent", "track")},
            "bad": Style(color=variables["inittui-bad"], bold=True),
            "cursor": Style(bgcolor=variables["inittui-track"]),
            **{f"arm{place}": Style(color=variables[f"inittui-arm{place}"]) for place in range(COLOURS)},
        }
        words = key.split()
        if not words:
            return Style()
        if all(word in named for word in words):
            return Style.combine(named[word] for word in words)
        return Style.parse(key)


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
