"""The keys of the matrix: they mean it where it is shown, and what they always mean elsewhere."""

from dataclasses import replace

from textual.screen import Screen

from inittui.board.state import Board
from inittui.tui.draw.layout import Zoom
from inittui.tui.views import matrix
from inittui.tui.views.matrix import MEASURES, ORDERS, STATES, Turned
from inittui.tui.widgets.panel import Panel

FILTER = f"words of a scheme, {', '.join(STATES)}, or as depth=10,30"


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
            self.turned = self.turned.moved(found, down, right)
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

    def action_order(self) -> None:
        """The next order of the rows."""
        self.turned = replace(self.turned, order=(self.turned.order + 1) % len(ORDERS))
        self._matrix.repaint()

    def action_filter(self) -> None:
        """Ask for words; the matrix follows as they are typed."""
        if self.zoom == "matrix":
            from inittui.tui.screens.filter_input import WordsScreen  # the first frame need not wait for it

            self.app.push_screen(WordsScreen(self.turned.only, FILTER, self._show_only))

    def _show_only(self, words: str) -> None:
        self.turned = replace(self.turned, only=" ".join(words.split()))
        self._matrix.repaint()

    def action_open(self) -> None:
        """The arm under the cursor alone, and back."""
        if self.zoom == "alone":
            self.zoom = "matrix"
            self._lay_out()
            return
        found = matrix.of(self.board, self.turned)
        if self.zoom == "matrix" and found is not None and found.rows and found.columns:
            row, column = self.turned.at(found)
            self.chosen = found.places[row][column]
            self.zoom = "alone"
            self._lay_out()
            self.call_after_refresh(self._opened)

    def _opened(self) -> None:
        raise NotImplementedError
