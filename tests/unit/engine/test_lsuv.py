"""LSUV on data: what every layer puts out has variance 1, within the tolerance, and nothing else is touched."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inittui.common.errors import SchemeError
from inittui.engine.data.load import load
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.build import mlp
from inittui.engine.networks.layers import layers
from inittui.engine.trainer import Trainer
from inittui.experiment.preset import Data, Model
from inittui.schemes.spec import Init
from tests.unit.tiny import CPU, arm, dataset

LSUV = Init.of("lsuv")


pytestmark = pytest.mark.usefixtures("one_thread")


def digits() -> Tensor:
    data = load(Data(name="digits"), Path(), lambda *_: None)
    return data.train_images[:1000].flatten(1).float() / data.pixel_max


def made_up() -> Tensor:
    """Four fifths of the pixels dark, the others anything up to 1: like MNIST, of no meaning."""
    draws = torch.Generator().manual_seed(1)
    return (torch.rand(500, 784, generator=draws) - 0.8).relu() * 5


def normal() -> Tensor:
    return 7 * torch.randn(300, 100, generator=torch.Generator().manual_seed(2)) + 3


BATCHES = {"digits": digits, "made up": made_up, "far from 0": normal}


def variances(network: nn.Module, x: Tensor) -> list[float]:
    """Of every layer's output, the forward pass written out."""
    actual = []
    for module in network.children():
        x = module(x)
        if isinstance(module, nn.Linear | nn.Conv2d):
            actual.append(float(x.detach().double().var(correction=0)))
    return actual


@pytest.mark.parametrize(
    ("batch", "activation"),
    [
        *((batch, "relu") for batch in BATCHES),
        *(("made up", name) for name in ("tanh", "sigmoid", "gelu", "selu", "linear")),
    ],
)
def test_the_output_of_every_layer_has_variance_one(batch: str, activation: Any) -> None:
    x = BATCHES[batch]()
    network = mlp(Model(hidden=(64, 200, 64, 100) * 5, activation=activation), x.shape[1], 10)
    initialise(network, LSUV, 1, batch=x)
    actual = variances(network, x)
    assert len(actual) == 21
    assert [value for value in actual if abs(value - 1) >= 0.1] == []


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_on_mnist_five_layers_have_variance_one(mnist_dir: Path, activation: str) -> None:
    data = load(Data(name="mnist"), mnist_dir, lambda *_: None)
    x = data.train_images[:1000].flatten(1).float() / data.pixel_max
    network = mlp(Model(hidden=(512,) * 4, activation=activation), 784, 10)  # type: ignore[arg-type]
    initialise(network, LSUV, 777, batch=x)
    actual = variances(network, x)
    assert len(actual) == 5
    assert [value for value in actual if abs(value - 1) >= 0.1] == []
    other = (
        data.train_images[1000:2000].flatten(1).float() / data.pixel_max
    )  # the next thousand are much like the first
    assert [value for value in variances(network, other) if abs(value - 1) >= 0.2] == []


def test_each_layer_is_orthonormal_but_for_one_factor() -> None:
    x = made_up()
    network, plain = (mlp(Model(hidden=(64, 64)), 784, 10) for _ in range(2))
    initialise(network, LSUV, 1, batch=x)
    initialise(plain, Init.of("orthogonal"), 1)
    for (_, layer), (_, before) in zip(layers(network), layers(plain), strict=True):
        ratio = layer.weight / before.weight
        assert torch.allclose(ratio, ratio.flatten()[0].expand_as(ratio), rtol=1e-5)
        assert layer.bias is not None
        assert not layer.bias.any()


def test_a_layer_within_the_tolerance_is_left_alone() -> None:
    x = torch.randn(4000, 30, generator=torch.Generator().manual_seed(1))
    network: Any = nn.Sequential(nn.Linear(30, 30))
    initialise(network, LSUV, 1, batch=x)  # an orthonormal layer keeps a unit variance as it is
    assert torch.allclose(network[0].weight @ network[0].weight.T, torch.eye(30), atol=1e-5)
    initialise(network, Init.of("lsuv(tolerance=1e-6)"), 1, batch=x)
    assert float(network(x).detach().var(correction=0)) == pytest.approx(1, abs=1e-6)
    assert not torch.allclose(network[0].weight @ network[0].weight.T, torch.eye(30), atol=1e-5)


def test_no_layer_is_scaled_more_often_than_rounds_allow() -> None:
    class Stubborn(nn.Linear):
        """Its output has variance 4 whatever its weights."""

        def forward(self, x: Tensor) -> Tensor:
            z = super().forward(x)
            return 2 * z / z.std(correction=0)

    x = torch.randn(100, 8, generator=torch.Generator().manual_seed(1))
    network: Any = nn.Sequential(Stubborn(8, 8))
    for rounds in (10, 3):
        initialise(network, Init.of(f"lsuv(rounds={rounds})"), 1, batch=x)
        assert float(network[0].weight.detach().norm()) == pytest.approx(8**0.5 / 2**rounds, rel=1e-4)


class Block(nn.Module):
    """Convolutions, a norm, dropout, a layer used twice, one that is never used, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)  # held first, used last
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.5)
        self.twice = nn.Conv2d(6, 6, 3, padding=1, groups=2)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.norm(self.first(input=x)).relu())
        x = self.twice(self.twice(x).relu())
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


def test_any_module_is_fitted_in_the_order_in_which_it_runs_and_otherwise_left_as_it_was() -> None:
    x = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    network = Block()
    network.norm.eval()
    before = {name: value.clone() for name, value in network.state_dict().items() if name.startswith("norm")}
    state = torch.get_rng_state()
    initialise(network, LSUV, 1, batch=x)
    assert torch.equal(state, torch.get_rng_state())
    assert network.training
    assert network.drop.training
    assert not network.norm.training
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    assert all(not module._forward_hooks for module in network.modules())
    network.eval()
    with torch.no_grad():
        one = network.first(x)
        two = network.twice(network.norm(one).relu())
        last = network(x)
    for z in (one, two, last):
        assert abs(float(z.var(correction=0)) - 1) < 0.1
    assert torch.allclose(network.unused.weight @ network.unused.weight.T, torch.eye(2), atol=1e-6)


def test_excluded_layers_are_not_scaled() -> None:
    x = made_up()
    network: Any = mlp(Model(hidden=(64,)), 784, 10)
    with torch.no_grad():
        network[2].weight.fill_(0.5)
    initialise(network, LSUV, 1, batch=x, exclude=["2"])
    assert (network[2].weight == 0.5).all()
    assert abs(variances(network, x)[0] - 1) < 0.1


def test_without_data_it_is_refused() -> None:
    with pytest.raises(SchemeError, match=r"'lsuv' is fitted to training inputs, and there are none"):
        initialise(mlp(Model(), 4, 2), LSUV, 1)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(5, 4), "layer '0' has variance 0 over 5 training inputs"),
        (torch.full((5, 4), torch.inf), "layer '0' has variance nan"),
    ],
)
def test_data_that_can_be_fitted_to_nothing_are_refused_in_one_line(x: Tensor, words: str) -> None:
    network = mlp(Model(hidden=(3,)), 4, 2)
    with pytest.raises(SchemeError) as caught:
        initialise(network, LSUV, 1, batch=x)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(not module._forward_hooks for module in network.modules())
    assert network.training


def test_the_trainer_fits_to_its_first_training_images_scaled_as_in_training() -> None:
    data = dataset()
    x = data.train_images.flatten(1).float() / data.pixel_max
    trainer = Trainer(arm("lsuv", seeds=[5, 6]), data, CPU, scale_test=False)
    for replica in trainer.replicas:
        assert [value for value in variances(replica.network, x) if abs(value - 1) >= 0.1] == []
    assert list(trainer.run())
