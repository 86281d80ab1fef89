"""The matrix of a sweep: a cell per scheme and value, with a cursor that opens an arm."""

from dataclasses import replace
from functools import partial

from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.views import matrix_drawing
from inittui.tui.views.matrix_drawing import MEASURES, ORDERS, STATES, MatrixViewState
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

_matrix_key = partial(Key, group="Matrix")
_matrix_alone_key = partial(_matrix_key, only_alone=True)

FILTER = f"words of a scheme, {', '.join(STATES)}, or as depth=10,30"


class MatrixPanel(BoardPanel):
    """Shown alone only; a sweep begins with it."""

    NAME = "matrix"
    WHOLE = True
    KEYS = (
        _matrix_key("5", "zoom", "the matrix of a sweep: scheme by value; again: everything", "matrix", rank=10),
        _matrix_key(
            "o",
            "order",
            "the matrix's rows: best first, best in the cursor's column first, as given",
            "order",
            named_alone=True,
        ),
        _matrix_alone_key(
            "slash", "filter", "only rows and values with these words, as 'he chance depth=10,30'", "filter", shown="/"
        ),
        _matrix_key("a", "across", "the next swept key as columns of the matrix", "key across", named_alone=True),
        _matrix_alone_key(
            "enter",
            "open",
            "the arm under the cursor of the matrix alone, and back; arrows move the cursor, v turns the matrix",
            "this arm",
        ),
        _matrix_alone_key("v", "measure(1)", short="quantity"),
        _matrix_alone_key("V", "measure(-1)"),
        _matrix_alone_key("n,right", "move(0, 1)"),
        _matrix_alone_key("b,left", "move(0, -1)"),
        _matrix_alone_key("down,j", "move(1, 0)"),
        _matrix_alone_key("up,k", "move(-1, 0)"),
    )
    state = drawn(MatrixViewState())

    @property
    def keys_named(self) -> bool:
        return bool(self.board.preset.sweep)

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [(matrix_drawing.title(self.board, self.state), "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        return matrix_drawing.matrix(self.board, self.state, width, height, self.glyphs)

    def action_move(self, down: int, right: int) -> None:
        grid = matrix_drawing.grid_of(self.board, self.state)
        if grid is not None:
            self.state = self.state.moved(grid, down, right)

    def action_measure(self, by: int) -> None:
        self.state = replace(self.state, measure=(self.state.measure + by) % len(MEASURES))

    def action_across(self) -> None:
        """The next swept key as columns."""
        keys = max(1, len(self.board.preset.sweep))
        self.state = replace(self.state, across=(self.state.across + 1) % keys, row=0, column=0)

    def action_order(self) -> None:
        """The next order of the rows."""
        self.state = replace(self.state, order=(self.state.order + 1) % len(ORDERS))

    def action_filter(self) -> None:
        """Ask for words; the matrix follows as they are typed."""
        from inittui.tui.widgets.filter_input import FilterInput  # the first frame need not wait for it

        self.app.push_screen(FilterInput(self.state.only, FILTER, self._show_only))

    def _show_only(self, words: str) -> None:
        self.state = replace(self.state, only=" ".join(words.split()))

    async def action_open(self) -> None:
        """Show the arm under the cursor alone."""
        grid = matrix_drawing.grid_of(self.board, self.state)
        if grid is not None and grid.rows and grid.columns:
            row, column = self.state.at(grid)
            await self.screen.run_action(f"choose({grid.arms[row][column]})")
            await self.screen.run_action("show('arm')")
