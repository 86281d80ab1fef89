"""Two runs side by side: what is read from real folders, and what is drawn of it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis import sentences
from inittui.analysis.across_runs import document_of_runs
from inittui.experiment.preset import Preset
from inittui.record.result_schema import ArmResult, DatasetInfo, InitInfo, MeanEstimate, ReplicaResult, ResultDocument
from inittui.record.run_index import RunIndex, RunSummary, runs
from inittui.tui.browser.compare_drawing import rows
from inittui.tui.browser.compare_screen import CompareScreen
from inittui.tui.browser.run_pair import RunPair, Side, differences, gain, read_pair, remarks
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import width_of
from tests.helpers import canned_events, empty_run, finished_board, preset, steady, write_events, write_run
from tests.tui.builders import FAILED, dashboard, lines_of, named, press, screen_text, words

PLAIN, ASCII = Glyphs(), Glyphs(ascii=True)


def arm(mean: float | None = 0.98, status: str = "finished", std: float | None = None, seeds: int = 1) -> ArmResult:
    """An arm with an accuracy from `seeds` seeds; its name is set by `side`."""
    replica = ReplicaResult(
        seed=777, train_cost=(), test_cost=None, test_accuracy=mean, test_accuracies=(), seconds=1.0,
        samples_per_second=None,
    )  # fmt: skip
    return ArmResult(
        name="", init=InitInfo("he_normal", {}), changes=(), status=status, reason="", parameters=1, epochs=1,
        replicas=(replica,) * seeds, test_accuracy=None if mean is None else MeanEstimate(mean, std),
    )  # fmt: skip


def side(of: Preset | None = None, *, name: str = "a", test: int = 297, **arms: ArmResult | None) -> Side:
    of = of or preset(2)
    return side_of(name, of, test, arms or {given.name: arm() for given in of.arms})


def side_of(
    name: str, of: Preset, test: int, arms: dict[str, Any], device: str = "cpu", state: str = "finished"
) -> Side:
    document = ResultDocument(
        format=1, run=name, title="", status=state, reason="", data=DatasetInfo("digits", "8x8 digits", 1500, test, ""),
        device=device, threads=1, seconds=1.0, resumed="", design=None, comparisons=(), speed=(), models=(),
        arms=tuple(replace(result, name=key) for key, result in arms.items() if result is not None),
    )  # fmt: skip
    return Side(RunSummary(f"{name}-20260101-000000", f"/{name}", state, device=device, age=90.0), of, document)


def text(a: Side, b: Side, width: int = 100, glyphs: Glyphs = PLAIN) -> str:
    return "\n".join(lines_of(rows(RunPair(a, b), width, glyphs)))


# What differs


def changed(**table: Any) -> dict[str, tuple[str, str]]:
    return {key: (a, b) for key, a, b in differences(RunPair(side(), side(preset(2, **table))))}


def test_runs_of_one_preset_differ_in_nothing() -> None:
    assert differences(RunPair(side(), side(name="b"))) == []
    assert "Their presets ask for the same." in text(side(), side(name="b"))


def test_each_setting_that_differs_is_shown_with_both_values() -> None:
    assert changed(model={"hidden": [512, 512, 512], "activation": "tanh"}, data={"train_limit": 500}) == {
        "data.train_limit": ("not given", "500"),
        "model.hidden": ("[16, 16]", "[512, 512, 512]"),
        "model.activation": ("relu", "tanh"),
    }
    assert changed(training={"learning_rate": 0.01}) == {"training.learning_rate": ("0.001", "0.01")}
    assert changed(data={"scale_test": False}) == {"data.scale_test": ("yes", "no")}


def test_many_seeds_and_layers_are_abbreviated() -> None:
    assert changed(seeds=3) == {"training.seeds": ("[777]", "[777, 778, 779]")}
    assert changed(seeds=20) == {"training.seeds": ("[777]", "777 to 796")}
    assert changed(model={"hidden": [8] * 30})["model.hidden"][1] == "[8, 8, 8, … 30 in all]"


def test_an_arm_of_one_name_with_another_scheme_is_shown() -> None:
    a = side(preset([{"name": "x", "init": "he_normal"}, "zeros"]))
    b = side(preset([{"name": "x", "init": {"name": "normal", "std": 0.5}, "model": {"activation": "tanh"}}, "zeros"]))
    assert differences(RunPair(a, b)) == [("arm x", "he_normal", 'normal(std=0.5); model.activation = "tanh"')]


def test_images_that_differ_are_shown_once_both_are_known() -> None:
    assert differences(RunPair(side(), side(test=10_000))) == [
        ("images", "8x8 digits 1,500/297", "8x8 digits 1,500/10,000")
    ]
    assert differences(RunPair(side(), side(test=0))) == []


def test_a_change_too_long_for_its_line_takes_three() -> None:
    b = side(preset(2, model={"hidden": [1000, 2000, 3000, 4000]}), name="b")
    wide, narrow = text(side(), b, 100).splitlines(), text(side(), b, 40).splitlines()
    assert "  model.hidden  A [16, 16] / B [1000, 2000, 3000, 4000]" in wide
    at = narrow.index("  model.hidden")
    assert narrow[at + 1 : at + 3] == ["    A [16, 16]", "    B [1000, 2000, 3000, 4000]"]


# What came out


def test_the_difference_is_b_minus_a_in_points() -> None:
    a, b = side(he=arm(0.9756, seeds=9, std=0.0023)), side(he=arm(0.9808), name="b")
    row = next(line for line in text(a, b).splitlines() if line.startswith("he "))
    assert row.split() == ["he", "97.56", "%", "±", "0.23", "98.08", "%", "+0.52", "9", "/", "1"]
    assert gain(RunPair(a, b), "he") == pytest.approx(0.0052)
    assert gain(RunPair(a, b).swapped(), "he") == pytest.approx(-0.0052)


@pytest.mark.parametrize(
    ("a", "b"),
    [(arm(), None), (arm(), arm(None, "failed")), (arm(), arm(0.9, "training")), (arm(0.9, "stopped"), arm())],
    ids=["absent", "failed", "training", "stopped"],
)
def test_where_an_arm_has_not_finished_in_both_there_is_no_difference(a: ArmResult, b: ArmResult | None) -> None:
    pair = RunPair(side(x=a), side(x=b, y=arm()))
    assert gain(pair, "x") is gain(pair.swapped(), "x") is None
    shown = next(line for line in lines_of(rows(pair, 100, PLAIN)) if line.startswith("x "))
    assert "+" not in shown


def test_arms_without_an_accuracy_or_not_finished_are_named() -> None:
    a = side(he=arm(None, "failed"), zeros=arm(0.1, "training"))
    shown = text(a, side(name="b", he=arm(), other=arm()))
    for line in ("No accuracy in A: he.", "* has not finished: its accuracy so far."):
        assert line in shown
    assert "10.00 % *" in shown
    assert "not in it" in shown
    assert remarks(RunPair(side(), side())) == []


def test_accuracies_on_different_images_are_not_subtracted() -> None:
    pair = RunPair(side(), side(name="b"), incomparable="their accuracies can't be compared")
    shown = "\n".join(lines_of(rows(pair, 100, PLAIN)))
    assert "their accuracies can't be compared" in shown
    assert "+0.00" not in shown


def test_arms_that_both_have_come_first() -> None:
    a, b = side(one=arm(), both=arm()), side(two=arm(), both=arm())
    shown = [line.split()[0] for line in text(a, b).splitlines() if line.rstrip().endswith(("/ 1", "/ -"))]
    assert shown == ["both", "one", "two"]


arms = st.builds(
    arm,
    st.none() | st.floats(0, 1),
    st.sampled_from(["finished", "failed", "waiting"]),
    st.none() | st.floats(0, 1),
    st.integers(0, 9),
)
sides = st.builds(
    side_of,
    words,
    st.sampled_from([preset(2), preset(named("漢字" * 30, "[b]")), preset(3, seeds=99, model={"hidden": [1] * 99})]),
    st.integers(0, 10**6),
    st.dictionaries(words, arms, max_size=4),
    words,
    words,
)


@steady
@given(sides, sides, st.lists(words, max_size=2), st.integers(36, 200), st.booleans())
def test_whatever_the_two_are_they_fit_the_screen(
    a: Side, b: Side, remarks: list[str], width: int, ascii_only: bool
) -> None:
    for row in rows(RunPair(a, b, tuple(remarks)), width, ASCII if ascii_only else PLAIN)[3:]:
        if "±" not in "".join(part for part, _ in row):
            assert width_of(row) <= max(width, 70)


# Read from folders


def pair_of(folder: Path) -> RunPair:
    """The two runs of the folder, in the order of their names."""
    a, b = sorted(RunIndex(folder).read(), key=lambda run: run.name)
    return read_pair(a, b)


def test_a_pair_says_what_the_command_says(tmp_path: Path) -> None:
    write_run(tmp_path, preset(2, seeds=3, name="a"), endings={1: FAILED})
    write_run(tmp_path, preset(2, seeds=3, name="b"))
    pair = pair_of(tmp_path)
    assert pair.a.data == "8x8 digits (scikit-learn) 1,500/297"
    assert {name: (of.status, len(of.replicas)) for name, of in pair.a.arms.items()} == {
        "xavier_normal": ("finished", 3),
        "he_normal": ("failed", 3),
    }
    both = sorted(runs(tmp_path), key=lambda run: run.name)
    assert list(pair.sentences) == sentences.sentences(document_of_runs(both)) != []
    assert remarks(pair)[-len(pair.sentences) :] == list(pair.sentences)


def test_runs_on_other_images_are_not_compared_and_the_reason_is_the_commands(tmp_path: Path) -> None:
    write_run(tmp_path, preset(2, name="a"))
    write_run(tmp_path, preset(2, name="b", data={"scale_test": False}))
    pair = pair_of(tmp_path)
    assert "expected runs on the same images" in pair.incomparable
    assert pair.sentences == ()


@pytest.mark.parametrize(("until", "test", "mean"), [(0.5, 0, False), (2.0, 297, True)])
def test_a_run_without_a_result_is_read_from_its_logs(tmp_path: Path, until: float, test: int, mean: bool) -> None:
    write_events(empty_run(tmp_path, preset(name="a")), canned_events(preset(name="a"), until=until))
    write_run(tmp_path, preset(name="b"))
    unfinished = pair_of(tmp_path).a
    assert unfinished.document.data.test == test
    assert [of.test_accuracy is not None for of in unfinished.document.arms] == [mean, mean]
    assert all(of.status != "finished" for of in unfinished.document.arms)


@pytest.mark.parametrize("size", [(120, 40), (60, 20), (40, 10), (20, 4), (1, 1)])
async def test_what_does_not_fit_is_scrolled_to(size: tuple[int, int]) -> None:
    app = dashboard(finished_board())
    async with app.run_test(size=size) as pilot:
        arms: dict[str, Any] = {f"arm-{index:02d}": arm() for index in range(40)}
        pair = RunPair(side(**arms), side(name="b", **arms), ("the last sentence",))
        await app.push_screen(CompareScreen(pair, app.glyphs))
        text = await press(pilot, "home")
        if size[0] >= 40:
            assert " A  a-20260101-000000" in text
            assert "lines 1 to" in text
            assert "esc close" in text
            assert "the last sentence" not in text
        text = await press(pilot, "end", "down", "pagedown")
        if size[0] >= 40:
            assert "the last sentence" in text
            assert "the last sentence" not in await press(pilot, "pageup", "up")
        await press(pilot, "escape")
        assert app.screen is app.main
        assert screen_text(app)
