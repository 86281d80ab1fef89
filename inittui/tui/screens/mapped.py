"""The keys of the matrix: they mean it where it is shown, and what they always mean elsewhere."""

from dataclasses import replace

from textual.screen import Screen

from inittui.board import Board
from inittui.tui.layout import Zoom
from inittui.tui.views import matrix
from inittui.tui.views.matrix import MEASURES, Turned
from inittui.tui.widgets.panel import Panel


class MappedScreen(Screen[None]):
    """A screen with a matrix, which it shows alone."""

    board: Board
    zoom: Zoom
    chosen: int | None
    turned = Turned()
    _matrix: Panel

    def _lay_out(self) -> None:
        raise NotImplementedError

    def move(self, down: int, right: int) -> None:
        """The cursor; it stays inside."""
        found = matrix.of(self.board, self.turned)
        if found is not None:
            row = max(0, min(len(found.rows) - 1, self.turned.row + down))
            column = max(0, min(len(found.columns) - 1, self.turned.column + right))
            self.turned = replace(self.turned, row=row, column=column)
            self._matrix.repaint()

    def turn(self, by: int) -> None:
        self.turned = replace(self.turned, measure=(self.turned.measure + by) % len(MEASURES))
        self._matrix.repaint()

    def action_across(self) -> None:
        """The next swept key as columns."""
        self.turned = replace(
            self.turned, across=(self.turned.across + 1) % max(1, len(self.board.preset.sweep)), row=0, column=0
        )
        self._matrix.repaint()

    def action_open(self) -> None:
        """The panel of the arm under the cursor."""
        found = matrix.of(self.board, self.turned)
        if self.zoom == "matrix" and found is not None:
            self.chosen = found.places[self.turned.row][self.turned.column]
            self.zoom = ""
            self._lay_out()
            self.call_after_refresh(self._opened)

    def _opened(self) -> None:
        raise NotImplementedError
