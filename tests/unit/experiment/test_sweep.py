"""Sweeps: what a preset with one trains, and that it stays a preset which repeats the run."""

import tomllib
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from inittui.common.errors import InittuiError, PresetError
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset import Preset
from inittui.experiment.preset_files import load
from inittui.experiment.preset_table import build, to_table
from inittui.experiment.sweep import MOST_ARMS
from inittui.record.run_directory import arm_folders
from tests.helpers import empty_run, steady

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "model.depth": st.integers(1, 60),
    "model.width": st.integers(1, 500),
    "model.activation": st.sampled_from(["relu", "tanh", "gelu"]),
    "model.norm": st.sampled_from(["none", "batch", "layer"]),
    "training.learning_rate": st.floats(1e-9, 10),
    "training.epochs": st.integers(1, 100),
    "training.optimizer": st.sampled_from(["adam", "sgd"]),
}


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, list[Any]]:
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
    return {key: draw(st.lists(VALUES[key], min_size=1, max_size=3, unique=True)) for key in keys}


def made(table: dict[str, Any]) -> Preset:
    return build(table, name="mine", source="mine.toml")


def faults(table: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(PresetError) as caught:
        made(table)
    return caught.value.faults


def fault(table: dict[str, Any]) -> str:
    (only,) = faults(table)
    return only


@steady
@given(
    sweeps(),
    st.lists(st.sampled_from(["he_normal", "zeros", "lsuv"]), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
def test_a_sweep_has_every_combination_once_and_is_written_as_the_same_preset(
    swept: dict[str, list[Any]], schemes: list[str], hidden: list[int]
) -> None:
    arms = [{"init": scheme} for scheme in schemes]
    preset = made({"model": {"hidden": hidden}, "sweep": swept, "arms": arms})
    combinations = [dict(zip(swept, values, strict=True)) for values in product(*swept.values())]
    assert len(preset.arms) == len(schemes) * prod(map(len, swept.values()))
    assert len({arm.name for arm in preset.arms}) == len(set(arm_folders(preset))) == len(preset.arms)
    assert {(arm.init.name, arm.changes) for arm in preset.arms} == {
        (scheme, tuple(f"{axis.key} = {_text(combination[axis.key])}" for axis in preset.sweep))
        for scheme in schemes
        for combination in combinations
    }
    assert made(tomllib.loads(tomli_w.dumps(to_table(preset)))) == preset


def _text(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def test_arms_are_named_by_what_is_swept_in_the_order_of_the_values() -> None:
    preset = made(
        {
            "model": {"hidden": [7, 5]},
            "sweep": {"model": {"depth": [3, 10]}, "training": {"learning_rate": [0.1, 1]}},
            "arms": [{"init": "he_normal"}, {"init": "zeros", "name": "none", "model": {"activation": "tanh"}}],
        }
    )
    assert [arm.name for arm in preset.arms[:4]] == [
        "he_normal, depth 3, learning rate 0.1",
        "he_normal, depth 3, learning rate 1.0",
        "he_normal, depth 10, learning rate 0.1",
        "he_normal, depth 10, learning rate 1.0",
    ]
    assert preset.arms[3].model.hidden == (7,) * 9
    assert preset.arms[3].training.learning_rate == 1.0
    assert preset.arms[4].changes == ("model.depth = 3", "training.learning_rate = 0.1", 'model.activation = "tanh"')
    assert arm_folders(preset)[0] == "he_normal_depth_3_learning_rate_0.1"


def test_a_key_may_have_its_dots_in_quotes() -> None:
    assert made({"sweep": {"model.depth": [3, 4]}}) == made({"sweep": {"model": {"depth": [3, 4]}}})


@pytest.mark.parametrize(
    ("model", "hidden"),
    [
        ({"depth": 4}, (512, 512, 512)),
        ({"width": 9}, (9, 9)),
        ({"depth": 3, "width": 9}, (9, 9)),
        ({"depth": 1}, ()),
    ],
)
def test_depth_and_width_stand_for_hidden(model: dict[str, int], hidden: tuple[int, ...]) -> None:
    assert made({"model": model}).model.hidden == hidden
    assert made({"arms": [{"init": "zeros", "model": model}]}).arms[0].model.hidden == hidden


def test_the_width_of_an_arm_is_kept_at_every_depth_and_listed() -> None:
    preset = made({"sweep": {"model": {"depth": [2, 3]}}, "arms": [{"init": "zeros", "model": {"width": 64}}]})
    assert [arm.model.hidden for arm in preset.arms] == [(64,), (64, 64)]
    assert preset.arms[1].changes == ("model.depth = 3", "model.hidden = [64,64]")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"model": {"depth": 3, "hidden": [5]}}, "model.depth: stands for model.hidden; leave one of the two out"),
        ({"model": {"depth": 0}}, "model.depth = 0: expected a number of Linear layers, a whole number from 1 to 1001"),
        ({"model": {"dept": 3}}, "model.dept: no such key. Did you mean 'depth'?"),
        ({"model": {"depth": 3, "factory": "a:b"}}, "model.depth: means nothing beside model.factory"),
        (
            {"model": {"hidden": []}, "arms": [{"init": "zeros", "model": {"depth": 3}}]},
            "arms[1].model.depth = 3: expected arms[1].model.width beside it, since hidden is empty",
        ),
        ({"sweep": 3}, "sweep = 3: expected a table, as in model.depth = [3, 10, 30]"),
        ({"sweep": {"model": 3}}, "sweep.model: no such key."),
        ({"sweep": {"model": {"depth": 3}}}, "sweep.model.depth = 3: expected a list of one or more values"),
        ({"sweep": {"model": {"depth": []}}}, "sweep.model.depth = []: expected a list of one or more values"),
        ({"sweep": {"model": {"depth": [3, 0]}}}, "sweep.model.depth[2] = 0: expected a number of Linear layers"),
        (
            {"sweep": {"model": {"depth": [3, 4, 3]}}},
            "sweep.model.depth[3] = 3: value 1 is the same; expected different",
        ),
        ({"sweep": {"model": {"dept": [3]}}}, "sweep.model.dept: no such key. Did you mean 'model.depth'?"),
        ({"sweep": {"init": {"x": [3]}}}, "sweep.init.x: no such key. Known: model.KEY, training.KEY."),
        ({"sweep": {"training": {"seeds": [[1]]}}}, "sweep.training.seeds: can't be swept; arms are compared seed by"),
        ({"sweep": {"data": {"name": ["digits"]}}}, "sweep.data.name: can't be swept; arms are compared on the same"),
        ({"sweep": {"model": {"factory": ["a:b"]}}}, "sweep.model.factory: can't be swept; give each network an arm"),
        (
            {"sweep": {"model": {"depth": [3], "hidden": [[3]]}}},
            "sweep.model.depth: stands for model.hidden; leave one of the two out",
        ),
        (
            {"sweep": {"model": {"depth": [3]}}, "model": {"factory": "a:b"}, "arms": [{"init": "zeros"}]},
            "sweep.model.depth: means nothing beside the factory of arm zeros",
        ),
        (
            {"sweep": {"model": {"norm": ["batch"]}}, "arms": [{"init": "zeros", "model": {"norm": "none"}}]},
            "arms[1].model.norm: it is swept; leave it out of the arm, or out of the sweep",
        ),
        (
            {"sweep": {"training": {"epochs": list(range(1, 26)), "batch_size": list(range(1, 31))}}},
            f"sweep: 2 arms x 25 of training.epochs x 30 of training.batch_size make 1,500; expected at most {MOST_ARMS:,}",
        ),
    ],
)
def test_an_impossible_sweep_is_refused_in_one_line(table: dict[str, Any], words: str) -> None:
    assert fault(table).startswith(words)


def test_the_faults_of_a_sweep_are_reported_with_the_others() -> None:
    reported = faults(
        {"titel": 1, "sweep": {"model": {"depth": [0], "norm": ["none", "bath"]}}, "arms": [{"init": "zero"}]}
    )
    assert [fault.partition(" =")[0].partition(": no")[0] for fault in reported] == [
        "titel", "sweep.model.depth[1]", "sweep.model.norm[2]", "arms[1].init",
    ]  # fmt: skip


def test_more_arms_than_there_may_be_are_refused_without_a_sweep_too() -> None:
    arms = [{"init": "zeros", "name": f"arm {number}"} for number in range(MOST_ARMS + 1)]
    assert fault({"arms": arms}) == f"arms: {MOST_ARMS + 1} arms make 1,001; expected at most 1,000"
    assert len(made({"arms": arms[:-1]}).arms) == MOST_ARMS


def test_of_a_million_arms_or_values_none_is_looked_at() -> None:
    assert fault({"arms": [{}] * 1_000_000}) == "arms: 1000000 arms make 1,000,000; expected at most 1,000"
    assert fault({"sweep": {"model": {"width": range(1_000_000)}}}) == (
        "sweep.model.width: 1,000,000 values; expected at most 1,000"
    )


@pytest.mark.parametrize(
    ("typed", "key", "values"),
    [
        ("model.depth=3,5", "model.depth", (3, 5)),
        ("model.depth=[3, 5]", "model.depth", (3, 5)),
        ("model.depth = 3", "model.depth", (3,)),
        ("model.activation=relu,tanh", "model.activation", ("relu", "tanh")),
        ("model.hidden=[512]", "model.hidden", ((512,),)),
        ("model.hidden=[512],[256,256],[]", "model.hidden", ((512,), (256, 256), ())),
        ("training.learning_rate=1e-3,0.1", "training.learning_rate", (0.001, 0.1)),
    ],
)
def test_a_sweep_is_typed_with_commas(typed: str, key: str, values: tuple[object, ...]) -> None:
    (axis,) = load("digits", Overrides(sweep=[typed])).sweep
    assert (axis.key, axis.values) == (key, values)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            Overrides(sweep=["model.depth"]),
            "--sweep 'model.depth': expected KEY=A,B,C, as in --sweep model.depth=3,10,30",
        ),
        (Overrides(sweep=["model.depth="]), "expected KEY=A,B,C"),
        (Overrides(sweep=["model.depth=3,x"]), '--sweep model.depth: sweep.model.depth[2] = "x": expected a number'),
        (Overrides(swept={"model.depth": 3}, dashes=""), "sweep model.depth: sweep.model.depth = 3: expected a list"),
        (Overrides(sweep=["depth=3"]), "--sweep depth: sweep.depth: no such key."),
    ],
)
def test_a_sweep_that_is_mistyped_is_refused_by_its_option(overrides: Overrides, words: str) -> None:
    with pytest.raises(InittuiError) as caught:
        load("digits", overrides)
    assert words in str(caught.value)


def test_of_a_swept_key_the_command_line_replaces_the_presets_values(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[sweep]\nmodel.depth = [3, 4]\n"training.epochs" = [1, 2]\n', "utf-8")
    preset = load(str(file), Overrides(sweep=["model.depth=5", "training.epochs=6", "model.norm=none,batch"]))
    assert {axis.key: axis.values for axis in preset.sweep} == {
        "model.depth": (5,), "model.norm": ("none", "batch"), "training.epochs": (6,),
    }  # fmt: skip


def test_depth_and_width_can_be_set_where_the_preset_has_hidden() -> None:
    assert load("deep30-sgd", Overrides(set=["model.depth=3"])).model.hidden == (128, 128)
    assert load("deep30-sgd", Overrides(set=["model.width=5"])).model.hidden == (5,) * 30
    both = Overrides(set=["model.width=5", "model.depth=3", "model.hidden=[1]"])
    assert load("deep30-sgd", both).model.hidden == (1,)


def test_a_run_keeps_what_was_swept_and_its_preset_repeats_it(tmp_path: Path) -> None:
    preset = load("digits", Overrides(sweep=["model.depth=2,4", "training.learning_rate=0.1,0.2"], arms=["zeros"]))
    run = empty_run(tmp_path, preset)
    again = load(str(run.path / "preset.toml"))
    for read in (run.preset(), again):
        assert (read.arms, read.rows, read.sweep) == (preset.arms, preset.rows, preset.sweep)
    assert [path.name for path in sorted((run.path / "arms").iterdir())] == sorted(arm_folders(preset))
