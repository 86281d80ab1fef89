"""The networks that a preset describes: norms, exclusions, and what they draw themselves."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inittui.common.errors import SchemeError
from inittui.engine.networks.build import ACTIVATIONS, NORMS, build, mlp
from inittui.engine.step.replica import Snapshot
from inittui.engine.trainer import Stop, Trainer
from inittui.experiment.preset import Arm, Model
from inittui.record import events
from tests.unit.tiny import CPU, arm, dataset, epochs, figures

DATA = dataset()
STEPS = 3  # of an epoch

NOISY = """
from torch import nn

def build(*, inputs, classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(16, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(0.5), nn.Linear(9, classes)
    )
"""


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


@pytest.fixture
def noisy(tmp_path: Path) -> str:
    """A network that draws while it trains, and keeps running statistics."""
    path = tmp_path / "noisy.py"
    path.write_text(NOISY)
    return f"{path}:build"


def of(model: dict[str, Any], init: str = "he_normal", **training: Any) -> Arm:
    made = arm(init, **training)
    return Arm(made.name, made.init, Model(**model), made.training)


def run(of: Arm, **options: Any) -> list[events.Event]:
    return list(Trainer(of, DATA, CPU, **options).run())


def weights(of: Arm) -> list[Tensor]:
    """The weights of the first replica's layers, as initialised."""
    network = Trainer(of, DATA, CPU).replicas[0].network
    return [module.weight.detach() for module in network.modules() if isinstance(module, nn.Linear)]


# Norms


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_norm_stands_between_each_hidden_layer_and_its_activation(norm: Any, activation: Any) -> None:
    made = list(mlp(Model(hidden=(7, 5), norm=norm, activation=activation), 16, 3))
    kinds = [nn.Linear, NORMS[norm], ACTIVATIONS[activation]]
    assert [type(module) for module in made] == [*kinds, *kinds, nn.Linear]
    assert [module.get_parameter("weight").shape for module in made if isinstance(module, NORMS[norm])] == [(7,), (5,)]


def test_without_a_norm_there_is_none() -> None:
    assert not [m for m in mlp(Model(hidden=(7, 5)), 16, 3) if isinstance(m, tuple(NORMS.values()))]


@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_begins_as_one_that_changes_nothing_but_the_size(norm: Any) -> None:
    trainer = Trainer(of({"hidden": (32, 32), "norm": norm}, "normal(std=0.001)"), DATA, CPU)
    network: Any = trainer.replicas[0].network
    x = DATA.train_images.flatten(1).float() / 255
    with torch.no_grad():
        z = network[1](network[0](x))
    axis = 0 if norm == "batch" else 1
    assert torch.allclose(z.mean(axis), torch.zeros(z.shape[1 - axis]), atol=1e-4)
    assert z.std(axis, correction=0).min() > 0.05  # of a signal of a thousandth, so that the norm's own epsilon is felt
    emitted = epochs(trainer.run())
    assert (emitted[-1].train_cost or 9.0) < (emitted[0].train_cost or 0.0)
    assert not torch.equal(network[1].weight, torch.ones(32))  # it is trained too


def test_a_batch_norm_is_tested_with_its_running_statistics() -> None:
    trainer = Trainer(of({"hidden": (8,), "norm": "batch"}, epochs=1), DATA, CPU)
    (emitted,) = epochs(trainer.run())
    network: Any = trainer.replicas[0].network.eval()
    assert int(network[1].num_batches_tracked) == STEPS
    with torch.no_grad():
        answers = network(DATA.test_images.flatten(1).float() / 255).argmax(1)
    assert emitted.test_accuracy == pytest.approx(float((answers == DATA.test_labels).double().mean()))
    assert trainer.replicas[0].network.train() is network


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("init", ["lsuv", "orthogonal", "zeros"])
def test_every_scheme_fills_a_network_with_norms(norm: str, init: str) -> None:
    emitted = epochs(run(of({"hidden": (8, 8), "norm": norm}, init)))
    assert all(one.train_cost is not None for one in emitted)


# Exclusions


@pytest.mark.parametrize("model", ["mlp", "own"])
def test_excluded_layers_are_the_same_for_every_arm_and_another_for_every_seed(noisy: str, model: str) -> None:
    first, last = ("0", "2") if model == "mlp" else ("1", "5")
    table = {"hidden": (8,)} if model == "mlp" else {"factory": noisy}
    he = weights(of({**table, "exclude": (first,)}))
    xavier = weights(of({**table, "exclude": (first,)}, "xavier_normal"))
    again = weights(of({**table, "exclude": (first,)}, "xavier_normal", seeds=[778]))
    assert torch.equal(he[0], xavier[0])
    assert not torch.equal(he[1], xavier[1])
    assert not torch.equal(xavier[0], again[0])
    everything = weights(of(table))
    assert torch.equal(he[1], everything[1])  # what is left to the scheme does not notice
    assert not torch.equal(he[0], everything[0])
    bound = 1 / he[0].shape[1] ** 0.5
    assert 0.8 * bound < float(he[0].abs().max()) <= bound  # torch's own
    assert torch.equal(weights(of({**table, "exclude": (last,)}))[0], everything[0])


def test_where_all_is_excluded_every_arm_is_the_same() -> None:
    he, xavier = (run(of({"hidden": (8,), "exclude": ("*",)}, init)) for init in ("he_normal", "xavier_normal"))
    assert figures(he) == figures(xavier)
    assert figures(he) != figures(run(of({"hidden": (8,)})))


def test_a_pattern_that_no_layer_has_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(SchemeError) as caught:
        Trainer(of({"hidden": (8,), "exclude": ("head",)}), DATA, CPU)
    assert str(caught.value) == 'model.exclude: no layer is called "head"; this network has 0, 2'


# What a network draws itself


def test_building_asks_the_global_stream_for_nothing_and_follows_the_seed() -> None:
    model = Model(hidden=(8,), exclude=("0",))
    state = torch.get_rng_state()
    one: Any = build(model, (1, 4, 4), 3, 1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    same: Any = build(model, (1, 4, 4), 3, 1)
    another: Any = build(model, (1, 4, 4), 3, 2)
    assert one(torch.zeros(2, 16)).shape == (2, 3)
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, another[0].weight)


def test_dropout_repeats_its_costs_from_the_seed_whatever_else_is_drawn(noisy: str) -> None:
    first = figures(run(of({"factory": noisy}, epochs=3)))
    torch.rand(7)
    torch.manual_seed(3)
    assert figures(run(of({"factory": noisy}, epochs=3))) == first
    assert figures(run(of({"factory": noisy}, epochs=3, seeds=[778]))) != first
    draws = iter(range(100))

    def elsewhere(_: object) -> float:  # as a probe, or anything between two steps that is not ours, may draw
        with torch.random.fork_rng(devices=[]):
            torch.rand(next(draws))
        return 0.0

    assert figures(run(of({"factory": noisy}, epochs=3), between_steps=elsewhere)) == first


def test_dropout_is_drawn_anew_in_every_epoch_and_for_every_seed(noisy: str) -> None:
    def masks(seeds: list[int]) -> list[bytes]:
        trainer = Trainer(of({"factory": noisy}, seeds=seeds, epochs=2), DATA, CPU)
        seen: list[bytes] = []
        training = False

        def between_steps(_: object = None) -> float:
            nonlocal training
            training = True
            return 0.0

        def note(_module: nn.Module, x: tuple[Tensor, ...], out: Tensor) -> None:
            nonlocal training
            if training:  # what comes next, and no probe's pass
                seen.append(((out != 0) | (x[0] == 0)).numpy().tobytes())
            training = False

        trainer.between_steps = between_steps
        for replica in trainer.replicas:
            replica.network.get_submodule("4").register_forward_hook(note)
        list(trainer.run())
        return seen

    together = masks([5, 6])
    assert len(together) == 2 * 2 * STEPS
    assert len(set(together)) == len(together)
    assert masks([6]) == [*together[STEPS : 2 * STEPS], *together[3 * STEPS :]]


def test_replicas_and_arms_run_in_threads_do_not_disturb_each_other(noisy: str) -> None:
    one, other = of({"factory": noisy}, seeds=[5, 6]), of({"factory": noisy}, "xavier_normal", seeds=[5, 6])
    alone = [figures(run(one, report_seconds=1e9)), figures(run(other, report_seconds=1e9))]
    assert [row for row in alone[0] if row[0] == 6] == figures(run(of({"factory": noisy}, seeds=[6])))
    emitted: list[list[events.Event]] = [[], []]
    running = [Trainer(arm, DATA, CPU, report_seconds=1e9).run() for arm in (one, other)]
    while len(epochs(emitted[0])) + len(epochs(emitted[1])) < 8:  # an event of the one, then one of the other
        for index, events_of in enumerate(running):
            emitted[index] += [event for event in [next(events_of, None)] if event is not None]
    assert [figures(events_of) for events_of in emitted] == alone


def bits(trainer: Trainer) -> list[bytes]:
    return [
        value.detach().numpy().tobytes()
        for replica in trainer.replicas
        for value in replica.network.state_dict().values()
    ]


@pytest.mark.parametrize("after", [0, 2, 3, 7, 11])  # of 2 epochs of 2 seeds, 3 steps each
@pytest.mark.parametrize("norm", ["batch", "layer", "dropout"])
def test_a_resume_in_mid_epoch_is_bit_for_bit_the_training_that_never_stopped(
    noisy: str, norm: str, after: int
) -> None:
    model = {"factory": noisy} if norm == "dropout" else {"hidden": (8, 8), "norm": norm}
    whole = Trainer(of(model, seeds=[5, 6]), DATA, CPU)
    emitted = list(whole.run())
    steps = count()

    def stop(_: object) -> float:
        if next(steps) == after:
            raise Stop("here")
        return 0.0

    stopped = Trainer(of(model, seeds=[5, 6]), DATA, CPU, between_steps=stop)
    begun: list[events.Event] = []
    with pytest.raises(Stop):
        begun.extend(stopped.run())
    snapshots: list[Snapshot] = [replica.snapshot() for replica in stopped.replicas]
    torch.manual_seed(4)  # another process, with a stream of its own
    resumed = Trainer(of(model, seeds=[5, 6]), DATA, CPU)
    for replica, snapshot in zip(resumed.replicas, snapshots, strict=True):
        replica.restore(snapshot)
    rest = list(resumed.run())
    assert len(figures(begun)) == after // STEPS
    assert figures(begun) + figures(rest) == figures(emitted)
    assert bits(resumed) == bits(whole)
