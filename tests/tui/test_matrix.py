"""The matrix of a sweep: its cells, its keys, and a run of 500 arms."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis import accuracy_table, sentences
from inittui.analysis.sweep_grid import SweepGrid, best_first, matching, sweep_grid
from inittui.board.source import StillSource
from inittui.board.state import Board
from inittui.experiment.preset import Preset
from inittui.experiment.preset_table import build
from inittui.output import tables
from inittui.record import events
from inittui.tui.app import Dashboard
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import width_of
from inittui.tui.views.matrix import MEASURES, MatrixPanel, MatrixViewState
from inittui.tui.widgets.panel import Panel
from tests.helpers import board_of, canned_events, steady
from tests.tui.builders import SIZES, lines_of, press, screen_text


def swept(sweep: dict[str, list[object]], arms: int = 2, seeds: int = 1) -> Preset:
    table = {
        "data": {"name": "digits"},
        **({"sweep": sweep} if sweep else {}),
        "training": {"epochs": 2, "seeds": list(range(seeds))},
        "arms": [{"init": "he_normal", "name": f"s{number}"} for number in range(arms)],
    }
    return build(table, name="map", source="map")


def board(of: Preset, until: float | None = None) -> Board:
    """The first row stays at chance, the others learn."""
    per_row = len(of.arms) // (len(of.rows) or 1)
    learns = lambda arm, _, __: 0.1 if arm < per_row else 0.9  # noqa: E731
    return board_of(of, canned_events(of, until=until, accuracies=learns))


def panel(of: Board, state: MatrixViewState | None = None, glyphs: Glyphs | None = None) -> MatrixPanel:
    """The matrix, on no screen."""
    matrix = MatrixPanel(glyphs or Glyphs())
    matrix.board, matrix.state = of, state or MatrixViewState()
    return matrix


def source(of: Board) -> Dashboard:
    return Dashboard(StillSource(of), watch_machine=False)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 3), st.integers(0, 5))
@steady
def test_every_arm_has_one_cell_whatever_is_across(sizes: list[int], rows: int, across: int) -> None:
    axes = [(f"k{number}", [str(value) for value in range(size)]) for number, size in enumerate(sizes)]
    grid = sweep_grid([f"r{row}" for row in range(rows)], axes, across)
    assert grid is not None
    count = rows
    for size in sizes:
        count *= size
    assert sorted(arm for row in grid.arms for arm in row) == list(range(count))
    assert len(set(grid.rows)) == len(grid.arms)


def whole(rows: int, columns: int) -> SweepGrid:
    grid = sweep_grid(
        [f"scheme{row}" for row in range(rows)], [("depth", [str(3 + number) for number in range(columns)])]
    )
    assert grid is not None
    return grid


@given(st.integers(1, 5), st.integers(1, 5), st.data())
@steady
def test_an_order_keeps_every_row_with_its_arms_and_the_unknown_last(
    rows: int, columns: int, data: st.DataObject
) -> None:
    grid = whole(rows, columns)
    values = data.draw(st.lists(st.none() | st.floats(-10, 10), min_size=rows * columns, max_size=rows * columns))
    column = data.draw(st.none() | st.integers(0, columns - 1))
    ordered = best_first(grid, values.__getitem__, column)
    assert sorted(ordered.row_numbers) == list(range(rows))
    for number, name, arms in zip(ordered.row_numbers, ordered.rows, ordered.arms, strict=True):
        assert (name, arms) == (grid.rows[number], grid.arms[number])
    if column is not None:
        ranked = [values[arms[column]] for arms in ordered.arms]
        known = [value for value in ranked if value is not None]
        assert ranked == sorted(known, reverse=True) + [None] * (rows - len(known))


@pytest.mark.parametrize(
    ("words", "rows", "columns"),
    [
        ("", (0, 1, 2), ("3", "4", "5")),
        ("Scheme2", (2,), ("3", "4", "5")),
        ("scheme 1", (1,), ("3", "4", "5")),
        ("chance", (1,), ("3", "4", "5")),
        ("depth=4,5,9", (0, 1, 2), ("4", "5")),
        ("depth=9", (0, 1, 2), ()),
        ("width=4", (), ("3", "4", "5")),
        ("chance 2", (), ("3", "4", "5")),
    ],
)
def test_a_filter_means_names_states_and_values(words: str, rows: tuple[int, ...], columns: tuple[str, ...]) -> None:
    states = lambda arm: "chance" if arm == 4 else "trains"  # noqa: E731
    grid = matching(whole(3, 3), words, states, ("chance", "trains"))
    assert (grid.row_numbers, grid.columns) == (rows, columns)
    assert all(len(arms) == len(columns) for arms in grid.arms)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_cell_says_in_words_what_its_colour_says(size: tuple[int, int], ascii_only: bool) -> None:
    of = board(swept({"model.depth": [2, 3, 4]}))
    for name in MEASURES:
        rows = panel(of, MatrixViewState(name), Glyphs(ascii=ascii_only)).paint(size[0] - 4, size[1] - 6)
        assert all(width_of(row) == size[0] - 4 for row in rows)
        assert len(rows) <= size[1] - 6
        text = "\n".join(lines_of(rows))
        if name == "trains":
            assert text.count("chance") == text.count("yes") == 3
        if name == "accuracy":
            assert text.count("90.0") >= 3
            assert text.count("10.0") >= 3


def test_it_fills_while_it_trains_and_is_empty_before() -> None:
    before = board(swept({"model.depth": [2, 3]}), until=1.3)
    text = "\n".join(lines_of(panel(before).paint(80, 20)))
    assert text.count("...") == 4


def test_of_several_seeds_the_curve_has_the_means_interval() -> None:
    of = swept({"model.depth": [2, 3, 4]}, seeds=3)
    swept_board = board_of(
        of, canned_events(of, accuracies=lambda arm, seed, _: 0.5 + 0.1 * (seed % 3) - 0.2 * (arm // 3))
    )
    text = "\n".join(lines_of(panel(swept_board).paint(80, 30)))
    assert {"┬", "┴"} <= set(text)
    assert "95 % interval" in text
    alone = board(swept({"model.depth": [2, 3, 4]}))
    assert "interval" not in "\n".join(lines_of(panel(alone).paint(80, 30)))


@pytest.mark.parametrize("size", SIZES)
async def test_a_swept_run_opens_with_it_and_enter_opens_an_arm(size: tuple[int, int]) -> None:
    app = source(board(swept({"model.depth": [2, 3, 4], "training.epochs": [1, 2]})))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "test accuracy, % by scheme and depth" in "\n".join(screen_text(app))
        assert "s0, depth 3, epochs 2: finished" in await press(pilot, "right", "down")
        assert "whether it trains by scheme and depth" in await press(pilot, "v")
        assert "whether it trains by scheme and epochs" in await press(pilot, "a")
        text = await press(pilot, "down", "right", "enter")
        assert "depth 3, epochs 2" in text.split("\n")[2]
        assert "by scheme" not in text
        assert "by scheme and epochs" in await press(pilot, "enter")
        text = await press(pilot, "enter", "escape")
        assert "depth 3, epochs 2" not in text.split("\n")[2]
        assert "by scheme and epochs" in text


@pytest.mark.parametrize("size", SIZES)
async def test_it_is_put_in_order_and_filtered_and_the_cursor_stays_with_its_arm(size: tuple[int, int]) -> None:
    app = source(board(swept({"model.depth": [2, 3, 4]}, arms=3)))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert re.findall(r"(s\d) +\d0\.0", await press(pilot, "o")) == ["s1", "s2", "s0"]
        # The cursor is in s0, which is the last row now.
        assert "s0, depth 2: finished" in await press(pilot, "down")
        assert "s2, depth 2: finished" in await press(pilot, "up")
        text = await press(pilot, "slash", *"chance")
        assert "s0, depth 2: finished" in text
        assert "s1" not in text
        assert "s0, depth 2" in (await press(pilot, "enter", "down", "enter")).split("\n")[2]
        text = await press(pilot, "5", "slash", *"zzz", "enter", "enter", "right")
        assert "no scheme or value has 'zzz'" in text
        assert "s1" in await press(pilot, "slash", "escape")


async def test_five_hundred_arms_have_no_widget_each() -> None:
    app = source(board(swept({"model.width": list(range(1, 51))}, arms=10)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert len(app.query(Panel)) + len(app.screen.query(Panel)) < 40
        await pilot.press("5")
        await pilot.pause()
        await pilot.press("5")


def test_the_report_has_it_as_a_table() -> None:
    of = board(swept({"model.depth": [2, 3]}))
    assert of.result is not None
    assert accuracy_table.sweep_rows(of.result) == [
        ("accuracy, % by depth", "2", "3"),
        ("s0", "10.00 chance", "10.00 chance"),
        ("s1", "90.00", "90.00"),
    ]
    assert "accuracy, % by depth" in tables.text(of.result)
    assert "| accuracy, % by depth | 2 | 3 |\n|---|---:|---:|\n| s0 | 10.00 chance" in tables.markdown(of.result)


def test_a_file_with_fewer_arms_than_its_sweep_has_no_matrix(tmp_path: Path) -> None:  # noqa: ARG001
    of = board(swept({"model.depth": [2, 3]}))
    assert of.result is not None
    assert accuracy_table.sweep_rows(replace(of.result, arms=of.result.arms[:1])) == []


def test_schemes_are_compared_at_the_same_values() -> None:
    of = board(swept({"model.depth": [2, 3]}, arms=3))
    assert of.result is not None
    assert [(row.a, row.b) for row in of.result.comparisons] == [
        (f"s0, depth {depth}", f"s{row}, depth {depth}") for row in (1, 2) for depth in (2, 3)
    ]


@pytest.mark.parametrize("sweep", [{}, {"model.depth": [2, 3]}])
async def test_its_keys_are_named_below_where_there_is_a_sweep_alone(sweep: dict[str, list[object]]) -> None:
    app = source(board(swept(sweep)))
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        assert ("5 matrix" in "\n".join(screen_text(app))) == bool(sweep)


def test_of_many_comparisons_there_is_a_sentence_for_every_two_schemes() -> None:
    few = board(swept({"model.depth": [2, 3]}, arms=3, seeds=2)).result
    assert few is not None
    assert len([words for words in sentences.verdicts(few) if "s0, depth 2" in words]) == 2
    many = board(swept({"model.depth": [2, 3, 4, 5]}, arms=3, seeds=2)).result
    assert many is not None
    assert sentences.verdicts(many)[:2] == [
        f"s{row} against s0: learns, and s0 stays at chance, at depth 2, depth 3, depth 4, depth 5." for row in (1, 2)
    ]
    assert sentences.asides(many) == []
    assert len(many.comparisons) == 8


@pytest.mark.parametrize(
    ("difference", "pairs", "sentence"),
    [
        (0.1, 9, "higher at depth 2, depth 3, depth 4, depth 5."),
        (-0.1, 9, "lower at depth 2, depth 3, depth 4, depth 5."),
        (0.0, 9, "no difference established at depth 2, depth 3, depth 4, depth 5."),
        (0.1, 1, "ahead on one seed, which proves nothing, at depth 2, depth 3, depth 4, depth 5."),
        (0.0, 1, "level on one seed, which proves nothing, at depth 2, depth 3, depth 4, depth 5."),
        (0.1, 2, "no difference established at depth 2, depth 3, depth 4, depth 5."),
    ],
)
def test_what_is_established_is_sentence_value_by_value(difference: float, pairs: int, sentence: str) -> None:
    of = swept({"model.depth": [2, 3, 4, 5]}, arms=3, seeds=pairs)

    def learns(arm: int, seed: int, _: int) -> float:
        more = difference + 0.001 * (seed % 3) if difference and arm >= 4 else 0.0  # of the second row and the third
        return 0.6 + 0.001 * (seed % 7) + more

    document = board_of(of, canned_events(of, accuracies=learns)).result
    assert document is not None
    words = sentences.verdicts(document)
    assert words[0] == f"s1 against s0: {sentence}"
    assert any("Indicative only" in text for text in words) == (pairs == 2)


async def test_what_is_shown_alone_has_its_keys_below() -> None:
    app = source(board(swept({"model.depth": [2, 3]})))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert " o order" in screen_text(app)[-1]
        await pilot.press("5")
        await pilot.pause()
        assert " o order" not in screen_text(app)[-1]
        await pilot.press("4")
        await pilot.pause()
        assert " i start/now" in screen_text(app)[-1]


def test_what_does_not_fit_is_counted_and_partly_stuck_arms_are_sentence() -> None:
    of = swept({"model.depth": list(range(2, 22))}, arms=3, seeds=3)
    stuck = lambda arm, seed, _: 0.1 if arm == 1 and seed else 0.9  # noqa: E731
    swept_board = board_of(of, canned_events(of, accuracies=stuck))
    text = "\n".join(lines_of(panel(swept_board, MatrixViewState("trains")).paint(76, 18)))
    assert "1 of 3" in text
    assert re.search(r"\d+ more right", text)
    assert "more" not in "\n".join(
        lines_of(panel(swept_board, MatrixViewState("trains", only="depth=2,3")).paint(76, 18))
    )
    some = panel(swept_board, MatrixViewState(only="some")).grid()
    assert some is not None
    assert some.rows == ("s0",)


def test_the_report_says_of_a_failed_arm_that_it_failed() -> None:
    of = swept({"model.depth": [2, 3]})
    document = board_of(of, canned_events(of, endings={1: events.Failed(kind="cost", reason="nan")})).result
    assert document is not None
    assert accuracy_table.sweep_rows(document)[1][2] == "failed"
