"""Probes against numbers by hand, and that being looked at changes nothing."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu

from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.build import mlp
from inittui.engine.networks.layers import layers
from inittui.engine.probes import jacobian as jacobians
from inittui.engine.probes import mean_field, schedule
from inittui.engine.probes.jacobian import JACOBIAN_IMAGES, jacobian
from inittui.engine.probes.measure import BATCH, BINS, WORK, batch_size, measure
from inittui.engine.probes.schedule import Prober, epochs_of
from inittui.engine.step.replica import Replica
from inittui.engine.trainer import Trainer
from inittui.experiment.preset import Arm, Model
from inittui.record import event_lines, events
from inittui.record.layer_probe import LayerProbe
from inittui.schemes.spec import Init
from tests.helpers import steady
from tests.unit.tiny import CPU, arm, dataset, figures

IMAGES, INPUTS, CLASSES = 12, 6, 3
DATA = dataset()
SMALL_CNN = "inittui.engine.networks.example_cnn:small_cnn"

NOISY = """
from torch import nn

def build(*, inputs, classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(16, 9), nn.BatchNorm1d(9), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(9, classes)
    )
"""


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


@pytest.fixture
def noisy(tmp_path: Path) -> str:
    """A network with all that being looked at could disturb: running statistics, and draws of its own."""
    path = tmp_path / "noisy.py"
    path.write_text(NOISY)
    return f"{path}:build"


def batch(*shape: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(IMAGES, *(shape or (INPUTS,)), generator=draws)
    return x, torch.randint(CLASSES, (IMAGES,), generator=draws)


def filled(network: nn.Module, scheme: str = "he_normal", *, biases: float = 0.1) -> Any:
    """Drawn from a seed, biases too."""
    initialise(network, Init.of(scheme), 5)
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for _, layer in layers(network):
            if layer.bias is not None:
                layer.bias.normal_(0, biases, generator=draws)
    return network


def close(value: float | Tensor) -> Any:
    return pytest.approx(torch.as_tensor(value).item(), rel=1e-5, abs=1e-9)


def size(z: Tensor) -> Tensor:
    return z.double().square().mean().sqrt()


def expect(one: LayerProbe, z: Tensor, weight: Tensor, gradient: Tensor, of_weight: Tensor) -> None:
    """That `one` tells of z [n, units] what its definitions say, pair by pair and image by image."""
    z = z.detach().double()
    assert one.rms == close(size(z))
    deviations = [z[:, unit].std(correction=0) for unit in range(z.shape[1])]
    assert one.spread == close(size(torch.stack(deviations)))
    pairs = [torch.cosine_similarity(a, b, dim=0) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]
    assert one.cosine == close(torch.stack(pairs).mean())
    assert one.grad_z == close(size(gradient) * len(z))
    assert one.grad_w == close(of_weight.double().norm())
    assert (one.low, one.high) == (close(weight.min()), close(weight.max()))
    assert sum(one.bins) == weight.numel()


# Against numbers by hand


@pytest.mark.parametrize("kind", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU])
def test_every_number_is_that_of_autograd_by_hand(kind: type[nn.Module]) -> None:
    network = filled(nn.Sequential(nn.Linear(INPUTS, 7), kind(), nn.Linear(7, 5), kind(), nn.Linear(5, CLASSES)))
    x, labels = batch()
    weights = [layer.weight for _, layer in layers(network)]
    zs = []
    a = x
    for index, (_, layer) in enumerate(layers(network)):
        zs.append(nn.functional.linear(a, layer.weight, layer.bias))
        a = kind()(zs[-1]) if index < 2 else zs[-1]
    gradients = torch.autograd.grad(cross_entropy(a, labels), [*zs, *weights])
    actual = measure(network, x, labels)
    assert [(one.name, one.fan_in, one.fan_out) for one in actual] == [("0", 6, 7), ("2", 7, 5), ("4", 5, 3)]
    for index, one in enumerate(actual):
        expect(one, zs[index], weights[index], gradients[index], gradients[index + 3])
        assert one.update is None
        dead = saturated = None
        if index < 2 and kind is nn.ReLU:
            dead = close((zs[index] <= 0).all(0).double().mean())
        if index < 2 and kind in (nn.Tanh, nn.Sigmoid):
            z = zs[index].detach().double()
            shape = 1 / z.cosh() ** 2 if kind is nn.Tanh else 4 * z.sigmoid() * (-z).sigmoid()  # slope over the largest
            saturated = close((shape < 0.05).double().mean())
        assert (one.dead, one.saturated) == (dead, saturated)


def test_dead_units_are_those_that_no_image_moves() -> None:
    network = filled(nn.Sequential(nn.Linear(INPUTS, 4), nn.ReLU(), nn.Linear(4, CLASSES)))
    x, labels = batch()
    with torch.no_grad():
        network[0].bias[:3] = -1e3
        network[0].bias[3] = 1e3
    assert measure(network, x, labels)[0].dead == 0.75


@pytest.mark.parametrize(("kind", "z"), [(nn.Tanh, math.atanh(math.sqrt(0.95))), (nn.Sigmoid, 4.3567)])
def test_a_unit_is_saturated_where_its_slope_is_a_twentieth_of_the_largest(kind: type[nn.Module], z: float) -> None:
    network: Any = nn.Sequential(nn.Linear(4, 4, bias=False), kind(), nn.Linear(4, CLASSES))
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(4))
    x = torch.tensor([[0.98 * z, -0.98 * z, 1.02 * z, -1.02 * z]] * IMAGES)
    assert measure(network, x, batch()[1])[0].saturated == 0.5


def test_the_update_is_the_last_steps_share_of_the_weight() -> None:
    network = filled(nn.Sequential(nn.Linear(INPUTS, 7), nn.ReLU(), nn.Linear(7, CLASSES)))
    before = [layer.weight.detach().clone() for _, layer in layers(network)]
    with torch.no_grad():
        network[0].weight.mul_(1.01)
        network[2].weight[0, 0] += 1
    first, last = measure(network, *batch(), before)
    assert first.update == pytest.approx(0.01, rel=1e-4)
    assert last.update == close(1 / before[1].norm())


def test_a_histogram_counts_every_weight_in_its_place() -> None:
    network: Any = nn.Sequential(nn.Linear(BINS, 2, bias=False))
    with torch.no_grad():
        network[0].weight[0] = torch.arange(BINS) / (BINS - 1) * 4 - 1
        network[0].weight[1] = 3.0
    (one,) = measure(network, torch.randn(4, BINS), torch.zeros(4, dtype=torch.long))
    assert (one.low, one.high) == (-1.0, 3.0)
    assert one.bins == (*[1] * (BINS - 1), 1 + BINS)
    with torch.no_grad():
        network[0].weight.fill_(0.25)
    (one,) = measure(network, torch.randn(4, BINS), torch.zeros(4, dtype=torch.long))
    assert (one.low, one.high, one.bins) == (0.25, 0.25, (2 * BINS,))


@pytest.mark.parametrize("edge", [3e38, 1e-45])
def test_a_histogram_of_the_largest_and_of_the_smallest_floats_counts_them_all(edge: float) -> None:
    network: Any = nn.Sequential(nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[-edge, 0.0, edge]]))
    (one,) = measure(network, torch.ones(4, 3), torch.zeros(4, dtype=torch.long))
    assert [count for count in one.bins if count] == [1, 1, 1]


# Any module


def test_of_a_convolution_a_unit_is_a_channel_and_an_image_is_flat() -> None:
    network = filled(nn.Sequential(nn.Conv2d(2, 5, 3, groups=1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 4, CLASSES)))
    with torch.no_grad():
        network[0].bias[0] = -1e3
        network[0].bias[1:] = 1e3
    x, labels = batch(2, 4, 4)
    z = nn.functional.conv2d(x, network[0].weight, network[0].bias)
    logits = relu(z).flatten(1) @ network[3].weight.T + network[3].bias
    of_z, of_w = torch.autograd.grad(cross_entropy(logits, labels), [z, network[0].weight])
    conv, dense = measure(network, x, labels)
    assert (conv.name, conv.fan_in, conv.fan_out, dense.fan_in) == ("0", 18, 45, 20)
    expect(conv, z.flatten(1), network[0].weight, of_z, of_w)
    assert (conv.dead, dense.dead) == (0.2, None)


def test_a_dense_layer_on_sequences_has_its_units_last() -> None:
    network = filled(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 5, CLASSES)))
    with torch.no_grad():
        network[0].bias[0] = -1e3
        network[0].bias[1:] = 1e3
    assert measure(network, *batch(3, 4))[0].dead == 0.2


class Folded(nn.Module):
    """Lays the places of an image side by side, as if each were an image."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.last = nn.Linear(4, 5), nn.Linear(15, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.each(x.flatten(0, 1))
        out: Tensor = self.last(torch.relu(z).view(len(x), -1))
        return out


def test_a_gradient_is_per_image_also_where_a_layer_sees_other_rows() -> None:
    network = filled(Folded())
    x, labels = batch(3, 4)
    flat = filled(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(15, CLASSES)))
    flat.load_state_dict(dict(zip(flat.state_dict(), network.state_dict().values(), strict=True)))
    folded, straight = measure(network, x, labels)[0], measure(flat, x, labels)[0]
    assert folded.grad_z == close(straight.grad_z or 0.0)
    assert folded.rms == close(straight.rms or 0.0)


class Twice(nn.Module):
    """Uses one layer twice, and has another one that it never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.same, self.idle = nn.Linear(INPUTS, 7), nn.Linear(7, 7), nn.Linear(7, 7)
        self.last = nn.Linear(7, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        a = torch.tanh(self.first(x))
        out: Tensor = self.last(torch.tanh(self.same(torch.tanh(self.same(a)))))
        return out


def test_a_layer_is_measured_once_where_data_reach_it_first_and_not_at_all_where_they_never_do() -> None:
    network = filled(Twice())
    x, labels = batch()
    actual = measure(network, x, labels, before=[layer.weight.detach() / 2 for _, layer in layers(network)])
    assert [one.name for one in actual] == ["first", "same", "last"]
    z = network.same(torch.tanh(network.first(x)))
    again = network.last(torch.tanh(network.same(torch.tanh(z))))
    of_z, of_w = torch.autograd.grad(cross_entropy(again, labels), [z, network.same.weight])
    expect(actual[1], z, network.same.weight, of_z, of_w)
    # No activation is a module here, so nothing is known of dead and saturated units; updates find their layers by name.
    assert {(one.dead, one.saturated, one.update) for one in actual} == {(None, None, 1.0)}


def test_layers_come_in_the_order_in_which_data_reach_them() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first = nn.Linear(7, CLASSES), nn.Linear(INPUTS, 7)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.last(self.first(x))
            return out

    network = filled(Backwards())
    assert [name for name, _ in layers(network)] == ["last", "first"]
    before = [layer.weight.detach() * factor for (_, layer), factor in zip(layers(network), (2, 4), strict=True)]
    actual = measure(network, *batch(), before)
    assert [one.name for one in actual] == ["first", "last"]
    assert [one.update for one in actual] == [close(3 / 4), close(1 / 2)]


@pytest.mark.parametrize("kind", [nn.ReLU, nn.LeakyReLU, nn.SiLU])
def test_an_activation_that_works_in_place_does_not_write_into_what_is_measured(kind: Any) -> None:
    def of(*, inplace: bool) -> tuple[LayerProbe, ...]:
        made = nn.Sequential(
            nn.Linear(INPUTS, 7), kind(inplace=inplace), nn.Linear(7, 5), kind(inplace=inplace), nn.Linear(5, CLASSES)
        )
        return measure(filled(made), *batch())

    assert of(inplace=True) == of(inplace=False)


def test_what_is_frozen_has_no_gradient_and_all_the_rest() -> None:
    network = filled(nn.Sequential(nn.Linear(INPUTS, 7), nn.ReLU(), nn.Linear(7, CLASSES)))
    whole = measure(network, *batch())
    network[0].requires_grad_(False)
    frozen, trained = measure(network, *batch())
    assert (frozen.grad_z, frozen.grad_w) == (None, None)
    assert (frozen.rms, frozen.spread, frozen.dead) == (whole[0].rms, whole[0].spread, whole[0].dead)
    assert trained == whole[1]
    network.requires_grad_(False)
    assert [one.grad_w for one in measure(network, *batch())] == [None, None]


def test_zeros_are_zeros_and_no_fault() -> None:
    network = mlp(Model(hidden=(7, 5)), INPUTS, CLASSES)
    initialise(network, Init.of("zeros"), 1)
    x, labels = batch()
    actual = measure(network, x, labels, [layer.weight.detach().clone() for _, layer in layers(network)])
    for one in actual:
        assert (one.rms, one.spread, one.cosine, one.grad_w) == (0.0, 0.0, 0.0, 0.0)
        assert (one.low, one.high, one.update) == (0.0, 0.0, None)
    assert [one.dead for one in actual] == [1.0, 1.0, None]
    assert [one.grad_z for one in actual][:2] == [0.0, 0.0]
    assert jacobian(network, x) == (0.0,) * CLASSES


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 3e38])
@pytest.mark.parametrize("kind", ["relu", "tanh", "sigmoid"])
def test_weights_that_are_not_finite_give_none_and_no_exception(bad: float, kind: Any) -> None:
    network = filled(mlp(Model(hidden=(7, 5), activation=kind), INPUTS, CLASSES))
    whole = measure(network, *batch())
    with torch.no_grad():
        network[2].weight.fill_(bad)
    actual = measure(network, *batch(), [torch.zeros(1), torch.zeros(1), torch.zeros(1)])
    assert actual[0].rms == whole[0].rms
    assert bad == 3e38 or (actual[1].rms, actual[1].spread, actual[1].cosine, actual[1].dead) == (None,) * 4
    assert bad == 3e38 or (actual[1].low, actual[1].high, actual[1].bins) == (None, None, ())
    probe = events.Probe(seed=1, epoch=0, images=IMAGES, layers=actual)
    assert event_lines.decode(event_lines.encode(probe)) == probe  # every number is one that JSON has
    assert all(map(math.isfinite, jacobian(network, batch()[0])))


def test_one_image_has_no_cosine() -> None:
    x, labels = batch()
    actual = measure(filled(mlp(Model(hidden=(7,)), INPUTS, CLASSES)), x[:1], labels[:1])
    assert [(one.cosine, one.spread) for one in actual] == [(None, 0.0)] * 2


# Left as it was


def state(network: nn.Module) -> list[object]:
    """All of a network that a look at it could change, and the global stream of random numbers."""
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return [
        [(name, value.detach().clone().numpy().tobytes()) for name, value in tensors],
        [(name, value.grad.numpy().tobytes()) for name, value in network.named_parameters() if value.grad is not None],
        [(name, module.training) for name, module in network.named_modules()],
        [getattr(module, "momentum", None) for module in network.modules()],
        [len(module._forward_hooks) for module in network.modules()],
        torch.get_rng_state().numpy().tobytes(),
    ]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "look", [measure, lambda network, x, _labels: jacobian(network, x)], ids=["measure", "jacobian"]
)
def test_a_network_is_left_exactly_as_it_was(look: Callable[..., object], training: bool) -> None:
    network = filled(
        nn.Sequential(
            nn.Linear(INPUTS, 7), nn.BatchNorm1d(7), nn.Tanh(), nn.Dropout(0.5), nn.Linear(7, 5), nn.ReLU(inplace=True),
            nn.Linear(5, CLASSES),
        )
    ).train(training)  # fmt: skip
    network[1].eval()
    x, labels = batch()
    cross_entropy(network(x), labels).backward()
    before, inputs = state(network), x.clone()
    look(network, x, labels)
    assert state(network) == before
    assert torch.equal(x, inputs)
    assert not x.requires_grad


def test_what_a_network_drops_while_it_is_looked_at_is_the_same_every_time() -> None:
    network = filled(nn.Sequential(nn.Linear(INPUTS, 7), nn.Dropout(0.5), nn.Linear(7, CLASSES)))
    first = measure(network, *batch())
    torch.rand(3)
    assert measure(network, *batch()) == first
    network.eval()
    assert measure(network, *batch()) != first  # it was dropped


def test_a_network_that_fails_is_left_as_it_was_too() -> None:
    class Fails(Twice):
        def forward(self, x: Tensor) -> Tensor:
            super().forward(x)
            torch.rand(1)
            raise RuntimeError("not today")

    network = filled(Fails())
    before = state(network)
    for look in (lambda: measure(network, *batch()), lambda: jacobian(network, batch()[0])):
        with pytest.raises(RuntimeError, match="not today"):
            look()
        assert state(network) == before


@pytest.mark.parametrize("model", ["mlp", "noisy", "cnn"])
def test_a_training_with_probes_is_bit_for_bit_the_one_without(noisy: str, model: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "mlp": {"hidden": (8, 8)},
        "noisy": {"factory": noisy},
        "cnn": {"factory": SMALL_CNN},
    }
    of = replace_model(arm(seeds=[5, 6], epochs=3), changes[model])

    def nothing(_replica: Replica) -> None:
        pass

    looked_at, unseen = Trainer(of, DATA, CPU), Trainer(of, DATA, CPU)
    unseen.prober = cast(
        "Prober", SimpleNamespace(keep_weights=nothing, after=nothing, attempt=lambda _: events.Paused())
    )
    emitted = list(looked_at.run())
    assert figures(emitted) == figures(unseen.run())
    assert sum(isinstance(event, events.Probe) for event in emitted) == 4
    for one, other in zip(looked_at.replicas, unseen.replicas, strict=True):
        assert state(one.network)[0] == state(other.network)[0]


def replace_model(of: Arm, model: dict[str, Any]) -> Arm:
    return Arm(of.name, of.init, Model(**model), of.training)


# The Jacobian


def singular_values(network: nn.Module, x: Tensor) -> list[float]:
    each = []
    for image in x[:JACOBIAN_IMAGES]:
        matrix = torch.autograd.functional.jacobian(lambda one: network(one.unsqueeze(0))[0], image)
        each.append(torch.linalg.svdvals(matrix.double().flatten(1)))
    return torch.stack(each).square().mean(0).sqrt().tolist()


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (lambda: mlp(Model(hidden=(7, 5), activation="tanh"), INPUTS, CLASSES), (INPUTS,)),
        (lambda: mlp(Model(hidden=(7,), activation="relu"), INPUTS, 9), (INPUTS,)),
        (lambda: nn.Sequential(nn.Conv2d(2, 5, 3), nn.GELU(), nn.Flatten(), nn.Linear(20, CLASSES)), (2, 4, 4)),
    ],
    ids=["tanh", "more outputs than inputs", "conv"],
)
def test_a_jacobian_is_torchs_own_image_by_image(made: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    network = filled(made())
    x, _ = batch(*shape)
    actual = jacobian(network, x)
    assert actual == pytest.approx(singular_values(network, x), rel=1e-4, abs=1e-6)
    assert list(actual) == sorted(actual, reverse=True)


def test_an_orthogonal_linear_network_keeps_every_direction() -> None:
    network = mlp(Model(hidden=(24,) * 30, activation="linear"), 24, 10)
    initialise(network, Init.of("orthogonal"), 1)
    actual = jacobian(network, torch.randn(6, 24, generator=torch.Generator().manual_seed(1)))
    assert actual == pytest.approx([1.0] * 10, abs=1e-4)


def test_a_batch_norm_keeps_to_the_statistics_of_the_batch_and_dropout_drops_nothing() -> None:
    norm = nn.BatchNorm1d(7)
    network = filled(nn.Sequential(nn.Linear(INPUTS, 7), norm, nn.Dropout(0.5), nn.Linear(7, CLASSES)))
    x, _ = batch()
    z = network[0](x).detach()
    scale = torch.diag(1 / (z.var(0) + norm.eps).sqrt())
    whole = network[3].weight @ scale @ network[0].weight
    assert jacobian(network, x) == pytest.approx(torch.linalg.svdvals(whole).tolist(), rel=1e-4)


def test_what_has_no_jacobian_or_too_large_a_one_has_none_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rounds(Twice):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.long().float())

    assert jacobian(filled(Rounds()), batch()[0]) == (0.0,) * CLASSES
    frozen = filled(Rounds()).requires_grad_(False)
    assert jacobian(frozen, batch()[0]) == ()
    network = filled(mlp(Model(hidden=(7,)), INPUTS, CLASSES))
    with monkeypatch.context() as few:
        few.setattr(jacobians, "JACOBIAN_OUTPUTS", CLASSES - 1)
        assert jacobian(network, batch()[0]) == ()
    assert jacobian(network, batch()[0]) != ()
    monkeypatch.setattr(jacobians, "JACOBIAN_NUMBERS", JACOBIAN_IMAGES * INPUTS * CLASSES - 1)
    assert jacobian(network, batch()[0]) == ()


# How many images, and when


def test_a_deep_network_is_looked_at_with_fewer_images() -> None:
    def count(widths: tuple[int, ...], images: int) -> int:
        return batch_size(mlp(Model(hidden=widths), 784, 10), images)

    assert count((16,), 60_000) == BATCH
    assert count((512,) * 30, 60_000) == int(WORK / (784 * 512 + 29 * 512 * 512 + 5120)) == 37
    assert count((4096,) * 3, 60_000) == 16  # at least
    assert count((16,), 60) == 60
    assert count((4096,) * 3, 5) == 5  # and never more than there are
    assert batch_size(nn.Sequential(nn.ReLU()), 100) == 100


@steady
@given(st.integers(1, 1_000_000), st.integers(2, 60))
def test_epochs_are_all_while_they_are_few_and_then_spread_by_their_logarithm(last: int, most: int) -> None:
    chosen = sorted(epochs_of(last, most))
    assert (chosen[0], chosen[-1]) == (0, last)
    assert len(chosen) <= most + 1
    if last <= most:
        assert chosen == list(range(last + 1))
    else:
        factor = last ** (1 / (most - 1))
        assert chosen[1] == 1
        assert all(later <= (earlier + 0.5) * factor + 1 for earlier, later in pairwise(chosen[1:]))


def test_epochs_of_an_ordinary_training_are_all_of_them() -> None:
    assert epochs_of(15) == set(range(16))
    assert 25 < len(epochs_of(100)) <= 41


# Which replica, and what beside it


def probed(of: Arm) -> list[events.Probe]:
    return [event for event in Trainer(of, DATA, CPU).run() if isinstance(event, events.Probe)]


def test_the_first_replica_is_probed_as_initialised_and_after_every_epoch() -> None:
    actual = probed(arm(seeds=[5, 6], epochs=3))
    assert [(one.seed, one.epoch) for one in actual] == [(5, 0), (5, 1), (5, 2), (5, 3)]
    assert all(one.images == len(DATA.train_images) for one in actual)
    assert [bool(one.signal) for one in actual] == [True, False, False, False]
    assert [len(one.jacobian) for one in actual] == [3, 0, 0, 0]
    assert [one.layers[0].update is not None for one in actual] == [False, True, True, True]
    assert all(0 < one.seconds < 10 for one in actual)


def test_a_long_training_is_probed_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "epochs_of", lambda last: frozenset({0, 2, last}))
    assert [one.epoch for one in probed(arm(epochs=5))] == [0, 2, 5]


def test_an_update_is_that_of_the_epochs_last_step() -> None:
    of = arm(epochs=1)
    trainer = Trainer(of, DATA, CPU)
    network = trainer.replicas[0].network
    seen: list[list[Tensor]] = []

    def between_steps(_: object = None) -> float:
        seen.append([layer.weight.detach().clone() for _, layer in layers(network)])
        return 0.0

    trainer.between_steps = between_steps
    last = [event for event in trainer.run() if isinstance(event, events.Probe)][-1]
    for one, before, (_, layer) in zip(last.layers, seen[-1], layers(network), strict=True):
        assert one.update == close((layer.weight.detach() - before).norm() / before.norm())


def test_what_a_probe_measures_is_the_network_as_it_is_in_training() -> None:
    of = arm()
    trainer = Trainer(of, DATA, CPU)
    x = DATA.train_images.flatten(1).float() / 255
    first = probed(of)[0]
    assert first.layers == measure(trainer.replicas[0].network, x, DATA.train_labels)
    assert first.jacobian == jacobian(trainer.replicas[0].network, x)


def prober(of: Arm, data: Any = DATA) -> events.Probe:
    trainer = Trainer(of, data, CPU)
    return trainer.prober.probe(trainer.replicas[0])


def test_theory_is_that_of_the_scheme_on_these_very_images() -> None:
    probe = prober(arm("torch_default"))
    square = float((DATA.train_images.double() / 255).square().mean())
    laws = [mean_field.LayerLaw(16, 8, 1 / 48, 1 / 48), mean_field.LayerLaw(8, 3, 1 / 24, 1 / 24)]
    assert probe.signal == pytest.approx(mean_field.signal(laws, "relu", square), rel=1e-5)
    assert probe.gradient == pytest.approx([math.sqrt(3 / 24 / 2), 1.0], rel=1e-5)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_behind_a_norm_theory_knows_the_signal_and_not_the_gradient(norm: str) -> None:
    probe = prober(replace_model(arm(), {"hidden": (8, 8), "norm": norm}))
    assert probe.signal[1:] == pytest.approx([1.0, 1.0])  # He's, of a signal that has size 1 again
    assert probe.gradient == ()


@pytest.mark.parametrize(
    ("init", "model"),
    [
        ("constant(value=0.1)", {"hidden": (8,)}),
        ("zeros", {"hidden": (8,)}),
        ("identity", {"hidden": (8,)}),
        ("he_normal", {"hidden": (8,), "exclude": ("0",)}),
        ("he_normal", {"factory": SMALL_CNN}),
    ],
    ids=["constant", "zeros", "identity", "exclusions", "own network"],
)
def test_where_theory_has_nothing_to_say_it_says_nothing(init: str, model: dict[str, Any]) -> None:
    probe = prober(replace_model(arm(init), model))
    assert (probe.signal, probe.gradient) == ((), ())
    assert all(one.rms is not None for one in probe.layers)


def test_of_a_scheme_that_is_fitted_to_data_the_weights_tell() -> None:
    probe = prober(replace_model(arm("lsuv"), {"hidden": (64, 64), "activation": "tanh"}))
    # LSUV brings every layer to variance 1; theory, which knows of no correlations between images, comes near it.
    assert probe.signal == pytest.approx([1.0] * 3, rel=0.5)
    assert len(probe.gradient) == 3


@pytest.mark.parametrize(
    ("filling", "says"),
    [("weight.normal_(0, 0.5, generator=generator); bias.fill_(0.25)", True), ("weight.fill_(0.5)", False)],
)
def test_of_a_scheme_of_ones_own_too_unless_its_weights_have_a_mean(tmp_path: Path, filling: str, says: bool) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"def fill(weight, bias, *, name, fan_in, fan_out, generator):\n    {filling}\n")
    probe = prober(arm(f"{path}:fill"))
    if says:
        (_, layer), *_ = layers(Trainer(arm(f"{path}:fill"), DATA, CPU).replicas[0].network)
        square = float((DATA.train_images.double() / 255).square().mean())
        variance = float(layer.weight.detach().double().var(correction=0))
        assert probe.signal[0] == pytest.approx(math.sqrt(0.25**2 + 16 * variance * square), rel=1e-5)
    else:
        assert probe.signal == ()


def test_weights_without_measure_leave_theory_without_words_and_raise_nothing() -> None:
    probe = prober(arm("normal(std=1e200)"))
    assert probe.signal == (None, None)
    assert probe.gradient == ()
    assert [one.rms for one in probe.layers] == [None, None]


def test_a_network_of_ones_own_is_probed_with_no_more_images_than_a_step_takes() -> None:
    of = replace_model(arm(batch_size=20), {"factory": SMALL_CNN})
    assert prober(of).images == 20
    assert prober(arm(batch_size=20)).images == 60
    few = replace(DATA, train_images=DATA.train_images[:20], train_labels=DATA.train_labels[:20])
    assert prober(arm(batch_size=20), few).images == 20


def test_a_prober_looks_at_the_images_that_it_is_given() -> None:
    trainer = Trainer(arm(), DATA, CPU)
    x, labels = torch.rand(9, 16, generator=torch.Generator().manual_seed(1)), torch.arange(9) % 3
    actual = Prober(arm(), trainer.replicas[0], x, labels).probe(trainer.replicas[0])
    assert (actual.images, actual.layers) == (9, measure(trainer.replicas[0].network, x, labels))
