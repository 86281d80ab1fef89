"""The chart: a curve per arm, of the training cost, the test cost or the test accuracy."""

from inittui.board.state import Board
from inittui.tui.draw.charts import Series, line_chart
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.render_cache import RenderCache, epoch_key
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

METRICS = {
    "train_cost": "training cost per epoch",
    "test_cost": "test cost per epoch",
    "test_percent": "test accuracy, %",
}


class ChartPanel(BoardPanel):
    """Shows one metric at a time."""

    NAME = "chart"
    TAKES = ("board", "log_scale")
    KEYS = (
        Key("l", "toggle_log", "linear or logarithmic costs", "log/linear", group="Chart"),
        Key("c", "metric", "next curve: training cost, test cost, test accuracy", "curve", group="Chart"),
        Key("1", "zoom", "the chart alone; again: everything", "chart", group="Layout"),
    )
    metric = drawn("train_cost")  # a key of METRICS
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
        metrics = list(METRICS)
        self.metric = metrics[(metrics.index(self.metric) + 1) % len(metrics)]
        if not self.display:
            await self.come_forward()


def title(metric: str, *, log: bool) -> str:
    """What the chart shows: `training cost per epoch, log`."""
    return METRICS[metric] + (", log" if log and metric != "test_percent" else "")


def chart(board: Board, width: int, height: int, glyphs: Glyphs, *, metric: str, log: bool) -> list[Row]:
    """A line per arm, the mean of its seeds, between pale lines for the lowest and the highest seed. The x axis
    has all epochs from the start."""
    bands: list[Series] = []
    means: list[Series] = []
    for arm_index, arm in enumerate(board.arms):
        curve, style = arm.curve(metric), arm_style(arm_index)
        means.append(Series(curve.mean, glyphs.marker(arm_index), style))
        if len(arm.seeds) > 1:
            bands += [Series(edge, glyphs.dot, f"{style} soft", "bare") for edge in (curve.low, curve.high)]
    return line_chart(
        [*bands, *means],  # the means are drawn over the bands
        width,
        height,
        glyphs,
        last_x=max(arm.epochs for arm in board.arms),
        log=log and metric != "test_percent",
        empty="the first epoch is under way" if board.phase == "training" else board.detail or board.phase,
    )
