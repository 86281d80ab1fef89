"""The matrix of a sweep: a cell per scheme and value, a cursor that opens an arm, and curves of the accuracy over values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile

from rich.cells import cell_len

from inittui.analysis import statistics
from inittui.analysis.sweep_grid import SweepGrid, best_first, matching, sweep_grid
from inittui.board.curves import Point
from inittui.board.state import ArmBoard, Board
from inittui.common import formatting
from inittui.common.errors import printable
from inittui.experiment.chance import stuck_below
from inittui.tui.draw.charts import Series, line_chart
from inittui.tui.draw.glyphs import arm_style
from inittui.tui.draw.rows import Row, Span, fit, pad
from inittui.tui.draw.scale import finite
from inittui.tui.keys import Key
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

MEASURES = {"accuracy": "test accuracy, %", "trains": "whether it trains", "cost": "training cost", "speed": "images/s"}
ORDERS = ("", "best row first", "best in this column first")
STATES = ("failed", "waiting", "training", "chance", "some", "trains")  # of an arm; a filter accepts these words
FILTER = f"words of a scheme, {', '.join(STATES)}, or as depth=10,30"

_matrix_key = partial(Key, group="Matrix")
_matrix_alone_key = partial(_matrix_key, only_alone=True)


@dataclass(frozen=True)
class MatrixViewState:
    """What the matrix shows: a measure, the swept key in its columns, the order of the rows and the filter's words. The
    cursor's row and column are those of the unfiltered matrix, so that it stays with its arm."""

    measure: str = "accuracy"
    across: int = 0
    row: int = 0
    column: int = 0
    order: int = 0
    only: str = ""

    def at(self, grid: SweepGrid) -> tuple[int, int]:
        """The cursor's row and column in the shown grid; 0 for a row or column that is not shown."""
        return (
            grid.row_numbers.index(self.row) if self.row in grid.row_numbers else 0,
            grid.column_numbers.index(self.column) if self.column in grid.column_numbers else 0,
        )


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
        state, axes = self.state, self.board.preset.sweep
        if not axes:
            return [("matrix", "bold")]
        words = f"{MEASURES[state.measure]} by scheme and {axes[state.across % len(axes)].words}"
        words += f", {ORDERS[state.order]}" if state.order else ""
        return [(words + (f", only '{printable(state.only)}'" if state.only else ""), "bold")]

    def grid(self) -> SweepGrid | None:
        """The filtered and ordered matrix; None if nothing is swept."""
        board, state = self.board, self.state
        axes = [(axis.words, axis.labels) for axis in board.preset.sweep]
        grid = sweep_grid([row.name for row in board.preset.rows], axes, state.across)
        if grid is None:
            return None
        if state.only:
            grid = matching(grid, state.only, lambda arm: state_of(board, board.arms[arm]), STATES)
        if state.order and grid.rows:
            column = state.column if state.order == 2 else None
            grid = best_first(grid, lambda arm: worth(board.arms[arm], state.measure), column)
        return grid

    def paint(self, width: int, height: int) -> list[Row]:
        """The part of the matrix around the cursor that fits, a line about the cursor's arm, and the curves."""
        grid, glyphs = self.grid(), self.glyphs
        if grid is None:
            return [[(fit("nothing is swept here: --sweep model.depth=3,10,30", width), "dim")]]
        if not grid.rows or not grid.columns:
            only = printable(self.state.only)
            text = f"no scheme or value has '{only}': / for other words, none of them shows all"
            return [[(fit(text, width), "dim")]]
        chart = height - len(grid.rows) - 3
        chart = chart if chart >= 7 else max(0, min(9, height - 12))
        each = 8 if 8 * len(grid.columns) + 18 <= width else 7  # `chance` is the longest word
        name_width = max(6, min(max(map(cell_len, grid.rows)) + 2, width - each))
        row_at, column_at = self.state.at(grid)
        shown_rows = _around(row_at, len(grid.rows), max(1, height - chart - 2))
        shown_columns = _around(column_at, len(grid.columns), max(1, (width - name_width) // each))
        part, cursor = grid.of(shown_rows, shown_columns), grid.arms[row_at][column_at]
        head = "".join(_right(value, each) for value in part.columns)
        rows: list[Row] = [[(fit(grid.column, name_width), "dim"), (head, "dim")]]
        for number, name, arm_indices in zip(part.row_numbers, part.rows, part.arms, strict=True):
            row: Row = [(f"{glyphs.marker(number)} ", arm_style(number)), (fit(name, name_width - 2), "")]
            for arm_index in arm_indices:
                text, style = cell(self.board, self.board.arms[arm_index], self.state.measure)
                row.append((_right(text, each), f"{style} reverse" if arm_index == cursor else style))
            rows.append(row)
        beyond = {
            "left": shown_columns.start,
            "right": len(grid.columns) - shown_columns.stop,
            "above": shown_rows.start,
            "below": len(grid.rows) - shown_rows.stop,
        }
        hidden = ", ".join(f"{count} more {where}" for where, count in beyond.items() if count)
        arm = self.board.arms[cursor]
        text = f"{arm.name}: {arm.state}" + (f", {arm.given_up}" if arm.given_up else "")
        rows.append([(fit(text, max(0, width - len(hidden) - 1)), "accent"), (f" {hidden}"[:width], "warn")])
        if chart:
            rows += self._curves(grid, width, chart)
        return [pad(row, width) for row in rows[:height]]

    def _curves(self, grid: SweepGrid, width: int, height: int) -> list[Row]:
        """Accuracy over the values, a line per row, with the mean's 95 % interval if there are several seeds."""
        caps = self.glyphs.caps
        edges: list[Series] = []
        means: list[Series] = []
        for number, arm_indices in zip(grid.row_numbers, grid.arms, strict=True):
            seeds = [[100 * point.test_accuracy for point in _last(self.board.arms[index])] for index in arm_indices]
            if any(len(accuracies) > 1 for accuracies in seeds):
                ends = zip(*map(_interval, seeds), strict=True)
                edges += [Series(end, cap, arm_style(number), "some") for cap, end in zip(caps, ends, strict=True)]
            # Up to the first value without an accuracy: the chart would mark a gap as not finite.
            if known := [sum(accuracies) / len(accuracies) for accuracies in takewhile(bool, seeds)]:
                means.append(Series(known, self.glyphs.marker(number), arm_style(number)))
        rows = line_chart(
            [*edges, *means],
            width,
            height - 1,
            self.glyphs,
            last_x=len(grid.columns),
            log=False,
            empty="no accuracy yet",
            names=grid.columns,
        )
        text = f"accuracy, %, by {grid.column}, at even distances"
        text += f"; {' '.join(caps)} the mean's 95 % interval" if edges else ""
        return [*rows, [(fit(text, width), "dim")]]

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor within the grid."""
        grid = self.grid()
        if grid is not None and grid.rows and grid.columns:
            row, column = self.state.at(grid)
            row = max(0, min(len(grid.rows) - 1, row + down))
            column = max(0, min(len(grid.columns) - 1, column + right))
            self.state = replace(self.state, row=grid.row_numbers[row], column=grid.column_numbers[column])

    def action_measure(self, by: int) -> None:
        measures = list(MEASURES)
        self.state = replace(self.state, measure=measures[(measures.index(self.state.measure) + by) % len(measures)])

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
        grid = self.grid()
        if grid is not None and grid.rows and grid.columns:
            row, column = self.state.at(grid)
            await self.screen.run_action(f"choose({grid.arms[row][column]})")
            await self.screen.run_action("show('arm')")


def _around(at: int, count: int, room: int) -> range:
    """The part of range(count) that has `room` numbers and `at` in its middle, as far as possible."""
    first = max(0, min(at - room // 2, count - room))
    return range(first, min(count, first + room))


def _right(text: str, width: int) -> str:
    """A space, and the text at the right end."""
    return f" {fit(text, width - 1).rstrip():>{width - 1}}"


def _last(arm: ArmBoard) -> list[Point]:
    """The last point of each seed that has one."""
    return [replica.points[-1] for replica in arm.replicas if replica.points]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def accuracy(arm: ArmBoard) -> float | None:
    """The mean of the seeds' last test accuracies."""
    return _mean([point.test_accuracy for point in _last(arm)])


def cost(arm: ArmBoard) -> float | None:
    """The mean of the seeds' training costs in the last epoch."""
    return _mean(finite([point.train_cost for point in _last(arm)]))


def _at_chance(board: Board, arm: ArmBoard) -> int:
    """The number of seeds whose last test was at chance."""
    below = stuck_below(1 / len(board.data.classes)) if board.data and board.data.classes else 0.0
    return sum(point.test_accuracy < below for point in _last(arm))


def state_of(board: Board, arm: ArmBoard) -> str:
    """One of `STATES`."""
    tested, stuck = len(_last(arm)), _at_chance(board, arm)
    if arm.state == "failed":
        return "failed"
    if not tested:
        return "training" if arm.state in ("training", "starting") else "waiting"
    if stuck == tested:
        return "chance"
    return "training" if arm.state != "finished" else "some" if stuck else "trains"


def worth(arm: ArmBoard, measure: str) -> float | None:
    """The value that rows are ordered by; higher is better."""
    if measure == "cost":
        mean = cost(arm)
        return None if mean is None else -mean
    return arm.rate or None if measure == "speed" else accuracy(arm)


def cell(board: Board, arm: ArmBoard, measure: str) -> Span:
    """A cell's text and style. The colour adds nothing to the text."""
    mean, known = accuracy(arm), state_of(board, arm)
    if known == "failed":
        return "failed", "bad"
    if mean is None:
        return ("..." if known == "training" else "-"), "dim"
    style = "bad" if known == "chance" else "good" if mean >= 0.5 else "warn"
    if measure == "trains":
        if known == "some":
            return f"{len(arm.replicas) - _at_chance(board, arm)} of {len(arm.replicas)}", "warn"
        return {"chance": "chance", "trains": "yes"}.get(known, "so far"), style
    if measure == "cost":
        of_training = cost(arm)
        return ("nan" if of_training is None else formatting.cost(of_training, 3)), style
    if measure == "speed":
        return f"{arm.rate:,.0f}", style
    return f"{100 * mean:.1f}", style


def _interval(values: list[float]) -> tuple[float | None, float | None]:
    """The mean's 95 % t interval in percent, cut to 0 to 100; None for fewer than two values."""
    if len(values) < 2:
        return None, None
    low, high = statistics.mean_estimate(values).ci95 or (0.0, 100.0)
    return max(0.0, low), min(100.0, high)
