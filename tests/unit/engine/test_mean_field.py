"""Mean-field theory against other ways to the same numbers, and against networks that are measured."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor, nn

from inittui.engine.data import load
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.build import ACTIVATIONS, mlp
from inittui.engine.networks.layers import layers
from inittui.engine.probes import mean_field
from inittui.engine.probes.mean_field import LayerLaw, gradient, mean_square, mean_square_slope, signal
from inittui.engine.probes.measure import measure
from inittui.experiment.preset import Data, Model
from inittui.schemes.spec import Init
from tests.helpers import steady

LINES = sorted(mean_field.KINKED)
NAMES = sorted(ACTIVATIONS)
CURVES = sorted(set(NAMES) - set(LINES))
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


pytestmark = pytest.mark.usefixtures("one_thread")


def applied(name: str, z: Tensor) -> Tensor:
    """What the network's own module makes of z."""
    made: Tensor = ACTIVATIONS[name]()(z)
    return made


def slope(name: str, z: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    return torch.autograd.grad(applied(name, z).sum(), z)[0]


def squared(of: Callable[[str, Tensor], Tensor], name: str, z: Tensor) -> Tensor:
    return of(name, z).detach().square()


def hermite(of: Callable[[str, Tensor], Tensor], name: str, q: float, nodes: int = 100) -> float:
    """E[of(√q·g)²] by Gauss-Hermite. An even number of nodes has none at 0, where a kink has no slope."""
    at, weights = numpy.polynomial.hermite_e.hermegauss(nodes)
    values = squared(of, name, torch.from_numpy(at * math.sqrt(q))).numpy()
    return float(weights @ values / math.sqrt(2 * math.pi))


@cache
def grid() -> tuple[Tensor, Tensor]:
    """A trapezoid so fine that no activation of the tests is narrower."""
    g = torch.linspace(-9, 9, 360_001, dtype=torch.float64)
    return g, (-g.square() / 2).exp() / math.sqrt(2 * math.pi) * (18 / 360_000)


def test_it_knows_every_activation_that_a_network_can_have() -> None:
    assert set(LINES) < set(NAMES)
    with pytest.raises(KeyError):
        mean_square("softmax", 1.0)


# Expectations


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("q", [0.01, 1.0, 300.0])
def test_a_closed_form_is_what_gauss_hermite_says(name: str, q: float) -> None:
    # 2e-4: φ² of a ReLU has a kink in its slope, which a polynomial has not.
    assert mean_square(name, q) == pytest.approx(hermite(applied, name, q), rel=2e-4)
    assert mean_square_slope(name, q) == pytest.approx(hermite(slope, name, q), rel=1e-9)


@pytest.mark.parametrize("name", [name for name in CURVES if name != "selu"])
@pytest.mark.parametrize("q", [1e-6, 0.1, 1.0])
def test_of_a_smooth_activation_gauss_hermite_says_the_same(name: str, q: float) -> None:
    assert mean_square(name, q) == pytest.approx(hermite(applied, name, q), rel=1e-8)
    assert mean_square_slope(name, q) == pytest.approx(hermite(slope, name, q), rel=1e-8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("q", [0.25, 9.0, 1e4])
def test_many_draws_say_the_same(name: str, q: float) -> None:
    z = torch.empty(400_000, dtype=torch.float64).normal_(generator=torch.Generator().manual_seed(1)) * math.sqrt(q)
    for actual, of in ((mean_square(name, q), applied), (mean_square_slope(name, q), slope)):
        draws = squared(of, name, z)
        error = float(draws.std()) / math.sqrt(len(z))  # of their mean
        assert actual == pytest.approx(float(draws.mean()), abs=4 * error + 1e-12)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("q", [4.0, 100.0, 1e4])
def test_also_where_an_activation_saturates_or_has_a_kink(name: str, q: float) -> None:
    g, weights = grid()
    z = g * math.sqrt(q)
    assert mean_square(name, q) == pytest.approx(float(weights @ squared(applied, name, z)), rel=1e-6)
    # 1e-4: the trapezoid counts half a step too much at SELU's kink.
    assert mean_square_slope(name, q) == pytest.approx(float(weights @ squared(slope, name, z)), rel=1e-4)


@pytest.mark.parametrize("q", [1e-4, 0.5, 1.0, 4.0])
def test_selus_slope_is_its_closed_form(q: float) -> None:
    below = SELU_ALPHA**2 * math.exp(2 * q) * math.erfc(math.sqrt(2 * q)) / 2  # E[α² e^{2√q·g}] over g < 0
    assert mean_square_slope("selu", q) == pytest.approx(SELU_SCALE**2 * (0.5 + below), rel=1e-9)


def test_selu_keeps_the_size_that_it_is_built_for() -> None:
    assert mean_square("selu", 1.0) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("q", [0.3, 9.0])
def test_a_slope_is_the_numerical_derivative(name: str, q: float) -> None:
    g, weights = grid()
    z, step = g * math.sqrt(q), 1e-5
    hand_written = (applied(name, z + step) - applied(name, z - step)) / (2 * step)
    assert mean_square_slope(name, q) == pytest.approx(float(weights @ hand_written.square()), rel=1e-4)


@steady
@given(st.sampled_from(NAMES), st.floats(0, 1e300))
@example("tanh", 0.0)
@example("silu", 1.7e308)
@example("gelu", 1.7e308)
def test_an_expectation_is_a_number_whatever_q(name: str, q: float) -> None:
    for value in (mean_square(name, q), mean_square_slope(name, q)):
        assert value >= 0
        assert not math.isnan(value)
    assert name not in ("tanh", "sigmoid") or mean_square(name, q) <= 1 + 1e-9


# Layer by layer


def test_a_signal_is_the_recursion_written_out() -> None:
    laws = [LayerLaw(7, 5, 0.2, 0.1), LayerLaw(5, 3, 0.5, 0.3), LayerLaw(3, 2, 0.7)]
    first = 0.1 + 7 * 0.2 * 0.6
    second = 0.3 + 5 * 0.5 * mean_square("tanh", first)
    third = 3 * 0.7 * mean_square("tanh", second)
    assert signal(laws, "tanh", 0.6) == pytest.approx([math.sqrt(q) for q in (first, second, third)])
    normed = [first, 0.3 + 2.5 * mean_square("tanh", 1.0), 2.1 * mean_square("tanh", 1.0)]
    assert signal(laws, "tanh", 0.6, normed=True) == pytest.approx([math.sqrt(q) for q in normed])


def test_a_gradient_is_the_recursion_written_out() -> None:
    laws = [LayerLaw(7, 5, 0.2), LayerLaw(5, 3, 0.5), LayerLaw(3, 2, 0.7)]
    signals = [0.9, 1.1, 0.4]
    second = 2 * 0.7 * mean_square_slope("tanh", 1.1**2)
    first = second * 3 * 0.5 * mean_square_slope("tanh", 0.9**2)
    assert gradient(laws, "tanh", signals) == pytest.approx([math.sqrt(first), math.sqrt(second), 1.0])
    assert gradient(laws[:1], "tanh", signals[:1]) == [1.0]


def square_laws(variance: float, depth: int, width: int = 512, bias: float = 0.0) -> list[LayerLaw]:
    return [LayerLaw(width, width, variance, bias)] * depth


@pytest.mark.parametrize(("name", "slope_below"), [("relu", 0.0), ("leaky_relu", 0.01), ("linear", 1.0)])
def test_hes_variance_is_a_fixed_point_of_its_rectifier(name: str, slope_below: float) -> None:
    laws = square_laws(2 / (1 + slope_below**2) / 512, 50)
    sizes = signal(laws, name, 0.1)
    assert sizes == pytest.approx([math.sqrt(0.2 / (1 + slope_below**2))] * 50)
    assert gradient(laws, name, sizes) == pytest.approx([1.0] * 50)


def test_xaviers_variance_halves_a_relus_square_with_every_layer() -> None:
    sizes = signal(square_laws(1 / 512, 30), "relu", 0.1)
    assert [a / b for a, b in zip(sizes[1:], sizes, strict=False)] == pytest.approx([math.sqrt(0.5)] * 29)


def test_tanh_is_critical_where_poole_and_schoenholz_found_it() -> None:
    """σ_w² = 1.7603 at σ_b² = 0.05: there χ = σ_w²·E[φ'²] is 1 at the fixed point of q, below it less and above it more."""

    def chi(weight: float, bias: float = 0.05) -> float:
        q = signal(square_laws(weight / 512, 3000, bias=bias), "tanh", 1.0)[-1] ** 2
        assert q == pytest.approx(bias + weight * mean_square("tanh", q), rel=1e-6)
        return weight * mean_square_slope("tanh", q)

    assert chi(1.7603) == pytest.approx(1.0, abs=5e-4)
    assert chi(1.70) < 0.99
    assert chi(1.82) > 1.01
    init = Init.of("edge_of_chaos")
    rule = init.rule
    std = rule.std(512, 512)
    assert std is not None
    assert chi(512 * std**2, rule.bias_std(512) ** 2) == pytest.approx(1.0, abs=1e-3)


@steady
@given(
    st.sampled_from(NAMES),
    st.lists(
        st.builds(LayerLaw, st.integers(1, 65536), st.integers(1, 65536), st.floats(0, 1e300), st.floats(0, 1e300)),
        min_size=1,
        max_size=8,
    ),
    st.floats(0, 1e300),
    st.booleans(),
)
def test_no_law_breaks_it(name: str, laws: list[LayerLaw], square: float, normed: bool) -> None:
    sizes = signal(laws, name, square, normed=normed)
    assert len(sizes) == len(laws)
    assert all(size >= 0 or math.isnan(size) for size in sizes)
    if all(map(math.isfinite, sizes)):
        assert len(gradient(laws, name, sizes)) == len(laws)


# Beside what is measured

WIDTH, DEPTH, LOOKED_AT = 512, 30, (1, 5, 10, 20, 30)
PAIRS = [
    ("relu", "xavier_normal"), ("relu", "he_normal"), ("relu", "torch_default"), ("tanh", "xavier_normal"),
    ("tanh", "he_normal"),
]  # fmt: skip


@pytest.fixture(scope="module")
def images(mnist_dir: Path) -> Tensor:
    """1,000 of MNIST's test images, flat, 0..1."""
    mnist = load.load(Data(name="mnist"), mnist_dir, lambda *_: None)
    return mnist.test_images[:1000].flatten(1).float() / 255


def laws_of(network: nn.Module, typed: str) -> list[LayerLaw]:
    init = Init.of(typed)
    rule = init.rule
    actual = []
    for _, layer in layers(network):
        fan_out, fan_in = layer.weight.shape[:2]
        std = rule.std(fan_in, fan_out)
        assert std is not None
        actual.append(LayerLaw(fan_in, fan_out, std**2, rule.bias_std(fan_in) ** 2))
    return actual


def sizes_of(network: nn.Module, x: Tensor) -> list[float]:
    """The root mean square of every layer's pre-activations: the forward pass of a probe."""
    actual: list[float] = []
    hooks = [
        layer.register_forward_hook(lambda _layer, _x, z: actual.append(float(z.double().square().mean().sqrt())))
        for _, layer in layers(network)
    ]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return actual


def bound(activation: str, typed: str, layer: int, seeds: int) -> float:
    """How far, relatively, the mean of so many measured sizes may lie from theory.

    Without biases a ReLU network's square is a product over layers of means over WIDTH units: each strays by √(5 / WIDTH), 5
    being the variance of relu(g)² over its squared mean, and the last one's by √(2 / WIDTH). Half of that is the size's, and
    three times that is allowed. A fixed point (tanh's, or that of the biases) draws all of it back, until less than one
    layer's is left; there theory is off by the width itself, by about layer / WIDTH / 2.
    """
    if activation == "relu" and typed != "torch_default":
        return 3 * 0.5 * math.sqrt((5 * (layer - 1) + 2) / WIDTH / seeds)
    return 3 * 0.5 * math.sqrt((5 + 2) / WIDTH / seeds) + layer / WIDTH / 2


@pytest.mark.parametrize("seeds", [1, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("activation", "typed"), PAIRS)
def test_a_networks_signal_on_mnist_is_what_theory_says(
    images: Tensor, activation: Any, typed: str, seeds: int
) -> None:
    network = mlp(Model(hidden=(WIDTH,) * DEPTH, activation=activation), 784, 10)
    measured = []
    for seed in range(seeds):
        initialise(network, Init.of(typed), seed)
        measured.append(sizes_of(network, images))
    expected = signal(laws_of(network, typed), activation, float(images.double().square().mean()))
    for layer in LOOKED_AT:
        mean = sum(sizes[layer - 1] for sizes in measured) / seeds
        assert mean == pytest.approx(expected[layer - 1], rel=bound(activation, typed, layer, seeds)), layer


@pytest.mark.parametrize(
    ("activation", "typed"), [("relu", "he_normal"), ("relu", "xavier_normal"), ("tanh", "he_normal")]
)
def test_a_networks_gradient_is_what_theory_says(activation: Any, typed: str) -> None:
    draws = torch.Generator().manual_seed(3)
    x, labels = torch.randn(100, WIDTH, generator=draws), torch.randint(10, (100,), generator=draws)
    network = mlp(Model(hidden=(WIDTH,) * 8, activation=activation), WIDTH, 10)
    initialise(network, Init.of(typed), 3)
    measured = [one.grad_z or 0.0 for one in measure(network, x, labels)]
    laws = laws_of(network, typed)
    expected = gradient(laws, activation, signal(laws, activation, 1.0))
    # As above, on the way back: 0.5·√(5·8/512) is 14 %, and the last layer's ten rows stray more than that.
    assert [one / measured[-1] for one in measured] == pytest.approx(expected, rel=0.3)
