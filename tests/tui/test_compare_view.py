"""Two runs side by side, as pure rows; what is read for them is tested on real folders."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inittui.experiment.preset import Preset
from inittui.record.run_index import RunSummary, summaries
from inittui.tui.browser.compare_screen import CompareScreen, read
from inittui.tui.browser.compare_view import (
    NO_TEST,
    Outcome,
    Side,
    difference,
    differences,
    incomparable,
    remarks,
    rows,
)
from inittui.tui.draw.glyphs import Look, width_of
from tests.helpers import canned_events, empty_run, finished_board, preset, steady, write_events, write_run
from tests.tui.builders import FAILED, dashboard, lines_of, named, press, screen_text, words

PLAIN, ASCII = Look(), Look(ascii=True)


def outcome(mean: float | None = 0.98, status: str = "finished", std: float | None = None, seeds: int = 1) -> Outcome:
    return Outcome(status, mean, std, seeds)


def side(of: Preset | None = None, *, name: str = "a", test: int = 297, **arms: Outcome | None) -> Side:
    of = of or preset(2)
    found = arms or {arm.name: outcome() for arm in of.arms}
    data = f"8x8 digits 1,500/{test}" if test else ""
    return Side(
        RunSummary(f"{name}-20260101-000000", f"/{name}", "finished", device="cpu", age=90.0),
        of, data, test, {key: value for key, value in found.items() if value is not None},
    )  # fmt: skip


def text(a: Side, b: Side, width: int = 100, look: Look = PLAIN) -> str:
    return "\n".join(lines_of(rows(a, b, width, look)))


# What differs


def changed(**table: Any) -> dict[str, tuple[str, str]]:
    return {key: (a, b) for key, a, b in differences(side(), side(preset(2, **table)))}


def test_runs_of_one_preset_differ_in_nothing() -> None:
    assert differences(side(), side(name="b")) == []
    assert "Their presets ask for the same." in text(side(), side(name="b"))


def test_each_key_that_differs_is_told_with_both_values() -> None:
    assert changed(model={"hidden": [512, 512, 512], "activation": "tanh"}, data={"train_limit": 500}) == {
        "data.train_limit": ("not given", "500"),
        "model.hidden": ("[16, 16]", "[512, 512, 512]"),
        "model.activation": ("relu", "tanh"),
    }
    assert changed(training={"learning_rate": 0.01}) == {"training.learning_rate": ("0.001", "0.01")}
    assert changed(data={"scale_test": False}) == {"data.scale_test": ("yes", "no")}


def test_many_seeds_and_layers_are_told_in_short() -> None:
    assert changed(seeds=3) == {"training.seeds": ("[777]", "[777, 778, 779]")}
    assert changed(seeds=20) == {"training.seeds": ("[777]", "777 to 796")}
    assert changed(model={"hidden": [8] * 30})["model.hidden"][1] == "[8, 8, 8, … 30 in all]"


def test_an_arm_of_one_name_with_another_scheme_is_told() -> None:
    a = side(preset([{"name": "x", "init": "he_normal"}, "zeros"]))
    b = side(preset([{"name": "x", "init": {"name": "normal", "std": 0.5}, "model": {"activation": "tanh"}}, "zeros"]))
    assert differences(a, b) == [("arm x", "he_normal", 'normal(std=0.5); model.activation = "tanh"')]


def test_images_and_devices_that_differ_are_told() -> None:
    a, b = side(), side(test=10_000)
    assert differences(a, b) == [("images", "8x8 digits 1,500/297", "8x8 digits 1,500/10000")]
    assert differences(side(), side(test=0)) == []


def test_a_change_too_long_for_its_line_takes_three() -> None:
    b = side(preset(2, model={"hidden": [1000, 2000, 3000, 4000]}), name="b")
    wide, narrow = text(side(), b, 100).splitlines(), text(side(), b, 40).splitlines()
    assert "  model.hidden  A [16, 16] / B [1000, 2000, 3000, 4000]" in wide
    at = narrow.index("  model.hidden")
    assert narrow[at + 1 : at + 3] == ["    A [16, 16]", "    B [1000, 2000, 3000, 4000]"]


# What came out


def test_the_difference_is_b_less_a_in_points() -> None:
    a, b = side(he=outcome(0.9756, seeds=9, std=0.0023)), side(he=outcome(0.9808), name="b")
    row = next(line for line in text(a, b).splitlines() if line.startswith("he "))
    assert row.split() == ["he", "97.56", "%", "±", "0.23", "98.08", "%", "+0.52", "9", "/", "1"]
    assert difference(a.arms["he"], b.arms["he"]) == pytest.approx(0.0052)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (outcome(), None),
        (outcome(), outcome(None, "failed")),
        (outcome(), outcome(0.9, "training")),
        (outcome(0.9, "stopped"), outcome()),
    ],
)
def test_where_an_arm_has_not_finished_in_both_there_is_no_difference(a: Outcome | None, b: Outcome | None) -> None:
    assert difference(a, b) is None
    assert difference(b, a) is None
    shown = next(line for line in text(side(x=a), side(x=b, y=outcome())).splitlines() if line.startswith("x "))
    assert "+" not in shown


def test_what_has_no_accuracy_or_is_not_over_is_said() -> None:
    a = side(he=outcome(None, "failed"), zeros=outcome(0.1, "training"))
    shown = text(a, side(name="b", he=outcome(), other=outcome()))
    for line in ("No accuracy in A: he.", "* did not finish, or has not yet: its accuracy so far.", NO_TEST):
        assert line in shown
    assert "10.00 % *" in shown
    assert "not in it" in shown
    assert remarks(side(), side()) == [NO_TEST]


@pytest.mark.parametrize(
    "other",
    [
        side(preset(2, data={"name": "mnist"})),
        side(preset(2, data={"scale_test": False})),
        side(test=10_000),
        side(test=0),
    ],
    ids=["name", "scale", "count", "none yet"],
)
def test_accuracies_on_different_images_are_not_subtracted(other: Side) -> None:
    assert incomparable(side(), other).startswith("No difference is told: ")
    shown = text(side(), other)
    assert incomparable(side(), other) in shown
    assert "+0.00" not in shown


def test_arms_that_both_have_come_first() -> None:
    a, b = side(one=outcome(), both=outcome()), side(two=outcome(), both=outcome())
    shown = [line.split()[0] for line in text(a, b).splitlines() if line.rstrip().endswith(("/ 1", "/ -"))]
    assert shown == ["both", "one", "two"]


outcomes = st.builds(
    Outcome,
    st.sampled_from(["finished", "failed", "waiting"]),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1),
    st.integers(0, 999),
)
sides = st.builds(
    lambda name, state, arms, test, of: Side(RunSummary(name, "/", state, device=name, age=1e9), of, name, test, arms),
    words, words, st.dictionaries(words, outcomes, max_size=4), st.integers(0, 10**6),
    st.sampled_from([preset(2), preset(named("漢字" * 30, "[b]")), preset(3, seeds=99, model={"hidden": [1] * 99})]),
)  # fmt: skip


@steady
@given(sides, sides, st.integers(36, 200), st.booleans())
def test_whatever_the_two_are_they_fit_the_screen(a: Side, b: Side, width: int, ascii_only: bool) -> None:
    for row in rows(a, b, width, ASCII if ascii_only else PLAIN)[3:]:
        if "±" not in "".join(part for part, _ in row):
            assert width_of(row) <= max(width, 70)


# Read from folders


def test_a_side_is_read_from_a_result(tmp_path: Path) -> None:
    write_run(tmp_path, preset(2, seeds=3), endings={1: FAILED})
    found = read(summaries(tmp_path)[0])
    assert (found.data, found.test) == ("8x8 digits (scikit-learn) 1,500/297", 297)
    assert {name: (arm.status, arm.seeds) for name, arm in found.arms.items()} == {
        "xavier_normal": ("finished", 3),
        "he_normal": ("failed", 3),
    }
    assert found.arms["xavier_normal"].std is not None


@pytest.mark.parametrize(("until", "test", "mean"), [(0.5, 0, False), (2.0, 297, True)])
def test_a_side_without_a_result_is_read_from_its_logs(tmp_path: Path, until: float, test: int, mean: bool) -> None:
    write_events(empty_run(tmp_path), canned_events(preset(), until=until))
    found = read(summaries(tmp_path)[0])
    assert found.test == test
    assert [arm.mean is not None for arm in found.arms.values()] == [mean, mean]
    assert all(arm.status != "finished" for arm in found.arms.values())


@pytest.mark.parametrize("size", [(120, 40), (60, 20), (40, 10), (20, 4), (1, 1)])
async def test_what_does_not_fit_is_scrolled_to(size: tuple[int, int]) -> None:
    app = dashboard(finished_board())
    async with app.run_test(size=size) as pilot:
        arms = {f"arm-{place:02d}": outcome() for place in range(40)}
        await app.push_screen(CompareScreen(side(**arms), side(name="b", **arms), app.look))
        text = await press(pilot, "home")
        if size[0] >= 40:
            assert " A  a-20260101-000000" in text
            assert "lines 1 to" in text
            assert "esc close" in text
            assert "no test of significance" not in text
        text = await press(pilot, "end", "down", "pagedown")
        if size[0] >= 40:
            assert "--seeds 10" in text
            assert "--seeds 10" not in await press(pilot, "pageup", "up")
        await press(pilot, "escape")
        assert app.screen is app.main
        assert screen_text(app)
