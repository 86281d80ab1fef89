import pytest

from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.record import events
from inittui.tui.draw.render_cache import RenderCache, epoch_key
from inittui.tui.draw.rows import Row
from tests.helpers import canned_events, preset, running_board
from tests.tui.builders import FAILED, chart_panel, result_panel


@pytest.mark.parametrize("story", [{}, {"endings": {1: FAILED}}], ids=["finished", "failed"])
def test_a_picture_that_is_kept_is_at_every_event_the_one_that_would_be_drawn(story: dict[str, object]) -> None:
    of = preset(2, seeds=2)
    curves = RenderCache()
    table = RenderCache()
    board = boards.begin(of, "run")
    for event, place in canned_events(of, **story):  # type: ignore[arg-type]
        board = now = fold(board, event, place)
        assert curves(epoch_key(now), lambda: drawn(now)) == drawn(now)  # noqa: B023
        assert table(epoch_key(now), lambda: result_panel(now).paint(60, 9)) == result_panel(now).paint(60, 9)  # noqa: B023


def drawn(board: boards.Board) -> list[Row]:
    return chart_panel(board).paint(60, 12)


def test_reports_of_the_epoch_under_way_make_no_picture_anew_and_its_end_does() -> None:
    made: list[float] = []

    def draw(t: float) -> list[Row]:
        made.append(t)
        return []

    memo = RenderCache()
    board = running_board(until=1.8)
    report = next(event for event, _ in canned_events(preset()) if isinstance(event, events.Progress))
    over = next(event for event, _ in canned_events(preset()) if isinstance(event, events.Epoch))
    for event in (report, report, over, report):
        board = fold(board, event, 0)
        memo(epoch_key(board), lambda: draw(board.t))  # noqa: B023
    assert len(made) == 2
    memo((*epoch_key(board), 1), lambda: draw(0.0))
    memo((*epoch_key(board), 2), lambda: draw(0.0))
    assert len(made) == 4
