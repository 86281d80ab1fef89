"""The arms: a grid of panels, or a line per arm; and the keys that choose, pause and stop them."""

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.geometry import Region

from inittui.board.source import BoardSource
from inittui.board.state import Board
from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.tui import steering
from inittui.tui.draw.border import BORDER
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.layout import Plan
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.views import arm
from inittui.tui.views.errors import ErrorsScreen
from inittui.tui.widgets.board_view import BoardView
from inittui.tui.widgets.panel import Panel, drawn
from inittui.tui.widgets.question import Question

MOST_PANELS = 60  # more arms than that have a line each and no panel

_layout_key = partial(Key, group="Layout")
_arms_key = partial(Key, group="Arms", rank=60)


class ArmPanel(Panel):
    """An arm in the grid."""

    def __init__(self, arms: "ArmsPanel", arm_index: int) -> None:
        super().__init__(arms.glyphs, id=f"arm-{arm_index}")
        self._arms, self._arm_index = arms, arm_index

    @property
    def border_key(self) -> str:
        return "accent bold" if self._arm_index == self._arms.chosen else BORDER

    def title(self, width: int) -> Row:
        return arm.title(self._arms.board.arms[self._arm_index], self._arm_index, self.glyphs, width)

    def paint(self, width: int, height: int) -> list[Row]:
        arms = self._arms
        return arm.panel(arms.board, self._arm_index, width, height, self.glyphs, log=arms.log_scale)


class ArmLines(Panel):
    """A line per arm."""

    BORDERED = False

    def __init__(self, arms: "ArmsPanel") -> None:
        super().__init__(arms.glyphs, id="lines")
        self._arms = arms

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        board, chosen, log = self._arms.board, self._arms.chosen, self._arms.log_scale
        return [
            arm.line(board, arm_index, width, self.glyphs, log=log, chosen=arm_index == chosen)
            for arm_index in range(len(board.arms))
        ]


class ArmsPanel(VerticalScroll, BoardView, can_focus=False):
    """Scrolls where there are more arms than room."""

    NAME = "arms"
    TAKES = ("board", "log_scale", "chosen", "source")
    KEYS = (
        _layout_key(
            "down,j",
            "scroll_arms(1)",
            "scroll the arms down, when there are many; the table, when it is alone",
            shown="down",
        ),
        _layout_key("up,k", "scroll_arms(-1)", "scroll the arms up", shown="up"),
        _layout_key("pagedown", "page_arms(1)", "a page of arms down"),
        _layout_key("pageup", "page_arms(-1)", "a page of arms up"),
        _arms_key(
            "p",
            "pause",
            "pause or resume the chosen arm, or all; a run that has ended continues from its checkpoints",
            "pause",
        ),
        _arms_key("x", "stop", "stop the chosen arm, or the run; asks first", "stop"),
        _arms_key("tab", "choose(1)", "choose an arm for p and x: the next one; Esc: none"),
        _arms_key("shift+tab", "choose(-1)", "the arm before"),
        _arms_key("escape", "choose(0)", "no arm: p and x mean all of them", shown="Esc"),
        _arms_key("e", "errors", "why an arm failed, in full", "errors"),
    )
    DEFAULT_CSS = "ArmsPanel { scrollbar-size-vertical: 1; }"
    log_scale = drawn(True)
    chosen: drawn[int | None] = drawn(None)
    source: BoardSource

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id=self.NAME)
        self.glyphs = glyphs
        self._plan = Plan()
        self._panels: list[ArmPanel] = []
        self._lines = ArmLines(self)

    def compose(self) -> ComposeResult:
        count = len(self.board.arms)
        self._panels = [ArmPanel(self, arm_index) for arm_index in range(count if count <= MOST_PANELS else 0)]
        with Grid():
            yield from self._panels
            yield self._lines

    def repaint(self) -> None:
        for panel in (*self._panels, self._lines):
            panel.repaint()

    def laid_out(self, plan: Plan) -> None:
        """Show panels or lines, as the plan says."""
        self._plan = plan
        as_panels = plan.arms_as == "panels" and bool(self._panels)
        columns = plan.columns if as_panels else 1
        each = plan.panel_height if as_panels else len(self.board.arms)
        grid = self.query_one(Grid)
        grid.styles.grid_size_columns = columns
        grid.styles.grid_rows = str(each)
        grid.styles.height = each * -(-len(self._panels) // columns) if as_panels else each
        for panel in self._panels:
            panel.display = as_panels
        self._lines.display = not as_panels

    def watch_chosen(self) -> None:
        """Scroll to the chosen arm."""
        if self.chosen is not None:
            height = self._plan.panel_height
            self.scroll_to_region(Region(0, self.chosen // self._plan.columns * height, 1, height), animate=False)

    def action_scroll_arms(self, by: int) -> None:
        self.scroll_relative(y=by * self._plan.panel_height, animate=False)

    def action_page_arms(self, by: int) -> None:
        self.scroll_relative(y=by * self.size.height, animate=False)

    async def action_choose(self, by: int) -> None:
        """Choose the next or the previous arm, for pause, stop and the layers; 0 chooses none."""
        choices = [None, *range(len(self.board.arms))]
        chosen = choices[(choices.index(self.chosen) + by) % len(choices)] if by else None
        await self.screen.run_action(f"choose({chosen})")

    def action_pause(self) -> None:
        self._request(steering.pause_or_continue)

    def action_stop(self) -> None:
        if self.source.run is None or self.board.ended:
            self.notify("There is nothing to stop.", timeout=3)
            return
        what = "the run" if self.chosen is None else self.board.arms[self.chosen].name
        answers = [("stop", "s", f"stop {what}: its results so far are kept; it can be resumed")]
        self.app.push_screen(Question(f"stop {what}?", answers, "let it train"), self._stop_answered)

    def _stop_answered(self, answer: str | None) -> None:
        if answer:
            self._request(steering.stop)

    def _request(self, request: Callable[[RunDir, Board, int | None], str]) -> None:
        """Leave a request for the run, in a thread, because its files may be slow."""
        run, board, chosen = self.source.run, self.board, self.chosen
        if run is None:
            self.notify("This is not a live run: it can't be paused or stopped.", timeout=3)
            return

        def work() -> None:
            try:
                words, severity = request(run, board, chosen), "information"
            except RunError as error:
                words, severity = str(error), "error"
            except OSError as error:  # the run's folder can't be written, or its supervisor has just gone
                words, severity = f"run '{run.name}' can't be asked: {reason(error)}", "error"
            self.app.call_from_thread(self.notify, words, severity=severity, timeout=4, markup=False)

        self.run_worker(work, thread=True)

    def action_errors(self) -> None:
        self.app.push_screen(ErrorsScreen(self.board))
