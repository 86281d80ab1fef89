"""What a person asks of a run: choose an arm, pause it and let it go on, stop it."""

from collections.abc import Callable

from textual.containers import VerticalScroll
from textual.geometry import Region
from textual.screen import Screen

from inittui.board.source import BoardSource
from inittui.board.state import Board
from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.tui import steering
from inittui.tui.draw.layout import Plan
from inittui.tui.screens.question import Question
from inittui.tui.widgets.panel import Panel


class SteeredScreen(Screen[None]):
    """A screen with a panel for each arm, and the keys that ask something of the run."""

    source: BoardSource
    board: Board
    chosen: int | None = None  # the arm that the keys for pause, stop and layers are for
    _plan: Plan | None
    _arms: list[Panel]

    def _repaint(self) -> None:
        raise NotImplementedError

    def action_choose(self, by: int, stay: bool = False) -> None:
        """Choose an arm, which `p` and `x` are then for; 0 chooses none, or with `stay` the same again."""
        count = len(self.board.arms)
        places = [None, *range(count)]
        if not stay:
            self.chosen = places[(places.index(self.chosen) + by) % (count + 1)] if by else None
        for place, panel in enumerate(self._arms):
            panel.frame = "accent bold" if place == self.chosen else "track"
        if self.chosen is not None and self._plan is not None:
            height = self._plan.panel_height
            row = Region(0, self.chosen // self._plan.columns * height, 1, height)
            self.query_one("#arms", VerticalScroll).scroll_to_region(row, animate=False)
        self._repaint()

    def action_pause(self) -> None:
        self._steer(steering.pause_or_go_on)

    def action_stop(self) -> None:
        if self.source.run is None or self.board.ended:
            self.notify("There is nothing to stop.", timeout=3)
            return
        arm = None if self.chosen is None else self.board.arms[self.chosen]
        what = "the run" if arm is None else arm.name
        answers = [("stop", "s", f"stop {what}: what it has so far is kept, and can be resumed")]
        self.app.push_screen(Question(f"stop {what}?", answers, "let it train"), self._stop_answered)

    def _stop_answered(self, answer: str | None) -> None:
        if answer:
            self._steer(steering.stop)

    def _steer(self, ask: Callable[[RunDir, Board, int | None], str]) -> None:
        """Ask something of the run, in a thread: its files may be slow."""
        run, board, chosen = self.source.run, self.board, self.chosen
        if run is None:
            self.notify("This is no run that is going on: there is nothing to ask of it.", timeout=3)
            return

        def work() -> None:
            try:
                words, severity = ask(run, board, chosen), "information"
            except RunError as error:
                words, severity = str(error), "error"
            except OSError as error:  # the run's folder can't be written, or its supervisor has just gone
                words, severity = f"run '{run.name}' can't be asked: {reason(error)}", "error"
            self.app.call_from_thread(self.notify, words, severity=severity, timeout=4, markup=False)

        self.run_worker(work, thread=True)
