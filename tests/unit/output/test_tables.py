"""The accuracy table as text, Markdown and CSV."""

import csv
import io
import re
from typing import Any

import pytest

from inittui.analysis import accuracy_table
from inittui.analysis.accuracy_table import (
    ACCURACY,
    COLUMNS,
    columns,
    heading,
)
from inittui.output.tables import comma_separated, markdown, text
from inittui.record import events
from inittui.record.result_schema import (
    ResultDocument,
)
from tests.helpers import accuracy, board_of, cost, finished_document, preset

FAILED = events.Failed(kind="cost", reason="cost not finite (nan) in epoch 2, by step 30 of 30, seed 777")
KILLED = events.Gone(arm="", reason="killed by signal 9 (SIGKILL)")


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


def test_a_run_that_never_began_can_be_documented() -> None:
    of = preset()
    over = board_of(of, [(events.Phase(phase="failed", detail="no memory"), None)])
    assert over.result is not None
    assert over.result.status == "failed"
    assert [arm.replicas for arm in over.result.arms] == [(), ()]
    for shown in (text(over.result), markdown(over.result), comma_separated(over.result)):
        assert "canned-20260101-120000" in shown or "seed" in shown


def test_the_text_has_heading_table_mark_and_verdict() -> None:
    found = finished_document(3, epochs=3, seeds=2)
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
    header, rule, *table = text(finished_document(3)).splitlines()[2:7]
    ends = [match.end() for match in re.finditer("-+", rule)]
    for line in (header, *table):
        assert all(line[end : end + 2].strip() == "" for end in ends[:-1])


def test_where_nothing_finished_nothing_is_called_the_highest() -> None:
    shown = text(finished_document(2, endings={0: FAILED, 1: KILLED}))
    assert "*" not in shown
    assert KILLED.reason in shown


@pytest.mark.parametrize("seeds", [1, 3])
def test_markdown_is_a_table_of_the_same_cells(seeds: int) -> None:
    found = finished_document(
        [{"init": "zeros", "name": r"a|b *c* `d` \e"}, "he_normal", "normal(std=0.1)"], seeds=seeds
    )
    header, *table = cells(markdown(found))
    assert header == [COLUMNS[i] for i in columns(rows(found))]
    expected = [[cell.strip() for cell in row] for row in rows(found)]
    expected[2][ACCURACY] = f"**{expected[2][ACCURACY].removesuffix('*').strip()}**"  # the highest is bold
    expected = [[row[i] for i in columns(rows(found))] for row in expected]
    assert table == expected


def test_csv_has_a_row_an_arm_and_seed_with_unrounded_figures() -> None:
    found = finished_document(["he_normal", {"init": "zeros", "name": 'a, "b"'}], epochs=2, seeds=3)
    table = list(csv.DictReader(io.StringIO(comma_separated(found))))
    assert [(row["arm"], row["seed"]) for row in table] == [
        (arm, seed) for arm in ("he_normal", 'a, "b"') for seed in ("777", "778", "779")
    ]
    for row, (place, number) in zip(table, [(p, n) for p in (0, 1) for n in (0, 1, 2)], strict=True):
        assert float(row["train_cost"]) == cost(place, number, 2)
        assert float(row["test_accuracy"]) == accuracy(place, number, 2)
        assert (row["epochs"], row["status"], row["run"]) == ("2", "finished", found.run)


def test_csv_has_an_empty_cell_where_there_is_no_figure() -> None:
    found = finished_document(2, endings={1: FAILED}, ends_after=0)
    row = list(csv.DictReader(io.StringIO(comma_separated(found))))[1]
    assert (row["status"], row["epochs"]) == ("failed", "0")
    assert {row[key] for key in ("train_cost", "test_cost", "test_accuracy", "samples_per_second")} == {""}


@pytest.mark.parametrize("draw", [text, markdown])
def test_each_seed_has_a_row_on_request(draw: Any) -> None:
    found = finished_document(2, epochs=2, seeds=3)
    table = rows(found, each_seed=True)
    assert [row[0] for row in table] == ["xavier_normal", "", "", "", "he_normal", "", "", ""]
    assert [row[1] for row in table[5:]] == ["777", "778", "779"]
    assert table[6][2] == f"{cost(1, 1, 2):.4f}"
    assert table[6][ACCURACY].strip() == f"{100 * accuracy(1, 1, 2):.2f} %"
    assert "778" in draw(found, each_seed=True)
    assert "778" not in draw(found)
    assert rows(finished_document(2), each_seed=True) == rows(finished_document(2))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_narrow_table_gives_up_columns_and_says_which(width: int) -> None:
    shown = text(finished_document(3, seeds=10), width=width).splitlines()
    table = [line for line in shown if line.startswith(("scheme", "---", "xavier", "he_n", "orth")) and "  " in line]
    assert len(table) == 5
    assert all(len(line) <= max(width, 42) for line in table)
    missing = [name for name in COLUMNS if name not in table[0]]
    for name in missing:
        assert any(line.startswith("No room for: ") and name in line for line in shown)
    assert all(len(line) <= width for line in shown[-6:])


def test_csv_has_the_speed_and_the_fate_of_each_seed() -> None:
    found = finished_document(2, seeds=2, costs=lambda arm, _, epoch: 0.2 if epoch == 3 else 0.5)
    table = list(csv.DictReader(io.StringIO(comma_separated(found))))
    assert {(row["first_epoch_cost"], row["epochs_to_cost"], row["at_chance"]) for row in table} == {
        ("0.5", "3", "False")
    }
