"""The arms: a grid of panels, or a line per arm; and the keys that choose, pause and stop them."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.geometry import Region

from inittui.board.source import BoardSource
from inittui.board.state import Board
from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.tui import steering
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.layout import Plan
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.views import arm
from inittui.tui.views.arm import ArmPanel
from inittui.tui.views.errors import ErrorsScreen
from inittui.tui.widgets.board_view import BoardView
from inittui.tui.widgets.panel import Panel, drawn
from inittui.tui.widgets.question import Question

MOST_PANELS = 60  # more arms than that have a line each and no panel


class ArmLines(Panel):
    """A line per arm."""

    BORDERED = False

    def __init__(self, glyphs: Glyphs, board: Board) -> None:
        super().__init__(glyphs, id="lines")
        self._board, self._log, self._chosen = board, True, -1

    def show(self, board: Board, *, log: bool, chosen: int | None) -> None:
        self._board, self._log, self._chosen = board, log, -1 if chosen is None else chosen
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        return [
            arm.line(self._board, arm_index, width, self.glyphs, log=self._log, chosen=arm_index == self._chosen)
            for arm_index in range(len(self._board.arms))
        ]


class ArmsPanel(VerticalScroll, BoardView, can_focus=False):
    """Scrolls where there are more arms than room."""

    NAME = "arms"
    TAKES = ("board", "log_scale", "chosen", "source")
    KEYS = (
        Key(
            "down,j",
            "scroll_arms(1)",
            "scroll the arms down, when there are many; the table, when it is alone",
            shown="down",
            group="Layout",
        ),
        Key("up,k", "scroll_arms(-1)", "scroll the arms up", shown="up", group="Layout"),
        Key("pagedown", "page_arms(1)", "a page of arms down", group="Layout"),
        Key("pageup", "page_arms(-1)", "a page of arms up", group="Layout"),
        Key(
            "p",
            "pause",
            "pause or resume the chosen arm, or all; a run that has ended continues from its checkpoints",
            "pause",
            group="Arms",
            rank=60,
        ),
        Key("x", "stop", "stop the chosen arm, or the run; asks first", "stop", group="Arms", rank=60),
        Key("tab", "choose(1)", "choose an arm for p and x: the next one; Esc: none", group="Arms"),
        Key("shift+tab", "choose(-1)", "the arm before", group="Arms"),
        Key("escape", "choose(0)", "no arm: p and x mean all of them", shown="Esc", group="Arms"),
        Key("e", "errors", "why an arm failed, in full", "errors", group="Arms", rank=60),
    )
    DEFAULT_CSS = """
    ArmsPanel { scrollbar-size-vertical: 1; }
    ArmsPanel > Grid { grid-gutter: 0; }
    """
    log_scale = drawn(True)
    chosen: drawn[int | None] = drawn(None)
    source: BoardSource

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id=self.NAME)
        self.glyphs = glyphs
        self._columns, self._panel_height = 1, 1
        self._panels: list[ArmPanel] = []
        self._lines: ArmLines | None = None

    def compose(self) -> ComposeResult:
        count = len(self.board.arms)
        indices = range(count if count <= MOST_PANELS else 0)
        self._panels = [ArmPanel(self.glyphs, arm_index, self.board) for arm_index in indices]
        self._lines = ArmLines(self.glyphs, self.board)
        with Grid():
            yield from self._panels
            yield self._lines

    def repaint(self) -> None:
        if self._lines is None or not self.display:
            return
        for arm_index, panel in enumerate(self._panels):
            panel.show(self.board, log=self.log_scale, chosen=arm_index == self.chosen)
        self._lines.show(self.board, log=self.log_scale, chosen=self.chosen)

    def laid_out(self, plan: Plan) -> None:
        """Show panels or lines, as the plan says."""
        as_panels = plan.arms_as == "panels" and bool(self._panels)
        self._columns, self._panel_height = plan.columns, plan.panel_height
        columns = plan.columns if as_panels else 1
        each = plan.panel_height if as_panels else len(self.board.arms)
        grid = self.query_one(Grid)
        grid.styles.grid_size_columns = columns
        grid.styles.grid_rows = str(each)
        grid.styles.height = each * -(-len(self._panels) // columns) if as_panels else each
        for panel in self._panels:
            panel.display = as_panels
        self.query_one(ArmLines).display = not as_panels

    def watch_chosen(self) -> None:
        """Scroll to the chosen arm."""
        if self.chosen is not None:
            height = self._panel_height
            row = Region(0, self.chosen // self._columns * height, 1, height)
            self.scroll_to_region(row, animate=False)

    def action_scroll_arms(self, by: int) -> None:
        self.scroll_relative(y=by * self._panel_height, animate=False)

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
