import csv
import io
import json
import math
import re
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from inittui.analysis import accuracy_table
from inittui.analysis.accuracy_table import (
    ACCURACY,
    COLUMNS,
    INTERVAL,
    columns,
    heading,
)
from inittui.analysis.comparisons import again, of_models
from inittui.analysis.result_document import arms, document
from inittui.analysis.sentences import sentences, verdicts
from inittui.board.state import begin
from inittui.output.tables import comma_separated, markdown, text
from inittui.record import events
from inittui.record.result_schema import (
    ChanceCount,
    DatasetInfo,
    InitInfo,
    MeanEstimate,
    ModelComparison,
    ResultDocument,
    decode,
)
from tests.helpers import accuracy, board_of, cost, finished_board, preset, running_board

FAILED = events.Failed(kind="cost", reason="cost not finite (nan) in epoch 2, by step 30 of 30, seed 777")
KILLED = events.Gone(arm="", reason="killed by signal 9 (SIGKILL)")
STOPPED = events.Stopped(reason="stopped by hand")


def result(*args: Any, **story: Any) -> ResultDocument:
    found = finished_board(*args, **story).result
    assert found is not None
    return found


def rows(document: ResultDocument, *, each_seed: bool = False) -> list[tuple[str, ...]]:
    return accuracy_table.rows(document.arms, each_seed=each_seed)


def cells(table: str) -> list[list[str]]:
    """A Markdown table read back: cells split at bars that are not escaped, escapes and emphasis undone."""
    found = [
        [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    assert set("".join(found[1])) <= set("-:")
    return [found[0], *found[2:]]


# The document


def test_a_finished_run_is_documented_figure_by_figure() -> None:
    found = result(2, epochs=3, seeds=2)
    assert (found.format, found.run, found.status) == (1, "canned-20260101-120000", "finished")
    assert found.data == DatasetInfo("digits", "8x8 digits (scikit-learn)", train=1500, test=297, note="")
    assert (found.device, found.threads) == ("cpu (2 cores)", 1)
    for place, arm in enumerate(found.arms):
        assert (arm.status, arm.reason, arm.epochs) == ("finished", "", 3)
        parameters: dict[str, float | str] = {"gain": 1.0} if place == 0 else {"mode": "fan_in", "slope": 0.0}
        assert arm.init == InitInfo(arm.name, parameters)
        for number, replica in enumerate(arm.replicas):
            assert replica.seed == 777 + number
            assert replica.train_cost == tuple(cost(place, number, epoch) for epoch in (1, 2, 3))
            assert replica.test_accuracies == tuple(accuracy(place, number, epoch) for epoch in (1, 2, 3))
            assert replica.test_accuracy == accuracy(place, number, 3)
            assert (replica.seconds, replica.samples_per_second) == (1.5, 3000.0)
        mean = (accuracy(place, 0, 3) + accuracy(place, 1, 3)) / 2
        assert arm.test_accuracy is not None
        assert arm.test_accuracy.mean == pytest.approx(mean)
    (comparison,) = found.comparisons
    assert (comparison.a, comparison.b, comparison.n) == ("xavier_normal", "he_normal", 2)
    assert comparison.difference == pytest.approx(0.004)


@pytest.mark.parametrize("ending", [None, FAILED, KILLED, STOPPED], ids=["finished", "failed", "killed", "stopped"])
def test_a_document_is_json_without_exceptions(ending: Any) -> None:
    found = result(3, endings={1: ending} if ending else {}, costs=lambda arm, _, epoch: 1 / epoch if arm else None)
    json.dumps(msgspec.to_builtins(found), allow_nan=False)
    assert decode(msgspec.json.encode(found)) == found
    assert found.arms[0].replicas[0].train_cost == (None, None, None)


@pytest.mark.parametrize(
    ("ending", "status"),
    [(FAILED, "failed"), (KILLED, "failed"), (STOPPED, "stopped")],
    ids=["own", "killed", "stopped"],
)
def test_an_arm_that_did_not_finish_is_documented_and_left_out_of_the_comparisons(ending: Any, status: str) -> None:
    found = result(3, epochs=3, endings={1: ending}, ends_after=2)
    assert found.status == status
    assert [arm.status for arm in found.arms] == ["finished", status, "finished"]
    assert found.arms[1].reason == ending.reason
    assert len(found.arms[1].replicas[0].train_cost) == 2
    assert [(row.a, row.b) for row in found.comparisons] == [("xavier_normal", "orthogonal")]


def test_when_the_first_arm_failed_the_next_that_finished_is_what_others_are_compared_with() -> None:
    found = result(4, endings={0: FAILED})
    assert [(row.a, row.b) for row in found.comparisons] == [
        ("he_normal", "orthogonal"), ("he_normal", "lecun_normal")
    ]  # fmt: skip


def test_an_arm_that_failed_before_its_first_epoch_has_no_accuracy() -> None:
    found = result(2, endings={0: FAILED}, ends_after=0)
    assert found.arms[0].test_accuracy is None
    assert found.arms[0].replicas[0].test_accuracy is None
    assert found.arms[0].replicas[0].samples_per_second is None


def test_a_run_under_way_is_not_documented_as_finished() -> None:
    assert document(running_board(until=2.0), seconds=2.0).status != "finished"


def test_a_run_that_never_began_can_be_documented() -> None:
    of = preset()
    over = board_of(of, [(events.Phase(phase="failed", detail="no memory"), None)])
    assert over.result is not None
    assert over.result.status == "failed"
    assert [arm.replicas for arm in over.result.arms] == [(), ()]
    for shown in (text(over.result), markdown(over.result), comma_separated(over.result)):
        assert "canned-20260101-120000" in shown or "seed" in shown


def test_an_arm_at_chance_is_told_by_the_number_of_classes() -> None:
    found = result(2, accuracies=lambda arm, _, __: 0.1 if arm else 0.95)
    assert found.comparisons[0].verdict.startswith("he_normal does not learn: it stays at chance")


def test_rows_of_a_run_under_way_say_what_there_is() -> None:
    board = running_board(2, epochs=3, until=2.0)
    first, _ = arms(board, interval=False)
    assert first.status == "training"
    assert first.replicas[0].train_cost == (cost(0, 0, 1),)
    assert first.test_accuracy == MeanEstimate(accuracy(0, 0, 1))


# The table


def test_a_row_an_arm_with_its_last_figures() -> None:
    first, second = rows(result(2, epochs=3))
    assert dict(zip(COLUMNS, second, strict=True)) == {
        "scheme": "he_normal",
        "seed": "777",
        "final cost": f"{cost(1, 0, 3):.4f}",
        "test cost": f"{1.1 * cost(1, 0, 3):.4f}",
        "test accuracy": f"{100 * accuracy(1, 0, 3):.2f} % *",
        "95 % interval": "",
        "seconds": "1.5",
        "images/s": "3,000",
    }
    assert first[4] == f"{100 * accuracy(0, 0, 3):.2f} %  "


def test_of_several_seeds_a_row_has_means_a_deviation_and_the_sum_of_the_seconds() -> None:
    first, _ = rows(result(2, epochs=1, seeds=4))
    right = [accuracy(0, number, 1) for number in range(4)]
    mean = sum(right) / 4
    deviation = math.sqrt(sum((value - mean) ** 2 for value in right) / 3)
    assert first[1] == "4 seeds"
    assert first[2] == f"{sum(cost(0, number, 1) for number in range(4)) / 4:.4f}"
    assert first[4].rstrip() == f"{100 * mean:.2f} % ± {100 * deviation:.2f}"
    ends = result(2, epochs=1, seeds=4).arms[0].test_accuracy.ci95
    assert ends is not None
    assert first[INTERVAL] == " to ".join(f"{100 * end:.2f}" for end in ends)
    assert first[6] == "2.0"


def test_the_highest_is_marked_and_alone_unless_arms_are_level() -> None:
    def marked(accuracies: list[float]) -> list[bool]:
        found = result(len(accuracies), accuracies=lambda arm, _, __: accuracies[arm])
        return [row[4].endswith("*") for row in rows(found)]

    assert marked([0.9, 0.95, 0.93]) == [False, True, False]
    assert marked([0.9, 0.95, 0.95]) == [False, True, True]


def test_an_arm_that_did_not_finish_is_never_the_highest_and_says_why() -> None:
    found = result(2, endings={1: FAILED})
    first, second = rows(found)
    assert first[4].endswith("*")
    assert second[4] == "90.40 % (failed)"
    assert sentences(found)[0] == f"he_normal failed: {FAILED.reason}."
    assert f"he_normal failed: {FAILED.reason}." in text(found)


def test_a_cost_that_was_not_finite_is_a_dash() -> None:
    first, second = rows(result(2, costs=lambda arm, _, __: None if arm else 0.5))
    assert (first[2], first[3]) == ("0.5000", "0.5500")
    assert (second[2], second[3]) == ("-", "-")


def test_the_text_has_heading_table_mark_and_verdict() -> None:
    found = result(3, epochs=3, seeds=2)
    lines = text(found).splitlines()
    assert lines[0] == heading(found)
    assert "1,500 training and 297 test images, cpu (2 cores)" in lines[0]
    assert re.split(r"\s{2,}", lines[2]) == list(COLUMNS)
    for shown, row in zip(lines[4:7], rows(found), strict=True):
        assert re.split(r"\s{2,}", shown) == [cell.strip() for cell in row]
    assert lines[7] == "* the highest"
    told = [row.verdict for row in found.comparisons]
    assert len(told) == 2
    assert [line.lower() for line in lines[9:11]] == [f"{one.lower()}." for one in told]
    assert lines[11] == "All against xavier_normal; p corrected for 2 comparisons (Holm)."
    assert [line.startswith("Speed, p not corrected: training cost of the first epoch, ") for line in lines[12:]] == [
        True,
        True,
    ]


def test_the_columns_of_the_text_are_aligned() -> None:
    header, rule, *table = text(result(3)).splitlines()[2:7]
    ends = [match.end() for match in re.finditer("-+", rule)]
    for line in (header, *table):
        assert all(line[end : end + 2].strip() == "" for end in ends[:-1])


def test_where_nothing_finished_nothing_is_called_the_highest() -> None:
    shown = text(result(2, endings={0: FAILED, 1: KILLED}))
    assert "*" not in shown
    assert KILLED.reason in shown


def test_the_datas_note_comes_before_the_verdicts() -> None:
    found = result(2, note="MNIST could not be downloaded, so these are digits")
    assert sentences(found)[0] == "Data: MNIST could not be downloaded, so these are digits."
    for shown in (text(found), markdown(found)):
        assert "Data: MNIST could not be downloaded, so these are digits." in shown
    assert not any(sentence.startswith("Data:") for sentence in sentences(result(2)))


def test_an_arms_name_keeps_its_case_at_the_head_of_a_sentence() -> None:
    (sentence,) = sentences(result(2))
    assert sentence.startswith("he_normal is ahead of xavier_normal")
    assert sentences(result(2, seeds=2))[0].startswith("Indicative only")


@pytest.mark.parametrize("seeds", [1, 3])
def test_markdown_is_a_table_of_the_same_cells(seeds: int) -> None:
    found = result([{"init": "zeros", "name": r"a|b *c* `d` \e"}, "he_normal", "normal(std=0.1)"], seeds=seeds)
    header, *table = cells(markdown(found))
    assert header == [COLUMNS[i] for i in columns(rows(found))]
    expected = [[cell.strip() for cell in row] for row in rows(found)]
    expected[2][ACCURACY] = f"**{expected[2][ACCURACY].removesuffix('*').strip()}**"  # the highest is bold
    expected = [[row[i] for i in columns(rows(found))] for row in expected]
    assert table == expected


def test_csv_has_a_row_an_arm_and_seed_with_unrounded_figures() -> None:
    found = result(["he_normal", {"init": "zeros", "name": 'a, "b"'}], epochs=2, seeds=3)
    table = list(csv.DictReader(io.StringIO(comma_separated(found))))
    assert [(row["arm"], row["seed"]) for row in table] == [
        (arm, seed) for arm in ("he_normal", 'a, "b"') for seed in ("777", "778", "779")
    ]
    for row, (place, number) in zip(table, [(p, n) for p in (0, 1) for n in (0, 1, 2)], strict=True):
        assert float(row["train_cost"]) == cost(place, number, 2)
        assert float(row["test_accuracy"]) == accuracy(place, number, 2)
        assert (row["epochs"], row["status"], row["run"]) == ("2", "finished", found.run)


def test_csv_has_an_empty_cell_where_there_is_no_figure() -> None:
    found = result(2, endings={1: FAILED}, ends_after=0)
    row = list(csv.DictReader(io.StringIO(comma_separated(found))))[1]
    assert (row["status"], row["epochs"]) == ("failed", "0")
    assert {row[key] for key in ("train_cost", "test_cost", "test_accuracy", "samples_per_second")} == {""}


def test_a_document_does_not_depend_on_a_result_that_is_there_already() -> None:
    board = finished_board()
    assert document(replace(board, result=None), seconds=1.0) == document(board, seconds=1.0)


# Several seeds


def test_the_interval_has_a_column_where_there_are_several_seeds() -> None:
    assert INTERVAL not in columns(rows(result(2)))
    assert INTERVAL in columns(rows(result(2, seeds=2)))
    assert "95 % interval" not in text(result(2))


@pytest.mark.parametrize("draw", [text, markdown])
def test_each_seed_has_a_row_on_request(draw: Any) -> None:
    found = result(2, epochs=2, seeds=3)
    table = rows(found, each_seed=True)
    assert [row[0] for row in table] == ["xavier_normal", "", "", "", "he_normal", "", "", ""]
    assert [row[1] for row in table[5:]] == ["777", "778", "779"]
    assert table[6][2] == f"{cost(1, 1, 2):.4f}"
    assert table[6][ACCURACY].strip() == f"{100 * accuracy(1, 1, 2):.2f} %"
    assert "778" in draw(found, each_seed=True)
    assert "778" not in draw(found)
    assert rows(result(2), each_seed=True) == rows(result(2))


def test_a_seed_at_chance_is_marked_in_its_row() -> None:
    found = result(2, seeds=2, accuracies=lambda arm, number, _: 0.1 if arm and number else 0.95)
    assert [row[ACCURACY].strip() for row in rows(found, each_seed=True)[4:]] == ["95.00 %", "10.00 % (chance)"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_narrow_table_gives_up_columns_and_says_which(width: int) -> None:
    shown = text(result(3, seeds=10), width=width).splitlines()
    table = [line for line in shown if line.startswith(("scheme", "---", "xavier", "he_n", "orth")) and "  " in line]
    assert len(table) == 5
    assert all(len(line) <= max(width, 42) for line in table)
    missing = [name for name in COLUMNS if name not in table[0]]
    for name in missing:
        assert any(line.startswith("No room for: ") and name in line for line in shown)
    assert all(len(line) <= width for line in shown[-6:])


def test_csv_has_the_speed_and_the_fate_of_each_seed() -> None:
    found = result(2, seeds=2, costs=lambda arm, _, epoch: 0.2 if epoch == 3 else 0.5)
    table = list(csv.DictReader(io.StringIO(comma_separated(found))))
    assert {(row["first_epoch_cost"], row["epochs_to_cost"], row["at_chance"]) for row in table} == {
        ("0.5", "3", "False")
    }


def test_where_some_seeds_of_an_arm_are_stuck_the_others_mean_is_told() -> None:
    found = result(2, seeds=4, accuracies=lambda arm, number, _: 0.1 if arm and number < 3 else 0.95)
    assert found.arms[1].failures == ChanceCount(at_chance=3, n=4, others=MeanEstimate(0.95))
    assert "he_normal: 3 of 4 seeds stay at chance; the other (1): 95.00 %." in sentences(found)
    one = result(2, seeds=4, accuracies=lambda arm, number, _: 0.1 if arm and number < 1 else 0.95)
    assert "he_normal: 1 of 4 seeds stays at chance; the others (3): 95.00 % ± 0.00." in sentences(one)
    whole = result(2, seeds=4, accuracies=lambda arm, _, __: 0.1 if arm else 0.95)
    assert not any("seeds stay" in sentence for sentence in sentences(whole))


def test_all_pairs_are_said_to_be_that() -> None:
    found = again(result(3, seeds=8), all_pairs=True)
    assert "All pairs of 3 arms; p corrected for 3 comparisons (Holm)." in sentences(found)


def test_p_values_that_an_earlier_version_did_not_correct_are_said_to_be_that() -> None:
    found = result(3, seeds=8)
    old = replace(found, comparisons=tuple(replace(row, p_holm=None) for row in found.comparisons))
    assert "All against xavier_normal; 2 p-values, not corrected for their number." in sentences(old)


# The trained models, two by two


def models(found: ResultDocument, only_a: list[int], only_b: list[int], a: str = "", b: str = "") -> ResultDocument:
    first, second, *_ = (arm.name for arm in found.arms)
    seeds = tuple(777 + i for i in range(len(only_a)))
    counts = ModelComparison(a or first, b or second, seeds, tuple(only_a), tuple(only_b))
    return replace(found, models=of_models([counts]))


def test_of_one_seed_the_two_trained_models_stand_beside_the_verdict() -> None:
    verdict, aside = verdicts(models(result(2), [9], [12]))
    assert verdict.endswith("which proves nothing: add --seeds 10.")
    assert aside == (
        "As two trained models, not as schemes: he_normal alone is right on 12 test images, xavier_normal alone on 9 "
        "(McNemar's exact p = 0.664)."
    )


def test_of_many_arms_on_one_seed_the_best_two_models_are_told() -> None:
    found = models(result(3), [9], [30], "he_normal", "orthogonal")
    assert verdicts(found)[1] == (
        "As two trained models, not as schemes: orthogonal alone is right on 30 test images, he_normal alone on 9 "
        "(McNemar's exact p = 0.00107)."
    )
    swapped = models(result(3), [30], [9], "orthogonal", "he_normal")
    assert verdicts(swapped)[1] == verdicts(found)[1]


def test_of_several_seeds_it_is_counted_how_often_the_models_differ() -> None:
    found = models(result(2, seeds=3), [0, 30, 5], [20, 9, 5])
    assert sentences(found)[-1] == (
        "As trained models, seed by seed, not as schemes: xavier_normal and he_normal differ on 2 of 3 seeds "
        "(McNemar's exact p < 0.05), he_normal ahead on 1 of those."
    )


def test_models_that_differ_on_no_seed_are_ahead_on_none() -> None:
    found = models(result(2, seeds=3), [5, 9, 5], [5, 9, 6])
    assert sentences(found)[-1] == (
        "As trained models, seed by seed, not as schemes: xavier_normal and he_normal differ on none of 3 seeds "
        "(McNemar's exact p < 0.05)."
    )


def test_an_arm_at_chance_needs_no_mcnemar() -> None:
    found = models(result(2, accuracies=lambda arm, _, __: 0.1 if arm else 0.95), [800], [0])
    assert not any("McNemar" in sentence for sentence in sentences(found))


def test_the_precision_of_every_arm_is_part_of_the_result() -> None:
    of = preset([{"init": "he_normal"}, {"init": "lecun_normal", "training": {"precision": "bf16"}}], epochs=1)
    assert [arm.precision for arm in arms(begin(of))] == ["float32", "bf16"]
