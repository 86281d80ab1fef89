import pytest

from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.record import events
from inittui.tui.draw.glyphs import Look, Row
from inittui.tui.draw.render_cache import Memo, epochs
from inittui.tui.views import chart, result
from tests.helpers import canned_events, preset, running_board
from tests.tui.builders import FAILED


@pytest.mark.parametrize("story", [{}, {"endings": {1: FAILED}}], ids=["finished", "failed"])
def test_a_picture_that_is_kept_is_at_every_event_the_one_that_would_be_drawn(story: dict[str, object]) -> None:
    of = preset(2, seeds=2)
    curves: Memo[list[Row]] = Memo()
    table: Memo[list[Row]] = Memo()
    board = boards.begin(of, "run")
    for event, place in canned_events(of, **story):  # type: ignore[arg-type]
        board = now = fold(board, event, place)
        assert curves(epochs(now), lambda: drawn(now)) == drawn(now)  # noqa: B023
        assert table(epochs(now), lambda: result.table(now, 60, 9, Look())) == result.table(now, 60, 9, Look())  # noqa: B023


def drawn(board: boards.Board) -> list[Row]:
    return chart.chart(board, 60, 12, Look(), metric="cost", log=True)


def test_reports_of_the_epoch_under_way_make_no_picture_anew_and_its_end_does() -> None:
    made: list[float] = []
    memo: Memo[None] = Memo()
    board = running_board(until=1.8)
    report = next(event for event, _ in canned_events(preset()) if isinstance(event, events.Progress))
    over = next(event for event, _ in canned_events(preset()) if isinstance(event, events.Epoch))
    for event in (report, report, over, report):
        board = fold(board, event, 0)
        memo(epochs(board), lambda: made.append(board.t))  # noqa: B023
    assert len(made) == 2
    memo((*epochs(board), 1), lambda: made.append(0.0))
    memo((*epochs(board), 1.0), lambda: made.append(0.0))
    assert len(made) == 4
