"""What probes say, in sentences: every one of them, from canned probes."""

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis.layer_diagnosis import Health, health, jacobian, sentences
from inittui.record.events import Probe
from inittui.record.layer_probe import LayerProbe
from tests.helpers import steady

WELL = LayerProbe(
    name="0",
    fan_in=16,
    fan_out=16,
    rms=0.5,
    spread=0.4,
    cosine=0.6,
    dead=0.1,
    saturated=None,
    grad_z=0.02,
    grad_w=0.3,
    update=None,
    low=-1.0,
    high=1.0,
    bins=(1, 2, 1),
)


def probe(count: int = 21, *, theory: Sequence[float | None] = (), **values: Any) -> Probe:
    """So many layers, the last one being the output's; each value is one for all layers, or one for each."""
    layers = []
    for place in range(count):
        own = {key: value[place] if isinstance(value, list) else value for key, value in values.items()}
        layers.append(replace(WELL, name=str(place), **own))
    return Probe(seed=1, epoch=0, images=64, layers=tuple(layers), signal=tuple(theory))


def geometric(first: float, factor: float, count: int = 21) -> list[float]:
    return [first * factor**place for place in range(count)]


def told(of: Probe) -> str:
    return "; ".join(sentences(of))


# All is well


def test_a_network_that_keeps_its_signal_is_told_so_with_how_much() -> None:
    assert sentences(probe(rms=geometric(0.5, 0.95))) == [
        "signal (38 % of it at layer 20) and gradient keep their size"
    ]
    assert sentences(probe()) == ["signal (100 % of it at layer 20) and gradient keep their size"]


@pytest.mark.parametrize("count", [1, 2])
def test_few_layers_have_no_room_to_go_astray(count: int) -> None:
    assert sentences(probe(count)) == ["too few layers for signal or gradient to go astray"]


def test_the_output_layer_of_another_width_does_not_count() -> None:
    rms, gradient = [0.5] * 21, [0.02] * 21
    rms[-1], gradient[-1] = 1e-3, 40.0
    assert told(probe(rms=rms, grad_z=gradient)).endswith("keep their size")
    alike = probe(cosine=[*[0.6] * 20, 1.0], spread=[*[0.4] * 20, 1e-9])
    assert told(alike).endswith("keep their size")
    assert told(probe(1, cosine=1.0, spread=1e-9)).startswith(
        "from layer 1 on all images look alike"
    )  # if it is the only one


# Signal


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (math.sqrt(0.5), "signal halves every 2.0 layers; 0.14 % of the signal is left at layer 20"),
        (0.75, "signal halves every 2.4 layers; 0.42 % of the signal is left at layer 20"),
        (0.5, "signal halves with every layer, or faster; 2e-04 % of the signal is left at layer 20"),
        (0.01, "signal halves with every layer, or faster; 1e-36 % of the signal is left at layer 20"),
        (math.sqrt(2), "signal doubles every 2.0 layers; it is 724 times as large at layer 20"),
        (10.0, "signal doubles with every layer, or faster; it is 1e+19 times as large at layer 20"),
    ],
)
def test_a_signal_that_vanishes_or_explodes_is_told_with_its_pace(factor: float, words: str) -> None:
    assert sentences(probe(rms=geometric(0.5, factor))) == [words]


def test_theory_stands_beside_it() -> None:
    theory = [0.4 * 0.5 ** (place / 2) for place in range(21)]
    words = told(probe(rms=geometric(0.5, 0.7), theory=theory))
    assert words == "signal halves every 1.9 layers; 0.11 % of the signal is left at layer 20, theory says 0.14 %"
    growing = told(probe(rms=geometric(0.5, 2.0), theory=geometric(0.1, 2.0)))
    assert growing.endswith("it is 5.24e+05 times as large at layer 20, theory says 5.24e+05 times as large")


@pytest.mark.parametrize("theory", [(), (1.0,), [None] * 21, [0.0] * 21, [0.4, *[None] * 20]])
def test_without_theory_nothing_is_said_of_it(theory: Sequence[float | None]) -> None:
    assert "theory" not in told(probe(rms=geometric(0.5, 0.7), theory=theory))


def test_a_signal_that_dies_out() -> None:
    assert sentences(probe(rms=[*geometric(0.5, 0.1, 10), *[0.0] * 11])) == [
        "signal dies out; nothing of the signal is left at layer 20"
    ]


@pytest.mark.parametrize("count", [2, 3, 21])
def test_zeros_say_nothing_to_anybody(count: int) -> None:
    assert sentences(probe(count, rms=0.0, spread=0.0, cosine=0.0, grad_z=0.0)) == [
        "there is no signal: every layer answers 0 to every image"
    ]


@pytest.mark.parametrize("count", [2, 3, 21])
def test_zeros_whose_last_biases_have_moved_are_not_well_either(count: int) -> None:
    words = told(probe(count, rms=[*[0.0] * (count - 1), 0.2], spread=0.0, cosine=0.0, grad_z=0.0))
    assert words.startswith(f"layer 1 of {count} answers 0 to every image")
    assert "well" not in words
    assert "keep" not in words
    assert count == 2 or words.endswith("no gradient reaches the first layer")


@pytest.mark.parametrize("first", [1, 7, 21])
def test_a_signal_that_is_not_finite_is_told_from_its_first_layer_on_and_nothing_else(first: int) -> None:
    of = probe(rms=[*[0.5] * (first - 1), *[None] * (22 - first)], grad_z=None)
    assert sentences(of) == [f"the signal is not finite from layer {first} of 21 on"]


# Gradient


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (2.0, "gradient vanishes on its way back: at layer 1 it is 2e-04 % of what it is at layer 20"),
        (1.15, "gradient vanishes on its way back: at layer 1 it is 7 % of what it is at layer 20"),
        (1.13, "gradient vanishes on its way back: at layer 1 it is 9.8 % of what it is at layer 20"),
        (0.8, "gradient explodes on its way back: at layer 1 it is 69.4 times as large as at layer 20"),
    ],
)
def test_a_gradient_that_vanishes_or_explodes_is_told_with_how_much(factor: float, words: str) -> None:
    assert sentences(probe(grad_z=geometric(1e-4, factor))) == [words]


@pytest.mark.parametrize("gradient", [[0.0] * 5 + [0.02] * 16, [0.0] * 21])
def test_a_gradient_that_never_arrives(gradient: list[float]) -> None:
    assert sentences(probe(grad_z=gradient)) == ["no gradient reaches the first layer"]


# Inputs and units


def test_biases_that_carry_the_signal_are_found_out_at_their_first_layer() -> None:
    spread = [*[0.4] * 4, *[0.5 * 0.02] * 17]
    cosine = [*[0.6] * 3, *[0.9996] * 18]  # layer 4 looks alike and still depends on the image
    assert sentences(probe(spread=spread, cosine=cosine)) == [
        "from layer 5 on all images look alike (mean cosine 1.000): only 2 % of what it carries depends on the image"
    ]


@pytest.mark.parametrize(("spread", "cosine"), [(0.04, 0.98), (0.06, 0.999)])
def test_images_that_are_merely_similar_are_no_fault(spread: float, cosine: float) -> None:
    assert told(probe(spread=spread, cosine=cosine)).endswith("keep their size")


def test_dead_units_are_told_of_the_worst_layer() -> None:
    dead = [0.1] * 21
    dead[6] = 0.51
    assert sentences(probe(dead=dead)) == ["51 % of the ReLU units are dead in layer 7"]
    dead[10] = 0.93
    assert sentences(probe(dead=dead)) == [
        "93 % of the ReLU units are dead in layer 11, and more than half in 2 layers"
    ]
    assert told(probe(dead=[*[0.5] * 20, None])).endswith("keep their size")


def test_saturated_units_are_told_of_the_worst_layer() -> None:
    saturated = [0.2, 0.8, 0.9, *[None] * 18]
    assert sentences(probe(dead=None, saturated=saturated)) == [
        "90 % of the units are saturated in layer 3, and more than half in 2 layers"
    ]


def test_several_faults_are_told_the_worst_first() -> None:
    found = sentences(
        probe(rms=geometric(0.5, 0.5), grad_z=geometric(1e-4, 2.0), spread=1e-12, cosine=1.0, dead=0.9, saturated=0.9)
    )
    starts = ["signal halves", "gradient vanishes", "from layer 1 on all images look alike", "90 % of the ReLU units"]
    assert len(found) == len(starts)
    assert all(words.startswith(start) for words, start in zip(found, starts, strict=True))


# What is not known


@pytest.mark.parametrize(
    ("key", "what"), [("grad_z", "gradient"), ("spread", "deviation over the images"), ("cosine", "cosine")]
)
@pytest.mark.parametrize("count", [1, 2, 3, 21])
@pytest.mark.parametrize("place", [0, -1])
def test_what_could_not_be_measured_is_never_called_well(key: str, what: str, count: int, place: int) -> None:
    values: list[float | None] = [getattr(WELL, key)] * count
    values[place] = None
    layer = 1 if place == 0 else count
    assert sentences(probe(count, **{key: values})) == [
        f"nothing amiss is seen, but the {what} of layer {layer} of {count} could not be measured"
    ]


def test_a_probe_that_reached_no_layer_says_so() -> None:
    assert sentences(probe(0)) == ["no layer was reached, so that nothing is known of signal and gradient"]


@pytest.mark.parametrize(
    ("value", "start", "found"),
    [
        (0.5, 0.5, "healthy"),
        (0.0501, 0.5, "healthy"),
        (0.0499, 0.5, "vanishing"),
        (4.99, 0.5, "healthy"),
        (5.01, 0.5, "exploding"),
        (0.0, 0.5, "vanishing"),
        (0.5, 0.0, "vanishing"),
        (None, 0.5, "exploding"),
        (0.5, None, "unknown"),
        (None, None, "unknown"),
        (math.nan, 0.5, "unknown"),
        (0.5, math.inf, "unknown"),
        (sys.float_info.max, 5e-324, "exploding"),
        (5e-324, sys.float_info.max, "vanishing"),
    ],
)
def test_health_is_within_a_factor_of_ten(value: float | None, start: float | None, found: Health) -> None:
    assert health(value, start) == found


numbers = st.one_of(
    st.none(),
    st.floats(0, allow_nan=False, allow_infinity=False),
    st.sampled_from((0.0, 5e-324, 1e-300, 1.0, sys.float_info.max)),
    st.sampled_from((-1.0, -sys.float_info.max)),  # which only a forged log says
    st.floats(0.001, 10),
)
shares = st.one_of(st.none(), st.floats(0, 1))
layer_probes = st.builds(
    replace,
    st.just(WELL),
    rms=numbers,
    spread=numbers,
    cosine=st.one_of(st.none(), st.floats(-1, 1)),
    dead=shares,
    saturated=shares,
    grad_z=numbers,
    grad_w=numbers,
)


@st.composite
def probes(draw: st.DrawFn) -> Probe:
    layers = draw(st.lists(layer_probes, max_size=8))
    count = len(layers)
    theory = draw(st.one_of(st.just([]), st.lists(numbers, min_size=count, max_size=count)))
    return Probe(seed=1, epoch=0, images=4, layers=tuple(layers), signal=tuple(theory))


@steady
@given(probes())
@example(probe(3, rms=[5e-324, sys.float_info.max, 1.0], theory=[5e-324, sys.float_info.max, 1.0]))
@example(probe(3, rms=math.nan, spread=math.inf, cosine=math.nan, grad_z=math.inf, dead=math.nan))
@example(probe(3, rms=[math.inf, 1.0, math.nan]))
@example(probe(3, rms=[1.0, -1.0, 1.0]))
@example(probe(3, grad_z=[-1.0, -1.0, 1.0]))
def test_any_probe_gives_sentences_that_can_be_printed(of: Probe) -> None:
    found = sentences(of)
    assert found
    assert all(words and words.isprintable() for words in found)
    assert not any("nan" in words or "None" in words for words in found)
    if any("keep their size" in words or "go astray" in words for words in found):
        wanted = [(one.rms, one.spread, one.cosine, one.grad_z) for one in of.layers]
        assert all(value is not None for values in wanted for value in values)
        hidden = of.layers[:-1]
        if len(hidden) > 1:
            assert health(hidden[-1].rms, hidden[0].rms) == "healthy"
            assert health(hidden[0].grad_z, hidden[-1].grad_z) == "healthy"


@steady
@given(st.floats(1.2, 30), st.integers(4, 40))
def test_the_pace_is_the_share_that_is_left(every: float, count: int) -> None:
    words = told(probe(count, rms=geometric(1.0, 0.5 ** (1 / every), count)))
    if match := re.match(r"signal halves every ([\d.]+) layers", words):
        assert float(match[1]) == pytest.approx(every, abs=0.051)
        assert 0.5 ** ((count - 2) / every) < 0.1
    else:
        assert "with every layer" in words or 0.5 ** ((count - 2) / every) > 0.099


def test_the_jacobians_singular_values_are_told_as_initialised_alone() -> None:
    assert jacobian(replace(probe(), jacobian=(1.234, 0.9, 0.00567))) == [
        "singular values of the outputs by the inputs from 1.2 to 0.0057"
    ]
    assert jacobian(probe()) == []
