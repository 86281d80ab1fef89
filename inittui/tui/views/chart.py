"""The chart: a curve per arm, of the training cost, the test cost or the test accuracy."""

from inittui.board.state import Board
from inittui.tui.draw.charts import Series, line_chart
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.render_cache import RenderCache, epoch_key
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

METRICS = ("cost", "test cost", "accuracy")
_FIGURES = {"cost": "train_cost", "test cost": "test_cost", "accuracy": "test_accuracy"}


class ChartPanel(BoardPanel):
    """Shows one metric at a time."""

    NAME = "chart"
    TAKES = ("board", "log_scale")
    KEYS = (
        Key("l", "toggle_log", "linear or logarithmic costs", "log/linear", group="Chart"),
        Key("c", "metric", "next curve: training cost, test cost, test accuracy", "curve", group="Chart"),
        Key("1", "zoom", "the chart alone; again: everything", "chart", group="Layout"),
    )
    metric = drawn(METRICS[0])
    log_scale = drawn(True)

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs)
        self._cached = RenderCache()

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [(title(self.metric, log=self.log_scale), "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        board, metric, log = self.board, self.metric, self.log_scale
        return self._cached(
            (width, height, metric, log, *epoch_key(board)),
            lambda: chart(board, width, height, self.glyphs, metric=metric, log=log),
        )

    async def action_toggle_log(self) -> None:
        """The arms' curves have the same scale."""
        await self.screen.run_action("toggle_log")

    async def action_metric(self) -> None:
        self.metric = METRICS[(METRICS.index(self.metric) + 1) % len(METRICS)]
        if not self.display:
            await self.come_forward()


def title(metric: str, *, log: bool) -> str:
    """What the chart shows: `mean training cost per epoch, log`."""
    what = {"cost": "training cost per epoch", "test cost": "test cost per epoch", "accuracy": "test accuracy, %"}
    return what[metric] + (", log" if log and metric != "accuracy" else "")


def chart(board: Board, width: int, height: int, glyphs: Glyphs, *, metric: str, log: bool) -> list[Row]:
    """A line per arm, the mean of its seeds, between pale lines for the lowest and the highest seed. The x axis
    has all epochs from the start."""
    curves = [arm.curve(_FIGURES[metric]) for arm in board.arms]
    factor = 100 if metric == "accuracy" else 1
    series: list[Series] = []
    for arm_index, curve in enumerate(curves):
        if len(board.arms[arm_index].seeds) > 1:
            edges = [edge.times(factor) for edge in (curve.low, curve.high)]
            series += [Series(edge, glyphs.dot, f"{arm_style(arm_index)} soft", "bare") for edge in edges]
    # The means come last because they are drawn over the bands.
    series += [
        Series(curve.mean.times(factor), glyphs.marker(arm_index), arm_style(arm_index))
        for arm_index, curve in enumerate(curves)
    ]
    return line_chart(
        series,
        width,
        height,
        glyphs,
        last_x=max(arm.epochs for arm in board.arms),
        log=log and metric != "accuracy",
        empty="the first epoch is under way" if board.phase == "training" else board.detail or board.phase,
    )
