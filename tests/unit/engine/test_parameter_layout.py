"""One canonical memory layout of a network's parameters, whoever trains them: the same weights give the same figures."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inittui.engine.data.device_data import DeviceData
from inittui.engine.evaluation import evaluate
from inittui.engine.networks.build import mlp
from inittui.engine.networks.layers import layers
from inittui.engine.probes.jacobian import jacobian
from inittui.engine.probes.measure import measure
from inittui.engine.step.activation_kernels import ACTIVATION_KERNELS
from inittui.engine.step.batched_mlp import BatchedMLP
from inittui.engine.step.flat_parameters import ALIGNMENT, FlatParameters
from inittui.engine.step.replica import Replica
from inittui.engine.trainer import Trainer
from inittui.experiment.preset import Arm, Model
from tests.unit.tiny import CPU, TRAIN, arm, dataset, step_of, stopped

DATA = dataset()
BYTES = 64
MODEL = Model(hidden=(10, 7), activation="tanh")  # no width is a multiple of 16
TRAINED: dict[str, dict[str, Any]] = {
    "one by one": {},
    "max_batched": {"max_batched": 3},
    "reference path": {"hand_written": False},
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "sgd with momentum": {"optimizer": "sgd", "momentum": 0.9},
}
every_way_to_train = pytest.mark.parametrize("options", TRAINED.values(), ids=TRAINED)
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


def three_replicas(optimizer: dict[str, Any]) -> Arm:
    made = arm(seeds=[5, 6, 7], **optimizer)
    return Arm(made.name, made.init, MODEL, made.training, made.changes)


def is_canonical(tensor: Tensor) -> bool:
    return tensor.is_contiguous() and tensor.data_ptr() % BYTES == 0


def restored(trained: Trainer, **options: Any) -> Trainer:
    fresh = Trainer(trained.arm, DATA, CPU, **options)
    for replica, source in zip(fresh.replicas, trained.replicas, strict=True):
        replica.restore(source.snapshot())
    return fresh


def loaded(replica: Replica) -> nn.Module:
    """A fresh network with the weights of `replica`."""
    network = mlp(MODEL, math.prod(DATA.shape), len(DATA.classes))
    network.load_state_dict(replica.network.state_dict())
    return network


def figures(network: nn.Module, trainer: Trainer) -> list[Any]:
    """All that is computed from a network's weights apart from training: its test, its probe, its Jacobian."""
    x, labels = trainer.device_data.first(TRAIN), trainer.device_data.train_labels
    before = [torch.full_like(layer.weight, 0.1) for _, layer in layers(network)]
    tested = evaluate(network, trainer.device_data)
    return [
        tested.cost,
        tested.accuracy,
        tested.classes.tolist(),
        tested.probabilities.tolist(),
        measure(network, x, labels, before),
        jacobian(network, x),
    ]


def check(trainer: Trainer) -> None:
    for replica in trainer.replicas:
        assert all(map(is_canonical, replica.network.parameters()))
        assert all(map(is_canonical, replica.snapshot().tensors.values()))
        assert figures(replica.network, trainer) == figures(loaded(replica), trainer)


@every_way_to_train
def test_an_untrained_network_lies_as_any_other(options: dict[str, Any]) -> None:
    check(Trainer(three_replicas({}), DATA, CPU, **options))


@every_optimizer
@every_way_to_train
@pytest.mark.parametrize("steps", [2, 5])  # in the first and in the second epoch
def test_a_trained_and_a_restored_network_give_the_figures_of_a_fresh_one_with_their_weights(
    steps: int, options: dict[str, Any], optimizer: dict[str, Any]
) -> None:
    trainer = stopped(three_replicas(optimizer), DATA, steps, **options)
    check(trainer)
    for others in TRAINED.values():
        on = restored(trainer, **others)
        check(on)
        if steps == 5:
            list(on.run())
            check(on)


@pytest.mark.parametrize("fits", [1, 2])
def test_a_batch_that_is_halved_leaves_networks_in_the_same_layout(monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
    kernel = ACTIVATION_KERNELS["tanh"]

    def short(gradient: Tensor, a: Tensor) -> None:
        if a.dim() == 3 and len(a) > fits:
            raise MemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        kernel.backward(gradient, a)

    monkeypatch.setitem(ACTIVATION_KERNELS, "tanh", replace(kernel, backward=short))
    trainer = Trainer(three_replicas({}), DATA, CPU, max_batched=3)
    list(trainer.run())
    assert {len(step_of(trainer, replica).replicas) for replica in trainer.replicas} == {1, fits}
    check(trainer)


@every_optimizer
def test_what_an_optimizer_remembers_and_its_gradients_lie_as_the_parameters_do(optimizer: dict[str, Any]) -> None:
    for options in TRAINED.values():
        trainer = Trainer(three_replicas(optimizer), DATA, CPU, **options)
        list(trainer.run())
        for replica in trainer.replicas:
            assert all(is_canonical(value) for value in replica.optimizer_state().values() if value.dim())
            training_step = step_of(trainer, replica)
            if isinstance(training_step, BatchedMLP):
                assert all(is_canonical(share) for gradient in training_step.gradients for share in gradient)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_inputs_are_aligned_wherever_they_begin_in_the_data(dtype: torch.dtype) -> None:
    data = replace(DATA, train_images=DATA.train_images[:, 1:].to(dtype), test_images=DATA.test_images[:, 1:].to(dtype))
    images = DeviceData(data, CPU, scale_test=False, flat=True)
    for x in (images.first(3), images.test_batch(7, 5)[0], images.batch(torch.tensor([4, 2]))[0]):
        assert is_canonical(x)


@settings(max_examples=50, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9)), min_size=1, max_size=3),
    replicas=st.integers(1, 3),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.uint8]),
)
def test_parameters_lie_apart_and_aligned_in_one_block(
    shapes: list[tuple[int, int]], replicas: int, dtype: torch.dtype
) -> None:
    layout = FlatParameters(
        [size for width, inputs in shapes for size in (torch.Size([width, inputs]), torch.Size([width]))]
    )
    block = torch.zeros(replicas, layout.total, dtype=dtype)
    assert layout.total % ALIGNMENT == 0
    for number, view in enumerate(layout.views(block)):
        assert all(map(is_canonical, view))
        view += number + 1  # each element belongs to one parameter at most
    for number, (view, shape) in enumerate(zip(layout.views(block), layout.shapes, strict=True)):
        assert view.shape == (replicas, *shape)
        assert (view == number + 1).all()
