"""The hand-written step against autograd, alone and batched."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.analysis.statistics import paired
from inittui.engine.data.device_data import DeviceData
from inittui.engine.data.load import load
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.build import mlp
from inittui.engine.networks.random_streams import stream
from inittui.engine.step.activation_kernels import ACTIVATION_KERNELS
from inittui.engine.step.batched_mlp import BatchedMLP
from inittui.engine.step.flat_parameters import FlatParameters
from inittui.engine.step.replica import Replica
from inittui.engine.trainer import Trainer
from inittui.experiment.preset import Arm, Data, Model
from inittui.record import event_lines, events
from tests.unit.tiny import BATCH, CPU, TRAIN, arm, dataset, epochs, figures, step_of, stopped

DATA = replace(dataset(), pixel_max=256.0)  # whose quotients 32 bits hold exactly
STEPS = TRAIN // BATCH
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "sgd": {"optimizer": "sgd", "momentum": 0.9},
}
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


def replicas(of: Arm, images: DeviceData, *, dtype: torch.dtype = torch.float32) -> list[Replica]:
    made = []
    for seed in of.training.seeds:
        network = mlp(of.model, math.prod(DATA.shape), len(DATA.classes))
        initialise(network, of.init, seed, batch=images.first(BATCH))
        order = stream(seed, "batches")
        made.append(Replica(seed, network.to(dtype), order, torch.zeros(STEPS, dtype=dtype)))
    return made


def images() -> DeviceData:
    return DeviceData(DATA, CPU, scale_test=True, flat=True)


def model(of: Arm, **changes: Any) -> Arm:
    return Arm(of.name, of.init, Model(**changes), of.training, of.changes)


@pytest.mark.parametrize("seeds", [[5], [5, 6, 7]], ids=["alone", "batched"])
@pytest.mark.parametrize(
    ("activation", "outputs"),
    [*((activation, None) for activation in ACTIVATION_KERNELS), ("relu", 30)],  # 30: more outputs than classes
)
def test_its_gradients_are_autograds(activation: Any, outputs: int | None, seeds: list[int]) -> None:
    of = model(
        arm("normal(std=0.7)", seeds=seeds, optimizer="sgd"), hidden=(9, 8, 7), activation=activation, outputs=outputs
    )
    shown = images()
    made = replicas(of, shown, dtype=torch.float64)
    orders = [torch.randperm(TRAIN, generator=replica.order) for replica in made]
    expected, costs = [], []
    for replica, order in zip(made, orders, strict=True):
        x, labels = shown.batch(order[:BATCH])
        cost = cross_entropy(replica.network(x.double()), labels)
        expected.append([g.clone() for g in torch.autograd.grad(cost, list(replica.network.parameters()))])
        costs.append(float(cost.detach()))
    step = BatchedMLP(made, of, shown)
    step.begin_epoch(orders)
    step.advance()
    for index in range(len(made)):
        for actual, wanted in zip(step.gradients, expected[index], strict=True):
            torch.testing.assert_close(actual[index], wanted, rtol=1e-10, atol=1e-10)
    assert [float(replica.costs[0]) for replica in made] == pytest.approx(costs, rel=1e-10)


def trained(of: Arm, **options: Any) -> tuple[Trainer, list[events.Event]]:
    trainer = Trainer(of, DATA, CPU, **options)
    return trainer, list(trainer.run())


def parameters(trainer: Trainer) -> list[Tensor]:
    return [p.detach() for replica in trainer.replicas for p in replica.network.parameters()]


@pytest.mark.parametrize(
    ("activation", "optimizer"),
    [*((activation, "adam") for activation in ACTIVATION_KERNELS), ("tanh", "adamw"), ("tanh", "sgd")],
)
def test_two_hundred_steps_agree_with_the_reference_path(activation: Any, optimizer: str) -> None:
    """Within a thousandth: rounding differs, and training magnifies it."""
    of = arm(seeds=[5, 6], learning_rate=0.003, epochs=14, batch_size=4, **OPTIMIZERS[optimizer])
    of = model(of, hidden=(8, 7), activation=activation)
    reference, emitted = trained(of, hand_written=False)
    for options in ({}, {"max_batched": 2}):
        _, ours = trained(of, **options)
        assert [e.train_cost for e in epochs(ours)] == pytest.approx([e.train_cost for e in epochs(emitted)], rel=1e-3)
        assert [e.test_cost for e in epochs(ours)] == pytest.approx([e.test_cost for e in epochs(emitted)], rel=1e-3)
    assert reference.steps * 14 > 200


def test_they_show_every_replica_the_same_batches_as_the_reference_path() -> None:
    """With a learning rate so small that weights stay, a step's cost is its batch's own."""
    of = arm(seeds=[5, 6, 7], optimizer="sgd", learning_rate=1e-30)
    costs = []
    for options in ({"hand_written": False}, {}, {"max_batched": 3}):
        trainer, _ = trained(of, **options)
        costs.append(torch.stack([replica.costs for replica in trainer.replicas]))
    for ours in costs[1:]:
        torch.testing.assert_close(ours, costs[0], rtol=1e-6, atol=1e-7)
    assert len(costs[0].unique()) == costs[0].numel()


# Snapshots, and going on


@pytest.mark.parametrize(
    ("steps", "optimizer"),
    [*((steps, "adam") for steps in range(7)), (4, "adamw"), (4, "sgd")],
)
def test_a_batch_goes_on_bit_for_bit(steps: int, optimizer: str) -> None:
    of = arm(seeds=[5, 6, 7], epochs=3, **OPTIMIZERS[optimizer])
    whole, emitted = trained(of, max_batched=3)
    first, on = stopped(of, DATA, steps, max_batched=3), Trainer(of, DATA, CPU, max_batched=3)
    for replica, before in zip(on.replicas, first.replicas, strict=True):
        replica.restore(before.snapshot())
    assert figures(on.run()) == figures(emitted)[3 * (steps // 3) :]
    assert all(map(torch.equal, parameters(on), parameters(whole)))


@every_optimizer
def test_a_snapshot_of_either_path_is_one_of_the_other(optimizer: str) -> None:
    of = arm(seeds=[5, 6], epochs=3, **OPTIMIZERS[optimizer])
    _, emitted = trained(of, hand_written=False)
    for before, after in (({"hand_written": False}, {"max_batched": 2}), ({"max_batched": 2}, {"hand_written": False})):
        first, on = (
            stopped(of, DATA, 4, max_batched=2) if before.get("max_batched") else stopped(of, DATA, 8, **before),
            None,
        )
        on = Trainer(of, DATA, CPU, **after)
        for replica, old in zip(on.replicas, first.replicas, strict=True):
            replica.restore(old.snapshot())
        last = [e.train_cost for e in epochs(on.run())][-2:]
        assert last == pytest.approx([e.train_cost for e in epochs(emitted)][-2:], rel=1e-4)


def test_replicas_at_different_places_come_together_again() -> None:
    """As after a kill between the writing of two checkpoints."""
    of = arm(seeds=[5, 6, 7], epochs=4)
    _, emitted = trained(of, max_batched=3)
    early, late = stopped(of, DATA, 2, max_batched=3), stopped(of, DATA, 7, max_batched=3)
    on = Trainer(of, DATA, CPU, max_batched=3)
    for index, replica in enumerate(on.replicas):
        replica.restore((late if index == 1 else early).replicas[index].snapshot())
    ours = list(on.run())
    assert {(e.seed, e.epoch) for e in epochs(ours)} == {(s, n) for s in (5, 6, 7) for n in range(1, 5)} - {
        (6, 1),
        (6, 2),
    }
    wanted = {(e.seed, e.epoch): e.train_cost for e in epochs(emitted)}
    for e in epochs(ours):
        assert e.train_cost == pytest.approx(wanted[e.seed, e.epoch], rel=1e-5)
    assert len(step_of(on, on.replicas[0]).replicas) == 3


def test_the_optimizer_state_of_another_network_is_refused() -> None:
    snapshot = stopped(arm(seeds=[5]), DATA, 2).replicas[0].snapshot()
    wrong = {**snapshot.tensors, "optimizer/0/exp_avg": torch.zeros(3, 3)}
    on = Trainer(arm(seeds=[5]), DATA, CPU)
    on.replicas[0].restore(replace(snapshot, tensors=wrong))
    with pytest.raises(ValueError, match=r"optimizer/0/exp_avg is \[3, 3\]; expected \[8, 16\]"):
        list(on.run())


def test_the_state_of_another_optimizer_is_refused() -> None:
    snapshot = stopped(arm(seeds=[5]), DATA, 2).replicas[0].snapshot()
    on = Trainer(arm(seeds=[5], optimizer="sgd", momentum=0.9), DATA, CPU)
    on.replicas[0].restore(snapshot)
    with pytest.raises(
        ValueError, match=r"remembers \['exp_avg', 'exp_avg_sq', 'step'\]; expected \['momentum_buffer'\]"
    ):
        list(on.run())


# A batch that does not fit


def limit_memory(
    monkeypatch: pytest.MonkeyPatch, fits: int, *, steps: int = 0, while_made: bool = False, capturing: bool = False
) -> None:
    """Batches of more than `fits` replicas run out of memory: while they are made, or in a step after so many steps."""
    kernel, views = ACTIVATION_KERNELS["relu"], FlatParameters.views
    left = steps

    def check(replicas: int) -> None:
        nonlocal left
        left -= 1
        if replicas > fits and left < 0:
            try:
                raise MemoryError("CUDA out of memory. Tried to allocate 1 GiB")
            finally:
                if capturing:
                    raise RuntimeError("operation failed due to a previous error during capture")

    def backward(gradient: Tensor, a: Tensor) -> None:
        kernel.backward(gradient, a)
        if not while_made:
            check(len(a) if a.dim() == 3 else 1)

    def limited_views(flat: FlatParameters, block: Tensor) -> list[Tensor]:
        if while_made:
            check(len(block))
        return views(flat, block)

    monkeypatch.setitem(ACTIVATION_KERNELS, "relu", replace(kernel, backward=backward))
    monkeypatch.setattr(FlatParameters, "views", limited_views)


@pytest.mark.parametrize("fits", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("while_made", [True, False])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(
    monkeypatch: pytest.MonkeyPatch, fits: int, while_made: bool
) -> None:
    of = arm(seeds=[5, 6, 7, 8, 9], epochs=2)
    _, emitted = trained(of)
    limit_memory(monkeypatch, fits, while_made=while_made)
    trainer, ours = trained(of, max_batched=5)
    together = [event.together for event in ours if isinstance(event, events.Stacked)]
    assert together == {1: [3, 2, 1], 2: [3, 2], 3: [3], 4: [3], 5: []}[fits]
    for e, wanted in zip(sorted(epochs(ours), key=lambda e: (e.epoch, e.seed)), epochs(emitted), strict=True):
        assert (e.seed, e.epoch) == (wanted.seed, wanted.epoch)
        assert e.train_cost == pytest.approx(wanted.train_cost, rel=1e-5)
    assert all(event == event_lines.decode(event_lines.encode(event)) for event in ours)
    assert trainer.evaluations.keys() == {5, 6, 7, 8, 9}


@pytest.mark.parametrize("steps", range(7))
def test_memory_that_runs_out_at_any_step_halves_the_batch_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    of = arm(seeds=[5, 6, 7], epochs=3)
    _, emitted = trained(of)
    limit_memory(monkeypatch, 2, steps=steps, capturing=True)
    _, ours = trained(of, max_batched=3)
    assert [event.together for event in ours if isinstance(event, events.Stacked)] == [2]
    wanted = {(e.seed, e.epoch): e.train_cost for e in epochs(emitted)}
    actual = {(e.seed, e.epoch): e.train_cost for e in epochs(ours)}
    assert actual.keys() == wanted.keys()
    assert list(actual.values()) == pytest.approx([wanted[key] for key in actual], rel=1e-5)


def test_memory_that_runs_out_for_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_memory(monkeypatch, 0)
    with pytest.raises(MemoryError):
        trained(arm(seeds=[5]))


# Precision, and who is trained so


def test_bf16_rounds_products_and_trains_all_the_same() -> None:
    exact, rounded, other = (
        [e.train_cost for e in epochs(trained(arm(epochs=20, precision=precision), hand_written=hand_written)[1])]
        for precision, hand_written in (("float32", True), ("bf16", True), ("bf16", False))
    )
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.05)
    assert other == pytest.approx(exact, rel=0.05)


def test_what_is_no_plain_perceptron_takes_the_reference_path(tmp_path: Any) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\ndef build(*, inputs, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(16, classes))\n"
    )
    assert BatchedMLP.supports(arm())
    for other in (model(arm(), norm="batch"), model(arm(), norm="layer"), model(arm(), factory=f"{path}:build")):
        assert not BatchedMLP.supports(other)
        trainer, emitted = trained(other, max_batched=3)
        assert epochs(emitted)
        assert not isinstance(step_of(trainer, trainer.replicas[0]), BatchedMLP)
    trainer, _ = trained(arm())
    assert isinstance(step_of(trainer, trainer.replicas[0]), BatchedMLP)


def test_a_network_is_trained_in_place() -> None:
    """Whoever holds the module sees it train, batched or not."""
    of = arm(seeds=[5, 6])
    trainer = Trainer(of, DATA, CPU, max_batched=2)
    held = [replica.network for replica in trainer.replicas]
    before = [p.detach().clone() for network in held for p in network.parameters()]
    list(trainer.run())
    assert not any(map(torch.equal, before, parameters(trainer)))
    assert [replica.network for replica in trainer.replicas] == held
    assert all(isinstance(p, nn.Parameter) for network in held for p in network.parameters())


@pytest.mark.slow
def test_over_five_seeds_the_accuracies_of_both_paths_differ_by_nothing_established(tmp_path: Any) -> None:
    of = arm("he_normal", seeds=[1, 2, 3, 4, 5], epochs=10, batch_size=25, learning_rate=0.001)
    of = model(of, hidden=(64, 64))
    digits = load(Data(name="digits"), tmp_path, lambda *_: None)
    accuracies = []
    for hand_written in (True, False):
        emitted = list(Trainer(of, digits, CPU, hand_written=hand_written).run())
        accuracies.append({e.seed: e.test_accuracy for e in epochs(emitted) if e.epoch == 10})
    assert all(accuracy > 0.9 for paths in accuracies for accuracy in paths.values())
    actual = paired(*accuracies)
    assert actual.p is not None
    assert actual.p >= 0.05
    assert actual.difference is not None
    assert abs(actual.difference) < 0.01
