import math
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec import structs
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine import evaluation, watched_example
from inittui.engine import trainer as training
from inittui.engine.data.dataset import Dataset
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.build import ACTIVATIONS, mlp
from inittui.engine.networks.random_streams import stream
from inittui.engine.step import autograd_step
from inittui.engine.trainer import CostNotFinite, Stop, Trainer
from inittui.experiment.preset import Arm, Model
from inittui.record import event_lines, events
from tests.helpers import preset
from tests.unit.tiny import BATCH, CPU, TEST, TRAIN, arm, dataset, epochs, figures

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


@pytest.fixture
def data() -> Dataset:
    return dataset()


def run(of: Arm, data: Dataset, **options: Any) -> list[events.Event]:
    return list(Trainer(of, data, CPU, **options).run())


def sample_of(emitted: list[events.Event]) -> events.Sample:
    (sample,) = [event for event in emitted if isinstance(event, events.Sample)]
    return sample


def test_training_begins_with_what_there_is_to_do(data: Dataset) -> None:
    emitted = run(arm(seeds=[5, 6]), data)
    begin, sample = emitted[0], sample_of(emitted)
    assert isinstance(begin, events.Begin)
    assert (begin.arm, begin.seeds, begin.epochs, begin.batch_size) == ("arm", (5, 6), 2, BATCH)
    assert begin.steps == 3  # the last, partial batch is dropped
    assert begin.layers == ((16, 8), (8, 3))
    assert begin.parameters == 17 * 8 + 9 * 3
    assert [round(std or 0.0, 1) for std in begin.stds] == [round(math.sqrt(2 / fan_in), 1) for fan_in in (16, 8)]
    assert sample.label == int(data.test_labels[sample.index])
    assert bytes.fromhex(sample.pixels) == bytes(data.test_images[sample.index].flatten().tolist())
    assert (sample.rows, sample.columns) == (4, 4)


def test_the_watched_images_greys_are_scaled_to_255(data: Dataset) -> None:
    dim = replace(data, test_images=data.test_images // 16, pixel_max=15.0)
    sample = sample_of(run(arm(), dim))
    assert list(bytes.fromhex(sample.pixels)) == [17 * int(v) for v in dim.test_images[sample.index].flatten()]


def test_every_replica_tells_every_epoch_in_turn(data: Dataset) -> None:
    assert [(e.epoch, e.seed) for e in epochs(run(arm(seeds=[5, 6, 7]), data))] == [
        (epoch, seed) for epoch in (1, 2) for seed in (5, 6, 7)
    ]


def test_a_seed_repeats_its_costs_to_the_last_digit(data: Dataset) -> None:
    assert figures(run(arm(), data)) == figures(run(arm(name="another name"), data))


def test_a_replica_does_not_depend_on_those_beside_it(data: Dataset) -> None:
    together = figures(run(arm(seeds=[5, 6, 7]), data))
    alone = figures(run(arm(seeds=[6]), data))
    assert [row for row in together if row[0] == 6] == alone
    assert len({row[2] for row in together if row[1] == 1}) == 3


def test_reports_on_the_way_change_nothing(data: Dataset) -> None:
    often = run(arm(), data, report_seconds=0.0)
    assert figures(often) == figures(run(arm(), data, report_seconds=1e9))
    reports = [event for event in often if isinstance(event, events.Progress)]
    assert [(report.epoch, report.step) for report in reports] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(report.samples_per_second > 0 for report in reports)


def inputs_of(of: Arm, data: Dataset) -> list[Tensor]:
    """What a replica's network is shown in each epoch's training, in order: [steps · batch, inputs]."""
    trainer = Trainer(of, data, CPU, hand_written=False)
    shown: list[Tensor] = []
    emitted = trainer.run()
    next(emitted)  # the networks are there once training has begun
    network = trainer.replicas[0].network

    def look(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        # Not in an evaluation, and not when it is only looked at.
        if torch.is_grad_enabled() and len(arguments[0]) == of.training.batch_size:
            shown.append(arguments[0].clone())

    network.register_forward_pre_hook(look)
    for _ in emitted:
        pass
    assert len(shown) == of.training.epochs * trainer.steps
    return [torch.cat(shown[i : i + trainer.steps]) for i in range(0, len(shown), trainer.steps)]


def started(of: Arm, data: Dataset, seed: int = 777) -> nn.Sequential:
    network = mlp(of.model, math.prod(data.shape), len(data.classes))
    initialise(network, of.init, seed)
    return network


def test_two_arms_of_one_seed_see_the_same_batches_in_the_same_order(data: Dataset) -> None:
    one = inputs_of(arm("xavier_normal", name="one"), data)
    other = inputs_of(arm("zeros", name="other", optimizer="sgd"), data)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    another_seed = inputs_of(arm(seeds=[778]), data)
    assert not torch.equal(one[0], another_seed[0])


def test_an_epoch_shows_whole_batches_of_different_images_shuffled_anew(data: Dataset) -> None:
    first, second = inputs_of(arm(), data)
    assert first.shape == (3 * BATCH, 16)
    assert len(first.unique(dim=0)) == 3 * BATCH  # none twice
    assert not torch.equal(first, second)
    assert float(first.max()) <= 1.0
    known = {tuple(row) for row in (data.train_images.flatten(1) / 255).tolist()}
    assert {tuple(row) for row in first.tolist()} <= known


def forward(x: Tensor, parameters: list[Tensor]) -> Tensor:
    (w1, b1, w2, b2) = parameters
    return (x @ w1.T + b1).relu() @ w2.T + b2


def reference(of: Arm, data: Dataset, seed: int) -> tuple[list[list[float]], list[Tensor]]:
    """Each epoch's costs, step by step, and the trained parameters: autograd, and Adam as Kingma and Ba wrote it down."""
    parameters = [p.detach().double().requires_grad_() for p in started(of, data, seed).parameters()]
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    x, labels = data.train_images.flatten(1).double() / data.pixel_max, data.train_labels
    size = of.training.batch_size
    order, step, epochs_costs = stream(seed, "batches"), count(1), []
    for _ in range(of.training.epochs):
        rows = torch.randperm(TRAIN, generator=order)
        costs = []
        for batch in rows[: TRAIN // size * size].view(-1, size):
            cost = cross_entropy(forward(x[batch], parameters), labels[batch])
            costs.append(cost.item())
            t = next(step)
            for p, g, (m, v) in zip(parameters, torch.autograd.grad(cost, parameters), moments, strict=True):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                change = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
                p.data -= of.training.learning_rate * change
        epochs_costs.append(costs)
    return epochs_costs, [p.detach() for p in parameters]


@pytest.mark.parametrize("seed", [777, 5])
def test_costs_are_those_of_adam_written_out_by_hand(data: Dataset, seed: int) -> None:
    of = arm(epochs=6, seeds=[seed])
    expected = [sum(costs) / len(costs) for costs in reference(of, data, seed)[0]]
    assert [e.train_cost for e in epochs(run(of, data))] == pytest.approx(expected, abs=1e-6)
    assert expected[-1] < expected[0]


class Clock:
    """Stands for the performance counter: a step takes one second, and `waits` are pauses before a step, by its number."""

    def __init__(self, waits: dict[int, float] | None = None) -> None:
        self.now = 0.0
        self.steps = count(1)
        self.waits = waits or {}

    def perf_counter(self) -> float:
        return self.now

    def between_steps(self, _: object = None) -> float:
        waited = self.waits.get(next(self.steps), 0.0)
        self.now += waited + 1.0
        return waited


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    return clock


def test_a_report_is_the_mean_cost_since_the_one_before(data: Dataset, clock: Clock) -> None:
    of = arm(epochs=1, batch_size=10)
    (costs,) = reference(of, data, 777)[0]
    emitted = run(of, data, report_seconds=2.0, between_steps=clock.between_steps)
    reports = [e for e in emitted if isinstance(e, events.Progress)]
    assert [report.step for report in reports] == [1, 3, 5]  # the first comes sooner
    assert [report.cost for report in reports] == pytest.approx(
        [costs[0], (costs[1] + costs[2]) / 2, (costs[3] + costs[4]) / 2], abs=1e-6
    )
    assert [report.samples_per_second for report in reports] == [10 / 1.0, 2 * 10 / 2.0, 2 * 10 / 2.0]


@pytest.mark.parametrize("waits", [{}, {1: 100.0}, {2: 100.0, 4: 1000.0}, {6: 100.0}], ids=str)
def test_a_pause_is_no_time_of_training(data: Dataset, clock: Clock, waits: dict[int, float]) -> None:
    clock.waits = waits
    emitted = run(arm(epochs=1, batch_size=10), data, report_seconds=2.0, between_steps=clock.between_steps)
    assert [e.seconds for e in epochs(emitted)] == [6.0]
    assert [e.samples_per_second for e in emitted if isinstance(e, events.Progress)] == [10.0, 10.0, 10.0]


def test_what_a_reader_does_with_a_report_is_no_time_of_training(data: Dataset, clock: Clock) -> None:
    of = arm(epochs=1, batch_size=10)
    emitted = []
    for event in Trainer(of, data, CPU, report_seconds=2.0, between_steps=clock.between_steps).run():
        emitted.append(event)
        if isinstance(event, events.Progress):
            clock.now += 50
    assert [e.seconds for e in epochs(emitted)] == [6.0]


def test_the_evaluation_counts_every_test_image_by_hand(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "TEST_BATCH", 10)  # 23 images: the last batch is a part of one
    of = arm(epochs=6)
    _, parameters = reference(of, data, 777)
    logits = forward(data.test_images.flatten(1).double() / data.pixel_max, parameters)
    emitted = run(of, data)
    last = epochs(emitted)[-1]
    right = sum(int(row.argmax()) == int(label) for row, label in zip(logits, data.test_labels, strict=True))
    assert last.test_accuracy == right / TEST
    assert last.test_cost == pytest.approx(float(cross_entropy(logits, data.test_labels)), abs=1e-5)
    sample = sample_of(emitted)
    shares = logits[sample.index].softmax(0)
    expected = sorted(enumerate(shares.tolist()), key=lambda item: -item[1])
    assert [number for number, _ in last.sample] == [number for number, _ in expected]
    assert [share for _, share in last.sample] == pytest.approx([share for _, share in expected], abs=1e-5)


@pytest.mark.parametrize(("batch_size", "tested"), [(2, 5), (16, 16), (None, 1000)])
def test_an_own_network_is_tested_on_few_large_inputs_at_a_time(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int | None, tested: int
) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def build(*, inputs, classes): return nn.Sequential(nn.Flatten(), nn.Linear(16, classes))\n"
    )
    of = arm(batch_size=batch_size or BATCH, epochs=1)
    own = structs.replace(of, model=Model(factory=f"{tmp_path}/mine.py:build"))
    monkeypatch.setattr(evaluation, "TEST_NUMBERS", 5 * 16)
    trainer = Trainer(own if batch_size else of, data, CPU)
    sizes: set[int] = set()
    take = trainer.device_data.test_batch

    def taking(start: int, count: int) -> tuple[Tensor, Tensor]:
        sizes.add(count)
        return take(start, count)

    monkeypatch.setattr(trainer.device_data, "test_batch", taking)
    list(trainer.run())
    assert sizes == {tested}


def test_the_last_evaluation_of_every_seed_is_kept(data: Dataset) -> None:
    trainer = Trainer(arm(seeds=[5, 6]), data, CPU)
    emitted = epochs(list(trainer.run()))
    assert list(trainer.evaluations) == [5, 6]
    for epoch in emitted[-2:]:
        kept = trainer.evaluations[epoch.seed]
        assert (kept.accuracy, kept.cost) == (epoch.test_accuracy, epoch.test_cost)
        assert kept.classes.shape == kept.probabilities.shape == (TEST, 3)
        answers = (kept.classes[:, 0] == data.test_labels).double().mean()
        assert float(answers) == pytest.approx(epoch.test_accuracy)


def test_unscaled_test_pixels_are_the_notebooks_slip(data: Dataset) -> None:
    of = arm(epochs=3)
    _, parameters = reference(of, data, 777)
    logits = forward(data.test_images.flatten(1).double(), parameters)
    slipped, right = epochs(run(of, data, scale_test=False)), epochs(run(of, data))
    assert slipped[-1].test_cost == pytest.approx(float(cross_entropy(logits, data.test_labels)), rel=1e-4)
    assert [e.train_cost for e in slipped] == [e.train_cost for e in right]
    assert slipped[-1].test_cost != right[-1].test_cost


def test_zeros_never_learn_more_than_which_class_is_frequent(data: Dataset) -> None:
    trainer = Trainer(arm("zeros", epochs=20), data, CPU)
    emitted = epochs(list(trainer.run()))
    assert len(trainer.evaluations[777].classes[:, 0].unique()) == 1  # the same answer whatever the image
    shares = (data.test_labels.bincount() / TEST).tolist()
    assert all(min(abs(e.test_accuracy - share) for share in shares) < 1e-6 for e in emitted)
    assert not any(parameter.any() for parameter in list(trainer.replicas[0].network.parameters())[:3])


@pytest.mark.parametrize("report_seconds", [0.0, 1e9], ids=["at a report", "at the epoch's end"])
def test_a_rate_that_is_too_high_ends_in_a_cost_that_is_not_finite(data: Dataset, report_seconds: float) -> None:
    of = preset(
        [{"init": "he_normal", "name": "arm"}],
        epochs=3,
        model={"hidden": [8, 8, 8], "activation": "linear"},
        training={"batch_size": 10, "optimizer": "sgd", "learning_rate": 1e6},
    ).arms[0]
    words = r"\Acost not finite \((nan|inf)\) at step 3 of 6 in epoch 1, seed 777\Z"
    with pytest.raises(CostNotFinite, match=words):
        list(Trainer(of, data, CPU, report_seconds=report_seconds).run())


@pytest.mark.parametrize("report_seconds", [0.0, 2.0, 1e9], ids=["often", "every second step", "at the epoch's end"])
@pytest.mark.parametrize("bad", range(12))  # two epochs of two seeds, three steps each
def test_a_cost_that_is_not_finite_is_raised_with_its_very_step(
    data: Dataset, clock: Clock, bad: int, report_seconds: float
) -> None:
    steps = count()

    def between_steps(_: object = None) -> float:
        if next(steps) == bad:
            with torch.no_grad():
                next(trainer.replicas[bad // 3 % 2].network.parameters()).fill_(math.nan)
        return clock.between_steps()

    trainer = Trainer(arm(seeds=[5, 6]), data, CPU, report_seconds=report_seconds, between_steps=between_steps)
    emitted: list[events.Event] = []
    epoch, seed, step = bad // 6 + 1, 5 + bad // 3 % 2, bad % 3 + 1
    words = rf"\Acost not finite \(nan\) at step {step} of 3 in epoch {epoch}, seed {seed}\Z"
    with pytest.raises(CostNotFinite, match=words):
        emitted.extend(trainer.run())
    assert len(epochs(emitted)) == bad // 3  # before that everything was told
    assert all(e.train_cost is not None for e in epochs(emitted))


def test_a_test_cost_that_is_not_finite_is_null_and_training_goes_on(data: Dataset) -> None:
    trainer = Trainer(arm(), replace(data, pixel_max=255.0), CPU)
    emitted = []
    for event in trainer.run():
        emitted.append(event)
        if isinstance(event, events.Sample):
            trainer.device_data.test_divisor = 1e-40  # pixels of infinity
    assert [e.test_cost for e in epochs(emitted)] == [None, None]
    assert all(e.train_cost is not None for e in epochs(emitted))
    assert all(event == event_lines.decode(event_lines.encode(event)) for event in emitted)


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_stop_ends_it_between_two_steps(data: Dataset, after: int) -> None:
    steps = count()

    def stop(_: object) -> float:
        if next(steps) == after:
            raise Stop("by hand")
        return 0.0

    trainer = Trainer(arm(epochs=2), data, CPU, between_steps=stop)
    emitted: list[events.Event] = []
    with pytest.raises(Stop, match="by hand"):
        emitted.extend(trainer.run())
    assert len(epochs(emitted)) == after // 3
    assert next(steps) == after + 1


def test_between_steps_is_asked_before_every_step(data: Dataset) -> None:
    asked = count()
    run(arm(seeds=[5, 6]), data, between_steps=lambda _: next(asked) * 0.0)
    assert next(asked) == 2 * 2 * 3


@pytest.mark.parametrize(
    ("changes", "kind", "options"),
    [
        ({"optimizer": "adam", "weight_decay": 0.1}, torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.1}),
        ({"optimizer": "adamw", "weight_decay": 0.1}, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
        ({"optimizer": "sgd", "momentum": 0.9}, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.0}),
    ],
    ids=["adam", "adamw", "sgd"],
)
def test_the_presets_optimizer_is_made_with_its_settings(
    changes: dict[str, Any], kind: type[torch.optim.Optimizer], options: dict[str, float]
) -> None:
    made = autograd_step.optimizer(nn.Linear(2, 2).parameters(), arm(**changes).training)
    assert type(made) is kind
    assert {key: made.defaults[key] for key in options} == options


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_has_an_activation_between_its_layers_and_none_after_the_last(activation: Any) -> None:
    layers = list(mlp(Model(hidden=(7, 6), outputs=30, activation=activation), 16, 10))
    assert [type(layer) for layer in layers[1::2]] == [ACTIVATIONS[activation]] * 2
    linear = layers[::2]
    assert [(layer.in_features, layer.out_features) for layer in linear if isinstance(layer, nn.Linear)] == list(
        pairwise((16, 7, 6, 30))
    )


def test_outputs_beyond_the_classes_are_trained_and_answered_like_any_other(data: Dataset) -> None:
    of = preset(
        [{"init": "he_normal", "name": "arm"}],
        epochs=2,
        model={"hidden": [8], "outputs": 20},
        training={"batch_size": BATCH},
    ).arms[0]
    begin, *emitted = run(of, data)
    assert isinstance(begin, events.Begin)
    assert begin.layers[-1] == (8, 20)
    assert all(len(e.sample) == evaluation.SHOWN for e in epochs(emitted))


def test_the_watched_image_is_the_same_for_every_arm_of_a_seed() -> None:
    assert watched_example.watched_image(777, 100) == watched_example.watched_image(777, 100)
    assert len({watched_example.watched_image(seed, 10_000) for seed in range(20)}) > 15
