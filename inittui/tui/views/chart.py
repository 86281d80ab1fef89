"""The arms' curves over each other."""

from inittui.board.state import Board
from inittui.tui.draw.charts import Series, line_chart
from inittui.tui.draw.glyphs import Look, Row, arm_style

METRICS = ("cost", "test cost", "accuracy")
_FIGURES = {"cost": "train_cost", "test cost": "test_cost", "accuracy": "test_accuracy"}


def title(metric: str, *, log: bool) -> str:
    """What the chart shows: `mean training cost per epoch, log`."""
    what = {"cost": "training cost per epoch", "test cost": "test cost per epoch", "accuracy": "test accuracy, %"}
    return what[metric] + (", log" if log and metric != "accuracy" else "")


def chart(board: Board, width: int, height: int, look: Look, *, metric: str, log: bool) -> list[Row]:
    """One line an arm, averaged over its seeds, between pale lines of the lowest and the highest seed.
    x runs over all epochs from the start."""
    curves = [arm.curve(_FIGURES[metric]) for arm in board.arms]
    factor = 100 if metric == "accuracy" else 1
    series: list[Series] = []
    for place, curve in enumerate(curves):
        if len(board.arms[place].seeds) > 1:
            edges = [edge.times(factor) for edge in (curve.low, curve.high)]
            series += [Series(edge, look.dot, f"{arm_style(place)} soft", "bare") for edge in edges]
    # The means last: they are drawn over the bands.
    series += [
        Series(curve.mean.times(factor), look.marker(place), arm_style(place)) for place, curve in enumerate(curves)
    ]
    return line_chart(
        series,
        width,
        height,
        look,
        last_x=max(arm.epochs for arm in board.arms),
        log=log and metric != "accuracy",
        empty="the first epoch is under way" if board.phase == "training" else board.detail or board.phase,
    )
