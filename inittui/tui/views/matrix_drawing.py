"""The drawing of a sweep's matrix: a cell per scheme and value, and below it the accuracy as a curve over the values."""

from dataclasses import dataclass, replace

from rich.cells import cell_len

from inittui.analysis import statistics
from inittui.analysis.sweep_grid import SweepGrid, best_first, matching, sweep_grid
from inittui.board.state import ArmBoard, Board
from inittui.common import formatting
from inittui.common.errors import printable
from inittui.experiment.chance import stuck_below
from inittui.tui.draw.charts import Series, line_chart
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, fit, pad

MEASURES = ("accuracy", "trains", "cost", "speed")
TITLES = {"accuracy": "test accuracy, %", "trains": "whether it trains", "cost": "training cost", "speed": "images/s"}
ORDERS = ("", "best row first", "best in this column first")
STATES = ("failed", "waiting", "training", "chance", "some", "trains")  # of an arm; a filter accepts these words


@dataclass(frozen=True)
class MatrixViewState:
    """What the matrix shows: a measure, the swept key in its columns, the order of the rows and the filter's words. The
    cursor's row and column are those of the unfiltered matrix, so that it stays with its arm."""

    measure: int = 0
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

    def moved(self, grid: SweepGrid, down: int, right: int) -> "MatrixViewState":
        """The state with the cursor moved within the grid."""
        if not grid.rows or not grid.columns:
            return self
        row, column = self.at(grid)
        row = max(0, min(len(grid.rows) - 1, row + down))
        column = max(0, min(len(grid.columns) - 1, column + right))
        return replace(self, row=grid.row_numbers[row], column=grid.column_numbers[column])


def grid_of(board: Board, view: MatrixViewState) -> SweepGrid | None:
    """The filtered and ordered matrix; None if nothing is swept."""
    axes = [(axis.words, axis.labels) for axis in board.preset.sweep]
    grid = sweep_grid([row.name for row in board.preset.rows], axes, view.across)
    if grid is None:
        return None
    if view.only:
        grid = matching(grid, view.only, lambda arm: state(board, board.arms[arm]), STATES)
    if view.order and grid.rows:
        column = view.column if view.order == 2 else None
        grid = best_first(grid, lambda arm: worth(board, arm, MEASURES[view.measure]), column)
    return grid


def title(board: Board, view: MatrixViewState) -> str:
    """`test accuracy, % by scheme and depth, best row first, only 'he'`"""
    axes = board.preset.sweep
    if not axes:
        return "matrix"
    parts = [f"{TITLES[MEASURES[view.measure]]} by scheme and {axes[view.across % len(axes)].words}"]
    parts += [ORDERS[view.order]] if view.order else []
    parts += [f"only '{printable(view.only)}'"] if view.only else []
    return ", ".join(parts)


def accuracy(arm: ArmBoard) -> float | None:
    """The mean of the seeds' last test accuracies."""
    last = [replica.points[-1].test_accuracy for replica in arm.replicas if replica.points]
    return sum(last) / len(last) if last else None


def cost(arm: ArmBoard) -> float | None:
    """The mean of the seeds' training costs in the last epoch."""
    costs = [replica.points[-1].train_cost for replica in arm.replicas if replica.points]
    finite = [value for value in costs if value is not None]
    return sum(finite) / len(finite) if finite else None


def at_chance(board: Board, mean: float) -> bool:
    classes = len(board.data.classes) if board.data else 0
    return bool(classes) and mean < stuck_below(1 / classes)


def state(board: Board, arm: ArmBoard) -> str:
    """One of `STATES`."""
    mean = accuracy(arm)
    if arm.state == "failed":
        return "failed"
    if mean is None:
        return "training" if arm.state in ("training", "starting") else "waiting"
    if arm.state != "finished":
        return "chance" if at_chance(board, mean) else "training"
    stuck = _at_chance(board, arm)
    return "chance" if stuck == len(arm.replicas) else "some" if stuck else "trains"


def _at_chance(board: Board, arm: ArmBoard) -> int:
    """The number of seeds whose last test was at chance."""
    return sum(at_chance(board, replica.points[-1].test_accuracy) for replica in arm.replicas if replica.points)


def worth(board: Board, arm_index: int, measure: str) -> float | None:
    """The value that rows are ordered by; higher is better."""
    arm = board.arms[arm_index]
    if measure == "cost":
        mean = cost(arm)
        return None if mean is None else -mean
    return arm.rate or None if measure == "speed" else accuracy(arm)


def cell(board: Board, arm: ArmBoard, measure: str) -> tuple[str, str]:
    """A cell's text and style. The colour adds nothing to the text."""
    mean, known = accuracy(arm), state(board, arm)
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


def matrix(board: Board, view: MatrixViewState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The part of the matrix around the cursor that fits, a line about the cursor's arm, and the curves."""
    grid = grid_of(board, view)
    if grid is None:
        return [[(fit("nothing is swept here: --sweep model.depth=3,10,30", width), "dim")]]
    if not grid.rows or not grid.columns:
        text = f"no scheme or value has '{printable(view.only)}': / for other words, none of them shows all"
        return [[(fit(text, width), "dim")]]
    measure = MEASURES[view.measure]
    chart = height - len(grid.rows) - 3
    chart = chart if chart >= 7 else max(0, min(9, height - 12))
    each = 8 if 8 * len(grid.columns) + 18 <= width else 7  # `chance` is the longest word
    name = max(6, min(max(map(cell_len, grid.rows)) + 2, width - each))
    across = max(1, (width - name) // each)
    down = max(1, height - chart - 2)
    at = view.at(grid)
    left = _first(at[1], len(grid.columns), across)
    top = _first(at[0], len(grid.rows), down)
    head = "".join(f" {fit(value, each - 1).rstrip():>{each - 1}}" for value in grid.columns[left : left + across])
    beyond = {
        "left": left,
        "right": len(grid.columns) - left - across,
        "above": top,
        "below": len(grid.rows) - top - down,
    }
    hidden = ", ".join(f"{count} more {where}" for where, count in beyond.items() if count > 0)
    rows: list[Row] = [[(fit(grid.column, name), "dim"), (head, "dim")]]
    for row_at in range(top, min(len(grid.rows), top + down)):
        number = grid.row_numbers[row_at]
        row: Row = [(f"{glyphs.marker(number)} ", arm_style(number)), (fit(grid.rows[row_at], name - 2), "")]
        for column in range(left, min(len(grid.columns), left + across)):
            text, style = cell(board, board.arms[grid.arms[row_at][column]], measure)
            chosen = " reverse" if (row_at, column) == at else ""
            row.append((f" {fit(text, each - 1).rstrip():>{each - 1}}", f"{style}{chosen}"))
        rows.append(row)
    arm = board.arms[grid.arms[at[0]][at[1]]]
    after = f", {arm.given_up}" if arm.given_up else ""
    text = f"{arm.name}: {arm.state}{after}"
    rows.append([(fit(text, max(0, width - len(hidden) - 1)), "accent"), (f" {hidden}"[:width], "warn")])
    if chart:
        rows += curves(board, grid, width, chart, glyphs)
    return [pad(row, width) for row in rows[:height]]


def _first(at: int, count: int, room: int) -> int:
    return max(0, min(at - room // 2, count - room))


def curves(board: Board, grid: SweepGrid, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Accuracy over the values, a line per row, with the mean's 95 % interval if there are several seeds."""
    edges: list[Series] = []
    means: list[Series] = []
    for number, indices in zip(grid.row_numbers, grid.arms, strict=True):
        arms = [board.arms[index] for index in indices]
        seeds = [[100 * replica.points[-1].test_accuracy for replica in arm.replicas if replica.points] for arm in arms]
        if any(len(values) > 1 for values in seeds):
            edges += [
                Series(edge, cap, arm_style(number), "some")
                for cap, edge in zip(glyphs.caps, zip(*map(_interval, seeds), strict=True), strict=True)
            ]
        means.append(Series(_trimmed(seeds), glyphs.marker(number), arm_style(number)))
    series = [*edges, *(mean for mean in means if mean.values)]
    count = len(grid.columns)
    rows = line_chart(
        series, width, height - 1, glyphs, last_x=count, log=False, empty="no accuracy yet", names=grid.columns
    )
    text = f"accuracy, %, by {grid.column}, at even distances"
    text += f"; {' '.join(glyphs.caps)} the mean's 95 % interval" if edges else ""
    return [*rows, [(fit(text, width), "dim")]]


def _interval(values: list[float]) -> tuple[float | None, float | None]:
    """The mean's 95 % t interval in percent, cut to 0 to 100; None for fewer than two values."""
    if len(values) < 2:
        return None, None
    low, high = statistics.mean_estimate(values).ci95 or (0.0, 100.0)
    return max(0.0, low), min(100.0, high)


def _trimmed(seeds: list[list[float]]) -> list[float]:
    """The means up to the first value without an accuracy; the chart would mark a gap as not finite."""
    values = []
    for accuracies in seeds:
        if not accuracies:
            break
        values.append(sum(accuracies) / len(accuracies))
    return values
