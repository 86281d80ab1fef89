"""A swept run at one sight: a cell a scheme and value, filling while it trains, and the curve over the values below it."""

from dataclasses import dataclass

from rich.cells import cell_len

from inittui import matrix as matrices
from inittui import stats
from inittui.board import ArmBoard, Board
from inittui.matrix import Matrix
from inittui.tui.look import Look, Row, arm_style, fit, pad
from inittui.tui.plots import Series, line_chart
from inittui.tui.views import words

MEASURES = ("accuracy", "trains", "cost", "speed")
TITLES = {"accuracy": "test accuracy, %", "trains": "whether it trains", "cost": "training cost", "speed": "images/s"}


@dataclass(frozen=True)
class Turned:
    """What the matrix is turned to: a measure, the swept key that is its columns, and the cell of the cursor."""

    measure: int = 0
    across: int = 0
    row: int = 0
    column: int = 0


def of(board: Board, turned: Turned) -> Matrix | None:
    """None where nothing is swept."""
    axes = [(axis.words, axis.labels) for axis in board.preset.sweep]
    return matrices.matrix([row.name for row in board.preset.rows], axes, turned.across)


def title(board: Board, turned: Turned) -> str:
    """`test accuracy, % by scheme and depth`"""
    found = of(board, turned)
    return f"{TITLES[MEASURES[turned.measure]]} by scheme and {found.column}" if found else "matrix"


def accuracy(arm: ArmBoard) -> float | None:
    """The mean over the seeds of what was tested last."""
    last = [replica.points[-1].test_accuracy for replica in arm.replicas if replica.points]
    return sum(last) / len(last) if last else None


def cell(board: Board, arm: ArmBoard, measure: str) -> tuple[str, str]:
    """A cell's words and style. Colour says nothing that the words do not."""
    mean = accuracy(arm)
    below = stats.stuck_below(1 / len(board.data.classes)) if board.data and board.data.classes else 0.0
    if arm.state == "failed":
        return "failed", "bad"
    if mean is None:
        return ("..." if arm.state in ("training", "starting") else "-"), "dim"
    style = "bad" if mean < below else "good" if mean >= 0.5 else "warn"
    if measure == "trains":
        return ("chance" if mean < below else "yes" if arm.state == "finished" else "so far"), style
    if measure == "cost":
        costs = [replica.points[-1].train_cost for replica in arm.replicas if replica.points]
        finite = [cost for cost in costs if cost is not None]
        return (words.cost(sum(finite) / len(finite), 3) if finite else "nan"), style
    if measure == "speed":
        return f"{arm.rate:,.0f}", style
    return f"{100 * mean:.1f}", style


def matrix(board: Board, turned: Turned, width: int, height: int, look: Look) -> list[Row]:
    """The matrix around the cursor as far as there is room, what the cursor is on, and the curves below."""
    found = of(board, turned)
    if found is None:
        return [[(fit("nothing is swept here: --sweep model.depth=3,10,30", width), "dim")]]
    measure = MEASURES[turned.measure]
    chart = height - len(found.rows) - 3
    chart = chart if chart >= 7 else max(0, min(9, height - 12))
    each = 8
    name = max(6, min(max(map(cell_len, found.rows)) + 2, width - each))
    across = max(1, (width - name) // each)
    down = max(1, height - chart - 2)
    left = _first(turned.column, len(found.columns), across)
    top = _first(turned.row, len(found.rows), down)
    head = "".join(f" {fit(one, each - 1).rstrip():>{each - 1}}" for one in found.columns[left : left + across])
    rows: list[Row] = [[(fit(found.column, name), "dim"), (head, "dim")]]
    for number in range(top, min(len(found.rows), top + down)):
        row: Row = [(f"{look.marker(number)} ", arm_style(number)), (fit(found.rows[number], name - 2), "")]
        for column in range(left, min(len(found.columns), left + across)):
            text, style = cell(board, board.arms[found.places[number][column]], measure)
            chosen = " reverse" if (number, column) == (turned.row, turned.column) else ""
            row.append((f" {fit(text, each - 1).rstrip():>{each - 1}}", f"{style}{chosen}"))
        rows.append(row)
    arm = board.arms[found.places[turned.row][turned.column]]
    after = f", {arm.given_up}" if arm.given_up else ""
    rows.append([(fit(f"{arm.name}: {arm.state}{after}", width), "accent")])
    if chart:
        rows += curves(board, found, width, chart, look)
    return [pad(row, width) for row in rows[:height]]


def _first(at: int, count: int, room: int) -> int:
    return max(0, min(at - room // 2, count - room))


def curves(board: Board, found: Matrix, width: int, height: int, look: Look) -> list[Row]:
    """Accuracy over the values, a line a row; of several seeds between pale lines of the lowest and the highest seed."""
    edges: list[Series] = []
    means: list[Series] = []
    for number, places in enumerate(found.places):
        arms = [board.arms[place] for place in places]
        seeds = [[100 * one.points[-1].test_accuracy for one in arm.replicas if one.points] for arm in arms]
        if any(len(values) > 1 for values in seeds):
            for edge in (min, max):
                values = [edge(one) if one else None for one in seeds]
                edges.append(Series(values, look.dot, f"{arm_style(number)} soft", "some"))
        means.append(Series(_trimmed(seeds), look.marker(number), arm_style(number)))
    series = [*edges, *(one for one in means if one.values)]
    count = len(found.columns)
    rows = line_chart(
        series, width, height - 1, look, last_x=count, log=False, empty="no accuracy yet", names=found.columns
    )
    return [*rows, [(fit(f"accuracy, %, by {found.column}, its values at even distances", width), "dim")]]


def _trimmed(seeds: list[list[float]]) -> list[float]:
    """The means up to the first value that has none yet: what has not been trained is no fault."""
    values = []
    for one in seeds:
        if not one:
            break
        values.append(sum(one) / len(one))
    return values
