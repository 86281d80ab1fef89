"""What the dashboard's tests share: boards in every state, a source that a test controls, and a screen's text."""

import math
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace
from rich.segment import Segment
from textual.app import App
from textual.notifications import SeverityLevel
from textual.pilot import Pilot
from textual.strip import Strip

from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.board.source import BoardSource, StillSource
from inittui.board.state import Board
from inittui.experiment.preset import Preset
from inittui.record import events
from inittui.record.gallery import Gallery
from inittui.record.run_directory import RunDir
from inittui.tui.app import Dashboard
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row
from inittui.tui.views.chart import ChartPanel
from inittui.tui.views.result import ResultPanel
from inittui.tui.views.sample import SamplePanel, SampleViewState
from inittui.tui.widgets.panel import Panel
from tests.galleries import canned_gallery
from tests.helpers import Canned, board_of, canned_events, finished_board, preset, running_board

SIZES = ((120, 40), (80, 24), (60, 20))
NOTE = "MNIST can't be had, the 8x8 digits stand in for it"
MARKUP = "[red]x[/]"
WIDE = "漢字 かな 🙂"

FAILED = events.Failed(kind="cost", reason="cost not finite in epoch 2", detail="Traceback\nValueError: nan")
STOPPED = events.Stopped(reason="stopped by a person")

# Where arithmetic and drawing go wrong, first of all.
LARGEST = sys.float_info.max
EDGES = (0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-12, 1.0, 1e307, 1e308, -1e308, LARGEST, -LARGEST)
numbers = st.one_of(
    st.none(), st.floats(), st.sampled_from((*EDGES, math.nan, math.inf, -math.inf)), st.floats(0.001, 100)
)
words = st.text(st.sampled_from("aB1 -…√漢字か한🙂🚀é\u0301ａ★"), max_size=30)


def text_of(row: Row) -> str:
    return "".join(text for text, _ in row)


def lines_of(rows: Sequence[Row]) -> list[str]:
    return [text_of(row) for row in rows]


def many(arms: int) -> list[dict[str, Any]]:
    """Rows for a preset of so many arms; every name is different, none is the beginning of another."""
    return [{"name": f"arm-{arm_index:02d}", "init": "he_normal"} for arm_index in range(arms)]


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "init": "he_normal"} for name in names]


@cache
def states() -> dict[str, Board]:
    """A board in every state that a viewer can meet."""
    of = preset(2)
    loading = board_of(of, canned_events(of, until=0.5))
    gone = fold(running_board(), events.Phase(t=2.1, phase="failed", detail="the supervisor is gone: killed"))
    by_name = {
        "before the first event": boards.begin(of, "canned-20260101-120000"),
        "starting": board_of(of, canned_events(of, until=0.1)),
        "loading": loading,
        "downloading": fold(loading, events.Download(t=0.6, name="mnist", done=4_000_000, total=11_600_000)),
        "downloading, size unknown": fold(loading, events.Download(t=0.6, name="mnist", done=9, total=0)),
        "data ready": board_of(of, canned_events(of, until=0.95)),
        "begun": board_of(of, canned_events(of, until=1.2)),
        "first epoch": board_of(of, canned_events(of, until=1.5)),
        "training": running_board(),
        "training, three seeds": running_board(seeds=3, until=3.0),
        "training, replaced data": running_board(note=NOTE),
        "an arm failed": running_board(3, endings={1: FAILED}, until=2.2),
        "an arm killed": running_board(endings={0: events.Gone(arm="", reason="killed by signal 9")}, until=2.2),
        "finished": finished_board(),
        "finished, three seeds": finished_board(seeds=3),
        "finished, one arm": finished_board(1),
        "finished, failed arm": finished_board(3, endings={1: FAILED}),
        "all failed before an epoch": finished_board(endings={0: FAILED, 1: FAILED}, ends_after=0),
        "stopped": finished_board(endings={0: STOPPED, 1: STOPPED}),
        "refused": fold(loading, events.Phase(t=0.7, phase="refused", detail="no data set 'mnist' here")),
        "supervisor gone": gone,
        "paused": paused_board(),
        "one arm paused": paused_board(0),
        "paused, three seeds": paused_board(t=3.1, seeds=3, until=3.0),
        "paused before it began": fold(
            board_of(of, canned_events(of, until=1.0)), events.Asked(t=1.05, verb="pause", arm="he_normal")
        ),
        "interrupted": fold(running_board(), INTERRUPTED),
        "interrupted before it trained": fold(loading, replace(INTERRUPTED, t=0.6)),
        "taken up again": fold(fold(running_board(), INTERRUPTED), RESUMED),
        "resumed": resumed_board(),
        "disk full": replace(running_board(), waiting_for="disk full"),
        "damaged records": replace(running_board(), faults=("a/events.jsonl, line 3: the checksum does not match",)),
        "one epoch": finished_board(epochs=1),
        "long names": finished_board(named("a" * 70, "b" * 70)),
        "wide names": finished_board(named(WIDE, "한글" * 9)),
        "markup": running_board(named(MARKUP, "[/]")),
        "forty arms": running_board(many(40)),
    }
    for name, value in {"none": None, "nan": math.nan, "inf": math.inf, "huge": 1e308, "low": -1e308}.items():
        by_name[f"cost {name}, training"] = with_cost(value)
        by_name[f"cost {name}, finished"] = with_cost(value, until=None)
    return by_name


def paused_board(*arms: int, t: float = 2.1, **story: Any) -> Board:
    """A run under way of which these arms are paused: all of them where none is given."""
    board = running_board(**story)
    for arm_index in arms or range(len(board.arms)):
        board = fold(board, events.Paused(t=t), arm_index)
    return board


INTERRUPTED = events.Phase(t=2.1, phase="interrupted", detail="the supervisor is gone; 'inittui resume canned' goes on")
RESUMED = events.Resumed(t=2.2, arms=("xavier_normal", "he_normal"), note="bit for bit: the same torch")


def resumed_board() -> Board:
    """A run that was interrupted in its second epoch and trains on from the end of the first."""
    board = fold(fold(running_board(), INTERRUPTED), events.Phase(t=2.15, phase="training"))
    board = fold(board, RESUMED)
    for arm_index, arm in enumerate(board.arms):
        board = fold(board, events.Hello(t=2.3, arm=arm.name, pid=5000 + arm_index), arm_index)
        board = fold(board, events.Restored(t=2.4, places=(events.Position(seed=777, epochs=1),)), arm_index)
    return board


def with_cost(value: float | None, *, until: float | None = 2.5) -> Board:
    """Two arms; the first one's cost is `value` from the second epoch on, the second one's always."""
    of = preset(2)
    canned = canned_events(of, costs=lambda arm, _, epoch: 0.5 if arm == 0 and epoch == 1 else value, until=until)
    return board_of(of, canned)


def sample_panel(
    board: Board, gallery: Gallery | None, state: SampleViewState | None = None, glyphs: Glyphs | None = None
) -> SamplePanel:
    """The sample panel, on no screen."""
    panel = SamplePanel(glyphs or Glyphs())
    panel.board, panel.gallery, panel.state = board, gallery, state or SampleViewState()
    return panel


def result_panel(
    board: Board, glyphs: Glyphs | None = None, *, alone: bool = False, each_seed: bool = False, top: int = 0
) -> ResultPanel:
    """The accuracy table, on no screen."""
    panel = ResultPanel(glyphs or Glyphs())
    panel.board, panel.alone, panel.each_seed, panel.top = board, alone, each_seed, top
    return panel


def chart_panel(
    board: Board, glyphs: Glyphs | None = None, *, metric: str = "train_cost", log: bool = True
) -> ChartPanel:
    """The chart, on no screen."""
    panel = ChartPanel(glyphs or Glyphs())
    panel.board, panel.metric, panel.log_scale = board, metric, log
    return panel


def title_of(panel: Panel) -> str:
    return text_of(panel.title(80))


def gallery_where(of: Preset, *, agree: bool) -> Gallery:
    """A gallery in which every arm is right on every image, or the canned one."""
    pictures = canned_gallery(of)
    if not agree:
        return pictures
    right = tuple(
        replace(picture, predictions=(((picture.label, 1.0),),) * len(of.arms)) for picture in pictures.pictures
    )
    return replace(pictures, pictures=right, disputed_in_all=0, mistaken_in_all=0, disputed=(), mistaken=())


class ScriptedSource(BoardSource):
    """Canned events as a live run: `tell` folds the next ones, and the dashboard finds the board at its next poll."""

    def __init__(
        self,
        of: Preset,
        canned: Canned,
        *,
        pictures: Gallery | None = None,
        live: bool = True,
        run: RunDir | None = None,
    ) -> None:
        self._of, self._canned, self.pictures = of, canned, pictures
        self.run = run
        self._folded = 0
        self.live = live
        self.board = boards.begin(of, "canned-20260101-120000")

    @property
    def over(self) -> bool:
        return self._folded >= len(self._canned)

    def tell(self, count: int) -> None:
        self._folded += count
        self.board = board_of(self._of, self._canned[: self._folded])

    def tell_until(self, t: float) -> None:
        self.tell(sum(event.t <= t for event, _ in self._canned) - self._folded)

    def poll(self) -> Board:
        return self.board

    def gallery(self) -> Gallery | None:
        return self.pictures


class Watched(Dashboard):
    """The application, which records its notifications."""

    def __init__(self, source: BoardSource, **settings: Any) -> None:
        super().__init__(source, **settings)
        self.notices: list[tuple[str, str]] = []  # words and severity

    def notify(self, message: str, *, severity: SeverityLevel = "information", **more: Any) -> None:
        self.notices.append((message, severity))
        super().notify(message, severity=severity, **more)


def dashboard(source: BoardSource | Board, *, pictures: Gallery | None = None, ascii_only: bool = False) -> Watched:
    """The application on a source, or on one board at rest; it polls fast, so that a test need not wait."""
    boards_ = StillSource(source, pictures) if isinstance(source, Board) else source
    app = Watched(boards_, ascii_only=ascii_only, refresh=50.0, watch_machine=False)
    app.glyphs = Glyphs(ascii=ascii_only)  # whatever the locale in which the tests run can print
    return app


def screen_strips(app: App[Any]) -> list[Strip]:
    """The lines of the screen. Textual has no public way to them without a terminal, except as a picture."""
    return app.screen._compositor.render_strips()


def screen_text(app: App[Any]) -> list[str]:
    """The lines of the screen, as a person sees them."""
    return [strip.text for strip in screen_strips(app)]


def colour_of(segment: Segment) -> str:
    """The foreground colour of a piece of text."""
    return str(segment.style.color.name if segment.style and segment.style.color else "")


def screen_styles(app: App[Any]) -> list[tuple[str, str]]:
    """Each piece of text on the screen with its foreground colour."""
    return [(segment.text, colour_of(segment)) for strip in screen_strips(app) for segment in strip]


async def shown(pilot: Pilot[Any]) -> str:
    """The screen's text once the source's board has arrived on it."""
    app = pilot.app
    assert isinstance(app, Dashboard)
    for _ in range(500):
        await pilot.pause()
        if app.main is not None and app.main.board is app.source.poll():
            break
    else:
        raise AssertionError("the board did not arrive on the screen")
    await pilot.pause()
    return "\n".join(screen_text(app))


async def press(pilot: Pilot[Any], *keys: str) -> str:
    """The screen's text after the keys."""
    await pilot.press(*keys)
    await pilot.pause()
    return "\n".join(screen_text(pilot.app))
