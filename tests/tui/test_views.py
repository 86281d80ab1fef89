from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui import report
from inittui.board import Board
from inittui.tui.look import Look, Row, width_of
from inittui.tui.views import arm, chart, header, machine, result, sample, words
from inittui.tui.views.machine import Gpu, Machine
from inittui.tui.views.sample import Shown
from tests.helpers import board_of, canned_events, canned_gallery, finished_board, preset, running_board, steady
from tests.tui.builders import (
    FAILED,
    MARKUP,
    NOTE,
    STOPPED,
    WIDE,
    gallery_where,
    lines_of,
    named,
    states,
    text_of,
    with_cost,
)

BUSY = Machine(cpu=0.987, cores=16, load=12.3, memory_used=9 << 30, memory_total=64 << 30, memory_ours=3 << 30)
ON_GPU = Machine(0.1, 1, 0.0, 1, 1 << 40, 0, Gpu(1.0, 1, 141_000_000_000, 900_000_000, 700.0, 83))

# Each is called with a board, a width, a height and a look, and promises to fill the width exactly, or not to pass it.
View = Callable[[Board, int, int, Look], list[Row]]
EXACT: dict[str, View] = {
    "arm panel": lambda board, w, h, look: arm.panel(board, 0, w, h, look, log=True),
    "arm panel, linear": lambda board, w, h, look: arm.panel(board, len(board.arms) - 1, w, h, look, log=False),
    "arm line": lambda board, w, _, look: [arm.line(board, 0, w, look, log=True)],
    "last arm's line": lambda board, w, _, look: [arm.line(board, len(board.arms) - 1, w, look, log=False)],
    "chart": lambda board, w, h, look: chart.chart(board, w, h, look, metric="cost", log=True),
    "chart of accuracies": lambda board, w, h, look: chart.chart(board, w, h, look, metric="accuracy", log=True),
    "header": lambda board, w, h, look: header.header(board, 61.5, w, h, look),
    "header of a replay": lambda board, w, h, look: header.header(board, 61.5, w, h, look, "replay x4"),
    "live sample": lambda board, w, h, look: sample.sample(board, None, Shown(), w, h, look),
    "gallery": lambda board, w, h, look: sample.sample(
        board, canned_gallery(board.preset, 6), Shown("mistaken", 1), w, h, look
    ),
}
WITHIN: dict[str, View] = {
    "arm title": lambda board, w, _, look: [arm.title(board.arms[0], 0, look, w)],
    "machine": lambda _board, w, _h, look: [machine.line(BUSY, w, look)],
    "machine with a GPU": lambda _board, w, _h, look: [machine.line(ON_GPU, w, look)],
    "no machine": lambda _board, w, _h, look: [machine.line(None, w, look)],
    "table": lambda board, w, h, look: result.table(board, w, h, look),
}
# Below these a row may be longer than its room: the widget cuts it.
NARROWEST = {"arm title": 76, "table": 32, "machine": 1, "machine with a GPU": 1, "no machine": 1}


def table_of(board: Board, width: int = 76, look: Look | None = None) -> str:
    return "\n".join(lines_of(result.table(board, width, 20, look or Look())))


def sample_of(board: Board, shown: Shown | None = None, *, agree: bool = False, width: int = 76) -> str:
    pictures = gallery_where(board.preset, agree=agree) if board.ended else None
    return "\n".join(lines_of(sample.sample(board, pictures, shown or Shown(), width, 12, Look())))


@pytest.mark.parametrize("view", [*EXACT, *WITHIN])
@settings(steady, max_examples=100)
@given(st.sampled_from(sorted(states())), st.integers(0, 200), st.integers(0, 60), st.booleans())
@example("training", 0, 0, False)
@example("finished", 1, 1, True)
@example("forty arms", 200, 60, True)
def test_a_view_fits_its_room_in_every_state(view: str, state: str, width: int, height: int, plain: bool) -> None:
    rows = (EXACT | WITHIN)[view](states()[state], width, height, Look(ascii=plain))
    assert len(rows) <= max(height, 1)
    if view in EXACT and width:
        assert {width_of(row) for row in rows} <= {width}
    elif width >= NARROWEST.get(view, 0):
        assert all(width_of(row) <= width for row in rows)


@pytest.mark.parametrize("state", sorted(states()))
def test_every_state_has_its_titles(state: str) -> None:
    board = states()[state]
    assert result.title(board) == ("accuracy" if board.ended else "accuracy so far")
    assert sample.title(board, None, Shown())
    assert [chart.title(metric, log=True) for metric in chart.METRICS] == [
        "training cost per epoch, log",
        "test cost per epoch, log",
        "test accuracy, %",
    ]


# The header


@pytest.mark.parametrize("until", [0.9, 1.0, 1.2, 1.5, 2.5, None])
@pytest.mark.parametrize("height", [2, 3])
def test_the_note_about_replaced_data_is_shown_from_the_moment_it_is_known(until: float | None, height: int) -> None:
    for endings in ({}, {0: FAILED}, {0: STOPPED, 1: STOPPED}):
        board = running_board(note=NOTE, until=99 if until is None else until, endings=endings)
        assert header.has_note(board)
        for width in (40, 80, 120, 200):
            rows = lines_of(header.header(board, 5.0, width, height, Look()))
            assert any(line.startswith(f" Note: {NOTE}"[: width - 1]) for line in rows)


def test_the_header_says_what_runs_on_what_and_how_long_yet() -> None:
    (line,) = lines_of(header.header(running_board(), 1.95, 200, 3, Look()))
    for words_ in ("canned", "1,500/297", "64-16-16-10 relu", "adam 0.001", "batch 50", "seed 777", "cpu (2 cores)"):
        assert words_ in line
    assert line.endswith("training  0:01, 0:00 left ")


def test_the_time_is_kept_where_the_header_is_narrow() -> None:
    of = preset(
        title="A title that is longer than any line of a narrow terminal has room for, so that it has to give way"
    )
    board = board_of(of, canned_events(of, until=2.0))
    for width in (40, 60, 80):
        for plain in (False, True):
            first = text_of(header.header(board, 1.95, width, 2, Look(ascii=plain))[0])
            assert first[:width].endswith("training  0:01, 0:00 left ")


def test_a_refused_run_and_a_lost_supervisor_say_why_in_the_header() -> None:
    for state, why in (("refused", "no data set 'mnist' here"), ("supervisor gone", "the supervisor is gone: killed")):
        assert any(why in line for line in lines_of(header.header(states()[state], 5.0, 120, 3, Look())))


def test_damaged_records_are_counted_in_the_header() -> None:
    rows = lines_of(header.header(states()["damaged records"], 5.0, 120, 3, Look()))
    assert any("1 damaged record(s)" in line and "line 3" in line for line in rows)


# The arms


def panel_text(board: Board, place: int = 0, width: int = 56, height: int = 6) -> str:
    return "\n".join(lines_of(arm.panel(board, place, width, height, Look(), log=True)))


def test_an_arm_that_trains_shows_epoch_share_cost_accuracy_and_speed() -> None:
    text = panel_text(running_board())
    for shown in ("training", "epoch 2 of 3", "50 %", "cost 0.6667", "test 90.00 %", "3,000 images/s", "epochs", "now"):
        assert shown in text


def test_a_download_shows_how_far_it_is() -> None:
    assert "downloading mnist  4.0 of 11.6 MB" in panel_text(states()["downloading"])


def test_a_failed_arm_says_why_and_the_others_go_on() -> None:
    board = states()["an arm failed"]
    assert "cost not finite in epoch 2" in panel_text(board, 1)
    assert "training" in panel_text(board, 0)
    assert "failed: cost not finite in epoch 2" in text_of(arm.line(board, 1, 76, Look(), log=True))


@pytest.mark.parametrize("value", ["none", "nan", "inf"])
def test_a_cost_that_is_not_finite_is_said_in_words(value: str) -> None:
    board = states()[f"cost {value}, training"]
    assert "cost not finite" in panel_text(board)
    assert "not finite" in text_of(arm.line(board, 0, 76, Look(), log=True))


def test_seeds_that_advance_together_are_counted() -> None:
    assert "mean of 3 seeds" in panel_text(states()["finished, three seeds"], width=76)


@pytest.mark.parametrize("name", [WIDE, MARKUP, "x" * 12])
def test_a_name_is_shown_as_it_is_wherever_there_is_room(name: str) -> None:
    training, over = running_board(named(name, "b")), finished_board(named(name, "b"))
    assert name in text_of(arm.title(training.arms[0], 0, Look(), 76))
    assert name in text_of(arm.line(training, 0, 100, Look(), log=True))
    for board in (training, over):
        assert name in table_of(board, 100)
        assert name in sample_of(board, width=100)


def test_a_reason_with_markup_is_shown_as_it_is() -> None:
    board = running_board(2, endings={0: replace(FAILED, reason=MARKUP)}, until=2.2)
    assert MARKUP in panel_text(board)
    assert MARKUP in text_of(arm.line(board, 0, 76, Look(), log=True))


# The table


@pytest.mark.parametrize("width", [72, 76, 100])
@pytest.mark.parametrize("state", ["training", "finished", "cost huge, finished", "cost none, finished"])
def test_from_72_cells_on_the_table_has_all_its_columns(width: int, state: str) -> None:
    rows = lines_of(result.table(states()[state], width, 20, Look()))
    for head in result.HEADS:
        assert head in rows[0]
    assert all(len(row) <= width for row in rows)


def test_a_narrow_table_keeps_scheme_and_accuracy() -> None:
    head, first, *_ = table_of(states()["finished"], 36).split("\n")
    assert ("scheme" in head, "accuracy" in head, "images/s" in head) == (True, True, False)
    assert "93.75 %" in first


@pytest.mark.parametrize("state", ["training", "finished", "finished, three seeds"])
def test_the_best_is_marked_and_nothing_else(state: str) -> None:
    for look in (Look(), Look(ascii=True)):
        rows = table_of(states()[state], look=look).split("\n")
        assert [look.star in row for row in rows[1:3]] == [False, True]


def test_a_failed_arm_is_not_the_best_and_its_failure_is_said() -> None:
    text = table_of(states()["finished, failed arm"], 100)
    assert "he_normal failed: cost not finite in epoch 2." in text
    assert [("★" in row) for row in text.split("\n")[1:4]] == [False, False, True]


def test_one_seed_is_said_to_prove_nothing_while_it_trains_and_at_the_end() -> None:
    assert "One seed proves nothing" in table_of(states()["training"])
    assert "on one seed, which proves nothing" in table_of(states()["finished"], 120)
    assert "One seed" not in table_of(states()["training, three seeds"])


def test_replaced_data_is_said_under_the_table_as_well() -> None:
    assert f"Data: {NOTE}." in table_of(finished_board(note=NOTE), 120)


def test_the_table_is_the_report_s() -> None:
    board = states()["finished"]
    assert board.result is not None
    for row, expected in zip(table_of(board).split("\n")[1:3], report.rows(board.result), strict=True):
        assert row.split()[1:] == " ".join(expected).replace("*", "★").split()


@pytest.mark.parametrize("width", [32, 56, 76, 96])
@pytest.mark.parametrize("state", ["training", "finished", "finished, three seeds", "finished, failed arm"])
def test_the_table_has_as_many_lines_as_it_says(width: int, state: str) -> None:
    board = states()[state]
    assert len(result.table(board, width, 60, Look())) == result.rows_needed(board, width)


# The sample


def test_the_live_sample_waits_for_training_then_for_the_first_epoch() -> None:
    assert "as soon as training begins" in sample_of(states()["loading"])
    text = sample_of(states()["first epoch"])
    assert "label 8" in text
    assert text.count("waiting") == 2


@pytest.mark.parametrize("width", [36, 56, 76])
def test_the_sample_shows_the_label_and_each_arm_s_prediction(width: int) -> None:
    text = "\n".join(lines_of(sample.sample(states()["training"], None, Shown(), width, 22, Look())))
    assert "label 8" in text
    for start in ("● xavi", "▲ he_n"):
        (line,) = [line for line in text.split("\n") if start in line]
        assert "8 ✓" in line
        assert "90.0 %" in line


def test_wrong_answers_are_marked_and_counted() -> None:
    text = sample_of(states()["finished"], Shown("disputed", 0))
    assert text.count("✗") == 2  # on image 0 all err
    assert "disagreement 1 of 4; 6 mistakes in 297" in text
    assert (
        sample.title(states()["finished"], canned_gallery(preset(2)), Shown("disputed", 1)) == "test image 3, label 3"
    )


def test_classes_are_called_by_their_names() -> None:
    board = states()["finished"]
    assert board.data is not None
    clothes = replace(board, data=replace(board.data, classes=("top", "trouser", "bag")))
    text = sample_of(clothes)
    assert "label top" in text
    assert "trouser ✗" in text
    assert " 6  " in text  # an output beyond the classes, as of the notebook's network, is called by its number


def test_no_disagreement_and_no_mistake_are_said_in_words() -> None:
    board = states()["finished"]
    assert "the arms agree on every test image" in sample_of(board, Shown("disputed"), agree=True)
    assert "no arm is mistaken on any test image" in sample_of(board, Shown("mistaken"), agree=True)


def test_a_run_that_ended_without_pictures_promises_none() -> None:
    for state in ("stopped", "finished"):
        text = "\n".join(lines_of(sample.sample(states()[state], None, Shown(), 76, 12, Look())))
        assert "label 8" in text
        assert "after the last epoch" not in text


def test_arms_without_a_prediction_say_why() -> None:
    text = "\n".join(lines_of(sample.sample(states()["all failed before an epoch"], None, Shown(), 76, 12, Look())))
    assert text.count("no prediction: failed") == 2


# The machine, and words


def test_the_machine_line_gives_up_its_end_where_it_is_narrow() -> None:
    assert text_of(machine.line(BUSY, 200, Look())).rstrip().endswith("memory 9.7 of 69 GB (3.2 ours)")
    assert text_of(machine.line(BUSY, 40, Look())).strip() == "CPU 16 cores  99 %   load 12.3"
    assert text_of(machine.line(ON_GPU, 40, Look())).startswith(" GPU 100 %")
    assert "700 W 83" in text_of(machine.line(ON_GPU, 200, Look()))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (42.9, "0:42"), (725, "12:05"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_a_clock_reads_as_people_write_it(seconds: float, expected: str) -> None:
    assert words.clock(seconds) == expected


def test_a_clock_survives_what_is_not_finite() -> None:
    assert [words.clock(float(value)) for value in ("nan", "inf", "-inf")] == ["0:00"] * 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.01894, "0.0189"), (1e308, "1.00e+308"), (float("nan"), "not finite"), (None, "not finite")],
)
def test_a_cost_is_short_whatever_it_is(value: float | None, expected: str) -> None:
    assert words.cost(value) == expected


def test_a_deep_network_is_told_in_short() -> None:
    of = preset(model={"hidden": [64] * 30})
    board = states()["data ready"]
    assert words.network(of, board) == "64-30x64-10 relu"
    assert words.network(of, states()["loading"]) == "?-30x64-? relu"
    assert words.network(preset(model={"hidden": []}), board) == "64-10"


def test_a_cost_that_was_finite_once_keeps_its_curve() -> None:
    rows = chart.chart(with_cost(None), 60, 12, Look(), metric="cost", log=True)
    signs = "".join(lines_of(rows))
    assert "●" in signs
    assert "✗" in signs
