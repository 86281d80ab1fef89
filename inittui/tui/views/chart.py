"""The chart: a curve per arm, of the training cost, the test cost or the test accuracy."""

from inittui.tui.draw.charts import Series, line_chart
from inittui.tui.draw.glyphs import arm_style
from inittui.tui.draw.render_cache import epoch_key
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
        Key("l", "screen.toggle_log", "linear or logarithmic costs", "log/linear", group="Chart"),
        Key("c", "metric", "next curve: training cost, test cost, test accuracy", "curve", group="Chart"),
        Key("1", "zoom", "the chart alone; again: everything", "chart", group="Layout"),
    )
    metric = drawn("train_cost")  # a key of METRICS
    log_scale = drawn(True)

    @property
    def logarithmic(self) -> bool:
        return self.log_scale and self.metric != "test_percent"

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [(METRICS[self.metric] + (", log" if self.logarithmic else ""), "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        key = (width, height, self.metric, self.logarithmic, *epoch_key(self.board))
        return self.cached(key, lambda: self._curves(width, height))

    def _curves(self, width: int, height: int) -> list[Row]:
        """A line per arm, the mean of its seeds, between pale lines for the lowest and the highest seed. The x axis
        has all epochs from the start."""
        board = self.board
        bands: list[Series] = []
        means: list[Series] = []
        for arm_index, arm in enumerate(board.arms):
            curve, style = arm.curve(self.metric), arm_style(arm_index)
            means.append(Series(curve.mean, self.glyphs.marker(arm_index), style))
            if len(arm.seeds) > 1:
                edges = (curve.low, curve.high)
                bands += [Series(edge, self.glyphs.dot, f"{style} soft", "bare") for edge in edges]
        return line_chart(
            [*bands, *means],  # the means are drawn over the bands
            width,
            height,
            self.glyphs,
            last_x=max(arm.epochs for arm in board.arms),
            log=self.logarithmic,
            empty="the first epoch is under way" if board.phase == "training" else board.detail or board.phase,
        )

    async def action_metric(self) -> None:
        metrics = list(METRICS)
        self.metric = metrics[(metrics.index(self.metric) + 1) % len(metrics)]
        if not self.display:
            await self.come_forward()
