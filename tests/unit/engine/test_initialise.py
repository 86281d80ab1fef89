import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inittui.common.errors import SchemeError
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.layers import Shape, layers
from inittui.engine.networks.random_streams import stream
from inittui.schemes.catalogue import SCHEMES
from inittui.schemes.describe import as_variance_scaling
from inittui.schemes.rule import GAINS, Rule, truncated_deviation
from inittui.schemes.spec import Init

# Every scheme but the one that is fitted to data, those with parameters more than once.
TYPED = [
    "xavier_normal", "xavier_normal(gain=tanh)", "xavier_uniform", "xavier_uniform(gain=2)", "he_normal",
    "he_normal(mode=fan_out, slope=0.1)", "he_uniform", "he_uniform(mode=fan_out)", "lecun_normal", "lecun_uniform",
    "variance_scaling", "variance_scaling(scale=2, mode=fan_avg, distribution=uniform)",
    "variance_scaling(scale=3, mode=fan_out, distribution=normal)", "edge_of_chaos", "torch_default",
    "orthogonal(gain=1.5)", "orthogonal(gain=tanh)", "identity(gain=1.5)", "sparse", "sparse(sparsity=0.8, std=0.25)",
    "normal(std=0.02)", "truncated_normal(std=0.02)", "truncated_normal(std=0.02, cut=1)", "uniform(bound=0.3)",
    "constant(value=-0.25)", "zeros",
]  # fmt: skip
SHAPES = [(200, 200), (50, 400), (400, 50), (300, 10)]  # (in, out): square, wide, tall, a last layer


pytestmark = pytest.mark.usefixtures("one_thread")


def network(*widths: int) -> nn.Sequential:
    made = (nn.utils.skip_init(nn.Linear, fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(widths))
    return nn.Sequential(*made)


def drawn(typed: str, *widths: int, seed: int = 1) -> list[nn.Linear]:
    """The layers of a network of `widths`, initialised."""
    made = network(*widths)
    initialise(made, Init.of(typed), seed)
    return [layer for layer in made if isinstance(layer, nn.Linear)]


def weights(typed: str, *widths: int, seed: int = 1) -> list[Tensor]:
    return [layer.weight.detach() for layer in drawn(typed, *widths, seed=seed)]


def rule(typed: str) -> Rule:
    init = Init.of(typed)
    return init.rule


def of(*distributions: str) -> list[str]:
    return [typed for typed in TYPED if rule(typed).distribution in distributions]


def kurtosis(of: Rule) -> float:
    """The fourth moment of the rule's draws, those of variance 1."""
    if of.distribution == "uniform":
        return 1.8
    if of.distribution != "truncated_normal":
        return 3.0
    c = of.cut
    edge = 2 * c * math.exp(-c * c / 2) / math.sqrt(2 * math.pi) / math.erf(c / math.sqrt(2))
    return (3 - edge * (3 + c * c)) / truncated_deviation(c) ** 4


def test_every_scheme_is_tested_here() -> None:
    assert {Init.of(typed).name for typed in TYPED} == set(SCHEMES) - {"lsuv"}


BOTH_FANS = "variance_scaling(scale=2, mode=fan_avg, distribution=uniform)"
LAYERS: dict[str, Any] = {
    **{f"{i}-{o}": lambda i=i, o=o: nn.utils.skip_init(nn.Linear, i, o) for i, o in SHAPES},
    "conv1d": lambda: nn.utils.skip_init(nn.Conv1d, 24, 32, 7),
    "conv2d": lambda: nn.utils.skip_init(nn.Conv2d, 12, 36, (3, 5)),
    "conv2d in groups": lambda: nn.utils.skip_init(nn.Conv2d, 48, 96, 3, groups=4),
    "conv3d": lambda: nn.utils.skip_init(nn.Conv3d, 10, 20, 3, bias=False),
}


# A scheme is a factor of the two fans, and a layer is its fans: each scheme once, and each layer once.
@pytest.mark.parametrize(
    ("typed", "kind"), [*((typed, "50-400") for typed in TYPED), *((BOTH_FANS, kind) for kind in LAYERS)]
)
def test_the_samples_deviation_is_the_formulas(typed: str, kind: str) -> None:
    layer = LAYERS[kind]()
    (deviations,) = initialise(layer, Init.of(typed), 1)
    weight, shape, by = layer.weight.detach().double(), Shape.of(layer), rule(typed)
    assert deviations == pytest.approx(float(weight.std(correction=0)), rel=1e-5, abs=1e-12)
    std = by.std(shape.fan_in, shape.fan_out, shape.taps)
    assert std is not None
    match by.distribution:
        case "constant" | "identity":
            assert float(weight.std(correction=0)) == pytest.approx(std, rel=1e-6, abs=1e-12)
        case "orthogonal":  # the squares are certain, the mean is that of n weights that hardly know of each other
            assert float(weight.square().mean().sqrt()) == pytest.approx(std, rel=1e-5)
            assert abs(float(weight.mean())) < 5 * std / math.sqrt(weight.numel())
        case _:
            # Of n draws the deviation strays by std·√((kurtosis − 1) / 4n), the mean by std/√n; five times that is
            # never seen. In a sparse layer those that are kept are drawn.
            n = int(weight.count_nonzero())
            share = n / weight.numel()
            assert abs(float(weight.square().mean().sqrt()) - std) < 5 * std * math.sqrt((kurtosis(by) - 1) / (4 * n))
            assert abs(float(weight.mean())) < 5 * std * math.sqrt(share) / math.sqrt(n)


@pytest.mark.parametrize("typed", of("normal"))
def test_a_normal_scheme_has_a_normals_tails(typed: str) -> None:
    (weight,) = weights(typed, 400, 200)
    beyond = float((weight.abs() > 2 * weight.std()).double().mean())
    assert abs(beyond - 0.0455) < 5 * math.sqrt(0.0455 * 0.9545 / weight.numel())


@pytest.mark.parametrize("typed", of("uniform"))
def test_a_uniform_scheme_fills_its_bounds_and_keeps_to_them(typed: str) -> None:
    fan_in, fan_out = 50, 400
    (weight,) = weights(typed, fan_in, fan_out)
    bound = rule(typed).factor(fan_in, fan_out) * math.sqrt(3)
    largest = float(weight.abs().max())
    assert 0.99 * bound < largest <= bound * (1 + 1e-6)


@pytest.mark.parametrize("typed", of("truncated_normal"))
def test_a_truncated_scheme_fills_its_bounds_and_keeps_to_them(typed: str) -> None:
    fan_in, fan_out = 50, 400
    (weight,) = weights(typed, fan_in, fan_out)
    by = rule(typed)
    before = by.factor(fan_in, fan_out) / truncated_deviation(by.cut)  # the deviation of the normal that is cut
    largest = float(weight.abs().max())
    assert 0.98 * by.cut * before < largest <= by.cut * before * (1 + 1e-6)


def test_a_truncated_normal_is_cut_at_multiples_of_its_own_deviation() -> None:
    (weight,) = weights("truncated_normal(std=0.02)", 400, 400)
    assert 0.0398 < float(weight.abs().max()) <= 0.04 * (1 + 1e-6)
    assert float(weight.std()) == pytest.approx(0.02 * 0.8796, rel=0.01)


def test_a_truncated_normal_has_the_law_that_scipy_knows() -> None:
    from scipy.stats import kstest, truncnorm

    (weight,) = weights("truncated_normal(std=1, cut=1.5)", 100, 100)
    assert kstest(weight.flatten().double().numpy(), truncnorm(-1.5, 1.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("fan_in", "fan_out"), [(60, 60), (20, 90), (90, 20), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_an_orthogonal_matrix_keeps_lengths_but_for_its_gain(fan_in: int, fan_out: int, gain: float) -> None:
    made: Any = network(fan_in, fan_out)
    initialise(made, Init.of(f"orthogonal(gain={gain})"), 1)
    weight = made[0].weight.detach()
    product = weight @ weight.T if fan_out <= fan_in else weight.T @ weight
    assert torch.allclose(product, gain**2 * torch.eye(min(fan_in, fan_out)), atol=1e-5)


def test_an_orthogonal_matrix_favours_no_sign() -> None:
    # A plain QR has a diagonal of one sign, which is not what "random orthogonal" means (Mezzadri 2007).
    traces = [float(weights("orthogonal", 8, 8, seed=seed)[0].diagonal().sum()) for seed in range(200)]
    assert abs(sum(traces) / 200) < 5 / math.sqrt(200)  # a Haar matrix's trace has mean 0 and variance 1


def test_zeros_are_zero() -> None:
    for layer in drawn("zeros", 30, 20, 10):
        assert not layer.weight.any()
        assert not layer.bias.any()


@pytest.mark.parametrize("groups", [1, 4])
def test_an_orthogonal_convolution_has_orthonormal_rows_or_columns_in_each_group(groups: int) -> None:
    for inputs, outputs, kernel in ((8, 12, 3), (4, 96, 2)):
        layer = nn.utils.skip_init(nn.Conv2d, inputs, outputs, kernel, groups=groups)
        initialise(layer, Init.of("orthogonal"), 1)
        for block in layer.weight.detach().flatten(1).chunk(groups):
            small = block @ block.T if block.shape[0] <= block.shape[1] else block.T @ block
            assert torch.allclose(small, torch.eye(len(small)), atol=1e-5)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(4, 4), (3, 5), (5, 3), (1, 1)])
def test_an_identity_has_ones_on_its_diagonal(fan_in: int, fan_out: int) -> None:
    (weight,) = weights("identity(gain=0.5)", fan_in, fan_out)
    assert torch.equal(weight, 0.5 * torch.eye(fan_out, fan_in))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("kind", "x"),
    [
        (nn.Conv1d, torch.arange(24.0).view(1, 4, 6)),
        (nn.Conv2d, torch.arange(80.0).view(1, 4, 4, 5)),
        (nn.Conv3d, torch.arange(96.0).view(1, 4, 2, 3, 4)),
    ],
)
def test_an_identity_convolution_passes_on_what_it_gets(kind: Any, x: Tensor, groups: int) -> None:
    layer = kind(4, 4, 3, padding="same", groups=groups)
    initialise(layer, Init.of("identity"), 1)
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize(("kind", "outputs"), [(nn.Conv1d, 6), (nn.Conv2d, 6), (nn.Conv3d, 6), (nn.Conv2d, 2)])
def test_an_identity_convolution_is_torchs_dirac(kind: Any, outputs: int) -> None:
    layer = nn.utils.skip_init(kind, 4, outputs, 4, groups=2)
    initialise(layer, Init.of("identity"), 1)
    assert torch.equal(layer.weight, nn.init.dirac_(torch.empty_like(layer.weight), groups=2))


@pytest.mark.parametrize(
    ("typed", "fan_in", "kept"),
    [("sparse", 200, 15), ("sparse", 10, 10), ("sparse(connections=3)", 50, 3), ("sparse(sparsity=0.9)", 200, 20),
     ("sparse(sparsity=0)", 50, 50), ("sparse(sparsity=1)", 50, 1)],
)  # fmt: skip
def test_a_sparse_scheme_keeps_so_many_inputs_of_every_unit(typed: str, fan_in: int, kept: int) -> None:
    (weight,) = weights(typed, fan_in, 300)
    assert weight.count_nonzero(1).tolist() == [kept] * 300
    if 1 < kept < fan_in:
        used = weight.count_nonzero(0).double()  # by each input: a binomial count
        share = kept / fan_in
        assert float(used.std()) < 2 * math.sqrt(300 * share * (1 - share))
    layer = nn.utils.skip_init(nn.Conv2d, 8, 6, 5, groups=2)
    initialise(layer, Init.of(typed), 1)
    assert layer.weight.flatten(1).count_nonzero(1).tolist() == [rule(typed).connections(100)] * 6


def test_a_sparse_scheme_keeps_the_normals_that_others_scale() -> None:
    (sparse,), (normal,) = weights("sparse(std=0.5)", 60, 40), weights("normal(std=0.5)", 60, 40)
    assert torch.equal(sparse[sparse != 0], normal[sparse != 0])


def test_zeros_and_constants_are_what_they_say() -> None:
    for typed, value in (("zeros", 0.0), ("constant(value=-0.25)", -0.25)):
        for layer in drawn(typed, 30, 20, 10):
            assert (layer.weight == value).all()
            assert not layer.bias.any()


@pytest.mark.parametrize("typed", TYPED)
def test_biases_are_zero_or_what_the_scheme_says_of_them(typed: str) -> None:
    for layer in drawn(typed, 100, 400, 300):
        bias = layer.bias.detach()
        match rule(typed).bias:
            case "uniform":
                bound = 1 / math.sqrt(layer.in_features)
                assert 0.95 * bound < float(bias.abs().max()) <= bound * (1 + 1e-6)
            case "normal":
                n, std = len(bias), math.sqrt(0.05)
                assert abs(float(bias.std()) - std) < 5 * std / math.sqrt(2 * n)
                assert abs(float(bias.mean())) < 5 * std / math.sqrt(n)
                assert not bias.unique().numel() < n
            case _:
                assert not bias.any()


def test_biases_have_a_stream_of_their_own() -> None:
    first, second = (drawn(f"edge_of_chaos(sigma_b2={b})", 9, 9)[0] for b in (0.04, 0.16))
    assert torch.equal(first.weight, second.weight)
    assert torch.allclose(2 * first.bias, second.bias)
    assert not torch.isin(first.bias, first.weight * 5).any()


@pytest.mark.parametrize(
    ("one", "other"),
    [("xavier_normal", "he_normal"), ("lecun_normal", "normal(std=0.02)"), ("xavier_uniform", "he_uniform"),
     ("torch_default", "uniform(bound=0.3)"), ("edge_of_chaos", "he_normal(mode=fan_out)"),
     ("variance_scaling", "truncated_normal(std=0.02)")],
)  # fmt: skip
def test_two_schemes_of_one_kind_scale_the_same_draws(one: str, other: str) -> None:
    for first, second in zip(weights(one, 30, 40, 10), weights(other, 30, 40, 10), strict=True):
        fan_out, fan_in = first.shape
        expected, of_other = (rule(typed).std(fan_in, fan_out) for typed in (one, other))
        assert expected is not None
        assert of_other is not None
        assert torch.allclose(first / second, torch.tensor(expected / of_other), rtol=1e-5)


def test_truncated_draws_are_the_normals_moved_inwards() -> None:
    (normal,), (truncated,) = weights("normal(std=1)", 60, 40), weights("truncated_normal(std=1)", 60, 40)
    assert torch.equal(normal.flatten().argsort(), truncated.flatten().argsort())
    assert (normal.abs() >= truncated.abs()).all()


@pytest.mark.parametrize("typed", [typed for typed in TYPED if as_variance_scaling(rule(typed))])
def test_a_named_scheme_draws_what_its_parameter_set_of_variance_scaling_draws(typed: str) -> None:
    same = as_variance_scaling(rule(typed))
    for first, second in zip(weights(typed, 30, 40, 10), weights(same, 30, 40, 10), strict=True):
        assert torch.allclose(first, second, rtol=1e-6)


def test_on_square_layers_xavier_is_lecun() -> None:
    assert torch.equal(*(weights(name, 40, 40)[0] for name in ("xavier_normal", "lecun_normal")))


RANDOM = [typed for typed in TYPED if rule(typed).distribution not in ("constant", "identity")]


@pytest.mark.parametrize("typed", RANDOM)
def test_a_seed_repeats_its_draws_and_another_has_others(typed: str) -> None:
    first, again, other = (weights(typed, 30, 20, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not (first == other)[first != 0].any()


def torchs_own(weight: Tensor) -> nn.Module:
    """A layer with such a weight, as torch makes it."""
    outputs, inputs, *kernel = weight.shape
    return nn.Conv2d(inputs, outputs, (kernel[0], kernel[1])) if kernel else nn.Linear(inputs, outputs)


# What torch.nn.init draws for the same name: the deviation of both is the same, within what either strays.
THEIRS: dict[str, Any] = {
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_normal(gain=tanh)": lambda w: nn.init.xavier_normal_(w, nn.init.calculate_gain("tanh")),
    "xavier_uniform": nn.init.xavier_uniform_,
    "he_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "he_uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
    "he_normal(mode=fan_out, slope=0.3)": lambda w: nn.init.kaiming_normal_(w, a=0.3, mode="fan_out"),
    "he_uniform(mode=fan_out, slope=0.3)": lambda w: nn.init.kaiming_uniform_(w, a=0.3, mode="fan_out"),
    "lecun_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear"),
    "torch_default": lambda w: w.copy_(torchs_own(w).weight),
    "normal(std=0.02)": lambda w: nn.init.normal_(w, std=0.02),
    "truncated_normal(std=0.02)": lambda w: nn.init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04),
    "uniform(bound=0.3)": lambda w: nn.init.uniform_(w, -0.3, 0.3),
    "orthogonal(gain=1.5)": lambda w: nn.init.orthogonal_(w, 1.5),
}


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        *((typed, "50-400") for typed in THEIRS),
        *((typed, "conv2d") for typed in ("xavier_uniform", "he_uniform(mode=fan_out, slope=0.3)", "torch_default")),
    ],
)
def test_torch_draws_with_the_same_deviation(typed: str, kind: str) -> None:
    layer = LAYERS[kind]()
    initialise(layer, Init.of(typed), 1)
    theirs = torch.empty_like(layer.weight)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        THEIRS[typed](theirs)
        ours, std = layer.weight.square().mean().sqrt(), theirs.square().mean().sqrt()
    strays = 1e-5 if "orthogonal" in typed else 5 * math.sqrt(2 * (kurtosis(rule(typed)) - 1) / (4 * theirs.numel()))
    assert abs(float(ours / std) - 1) < strays


@pytest.mark.parametrize("shape", [(900, 64), (400, 16, 2, 2)])
def test_torchs_own_layers_are_torch_default_biases_too(shape: tuple[int, ...]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theirs, ours = torchs_own(torch.empty(shape)), torchs_own(torch.empty(shape))
    initialise(ours, Init.of("torch_default"), 1)
    for made in (theirs, ours):
        for parameter in made.parameters():
            assert 0.99 / 8 < float(parameter.detach().abs().max()) <= 1 / 8 * (1 + 1e-6)


@pytest.mark.parametrize("name", GAINS)
def test_gains_are_torchs(name: Any) -> None:
    assert GAINS[name] == pytest.approx(nn.init.calculate_gain(name), rel=1e-15)


def test_the_default_of_edge_of_chaos_is_critical_for_tanh() -> None:
    import numpy

    nodes, parts = numpy.polynomial.hermite_e.hermegauss(151)
    parts = parts / parts.sum()
    q = 1.0
    for _ in range(2000):  # to the fixed point of the signal's size
        q = 1.76 * float(parts @ numpy.tanh(math.sqrt(q) * nodes) ** 2) + 0.05
    slope = 1.76 * float(parts @ (1 - numpy.tanh(math.sqrt(q) * nodes) ** 2) ** 2)
    assert slope == pytest.approx(1, abs=1e-3)


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


class Net(nn.Module):
    """A module of somebody's own: convolutions, norms, a shared layer, a layer without bias, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, groups=2))
        self.norm = nn.LayerNorm(8)
        self.body = nn.ModuleDict({"first": nn.Linear(8, 8, bias=False), "second": nn.Linear(8, 8)})
        self.head = nn.Linear(8, 3)
        self.scale = nn.Parameter(torch.ones(8))


def test_every_linear_and_conv_layer_of_any_module_is_filled_and_nothing_else() -> None:
    made = Net()
    names = [name for name, _ in layers(made)]
    assert names == ["features.0", "features.3", "body.first", "body.second", "head"]
    others = {name: value.clone() for name, value in made.state_dict().items() if name.rpartition(".")[0] not in names}
    deviations = initialise(made, Init.of("constant(value=0.25)"), 1)
    assert deviations == [0.0] * 5
    for _, layer in layers(made):
        assert (layer.weight == 0.25).all()
        assert layer.bias is None or not layer.bias.any()
    assert all(torch.equal(made.state_dict()[name], value) for name, value in others.items())
    assert len(others) == 2 + 2 + 3 + 1


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["head"], {"head"}),
        (["features.*", "body.first"], {"features.0", "features.3", "body.first"}),
        (["*"], {"features.0", "features.3", "body.first", "body.second", "head"}),
    ],
)
def test_excluded_layers_stay_as_they_are_and_change_no_other(exclude: list[str], left: set[str]) -> None:
    made, whole = Net(), Net()
    before = {name: layer.weight.clone() for name, layer in layers(made)}
    initialise(whole, Init.of("he_normal"), 1)
    deviations = initialise(made, Init.of("he_normal"), 1, exclude=exclude)
    assert len(deviations) == len(before)
    for (name, layer), (_, filled) in zip(layers(made), layers(whole), strict=True):
        assert torch.equal(layer.weight, before[name] if name in left else filled.weight)


@pytest.mark.parametrize("pattern", ["HEAD", "feature", "features.1"])
def test_an_exclusion_that_names_no_layer_is_refused(pattern: str) -> None:
    with pytest.raises(SchemeError, match=f'no layer is called "{pattern}"; this network has features.0') as caught:
        initialise(Net(), Init.of("he_normal"), 1, exclude=["head", pattern])
    assert "\n" not in str(caught.value)


def test_a_layer_that_is_the_whole_network_is_filled_too() -> None:
    layer = nn.Linear(4, 4)
    initialise(layer, Init.of("identity"), 1)
    assert torch.equal(layer.weight, torch.eye(4))


def test_a_layer_in_groups_has_the_fans_of_a_group() -> None:
    shape = Shape.of(nn.Conv2d(48, 96, (3, 5), groups=4))
    assert (shape.fan_in, shape.fan_out, shape.taps, shape.weight) == (12 * 15, 24 * 15, 15, (96, 12, 3, 5))
    assert Shape.of(nn.Linear(3, 7)) == Shape((7, 3))


def test_the_deviations_that_are_told_are_the_weights_own() -> None:
    made: Any = network(50, 30, 1)
    deviations = initialise(made, Init.of("he_normal"), 1)
    assert deviations == pytest.approx([float(layer.weight.detach().double().std(correction=0)) for layer in made])


@pytest.mark.parametrize("seed", [0, 777, 2**63 - 1])
def test_every_purpose_of_a_seed_has_a_stream_of_its_own(seed: int) -> None:
    purposes = ["batches", "sample", "gallery", "weights/0", "weights/1", "weights/10", "biases/0"]
    assert len({float(torch.rand((), generator=stream(seed, purpose))) for purpose in purposes}) == len(purposes)
