import itertools
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from inittui.engine.initialise import initialise, stream
from inittui.preset import Init
from inittui.schemes import SCHEMES, scheme

PARAMETERS = {"orthogonal": {"gain": 1.5}, "normal": {"std": 0.02}, "uniform": {"bound": 0.3}}
SHAPES = [(200, 200), (50, 400), (400, 50), (300, 10)]  # (in, out): square, wide, tall, a last layer


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(*widths: int) -> nn.Sequential:
    layers = (nn.utils.skip_init(nn.Linear, fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(widths))
    return nn.Sequential(*layers)


def drawn(name: str, *widths: int, seed: int = 1) -> list[nn.Linear]:
    """The layers of a network of `widths`, initialised."""
    made = network(*widths)
    initialise(made, Init(name, PARAMETERS.get(name, {})), seed)
    return [layer for layer in made if isinstance(layer, nn.Linear)]


def weights(name: str, *widths: int, seed: int = 1) -> list[Tensor]:
    return [layer.weight.detach() for layer in drawn(name, *widths, seed=seed)]


@pytest.mark.parametrize("name", [name for name, row in SCHEMES.items() if row.distribution in ("normal", "uniform")])
@pytest.mark.parametrize(("fan_in", "fan_out"), SHAPES)
def test_the_samples_deviation_is_the_formulas(name: str, fan_in: int, fan_out: int) -> None:
    (weight,) = weights(name, fan_in, fan_out)
    row = scheme(name)
    std = row.std(fan_in, fan_out, PARAMETERS.get(name, {}))
    # Of n draws the deviation strays by std·√((kurtosis − 1) / 4n), the mean by std/√n; five times that is never seen.
    kurtosis = 3.0 if row.distribution == "normal" else 1.8
    assert abs(float(weight.std()) - std) < 5 * std * math.sqrt((kurtosis - 1) / (4 * weight.numel()))
    assert abs(float(weight.mean())) < 5 * std / math.sqrt(weight.numel())


@pytest.mark.parametrize("name", [name for name, row in SCHEMES.items() if row.distribution == "normal"])
def test_a_normal_scheme_has_a_normals_tails(name: str) -> None:
    (weight,) = weights(name, 400, 200)
    beyond = float((weight.abs() > 2 * weight.std()).double().mean())
    assert abs(beyond - 0.0455) < 5 * math.sqrt(0.0455 * 0.9545 / weight.numel())


@pytest.mark.parametrize("name", [name for name, row in SCHEMES.items() if row.distribution == "uniform"])
@pytest.mark.parametrize(("fan_in", "fan_out"), SHAPES)
def test_a_uniform_scheme_fills_its_bounds_and_keeps_to_them(name: str, fan_in: int, fan_out: int) -> None:
    (weight,) = weights(name, fan_in, fan_out)
    bound = scheme(name).std(fan_in, fan_out, PARAMETERS.get(name, {})) * math.sqrt(3)
    largest = float(weight.abs().max())
    assert 0.99 * bound < largest <= bound * (1 + 1e-6)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(60, 60), (20, 90), (90, 20), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_an_orthogonal_matrix_keeps_lengths_but_for_its_gain(fan_in: int, fan_out: int, gain: float) -> None:
    made = network(fan_in, fan_out)
    initialise(made, Init("orthogonal", {"gain": gain}), 1)
    weight = made[0].weight.detach()
    product = weight @ weight.T if fan_out <= fan_in else weight.T @ weight
    assert torch.allclose(product, gain**2 * torch.eye(min(fan_in, fan_out)), atol=1e-5)


def test_an_orthogonal_matrix_favours_no_sign() -> None:
    # A plain QR has a diagonal of one sign, which is not what "random orthogonal" means (Mezzadri 2007).
    traces = [float(weights("orthogonal", 8, 8, seed=seed)[0].diagonal().sum()) / 1.5 for seed in range(200)]
    assert abs(sum(traces) / 200) < 5 / math.sqrt(200)  # a Haar matrix's trace has mean 0 and variance 1


def test_zeros_are_zero() -> None:
    for layer in drawn("zeros", 30, 20, 10):
        assert not layer.weight.any()
        assert not layer.bias.any()


@pytest.mark.parametrize("name", SCHEMES)
def test_biases_are_zero_or_fill_the_bound_that_the_scheme_names(name: str) -> None:
    for layer in drawn(name, 100, 400, 300):
        if scheme(name).uniform_bias:
            bound = 1 / math.sqrt(layer.in_features)
            largest = float(layer.bias.detach().abs().max())
            assert 0.95 * bound < largest <= bound * (1 + 1e-6)
        else:
            assert not layer.bias.any()


@pytest.mark.parametrize(
    ("one", "other"),
    [("xavier_normal", "he_normal"), ("lecun_normal", "normal"), ("xavier_uniform", "he_uniform"),
     ("torch_default", "uniform")],
)  # fmt: skip
def test_two_schemes_of_one_kind_scale_the_same_draws(one: str, other: str) -> None:
    for first, second in zip(weights(one, 30, 40, 10), weights(other, 30, 40, 10), strict=True):
        fan_out, fan_in = first.shape
        stds = [scheme(name).std(fan_in, fan_out, PARAMETERS.get(name, {})) for name in (one, other)]
        assert torch.allclose(first / second, torch.tensor(stds[0] / stds[1]), rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "zeros"])
def test_a_seed_repeats_its_draws_and_another_has_others(name: str) -> None:
    first, again, other = (weights(name, 30, 20, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not (first == other).any()


def test_a_layer_more_changes_no_layer_before_it() -> None:
    few = drawn("torch_default", 12, 20, 20)
    more = drawn("torch_default", 12, 20, 20, 20, 5)
    for layer, same in zip(few, more, strict=False):
        assert torch.equal(layer.weight, same.weight)
        assert torch.equal(layer.bias, same.bias)
    assert not torch.equal(more[1].weight, more[2].weight)  # each layer has draws of its own


def test_draws_depend_on_nothing_that_was_drawn_before() -> None:
    torch.manual_seed(1)
    first = weights("he_normal", 9, 9)[0]
    torch.rand(7)
    assert torch.equal(first, weights("he_normal", 9, 9)[0])
    state = torch.get_rng_state()
    weights("torch_default", 9, 9)
    assert torch.equal(state, torch.get_rng_state())


def test_the_deviations_that_are_told_are_the_weights_own() -> None:
    made = network(50, 30, 1)
    told = initialise(made, Init("he_normal"), 1)
    assert told == pytest.approx([float(layer.weight.detach().double().std(correction=0)) for layer in made])


@pytest.mark.parametrize("seed", [0, 777, 2**63 - 1])
def test_every_purpose_of_a_seed_has_a_stream_of_its_own(seed: int) -> None:
    purposes = ["batches", "sample", "gallery", "weights/0", "weights/1", "weights/10", "biases/0"]
    assert len({float(torch.rand((), generator=stream(seed, purpose))) for purpose in purposes}) == len(purposes)
