from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis import accuracy_table, sentences
from inittui.board.fold import fold
from inittui.board.state import Board
from inittui.experiment.preset import Preset
from inittui.record import events
from inittui.record.gallery import Confusions, Gallery
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, width_of
from inittui.tui.views import arm, chart, confusion, header, result
from inittui.tui.views.machine import Gpu, Machine, MachinePanel
from inittui.tui.views.sample import SampleViewState
from tests.galleries import canned_gallery
from tests.helpers import board_of, canned_events, finished_board, preset, running_board, steady
from tests.tui.builders import (
    FAILED,
    MARKUP,
    NOTE,
    STOPPED,
    WIDE,
    chart_panel,
    gallery_where,
    lines_of,
    named,
    result_panel,
    sample_panel,
    states,
    text_of,
    title_of,
    with_cost,
)

BUSY = Machine(cpu=0.987, cores=16, load=12.3, memory_used=9 << 30, memory_total=64 << 30, memory_ours=3 << 30)
ON_GPU = Machine(0.1, 1, 0.0, 1, 1 << 40, 0, Gpu(1.0, 1, 141_000_000_000, 900_000_000, 700.0, 83))


def machine_rows(sample: Machine | None, width: int, glyphs: Glyphs | None = None) -> list[Row]:
    panel = MachinePanel(glyphs or Glyphs())
    panel.machine = sample
    return panel.paint(width, 1)


GALLERIES: dict[tuple[str, ...], Gallery] = {}  # made once, because Hypothesis asks for each of them often


def gallery_of(of: Preset, pictures: int = 12, *, seeds: int = 1) -> Gallery:
    key = (*(arm.name for arm in of.arms), str(pictures), str(seeds))
    if key not in GALLERIES:
        GALLERIES[key] = canned_gallery(of, pictures, seeds=seeds)
    return GALLERIES[key]


# Each is called with a board, a width, a height and glyphs, and promises to fill the width exactly, or not to pass it.
View = Callable[[Board, int, int, Glyphs], list[Row]]
EXACT: dict[str, View] = {
    "arm panel": lambda board, w, h, glyphs: arm.panel(board, 0, w, h, glyphs, log=True),
    "arm panel, linear": lambda board, w, h, glyphs: arm.panel(board, len(board.arms) - 1, w, h, glyphs, log=False),
    "arm line": lambda board, w, _, glyphs: [arm.line(board, 0, w, glyphs, log=True)],
    "last arm's line": lambda board, w, _, glyphs: [arm.line(board, len(board.arms) - 1, w, glyphs, log=False)],
    "chart": lambda board, w, h, glyphs: chart_panel(board, glyphs, metric="train_cost").paint(w, h),
    "chart of accuracies": lambda board, w, h, glyphs: chart_panel(board, glyphs, metric="test_percent").paint(w, h),
    "header": lambda board, w, h, glyphs: header.header(board, 61.5, w, h, glyphs),
    "header of a replay": lambda board, w, h, glyphs: header.header(board, 61.5, w, h, glyphs, "replay x4"),
    "live sample": lambda board, w, h, glyphs: sample_panel(board, None, glyphs=glyphs).paint(w, h),
    "gallery": lambda board, w, h, glyphs: sample_panel(
        board, gallery_of(board.preset, 6), SampleViewState("mistaken", 1), glyphs
    ).paint(w, h),
    "gallery of seeds": lambda board, w, h, glyphs: sample_panel(
        board, gallery_of(board.preset, 6, seeds=12), SampleViewState("disputed", 1), glyphs
    ).paint(w, h),
    "confusions": lambda board, w, h, glyphs: sample_panel(
        board, gallery_of(board.preset, 200), SampleViewState(confused=0), glyphs
    ).paint(w, h),
    "confusions of seeds": lambda board, w, h, glyphs: confusion.confusion(
        board, gallery_of(board.preset, 999, seeds=12), len(board.arms) - 1, w, h, glyphs
    ),
    "no confusions": lambda board, w, h, glyphs: confusion.confusion(board, None, 0, w, h, glyphs),
}
WITHIN: dict[str, View] = {
    "arm title": lambda board, w, _, glyphs: [arm.title(board.arms[0], 0, glyphs, w)],
    "machine": lambda _board, w, _h, glyphs: machine_rows(BUSY, w, glyphs),
    "machine with a GPU": lambda _board, w, _h, glyphs: machine_rows(ON_GPU, w, glyphs),
    "no machine": lambda _board, w, _h, glyphs: machine_rows(None, w, glyphs),
    "table": lambda board, w, h, glyphs: result_panel(board, glyphs).paint(w, h),
    "table alone": lambda board, w, h, glyphs: result_panel(board, glyphs, alone=True, each_seed=True, top=0).paint(
        w, h
    ),
    "table alone, scrolled": lambda board, w, h, glyphs: result_panel(
        board, glyphs, alone=True, each_seed=True, top=7
    ).paint(w, h),
}
# Below these a row may be longer than its room: the widget cuts it.
NARROWEST = {
    "arm title": 76,
    "table": 32,
    "table alone": 32,
    "table alone, scrolled": 32,
    "machine": 1,
    "machine with a GPU": 1,
    "no machine": 1,
}


def table_of(board: Board, width: int = 76, glyphs: Glyphs | None = None) -> str:
    return "\n".join(lines_of(result_panel(board, glyphs).paint(width, 20)))


def sample_of(board: Board, shown: SampleViewState | None = None, *, agree: bool = False, width: int = 76) -> str:
    pictures = gallery_where(board.preset, agree=agree) if board.ended else None
    return "\n".join(lines_of(sample_panel(board, pictures, shown).paint(width, 12)))


@pytest.mark.parametrize("view", [*EXACT, *WITHIN])
@settings(steady, max_examples=100)
@given(st.sampled_from(sorted(states())), st.integers(0, 200), st.integers(0, 60), st.booleans())
@example("training", 0, 0, False)
@example("finished", 1, 1, True)
@example("forty arms", 200, 60, True)
def test_a_view_fits_its_room_in_every_state(view: str, state: str, width: int, height: int, plain: bool) -> None:
    rows = (EXACT | WITHIN)[view](states()[state], width, height, Glyphs(ascii=plain))
    assert len(rows) <= max(height, 1)
    if view in EXACT and width:
        assert {width_of(row) for row in rows} <= {width}
    elif width >= NARROWEST.get(view, 0):
        assert all(width_of(row) <= width for row in rows)


@pytest.mark.parametrize("state", sorted(states()))
def test_every_state_has_its_titles(state: str) -> None:
    board = states()[state]
    assert title_of(result_panel(board)) == ("accuracy" if board.ended else "accuracy so far")
    assert title_of(sample_panel(board, None, SampleViewState()))
    assert [title_of(chart_panel(board, metric=metric)) for metric in chart.METRICS] == [
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
        assert header.note(board)
        for width in (40, 80, 120, 200):
            rows = lines_of(header.header(board, 5.0, width, height, Glyphs()))
            assert any(line.startswith(f" Note: {NOTE}"[: width - 1]) for line in rows)


def test_the_header_says_what_runs_on_what_and_how_long_yet() -> None:
    (line,) = lines_of(header.header(running_board(), 1.95, 200, 3, Glyphs()))
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
            first = text_of(header.header(board, 1.95, width, 2, Glyphs(ascii=plain))[0])
            assert first[:width].endswith("training  0:01, 0:00 left ")


def test_a_refused_run_and_a_lost_supervisor_say_why_in_the_header() -> None:
    for state, why in (("refused", "no data set 'mnist' here"), ("supervisor gone", "the supervisor is gone: killed")):
        assert any(why in line for line in lines_of(header.header(states()[state], 5.0, 120, 3, Glyphs())))


def test_damaged_records_are_counted_in_the_header() -> None:
    rows = lines_of(header.header(states()["damaged records"], 5.0, 120, 3, Glyphs()))
    assert any("1 damaged record(s)" in line and "line 3" in line for line in rows)


# The arms


def panel_text(board: Board, arm_index: int = 0, width: int = 56, height: int = 6) -> str:
    return "\n".join(lines_of(arm.panel(board, arm_index, width, height, Glyphs(), log=True)))


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
    assert "failed: cost not finite in epoch 2" in text_of(arm.line(board, 1, 76, Glyphs(), log=True))


@pytest.mark.parametrize("value", ["none", "nan", "inf"])
def test_a_cost_that_is_not_finite_is_said_in_words(value: str) -> None:
    board = states()[f"cost {value}, training"]
    assert "cost not finite" in panel_text(board)
    assert "not finite" in text_of(arm.line(board, 0, 76, Glyphs(), log=True))


def test_seeds_that_advance_together_are_counted() -> None:
    assert "mean of 3 seeds" in panel_text(states()["finished, three seeds"], width=76)


@pytest.mark.parametrize("name", [WIDE, MARKUP, "x" * 12])
def test_a_name_is_shown_as_it_is_wherever_there_is_room(name: str) -> None:
    training, over = running_board(named(name, "b")), finished_board(named(name, "b"))
    assert name in text_of(arm.title(training.arms[0], 0, Glyphs(), 76))
    assert name in text_of(arm.line(training, 0, 100, Glyphs(), log=True))
    for board in (training, over):
        assert name in table_of(board, 100)
        assert name in sample_of(board, width=100)


def test_a_reason_with_markup_is_shown_as_it_is() -> None:
    board = running_board(2, endings={0: replace(FAILED, reason=MARKUP)}, until=2.2)
    assert MARKUP in panel_text(board)
    assert MARKUP in text_of(arm.line(board, 0, 76, Glyphs(), log=True))


# The table


@pytest.mark.parametrize("width", [72, 76, 100])
@pytest.mark.parametrize("state", ["training", "finished", "cost huge, finished", "cost none, finished"])
def test_from_72_cells_on_the_table_has_all_its_columns(width: int, state: str) -> None:
    rows = lines_of(result_panel(states()[state]).paint(width, 20))
    for column, head in enumerate(result.HEADS):
        assert (head in rows[0]) == (column != accuracy_table.INTERVAL)  # which takes several seeds
    assert all(len(row) <= width for row in rows)


def test_a_narrow_table_keeps_scheme_and_accuracy() -> None:
    head, first, *_ = table_of(states()["finished"], 36).split("\n")
    assert ("scheme" in head, "accuracy" in head, "images/s" in head) == (True, True, False)
    assert "93.75 %" in first


@pytest.mark.parametrize("state", ["training", "finished", "finished, three seeds"])
def test_the_best_is_marked_and_nothing_else(state: str) -> None:
    for glyphs in (Glyphs(), Glyphs(ascii=True)):
        rows = table_of(states()[state], glyphs=glyphs).split("\n")
        assert [glyphs.star in row for row in rows[1:3]] == [False, True]


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
    for row, expected in zip(table_of(board).split("\n")[1:3], accuracy_table.rows(board.result.arms), strict=True):
        assert row.split()[1:] == " ".join(expected).replace("*", "★").split()


@pytest.mark.parametrize("width", [32, 56, 76, 96])
@pytest.mark.parametrize("state", ["training", "finished", "finished, three seeds", "finished, failed arm"])
def test_the_table_has_as_many_lines_as_it_says(width: int, state: str) -> None:
    board = states()[state]
    assert len(result_panel(board).paint(width, 60)) == result.rows_needed(board, width)


def alone(board: Board, width: int = 76, *, each_seed: bool = False) -> list[str]:
    return lines_of(result.everything(board, width, Glyphs(), each_seed=each_seed))


@pytest.mark.parametrize("width", [36, 56, 76, 96, 116])
def test_the_table_alone_has_every_sentence_and_says_which_columns_have_no_room(width: int) -> None:
    board = finished_board(5, seeds=7)
    assert board.result is not None
    lines = alone(board, width)
    text = " ".join(" ".join(lines).split())
    for sentence in sentences.verdicts(board.result) + sentences.asides(board.result):
        assert sentence in text
    for head in result.HEADS:
        assert (head in lines[0]) != (head in text.partition("No room for: ")[2])


def test_several_seeds_have_an_interval_where_there_is_room() -> None:
    board = finished_board(2, seeds=7)
    assert board.result is not None
    interval = accuracy_table.rows(board.result.arms)[1][accuracy_table.INTERVAL]
    assert " to " in interval
    assert interval in alone(board)[2]
    assert "95 % interval" not in alone(running_board(2, seeds=7, until=9.0))[0]


def test_each_seed_has_its_row_below_its_arm() -> None:
    lines = alone(finished_board(2, seeds=3), 100, each_seed=True)
    assert [line[:2].strip() for line in lines[1:9]] == ["●", "", "", "", "▲", "", "", ""]
    for line, seed in zip(lines[6:9], ("777", "778", "779"), strict=True):
        assert f" {seed} " in line
    assert len(alone(finished_board(2, seeds=3), 100)) == len(lines) - 6


@pytest.mark.parametrize("height", [1, 2, 5, 11, 60])
def test_the_table_alone_can_be_read_to_its_last_line(height: int) -> None:
    board = finished_board(5, seeds=7)
    everything = result.everything(board, 76, Glyphs(), each_seed=True)
    seen = [
        result_panel(board, alone=True, each_seed=True, top=top).paint(76, height) for top in range(len(everything))
    ]
    assert all(len(rows) <= height and rows[0] == everything[0] for rows in seen)
    if height > 1:
        assert seen[-1][-1] == everything[-1]
        assert all(any(row in rows for rows in seen) for row in everything)
    if height == 11:
        assert text_of(seen[0][-1]).startswith(f"… {len(everything) - 10} lines more: down, page down")


# The sample


def test_the_live_sample_waits_for_training_then_for_the_first_epoch() -> None:
    assert "as soon as training begins" in sample_of(states()["loading"])
    text = sample_of(states()["first epoch"])
    assert "label 8" in text
    assert text.count("waiting") == 2


@pytest.mark.parametrize("width", [36, 56, 76])
def test_the_sample_shows_the_label_and_each_arm_s_prediction(width: int) -> None:
    text = "\n".join(lines_of(sample_panel(states()["training"], None).paint(width, 22)))
    assert "label 8" in text
    for start in ("● xavi", "▲ he_n"):
        (line,) = [line for line in text.split("\n") if start in line]
        assert "8 ✓" in line
        assert "90.0 %" in line


def test_wrong_answers_are_marked_and_counted() -> None:
    text = sample_of(states()["finished"], SampleViewState("disputed", 0))
    assert text.count("✗") == 2  # on image 0 all err
    assert "disagreement 1 of 4; 6 mistakes in 297" in text
    assert (
        title_of(sample_panel(states()["finished"], canned_gallery(preset(2)), SampleViewState("disputed", 1)))
        == "test image 3, label 3"
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
    assert "the arms agree on every test image" in sample_of(board, SampleViewState("disputed"), agree=True)
    assert "no arm is mistaken on any test image" in sample_of(board, SampleViewState("mistaken"), agree=True)


def test_a_run_that_ended_without_pictures_promises_none() -> None:
    for state in ("stopped", "finished"):
        text = "\n".join(lines_of(sample_panel(states()[state], None).paint(76, 12)))
        assert "label 8" in text
        assert "after the last epoch" not in text


def test_arms_without_a_prediction_say_why() -> None:
    text = "\n".join(lines_of(sample_panel(states()["all failed before an epoch"], None).paint(76, 12)))
    assert text.count("no prediction: failed") == 2


# Several seeds


def seeds_of(shown: SampleViewState, width: int = 76) -> str:
    board = finished_board(2, seeds=12)
    return "\n".join(lines_of(sample_panel(board, canned_gallery(board.preset, seeds=12), shown).paint(width, 20)))


def test_of_several_seeds_it_is_shown_how_many_answer_what() -> None:
    text = seeds_of(SampleViewState("disputed", 1))  # image 3: he_normal errs on 11 of 12 seeds, xavier_normal on none
    assert title_of(
        sample_panel(finished_board(2), canned_gallery(preset(2), seeds=12), SampleViewState("disputed", 1))
    ) == ("test image 3, label 3")
    first, second = (line for line in text.split("\n") if "● xavier" in line or "▲ he_n" in line)
    assert "3 ✓" in first
    assert first.rstrip().endswith("12 of 12")
    assert "5 ✗" in second
    assert second.rstrip().endswith("11 of 12")
    assert " 1 of 12" in text
    assert "disagreement 2 of 4; 6 mistakes in 297; arms differ by half of their seeds or more on 4" in " ".join(
        text.split()
    )


def test_seeds_that_are_left_out_are_named() -> None:
    board = finished_board(2, seeds=12)
    pictures = replace(canned_gallery(board.preset, seeds=12), left_out=(3, 0))
    text = " ".join("\n".join(lines_of(sample_panel(board, pictures).paint(100, 20))).split())
    assert "seeds at chance left out: xavier_normal 3" in text


# Confusions


def confusions_of(
    width: int = 76, height: int = 20, *, seeds: int = 1, pictures: int = 200, arm_index: int = 1
) -> list[str]:
    board = finished_board(2)
    made = canned_gallery(board.preset, pictures, seeds=seeds)
    return lines_of(confusion.confusion(board, made, arm_index, width, height, Glyphs()))


@pytest.mark.parametrize(("width", "height"), [(36, 12), (44, 13), (76, 20), (116, 38)])
def test_a_confusion_matrix_has_a_row_a_label_and_a_column_an_answer(width: int, height: int) -> None:
    head, *rows = confusions_of(width, height)
    assert head.split() == ["▲", *"0123456789"]
    assert [row.split()[0] for row in rows[:10]] == list("0123456789")
    assert all(len(row.split()) == 11 for row in rows[:10])
    # Label 1 is right but where all err, and where the last arm errs by two.
    counts = canned_gallery(finished_board(2).preset, 200).confusion[1][1]
    assert rows[1].split()[1:] == [str(count) if count else "·" for count in counts]
    assert "% right, 1 seed; rows are labels" in " ".join(rows[10:]) or width < 44


def test_where_counts_have_no_room_shares_are_shown_and_said_to_be_that() -> None:
    rows = confusions_of(36, 14, seeds=12, pictures=2000)
    text = " ".join(" ".join(rows).split())
    assert "in % of a label's images" in text
    assert sum(int(cell) for cell in rows[2].split()[1:] if cell.isdecimal()) in range(98, 103)


@pytest.mark.parametrize(("width", "height"), [(36, 5), (76, 10), (26, 30)])
def test_where_a_matrix_has_no_room_the_commonest_confusions_are_listed(width: int, height: int) -> None:
    first, second, *_ = confusions_of(width, height)
    assert "taken for" in first
    count, of = (int(word) for word in first.split()[-3::2])
    assert count <= of == 20
    assert int(second.split()[-3]) <= count


def test_an_arm_without_a_mistake_has_no_confusions_to_list() -> None:
    board = finished_board(2)
    right = tuple(tuple(20 if i == j else 0 for j in range(10)) for i in range(10))
    made = replace(canned_gallery(board.preset), confusion=(right, right))
    assert lines_of(confusion.confusion(board, made, 0, 60, 6, Glyphs()))[0].strip() == "not one mistake"


def test_colours_and_numbers_tell_how_frequent_a_confusion_is() -> None:
    board = finished_board(2)
    row = (950, 30, 15, 5) + (0,) * 6
    made = replace(canned_gallery(board.preset), confusion=((row,) * 10,) * 2)
    _, first, second, *_ = confusion.confusion(board, made, 0, 76, 20, Glyphs())
    assert [(text.strip(), style) for text, style in first[1:6]] == [
        ("950", "good bold"), ("30", "warn"), ("15", "warn"), ("5", ""), ("·", "dim")
    ]  # fmt: skip
    assert [style for _, style in second[1:3]] == ["bad", "bad bold"]


def test_answers_beyond_the_classes_have_a_column_of_their_own() -> None:
    board = finished_board(2)
    made = replace(canned_gallery(board.preset), confusion=(((20,) + (0,) * 9 + (3,),) * 10,) * 2)
    assert lines_of(confusion.confusion(board, made, 0, 116, 20, Glyphs()))[0].split()[-1] == "other"


def test_of_too_many_classes_for_a_matrix_the_most_frequent_confusions_are_listed_and_the_rest_is_said() -> None:
    board = finished_board(2)
    known = Confusions(answers=200, right=50, frequent=((3, 5, 40, 100), (3, 10, 1, 100)), kinds=70)
    made = replace(canned_gallery(board.preset), confusion=(), confusions=(known, Confusions(0, 0)))
    text = lines_of(confusion.confusion(board, made, 0, 60, 16, Glyphs()))
    assert " ".join(text[0].split()) == "3 taken for 5 40 of 100"
    assert " ".join(text[1].split()) == "3 taken for other 1 of 100"
    said = "25.00 % right, 1 seed; the 2 most frequent of 70 kinds of mistake are kept"
    assert said in " ".join(" ".join(text).split())
    assert lines_of(confusion.confusion(board, made, 1, 60, 16, Glyphs()))[0].strip() == "no predictions of this arm"


def test_confusions_that_are_not_there_are_said_not_to_be() -> None:
    text = lines_of(confusion.confusion(states()["training"], None, 0, 60, 10, Glyphs()))[0]
    assert text.strip() == "confusions, as soon as the run is over"
    board = finished_board(2)
    without = replace(canned_gallery(board.preset), confusion=())
    assert lines_of(confusion.confusion(board, without, 0, 60, 10, Glyphs()))[0].strip() == "no predictions of this arm"
    assert title_of(sample_panel(board, without, SampleViewState(confused=1))) == "confusions of he_normal"


# The machine, and words


def test_the_machine_line_gives_up_its_end_where_it_is_narrow() -> None:
    assert text_of(machine_rows(BUSY, 200)[0]).rstrip().endswith("memory 9.7 of 69 GB (3.2 ours)")
    assert text_of(machine_rows(BUSY, 40)[0]).strip() == "CPU 16 cores  99 %   load 12.3"
    assert text_of(machine_rows(ON_GPU, 40)[0]).startswith(" GPU 100 %")
    assert "700 W 83" in text_of(machine_rows(ON_GPU, 200)[0])


def test_a_deep_network_is_told_in_short() -> None:
    of = preset(model={"hidden": [64] * 30})
    board = states()["data ready"]
    assert header.network(of, board) == "64-30x64-10 relu"
    assert header.network(of, states()["loading"]) == "?-30x64-? relu"
    assert header.network(preset(model={"hidden": []}), board) == "64-10"


def test_a_cost_that_was_finite_once_keeps_its_curve() -> None:
    rows = chart_panel(with_cost(None)).paint(60, 12)
    signs = "".join(lines_of(rows))
    assert "●" in signs
    assert "✗" in signs


def test_an_arm_says_how_many_of_its_seeds_fit_at_a_time() -> None:
    board = fold(running_board(2, seeds=8), events.Stacked(together=4, seeds=8), 0)
    first, second = (
        "\n".join(lines_of(arm.panel(board, arm_index, 100, 8, Glyphs(), log=True))) for arm_index in (0, 1)
    )
    assert ", 4 at a time: more do not fit" in first
    assert "at a time" not in second


def test_a_precision_that_is_less_than_full_stands_in_the_header() -> None:
    board = running_board(2)
    training = replace(board.preset.training, precision="bf16")
    rounded = replace(board, preset=replace(board.preset, training=training))
    shown = ["\n".join(lines_of(header.header(either, 1.95, 200, 3, Glyphs()))) for either in (board, rounded)]
    assert ["bf16" in text for text in shown] == [False, True]
