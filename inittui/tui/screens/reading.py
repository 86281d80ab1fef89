"""What a person does with a result: turns over test images and confusion matrices, reads the table alone."""

from textual.screen import Screen

from inittui.board.state import Board
from inittui.record.gallery import Gallery
from inittui.tui.draw.glyphs import Look
from inittui.tui.draw.layout import Zoom
from inittui.tui.views import result
from inittui.tui.views.sample import Shown
from inittui.tui.widgets.panel import Panel


class ReadingScreen(Screen[None]):
    """A screen with a table and a sample, and the keys for both. It owns what is shown in them."""

    look: Look
    board: Board
    gallery: Gallery | None
    zoom: Zoom
    shown: Shown
    each_seed = False  # whether the table alone has a row for each seed
    top = 0  # the line of the table alone that is its first
    _result: Panel
    _sample: Panel

    def _lay_out(self) -> None:
        raise NotImplementedError

    def _scroll_table(self, by: int) -> None:
        inside = self._result.inside
        lines = len(result.everything(self.board, inside.width, self.look, each_seed=self.each_seed))
        self.top = max(0, min(self.top + by, result.furthest(lines, inside.height)))
        self._result.repaint()

    def action_each_seed(self) -> None:
        """A row for each seed, in the table alone."""
        self.each_seed = self.zoom != "result" or not self.each_seed
        self.zoom, self.top = "result", 0
        self._lay_out()

    def action_image(self, by: int) -> None:
        self.shown = Shown(self.shown.kind, max(0, self.shown.place + by))
        self._sample_changed()

    def action_kind(self, kind: str) -> None:
        self.shown = Shown("random" if self.shown.kind == kind and self.shown.confused is None else kind)
        self._sample_changed()

    def action_confusion(self) -> None:
        """The confusion matrix of the first arm, the next one, and after the last the sample again."""
        following = 0 if self.shown.confused is None else self.shown.confused + 1
        confused = following if following < len(self.board.arms) else None
        self.shown = Shown(self.shown.kind, self.shown.place, confused)
        self._sample_changed()

    def _sample_changed(self) -> None:
        if self.gallery is None:
            self.shown = Shown()
        if self.gallery is None and not self.board.ended:
            self.notify("More test images come with the end of the run.", timeout=3)
        if not self._sample.display:
            self.zoom = "sample"
            self._lay_out()
        self._sample.repaint()
