"""Tables and the presets that they make."""

import math
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from inittui.common.errors import PresetError
from inittui.experiment.preset import LARGEST_SEED, Preset
from inittui.experiment.preset_table import build, to_table
from tests.helpers import steady


def made(table: dict[str, Any]) -> Preset:
    return build(table, name="mine", source="mine.toml")


def faults(table: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(PresetError) as caught:
        made(table)
    return caught.value.faults


def fault(table: dict[str, Any]) -> str:
    (only,) = faults(table)
    return only


words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
inits = st.one_of(
    st.sampled_from(["xavier_normal", "he_uniform", "zeros", "orthogonal", "torch_default", "normal(std=0.5)"]),
    st.sampled_from(["he_normal(mode=fan_out, slope=0.1)", "orthogonal(gain=tanh)", "lsuv", "sparse(sparsity=0.5)"]),
    st.sampled_from([{"name": "he_uniform", "mode": "fan_out"}, {"name": "identity", "gain": "relu"}, "/a/b.py:f"]),
    st.builds(lambda std: {"name": "normal", "std": std}, st.floats(0, 10)),
    st.builds(lambda bound: {"name": "uniform", "bound": bound}, st.floats(0, 10)),
    st.builds(lambda gain: f"orthogonal(gain={gain!r})", st.floats(0, 10)),
)
models = st.fixed_dictionaries(
    {},
    optional={
        "hidden": st.lists(st.integers(1, 65536), max_size=4),
        "outputs": st.integers(1, 600),
        "activation": st.sampled_from(["relu", "tanh", "linear"]),
    },
)
trainings: dict[str, st.SearchStrategy[Any]] = {
    "epochs": st.integers(1, 1000),
    "batch_size": st.integers(1, 1000),
    "optimizer": st.sampled_from(["adam", "sgd"]),
    "learning_rate": st.one_of(st.floats(1e-9, 10), st.integers(1, 10)),
    "momentum": st.floats(0, 0.99),
    "weight_decay": st.floats(0, 1),
}
rows: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"init": inits, "name": words},
    optional={"model": models, "training": st.fixed_dictionaries({}, optional=trainings)},
)
tables: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "title": words,
        "shows": words,
        "data": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["auto", "mnist", "digits"]),
                "train_limit": st.integers(1, 60_000),
                "scale_test": st.booleans(),
            },
        ),
        "model": models,
        "training": st.fixed_dictionaries(
            {},
            optional=trainings | {"seeds": st.lists(st.integers(0, LARGEST_SEED), min_size=1, max_size=4, unique=True)},
        ),
        "arms": st.lists(rows, min_size=1, max_size=3, unique_by=lambda row: row["name"].casefold()),
    },
)


@steady
@given(tables)
def test_a_preset_written_as_toml_is_the_same_preset(table: dict[str, Any]) -> None:
    preset = made(table)
    assert made(tomllib.loads(tomli_w.dumps(to_table(preset)))) == preset


# Anything that TOML can hold, with the real keys likely enough that deeper places are reached.
keys = st.one_of(
    st.sampled_from(
        ["title", "shows", "data", "model", "training", "arms", "name", "init", "hidden", "seeds", "epochs"]
    ),
    st.text(max_size=6),
)
values = st.recursive(
    st.one_of(
        st.integers(),
        st.integers(10**18, 10**400),
        st.floats(),
        st.booleans(),
        st.text(max_size=8),
        st.datetimes(),
        st.dates(),
        st.times(),
        st.sampled_from(["he_normal", "normal(std=1)", "normal", "relu"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
anything = st.dictionaries(keys, values, max_size=4)


@steady
@given(anything)
def test_any_table_is_a_preset_or_refused_with_lines_that_can_be_printed(table: dict[str, Any]) -> None:
    try:
        assert made(table).arms
        reported: tuple[str, ...] = ("",)
    except PresetError as error:
        reported = error.faults
    assert reported
    assert [fault for fault in reported if not fault.isprintable()] == []


@pytest.mark.parametrize("key", ["ti\ntle", "\x1b[2J"])
def test_control_characters_in_a_key_do_not_reach_the_message(key: str) -> None:
    assert fault({key: 1}).isprintable()
    assert fault({"model": {key: 1}}).isprintable()
    assert fault({"arms": [{"init": "zeros", key: 1}]}).isprintable()


@pytest.mark.parametrize("key", ["title", "shows"])
@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "\udcff"], ids=["newline", "escape", "surrogate"])
def test_words_for_people_hold_what_can_be_printed(key: str, text: str) -> None:
    assert key in fault({key: text})


def test_an_empty_table_is_the_default_experiment() -> None:
    preset = made({})
    assert (preset.name, preset.title) == ("mine", "mine")
    assert [arm.name for arm in preset.arms] == ["xavier_normal", "he_normal"]
    assert (preset.model.hidden, preset.training.epochs, preset.training.seeds) == ((512, 512), 15, (777,))


def test_every_fault_is_named_at_once_with_what_was_found_and_expected() -> None:
    reported = faults(
        {
            "titel": "x",
            "data": {"name": "mnst"},
            "model": {"hidden": [512, 0]},
            "training": {"epochs": 0},
            "arms": [{"init": "he_norml"}],
        }
    )
    assert len(reported) == 5
    for words in (
        "titel: no such key. Did you mean 'title'?",
        "data.name = \"mnst\": expected one of auto, mnist, fashion_mnist, kmnist, digits. Did you mean 'mnist'?",
        "model.hidden = [512,0]: expected a list of widths, each a whole number from 1 to 65536",
        "training.epochs = 0: expected a whole number from 1 to 1000000",
        "arms[1].init: no scheme 'he_norml'. Did you mean 'he_normal'?",
    ):
        assert any(fault.startswith(words) for fault in reported), words


def test_the_message_opens_with_the_source_and_has_a_line_per_fault() -> None:
    with pytest.raises(PresetError) as caught:
        made({"titel": 1, "training": {"epochs": 0}})
    head, *lines = str(caught.value).split("\n")
    assert head == "mine.toml: 2 faults"
    assert len(lines) == 2
    with pytest.raises(PresetError, match=r"\Amine.toml: titel"):
        made({"titel": 1})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"trainnig": {}}, "Did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "training.epoch: no such key. Did you mean 'epochs'?"),
        ({"training": {"lr": 3}}, "Known: epochs, batch_size,"),
        ({"arms": [{"init": "zeros", "modle": {}}]}, "arms[1].modle: no such key. Did you mean 'model'?"),
        ({"arms": [{"init": "zeros", "model": {"activatoin": "tanh"}}]}, "arms[1].model.activatoin"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(table: dict[str, Any], words: str) -> None:
    assert words in fault(table)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("training", "learning_rate", math.nan),
        ("training", "learning_rate", math.inf),
        ("training", "learning_rate", 0),
        ("training", "momentum", 1.0),
        ("training", "weight_decay", math.nan),
        ("training", "weight_decay", -1),
        ("training", "target_cost", 0),
        ("training", "target_cost", math.inf),
        ("training", "epochs", 1.5),
        ("training", "epochs", True),
        ("training", "epochs", "3"),
        ("training", "epochs", 10**30),
        ("training", "batch_size", 0),
        ("training", "seeds", []),
        ("training", "seeds", [-1]),
        ("training", "seeds", [LARGEST_SEED + 1]),
        ("training", "seeds", [1, 2, 1]),
        ("training", "seeds", [math.nan]),
        ("training", "seeds", 3),
        ("model", "hidden", 512),
        ("model", "hidden", [[512]]),
        ("model", "outputs", 0),
        ("data", "scale_test", "no"),
        ("data", "train_limit", 0),
    ],
)
def test_an_impossible_value_is_refused_with_its_place_and_what_was_expected(
    section: str, key: str, value: object
) -> None:
    reported = fault({section: {key: value}})
    assert reported.startswith(f"{section}.{key} = ")
    assert "expected" in reported


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"data": {"name": "digits"}}, "arms[1].data: an arm can't change it; arms are compared on the same images"),
        (
            {"training": {"seeds": [1]}},
            "arms[1].training.seeds: an arm can't change it; arms are compared seed by seed",
        ),
        (
            {"training": {"target_cost": 0.1}},
            "arms[1].training.target_cost: an arm can't change it; arms are timed to the same cost",
        ),
    ],
)
def test_an_arm_can_change_neither_images_nor_seeds_nor_the_cost_it_is_timed_to(
    row: dict[str, Any], words: str
) -> None:
    assert fault({"arms": [{"init": "zeros", **row}]}) == words


def test_an_arm_changes_what_it_names_and_keeps_the_rest() -> None:
    preset = made(
        {
            "model": {"hidden": [7]},
            "training": {"epochs": 4},
            "arms": [
                {"init": "he_normal"},
                {"init": "he_normal", "name": "tanh", "model": {"activation": "tanh"}, "training": {"epochs": 9}},
            ],
        }
    )
    plain, changed = preset.arms
    assert (plain.model, plain.training, plain.changes) == (preset.model, preset.training, ())
    assert (changed.model.activation, changed.model.hidden, changed.training.epochs) == ("tanh", (7,), 9)
    assert changed.changes == ('model.activation = "tanh"', "training.epochs = 9")


def test_an_arm_is_named_by_its_scheme_unless_it_has_a_name() -> None:
    preset = made({"arms": [{"init": "normal(std=0.01)"}, {"init": {"name": "normal", "std": 0.01}, "name": "small"}]})
    assert [arm.name for arm in preset.arms] == ["normal(std=0.01)", "small"]
    assert preset.arms[0].init == preset.arms[1].init


@pytest.mark.parametrize("names", [("he_normal", None), ("A", "a")])
def test_two_arms_of_one_name_are_refused(names: tuple[str, str | None]) -> None:
    reported = fault({"arms": [{"init": "he_normal"} | ({"name": name} if name else {}) for name in names]})
    assert reported.startswith("arms[2].name = ")
    assert "arm 1 has that name already; expected different names" in reported


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([], "arms: none given; expected at least one"),
        ("he_normal", 'arms = "he_normal": expected a list of tables'),
        ({"init": "he_normal"}, "expected a list of tables"),
        (["he_normal"], 'arms[1] = "he_normal": expected a table, as in { init = "he_normal" }'),
        ([{}], "arms[1]: no init; expected a scheme"),
        ([{"init": 3}], 'arms[1].init = 3: expected "he_normal" or { name = "normal", std = 0.01 }'),
        ([{"init": {"std": 3}}], "expected"),
        ([{"init": {"name": "normal", "std": math.nan}}], "expected a finite number"),
        ([{"init": "normal"}], "needs std"),
        (
            [{"init": {"name": "he_normal", "mode": "fan_aut"}}],
            "arms[1].init: he_normal(mode=fan_aut): expected one of fan_in",
        ),
        ([{"init": {"name": "he_normal", "mode": ["x"]}}], "expected one of fan_in, fan_out"),
        ([{"init": "./my_scheme.py"}], "names no function in a Python file"),
        ([{"init": "zeros", "name": ""}], "a text of 1 to 200 characters"),
        ([{"init": "zeros", "name": "a\nb"}], "characters that can be printed"),
        ([{"init": "zeros", "model": 3}], "arms[1].model = 3: expected a table"),
    ],
)
def test_arms_that_are_no_arms_are_refused(arms: object, words: str) -> None:
    assert words in fault({"arms": arms})


def test_a_fault_in_a_section_is_reported_once_and_its_arms_are_still_checked() -> None:
    reported = faults(
        {
            "training": {"epochs": 0},
            "arms": [{"init": "zeros"}, {"init": "he_normal", "training": {"batch_size": 0}}],
        }
    )
    assert [fault.partition(" =")[0] for fault in reported] == ["training.epochs", "arms[2].training.batch_size"]
