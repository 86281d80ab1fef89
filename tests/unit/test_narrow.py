"""The first layer without the inputs that are 0 in all images of a batch: the same training, to rounding."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from inittui.engine import narrow
from inittui.engine.images import Images
from inittui.engine.initialise import initialise, stream
from inittui.engine.layout import ALIGNMENT, Layout
from inittui.engine.narrow import Order, order_of
from inittui.engine.network import mlp
from inittui.engine.replica import Replica
from inittui.engine.slopes import SLOPES
from inittui.engine.stack import Stack
from inittui.engine.training import Trainer
from inittui.preset import Arm, Model
from tests.unit.tiny import BATCH, CPU, TRAIN, arm, dataset, epochs, figures, stopped

SHARES = (0.0, 0.02, 0.05, 1.0)  # of the images: an input that none has, two that some batches have, one that all have
STEPS = TRAIN // BATCH

pytestmark = pytest.mark.usefixtures("one_thread")


def sparse(seed: int = 3) -> Any:
    """As `dataset`, where an input of four is 0 in all images, and two are in most."""
    data = dataset()
    draws = torch.Generator().manual_seed(seed)
    kept = torch.rand(TRAIN, 16, generator=draws) < torch.tensor(SHARES * 4)
    return replace(data, train_images=data.train_images * kept.view(TRAIN, 4, 4), pixel_max=256.0)


DATA = sparse()


@pytest.fixture
def pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a layer is."""
    monkeypatch.setattr(narrow, "CALLS", float("-inf"))


paying = pytest.mark.usefixtures("pays")

every_optimizer = pytest.mark.parametrize(
    "optimizer",
    [
        {"optimizer": "adam"},
        {"optimizer": "adam", "weight_decay": 0.1},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"optimizer": "sgd", "momentum": 0.9},
    ],
    ids=["adam", "adam decaying", "adamw", "sgd"],
)


def trained(of: Arm, **options: Any) -> tuple[Trainer, list[Any]]:
    trainer = Trainer(of, DATA, CPU, **options)
    return trainer, list(trainer.run())


def parameters(trainer: Trainer) -> list[Tensor]:
    return [p.detach() for replica in trainer.replicas for p in replica.network.parameters()]


@paying
def test_inputs_are_told_apart_by_how_many_batches_have_them() -> None:
    images = Images.of(DATA, CPU, scale_test=True, flat=True)
    order = order_of(images, BATCH, 8, decays=False)
    assert order is not None
    ever = images.train.any(0)
    assert order.common.tolist() == [3, 7, 11, 15]
    assert order.rare.tolist() == [place for place in range(16) if ever[place] and place % 4 in (1, 2)]
    decaying = order_of(images, BATCH, 8, decays=True)
    assert decaying is not None
    assert decaying.rare.tolist() == [place for place in range(16) if place % 4 != 3]


def test_it_is_not_done_where_it_does_not_pay() -> None:
    def images(share: float, inputs: int = 784) -> Images:
        draws = torch.Generator().manual_seed(1)
        made = torch.randint(1, 256, (600, inputs), generator=draws).to(torch.uint8)
        made[:, round(inputs * share) :] = 0
        labels = torch.zeros(600, dtype=torch.int64)
        return Images(made, labels, made, labels, 255.0, 255.0)

    assert order_of(images(0.7), 100, 512, decays=False) is not None
    assert order_of(images(1.0), 100, 512, decays=False) is None  # every batch has all
    assert order_of(images(0.7, inputs=64), 100, 512, decays=False) is None  # so small that calls cost more
    assert order_of(images(0.7), 100, 16, decays=False) is None


@paying
@pytest.mark.parametrize("activation", SLOPES)
def test_its_gradients_are_autograds_in_every_step(activation: Any) -> None:
    of = arm("normal(std=0.7)", seeds=[5], optimizer="sgd")
    of = Arm(of.name, of.init, Model(hidden=(9, 8), activation=activation), of.training, of.changes)
    images = Images.of(DATA, CPU, scale_test=True, flat=True)
    network = mlp(of.model, DATA.inputs, len(DATA.classes))
    initialise(network, of.init, 5)
    replica = Replica(5, network.double(), stream(5, "batches"), torch.zeros(STEPS, dtype=torch.float64))
    stack = Stack([replica], of, images)
    order = replica.batches(TRAIN)
    stack.begin_epoch([order])
    rare = set()
    for step in range(STEPS):
        x, labels = images.batch(order[step * BATCH : (step + 1) * BATCH])
        rare.add(int((x[:, 1::4] != 0).any(0).sum()))
        cost = cross_entropy(replica.network(x.double()), labels)
        expected = torch.autograd.grad(cost, list(replica.network.parameters()))
        stack.advance()
        replica.step += 1
        for found, wanted in zip(stack.gradients(), expected, strict=True):
            torch.testing.assert_close(found[0], wanted, rtol=1e-10, atol=1e-10)
        assert float(replica.costs[step]) == pytest.approx(float(cost.detach()), rel=1e-10)
    assert len(rare) > 1  # batches differed in how many rare inputs they had


@paying
@every_optimizer
def test_two_hundred_steps_agree_with_the_reference_path(optimizer: dict[str, Any]) -> None:
    """Within a thousandth: rounding differs, and training magnifies it."""
    of = arm(seeds=[5, 6], learning_rate=0.003, epochs=67, **optimizer)
    reference, told = trained(of, by_hand=False)
    ours, said = trained(of)
    assert [e.train_cost for e in epochs(said)] == pytest.approx([e.train_cost for e in epochs(told)], rel=1e-3)
    assert [e.test_cost for e in epochs(said)] == pytest.approx([e.test_cost for e in epochs(told)], rel=1e-3)
    for found, wanted in zip(parameters(ours), parameters(reference), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0.02, atol=0.002)


@paying
def test_a_probe_of_the_reference_path_is_the_same() -> None:
    of = arm(seeds=[5], epochs=3)
    told, said = (
        [event for event in trained(of, by_hand=by_hand)[1] if type(event).__name__ == "Probe"]
        for by_hand in (False, True)
    )
    assert len(told) == len(said) > 2
    for one, other in zip(told, said, strict=True):
        for ours, theirs in zip(other.layers, one.layers, strict=True):
            for figure in ("rms", "grad_w", "update", "low", "high"):  # there is no update before the first step
                found, wanted = getattr(ours, figure), getattr(theirs, figure)
                assert found is wanted is None or found == pytest.approx(wanted, rel=1e-3)


@paying
@every_optimizer
@pytest.mark.parametrize("steps", range(7))
def test_it_goes_on_bit_for_bit(steps: int, optimizer: dict[str, Any]) -> None:
    of = arm(seeds=[5], epochs=3, **optimizer)
    whole, told = trained(of)
    first, on = stopped(of, DATA, steps), Trainer(of, DATA, CPU)
    on.replicas[0].restore(first.replicas[0].snapshot())
    assert figures(on.run()) == figures(told)[steps // 3 :]
    assert all(map(torch.equal, parameters(on), parameters(whole)))


@paying
@every_optimizer
def test_a_snapshot_of_either_path_is_one_of_the_other(optimizer: dict[str, Any]) -> None:
    of = arm(seeds=[5], epochs=3, **optimizer)
    _, told = trained(of, by_hand=False)
    for before, after in ((False, True), (True, False)):
        first = stopped(of, DATA, 4, by_hand=before)
        on = Trainer(of, DATA, CPU, by_hand=after)
        on.replicas[0].restore(first.replicas[0].snapshot())
        assert [e.train_cost for e in epochs(on.run())] == pytest.approx(
            [e.train_cost for e in epochs(told)][1:], rel=1e-4
        )


@paying
def test_a_network_is_trained_in_place_and_is_up_to_date_whenever_it_is_asked_for() -> None:
    of = arm(seeds=[5], optimizer="sgd", learning_rate=0.5)
    seen: list[Tensor] = []

    def between_steps(replicas: Any) -> float:
        seen.append(next(replicas[0].network.parameters()).detach().clone())
        return 0.0

    trainer = Trainer(of, DATA, CPU, between_steps=between_steps)
    held = trainer.replicas[0].network
    list(trainer.run())
    assert trainer.replicas[0].network is held
    assert len(seen) == 2 * STEPS
    assert not any(torch.equal(one, other) for one, other in pairwise(seen))
    never = (DATA.train_images == 0).flatten(1).all(0)
    assert never.any()
    for later in seen[1:]:
        assert torch.equal(later[:, never], seen[0][:, never])  # what no image has keeps the weights it was drawn with


@paying
@pytest.mark.parametrize("share", [0.0, 0.05, 1.0], ids=["none", "rare alone", "common alone"])
def test_images_that_have_no_inputs_of_a_kind_train_too(share: float) -> None:
    draws = torch.Generator().manual_seed(1)
    data = replace(DATA, train_images=(torch.rand(TRAIN, 4, 4, generator=draws) < share).to(torch.uint8))
    of = arm(seeds=[5])
    (told, said) = (
        [e.train_cost for e in epochs(Trainer(of, data, CPU, by_hand=hand).run())] for hand in (False, True)
    )
    assert said == pytest.approx(told, rel=1e-4)


@settings(max_examples=50, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3),
    replicas=st.integers(1, 3),
    data=st.data(),
)
def test_parameters_lie_apart_and_aligned_in_one_block(
    shapes: list[tuple[int, int]], replicas: int, data: st.DataObject
) -> None:
    of = [size for width, inputs in shapes for size in (torch.Size([width, inputs]), torch.Size([width]))]
    order = None
    if replicas == 1 and data.draw(st.booleans()):
        inputs = data.draw(st.permutations(range(shapes[0][1])))
        cut, end = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(inputs))])))
        order = Order(torch.tensor(inputs[:cut], dtype=torch.int64), torch.tensor(inputs[cut:end], dtype=torch.int64))
    layout = Layout(of, order)
    block = torch.zeros(replicas, layout.total + layout.spare)
    for number, view in enumerate(layout.views(block[:, : layout.total])):
        assert view.storage_offset() % ALIGNMENT == 0
        view += number + 1  # each number belongs to one parameter
    for number, (view, shape) in enumerate(zip(layout.views(block), of, strict=True)):
        assert (view == number + 1).all()
        whole = layout.to_whole(number, view)
        assert whole.shape == (replicas, *shape)
        assert torch.equal(layout.to_stored(number, whole), view)
    assert not block[:, layout.total :].any()
