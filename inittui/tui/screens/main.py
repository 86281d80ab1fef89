"""The dashboard's screen: it owns the board, hands it to the panels, places them, and offers them the keys."""

import os

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from inittui.board.source import BoardSource, ReplaySource
from inittui.board.state import Board
from inittui.launch import notify
from inittui.record.gallery import Gallery
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.layout import plan
from inittui.tui.draw.rows import SMALLEST
from inittui.tui.keys import Key
from inittui.tui.messages import BoardChanged, MachineChanged
from inittui.tui.screens.help import HelpScreen
from inittui.tui.terminal import textual_private
from inittui.tui.views import header, result
from inittui.tui.views.arm import OpenedArmPanel
from inittui.tui.views.arms import ArmsPanel
from inittui.tui.views.chart import ChartPanel
from inittui.tui.views.header import HeaderPanel
from inittui.tui.views.layers import LayersPanel
from inittui.tui.views.machine import MachinePanel
from inittui.tui.views.matrix import MatrixPanel
from inittui.tui.views.result import ResultPanel
from inittui.tui.views.sample import SamplePanel
from inittui.tui.widgets.board_view import BoardPanel, BoardView
from inittui.tui.widgets.key_line import KeyLine
from inittui.tui.widgets.question import LeaveQuestion

# In the order in which keys are offered. A panel's NAME is its region in draw/layout.py; a panel without a region there is
# shown only alone.
PANELS: tuple[type[BoardPanel | ArmsPanel], ...] = (
    HeaderPanel,
    ChartPanel,
    ResultPanel,
    SamplePanel,
    LayersPanel,
    MatrixPanel,
    OpenedArmPanel,
    ArmsPanel,
    MachinePanel,
)
KEYS = (
    Key("r", "app.runs", "the runs: open another one, compare two, delete", "runs"),
    Key("t", "app.toggle_theme", "dark or light colours"),
    Key("ctrl+p", "app.command_palette", "command palette: themes, screenshot, every action", shown="^p"),
    Key("question_mark,f1", "help", "this help", "help", shown="?"),
    Key("q,ctrl+q,ctrl+c", "leave", "leave; asks first while it trains", "leave"),
)


def all_keys() -> list[Key]:
    """The keys of every panel and of the screen."""
    return [key for owner in PANELS for key in owner.KEYS] + list(KEYS)


def _bindings() -> list[BindingType]:
    """One binding per key: which panel it is for is decided when it is pressed."""
    first = {key.keys: key for key in reversed(all_keys())}
    return [Binding(keys, f"press('{keys}')", key.help, show=False) for keys, key in first.items()]


class MainScreen(Screen[None]):
    """Everything on one screen, laid out for the terminal's size."""

    BINDINGS = _bindings()
    KEYS = KEYS
    DEFAULT_CSS = """
    MainScreen { overflow: hidden; background: $background; color: $foreground; }
    MainScreen > .placed { position: absolute; }
    MainScreen #too-small { width: 100%; height: 100%; content-align: center middle; display: none; }
    """

    def __init__(self, source: BoardSource, glyphs: Glyphs, board: Board | None = None) -> None:
        """`board` is the source's first board, if the source has been polled already."""
        super().__init__()
        self.source = source
        self.glyphs = glyphs
        self.board: Board = board or source.poll()
        self.gallery: Gallery | None = None
        self.chosen: int | None = None  # the arm that pause, stop and layers are for
        self.log_scale = True
        self.zoom = MatrixPanel.NAME if self.board.preset.sweep else ""  # the panel that is shown alone
        self.panels = [panel(glyphs) for panel in PANELS]
        self._footer = KeyLine(glyphs)
        for widget in (*self.panels, self._footer):
            widget.add_class("placed")
        self._share(source=source, board=self.board, gallery=None, chosen=None, log_scale=True)

    def _share(self, **values: object) -> None:
        """Set values here and in the panels that take them."""
        for name, value in values.items():
            for owner in (self, *(panel for panel in self.panels if name in panel.TAKES)):
                setattr(owner, name, value)

    def compose(self) -> ComposeResult:
        yield from self.panels
        yield self._footer
        yield Static(id="too-small")

    def on_mount(self) -> None:
        self._lay_out()

    def on_resize(self) -> None:
        if self.is_mounted:  # the first resize may come before the widgets
            self._lay_out()

    def on_board_changed(self, message: BoardChanged) -> None:
        before, board = self.board, message.board
        # The pictures of a run that was stopped and is resumed are out of date.
        gallery = (self.gallery or self.source.gallery()) if board.ended else None
        if gallery is not self.gallery:
            self._share(gallery=gallery)
        self._share(board=board)
        if self.source.live and board.phase == "refused":
            self.app.exit("done")  # there is nothing to show; the command line prints the reason
            return
        if self.source.live and board.ended and not before.ended:  # a bell, and a notification where there are any
            textual_private.send(self.app, notify.to_terminal(f"inittui: {board.run} {board.phase}", os.environ))
        if _layout_of(before) != _layout_of(board):
            self._lay_out()

    def on_machine_changed(self, message: MachineChanged) -> None:
        self._share(machine=message.machine)

    def _lay_out(self) -> None:
        """Place the panels for this size, and paint them."""
        if self.app.return_code is not None:  # the app is exiting: its widgets may not be mounted
            return
        width, height = self.size
        layout = plan(
            width,
            height,
            len(self.board.arms),
            table=lambda inside: result.rows_needed(self.board, inside),
            ended=self.board.ended,
            zoom=self.zoom,
            whole=any(panel.WHOLE for panel in self.panels if self.zoom == panel.NAME),
            note=bool(header.note(self.board)),
        )
        small = self.query_one("#too-small", Static)
        small.display = layout is None
        if layout is None:
            small.update(f"inittui needs {SMALLEST[0]}x{SMALLEST[1]},\nthis is {width}x{height}")
        for widget in self.query(".placed"):
            region = layout.regions.get(widget.id or "") if layout else None
            widget.display = region is not None and region.area > 0
            if region is not None:
                widget.styles.offset = (region.x, region.y)
                widget.styles.width = region.width
                widget.styles.height = region.height
        for panel in self.panels:
            if panel.alone != (self.zoom == panel.NAME):
                panel.alone = not panel.alone
            if layout is not None:
                panel.laid_out(layout)
        self._footer.keys = self._keys_named()
        self.call_after_refresh(self._repaint)

    def _repaint(self) -> None:
        for panel in self.panels:
            panel.repaint()
        self._footer.repaint()

    def keys(self) -> list[tuple["BoardView | MainScreen", Key]]:
        """Each key with its owner, in the order of the panels, the screen's own keys last."""
        replay = isinstance(self.source, ReplaySource)
        owners: list[BoardView | MainScreen] = [*self.panels, self]
        return [(owner, key) for owner in owners for key in owner.KEYS if replay or not key.replay]

    def shows_alone(self, owner: "BoardView | MainScreen") -> bool:
        """Whether `owner` is the panel that is shown alone."""
        return isinstance(owner, BoardView) and self.zoom == owner.NAME

    def _keys_named(self) -> list[Key]:
        """The keys for the footer, the most important first: those of the panel that is shown alone."""
        ranked = []
        for owner, key in self.keys():
            when_alone = key.only_alone or key.named_alone
            if (isinstance(owner, BoardView) and not owner.keys_named) or (when_alone and not self.shows_alone(owner)):
                continue
            rank = key.rank if key.rank_ended is None or not self.board.ended else key.rank_ended
            ranked.append((0 if when_alone else rank, key))
        return [key for _, key in sorted(ranked, key=lambda pair: pair[0])]

    async def action_press(self, keys: str) -> None:
        """Run the key's action: of the panel that is shown alone, else of the first panel that has the key."""
        offers = [(self.shows_alone(owner), owner, key) for owner, key in self.keys() if key.keys == keys]
        for alone, owner, key in sorted(offers, key=lambda offer: not offer[0]):
            if alone or not key.only_alone:
                await owner.run_action(key.action)
                return

    def action_zoom(self, name: str) -> None:
        """Show a panel alone; if it is alone, show everything."""
        self.zoom = "" if self.zoom == name else name
        self._lay_out()

    def action_show(self, name: str) -> None:
        """Show a panel alone."""
        if self.zoom != name:
            self.action_zoom(name)

    def action_choose(self, chosen: int | None) -> None:
        self._share(chosen=chosen)

    def action_toggle_log(self) -> None:
        self._share(log_scale=not self.log_scale)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.glyphs, [key for _, key in self.keys()]))

    def action_leave(self) -> None:
        if not self.source.live or self.board.ended:
            self.app.exit("done")
            return
        self.app.push_screen(LeaveQuestion(paused=self.board.paused), self._left)

    def _left(self, answer: str | None) -> None:
        if answer in ("keep", "stop"):
            self.app.exit(answer)


def _layout_of(board: Board) -> tuple[bool, ...]:
    """What the layout depends on: it is planned again when this changes."""
    return board.ended, bool(board.result), bool(header.note(board))
