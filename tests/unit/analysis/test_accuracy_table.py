"""The accuracy table as cells."""

import math

from inittui.analysis import accuracy_table
from inittui.analysis.accuracy_table import (
    ACCURACY,
    COLUMNS,
    INTERVAL,
    columns,
)
from inittui.analysis.sentences import sentences
from inittui.output.tables import text
from inittui.record import events
from inittui.record.result_schema import (
    ResultDocument,
)
from tests.helpers import accuracy, cost, finished_document

FAILED = events.Failed(kind="cost", reason="cost not finite (nan) in epoch 2, by step 30 of 30, seed 777")


def rows(document: ResultDocument, *, each_seed: bool = False) -> list[tuple[str, ...]]:
    return accuracy_table.rows(document.arms, each_seed=each_seed)


def test_a_row_an_arm_with_its_last_figures() -> None:
    first, second = rows(finished_document(2, epochs=3))
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
    first, _ = rows(finished_document(2, epochs=1, seeds=4))
    right = [accuracy(0, number, 1) for number in range(4)]
    mean = sum(right) / 4
    deviation = math.sqrt(sum((value - mean) ** 2 for value in right) / 3)
    assert first[1] == "4 seeds"
    assert first[2] == f"{sum(cost(0, number, 1) for number in range(4)) / 4:.4f}"
    assert first[4].rstrip() == f"{100 * mean:.2f} % ± {100 * deviation:.2f}"
    ends = finished_document(2, epochs=1, seeds=4).arms[0].test_accuracy.ci95
    assert ends is not None
    assert first[INTERVAL] == " to ".join(f"{100 * end:.2f}" for end in ends)
    assert first[6] == "2.0"


def test_the_highest_is_marked_and_alone_unless_arms_are_level() -> None:
    def marked(accuracies: list[float]) -> list[bool]:
        found = finished_document(len(accuracies), accuracies=lambda arm, _, __: accuracies[arm])
        return [row[4].endswith("*") for row in rows(found)]

    assert marked([0.9, 0.95, 0.93]) == [False, True, False]
    assert marked([0.9, 0.95, 0.95]) == [False, True, True]


def test_an_arm_that_did_not_finish_is_never_the_highest_and_says_why() -> None:
    found = finished_document(2, endings={1: FAILED})
    first, second = rows(found)
    assert first[4].endswith("*")
    assert second[4] == "90.40 % (failed)"
    assert sentences(found)[0] == f"he_normal failed: {FAILED.reason}."
    assert f"he_normal failed: {FAILED.reason}." in text(found)


def test_a_cost_that_was_not_finite_is_a_dash() -> None:
    first, second = rows(finished_document(2, costs=lambda arm, _, __: None if arm else 0.5))
    assert (first[2], first[3]) == ("0.5000", "0.5500")
    assert (second[2], second[3]) == ("-", "-")


def test_the_interval_has_a_column_where_there_are_several_seeds() -> None:
    assert INTERVAL not in columns(rows(finished_document(2)))
    assert INTERVAL in columns(rows(finished_document(2, seeds=2)))
    assert "95 % interval" not in text(finished_document(2))


def test_a_seed_at_chance_is_marked_in_its_row() -> None:
    found = finished_document(2, seeds=2, accuracies=lambda arm, number, _: 0.1 if arm and number else 0.95)
    assert [row[ACCURACY].strip() for row in rows(found, each_seed=True)[4:]] == ["95.00 %", "10.00 % (chance)"]
