"""The arms' curves over each other."""

from inittui.board import Board
from inittui.tui.look import Look, Row, arm_style
from inittui.tui.plots import Series, line_chart

METRICS = ("cost", "test cost", "accuracy")
_VALUES = {
    "cost": lambda point: point.train_cost,
    "test cost": lambda point: point.test_cost,
    "accuracy": lambda point: 100 * point.test_accuracy,
}


def title(metric: str, *, log: bool) -> str:
    """What the chart shows: `mean training cost per epoch, log`."""
    what = {"cost": "training cost per epoch", "test cost": "test cost per epoch", "accuracy": "test accuracy, %"}
    return what[metric] + (", log" if log and metric != "accuracy" else "")


def chart(board: Board, width: int, height: int, look: Look, *, metric: str, log: bool) -> list[Row]:
    """One line an arm, averaged over its seeds, between pale lines of the lowest and the highest seed.
    x runs over all epochs from the start."""
    value = _VALUES[metric]
    series: list[Series] = []
    for place, arm in enumerate(board.arms):
        if len(arm.seeds) > 1:
            band = arm.band(value)
            edges = [[low for low, _ in band], [high for _, high in band]]
            series += [Series(edge, look.dot, f"{arm_style(place)} soft", "bare") for edge in edges]
    # The means last: they are drawn over the bands.
    series += [Series(arm.mean(value), look.marker(place), arm_style(place)) for place, arm in enumerate(board.arms)]
    return line_chart(
        series,
        width,
        height,
        look,
        last_x=max(arm.epochs for arm in board.arms),
        log=log and metric != "accuracy",
        empty="the first epoch is under way" if board.phase == "training" else board.detail or board.phase,
    )
