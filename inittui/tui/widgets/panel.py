"""The base of every panel: a widget that paints rows of text in a border and refreshes only the rows that changed."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.dom import DOMNode
from textual.geometry import Region, Size
from textual.reactive import Reactive, ReactiveType
from textual.strip import Strip
from textual.widget import Widget

from inittui.tui.draw.border import ACROSS, BORDER, DOWN, bordered, filled
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.palette import style_of
from inittui.tui.draw.rows import Row, pad


class drawn(Reactive[ReactiveType]):  # a descriptor, as Textual's `reactive`
    """A reactive attribute of a panel. Each assignment repaints the panel row by row; Textual's `reactive` would refresh the
    whole widget, and would compare whole boards."""

    def __init__(self, default: ReactiveType | Callable[[], ReactiveType]) -> None:
        super().__init__(default, repaint=False, always_update=True)

    def __set__(self, obj: DOMNode, value: ReactiveType) -> None:
        super().__set__(obj, value)
        obj.repaint()  # type: ignore[attr-defined]


class Panel(Widget):
    """A subclass draws `paint` in a border with `title`, or without a border if `BORDERED` is false."""

    BORDERED = True

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._rows: list[Row] = []
        self._painted_for = Size(0, 0)  # the size that the rows are for
        self._styles_of: dict[str, Style] = {}

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        """At most `height` rows of `width` cells."""
        return []

    def title(self, width: int) -> Row:  # noqa: ARG002
        """The title in the border, cut to `width` cells."""
        return []

    @property
    def border_key(self) -> str:
        """The style of the border."""
        return BORDER

    @property
    def inside(self) -> Size:
        """The cells that `paint` has to fill."""
        size = self.content_size
        return Size(max(0, size.width - ACROSS), max(0, size.height - DOWN)) if self.BORDERED else size

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.restyle())

    def repaint(self) -> None:
        """Paint again, and refresh the rows that differ. Nothing is painted while the panel is hidden."""
        if not all(node.display for node in self.ancestors_with_self if isinstance(node, Widget)):
            return
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
        if self.BORDERED:
            self._rows = bordered(self.title, self.paint, width, height, self.glyphs, self.border_key)
        else:
            self._rows = filled(self.paint, width, height)
        return self._rows

    def on_resize(self) -> None:
        self.repaint()

    def restyle(self) -> None:
        """Take the colours of the present theme."""
        self._styles_of = {}
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if self._painted_for != self.content_size:  # the first frame of a new size is complete
            self._paint()
        base = self.rich_style
        width = self.content_size.width
        row = self._rows[y] if y < len(self._rows) else []
        segments = [Segment(self.glyphs.final(text), base + self._style(style)) for text, style in pad(row, width)]
        return Strip(segments, width)

    def _style(self, key: str) -> Style:
        if key not in self._styles_of:
            self._styles_of[key] = style_of(key, self.app.theme_variables)
        return self._styles_of[key]


class Page(Panel):
    """A panel without a border, as high as its rows are many, for a box that scrolls. A Rich table takes longer to appear."""

    BORDERED = False
    DEFAULT_CSS = "Page { width: 1fr; height: auto; }"

    def __init__(self, glyphs: Glyphs, rows: Callable[[int], list[Row]], *, id: str | None = None) -> None:
        """`rows` returns the rows for a width."""
        super().__init__(glyphs, id=id)
        self._rows_of = rows

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        return self._rows_of(width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self._rows_of(width))
