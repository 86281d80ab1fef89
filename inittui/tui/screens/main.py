"""The dashboard's screen. It owns the state and hands it to the panels; they know nothing of each other."""

import os

from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.widgets import Static

from inittui.board.source import BoardSource, ReplaySource
from inittui.board.state import Board
from inittui.launch import notify
from inittui.record.gallery import Gallery
from inittui.tui import keys
from inittui.tui.draw.glyphs import Look
from inittui.tui.draw.layout import SMALLEST, Plan, Region, Zoom
from inittui.tui.faces import MOST_PANELS, Face, arm_face, faces, key_line, planned
from inittui.tui.messages import BoardChanged, MachineChanged
from inittui.tui.screens.errors import ErrorsScreen
from inittui.tui.screens.help import HelpScreen
from inittui.tui.screens.layered import LayeredScreen
from inittui.tui.screens.leave import LeaveScreen
from inittui.tui.screens.mapped import MappedScreen
from inittui.tui.screens.reading import ReadingScreen
from inittui.tui.screens.steered import SteeredScreen
from inittui.tui.terminal import textual_private
from inittui.tui.views import chart, header
from inittui.tui.views.machine import Machine
from inittui.tui.views.sample import Shown
from inittui.tui.widgets.footer import KeyLine
from inittui.tui.widgets.panel import Panel

PLACED = ("header", "arms", "chart", "result", "sample", "layers", "matrix", "alone", "machine", "footer")


class MainScreen(MappedScreen, ReadingScreen, SteeredScreen, LayeredScreen):
    """Everything on one screen, laid out for the terminal's size."""

    BINDINGS = keys.bindings()
    DEFAULT_CSS = """
    MainScreen { overflow: hidden; background: $background; color: $foreground; }
    MainScreen > .placed { position: absolute; }
    MainScreen #arms { scrollbar-size-vertical: 1; }
    MainScreen #grid { grid-gutter: 0; }
    MainScreen #too-small { width: 100%; height: 100%; content-align: center middle; display: none; }
    """

    def __init__(self, source: BoardSource, look: Look, board: Board | None = None) -> None:
        """`board` is the source's first board, if the source has been polled already."""
        super().__init__()
        self.source = source
        self.look = look
        self.board: Board = board or source.poll()
        self.gallery: Gallery | None = None
        self.shown = Shown()
        self.metric = chart.METRICS[0]
        self.log_scale = True
        self.zoom: Zoom = "matrix" if self.board.preset.sweep else ""
        self.measured: Machine | None = None
        self._plan: Plan | None = None
        self._parts = {name: self._panel(name, face) for name, face in faces(self).items() if name != "footer"}
        self._chart, self._result, self._sample = (self._parts[name] for name in ("chart", "result", "sample"))
        self._layers, self._matrix, self._lines = (self._parts[name] for name in ("layers", "matrix", "lines"))
        count = len(self.board.arms)
        self._arms = [
            self._panel(f"arm-{place}", arm_face(self, place)) for place in range(count if count <= MOST_PANELS else 0)
        ]
        self._footer = KeyLine(look, lambda: key_line(self))
        for name in PLACED:
            if name in self._parts:
                self._parts[name].add_class("placed")
        self._footer.add_class("placed")

    def _panel(self, name: str, face: Face) -> Panel:
        """A panel sees the state through its face, and gives it its size."""
        panel = Panel(self.look, id=name, framed=face.title is not None)
        panel.paint, panel.title = face.paint, face.title or panel.title
        return panel

    def compose(self) -> ComposeResult:
        parts = dict(self._parts)
        yield parts.pop("header")
        with VerticalScroll(id="arms", classes="placed", can_focus=False), Grid(id="grid"):
            yield from self._arms
            yield parts.pop("lines")
        yield from parts.values()
        yield self._footer
        yield Static(id="too-small")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._clock_ticks)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._restyle())
        self._lay_out()

    def on_resize(self) -> None:
        if self.is_mounted:  # the first resize may come before the widgets
            self._lay_out()

    def on_board_changed(self, message: BoardChanged) -> None:
        before, self.board = self.board, message.board
        if self.source.live and self.board.phase == "refused":
            self.app.exit("done")  # bad input: there is nothing to look at, and the command line says what was wrong
            return
        if self.source.live and self.board.ended and not before.ended:
            self._ring()
        if not message.board.ended:
            self.gallery = None  # of a run that was stopped and goes on, the pictures are out of date
        elif self.gallery is None:
            self.gallery = self.source.gallery()
        if (
            before.ended != self.board.ended
            or bool(before.result) != bool(self.board.result)
            or self._note_moved(before)
        ):
            self._lay_out()
        else:
            self._repaint()

    def _ring(self) -> None:
        """Ring the bell at the end of a run, with a notification where the terminal shows one."""
        words = f"inittui: {self.board.run} {self.board.phase}"
        textual_private.send(self.app, notify.to_terminal(words, os.environ))

    def on_machine_changed(self, message: MachineChanged) -> None:
        self.measured = message.machine
        self._parts["machine"].repaint()

    def _note_moved(self, before: Board) -> bool:
        return header.has_note(before) != header.has_note(self.board)

    def _clock_ticks(self) -> None:
        """The clock goes on between events; when all is over nothing moves, and nothing is computed."""
        if not self.board.ended or self.source.tag:
            self._parts["header"].repaint()

    def _lay_out(self) -> None:
        """Place the panels for this size, and paint them."""
        if self.app.return_code is not None:  # the app is exiting: its widgets may not be mounted
            return
        width, height = self.size
        self._plan = planned(self, width, height)
        small = self.query_one("#too-small", Static)
        small.display = self._plan is None
        if self._plan is None:
            small.update(f"inittui needs {SMALLEST[0]}x{SMALLEST[1]},\nthis is {width}x{height}")
        regions = self._plan.regions if self._plan else {}
        for name in PLACED:
            self._put(name, regions.get(name))
        if self._plan is not None:
            self._lay_out_arms(self._plan)
        self.call_after_refresh(self._repaint)

    def _put(self, name: str, region: Region | None) -> None:
        widget = self.query_one(f"#{name}")
        widget.display = region is not None and region.area > 0
        if region is not None:
            widget.styles.offset = (region.x, region.y)
            widget.styles.width = region.width
            widget.styles.height = region.height

    def _lay_out_arms(self, found: Plan) -> None:
        panels = found.arms_as == "panels" and bool(self._arms)
        columns = found.columns if panels else 1
        each = found.panel_height if panels else len(self.board.arms)
        grid = self.query_one("#grid", Grid)
        grid.styles.grid_size_columns = columns
        grid.styles.grid_rows = str(each)
        grid.styles.height = each * -(-len(self._arms) // columns) if panels else each
        for panel in self._arms:
            panel.display = panels
        self._lines.display = not panels

    def _repaint(self) -> None:
        hidden = () if self._plan is None or "arms" in self._plan.regions else (*self._arms, self._lines)
        for panel in self.query(Panel):
            if panel.display and panel not in hidden:
                panel.repaint()

    def _opened(self) -> None:
        self.action_choose(0, stay=True)

    def action_choose(self, by: int, stay: bool = False) -> None:
        if self.zoom == "alone" and not by and not stay:
            self.zoom = "matrix"
            self._lay_out()
        super().action_choose(by, stay)

    def action_image(self, by: int) -> None:
        self.move(0, by) if self.zoom == "matrix" else super().action_image(by)

    def action_quantity(self, by: int) -> None:
        self.turn(by) if self.zoom == "matrix" else super().action_quantity(by)

    def _restyle(self) -> None:
        for panel in self.query(Panel):
            panel.restyle()

    def action_toggle_log(self) -> None:
        self.log_scale = not self.log_scale
        self._repaint()

    def action_metric(self) -> None:
        self.metric = chart.METRICS[(chart.METRICS.index(self.metric) + 1) % len(chart.METRICS)]
        if not self._chart.display:
            self.zoom = "chart"
            self._lay_out()
        self._chart.repaint()

    def action_zoom(self, name: Zoom) -> None:
        self.zoom, self.top = "" if self.zoom == name else name, 0
        self._lay_out()

    def action_scroll_arms(self, by: int) -> None:
        if self.zoom == "matrix":
            self.move(by, 0)
        elif self.zoom == "result":
            self._scroll_table(by)
        else:
            height = self._plan.panel_height if self._plan else 1
            self.query_one("#arms", VerticalScroll).scroll_relative(y=by * height, animate=False)

    def action_page_arms(self, by: int) -> None:
        if self.zoom == "result":
            self._scroll_table(by * max(1, self._result.inside.height - 2))
        else:
            box = self.query_one("#arms", VerticalScroll)
            box.scroll_relative(y=by * box.size.height, animate=False)

    def action_hold(self) -> None:
        if isinstance(self.source, ReplaySource):
            self.source.held = not self.source.held
            self._parts["header"].repaint()

    def action_speed(self, factor: float) -> None:
        if isinstance(self.source, ReplaySource):
            self.source.speed = min(10_000.0, max(0.01, self.source.speed * factor))
            self._parts["header"].repaint()

    def action_to_end(self) -> None:
        if isinstance(self.source, ReplaySource):
            self.source.to_end()

    def action_errors(self) -> None:
        self.app.push_screen(ErrorsScreen(self.board))

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.look, replay=isinstance(self.source, ReplaySource)))

    def action_leave(self) -> None:
        if not self.source.live or self.board.ended:
            self.app.exit("done")
            return
        self.app.push_screen(LeaveScreen(paused=self.board.paused), self._left)

    def _left(self, answer: str | None) -> None:
        if answer in ("keep", "stop"):
            self.app.exit(answer)
