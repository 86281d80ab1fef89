"""A data set and an arm that train in milliseconds."""

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from inittui.engine.data.dataset import Dataset
from inittui.engine.step.replica import Replica
from inittui.engine.step.training_steps import TrainingStep
from inittui.engine.trainer import Stop, Trainer
from inittui.experiment.preset import Arm
from inittui.record import events
from tests.helpers import preset

CPU = torch.device("cpu")
TRAIN, TEST, BATCH = 60, 23, 16  # three steps an epoch, and twelve images that fill no batch


def images(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """4x4 pictures, each brightest in the quarter of its class."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (number,), generator=draws)
    pictures = torch.randint(0, 100, (number, 4, 4), generator=draws, dtype=torch.uint8)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        picture[label] += 100
    return pictures, labels


def dataset() -> Dataset:
    (train, train_labels), (test, test_labels) = images(TRAIN, 1), images(TEST, 2)
    return Dataset("tiny", "Tiny", train, train_labels, test, test_labels, pixel_max=255.0, classes=("a", "b", "c"))


def arm(init: Any = "he_normal", *, name: str = "arm", **changes: Any) -> Arm:
    """One arm: 16-8-3, Adam, two epochs; `changes` go to the training."""
    settings = {"batch_size": BATCH, "learning_rate": 0.01, **changes}
    row = {"init": init, "name": name}
    return preset([row], epochs=2, model={"hidden": [8]}, training=settings).arms[0]


def epochs(emitted: Iterable[events.Event]) -> list[events.Epoch]:
    return [event for event in emitted if isinstance(event, events.Epoch)]


def figures(emitted: Iterable[events.Event]) -> list[tuple[int, int, float | None, float | None, float]]:
    """What training has come to, to the last bit: all but its times."""
    return [(e.seed, e.epoch, e.train_cost, e.test_cost, e.test_accuracy) for e in epochs(emitted)]


def step_of(trainer: Trainer, replica: Replica) -> TrainingStep:
    """The step that trained `replica` last."""
    return next(step for step in trainer.training_steps.steps.values() if replica in step.replicas)


def stopped(of: Arm, data: Dataset, steps: int, **options: Any) -> Trainer:
    """A training of `of` that has been ended before its step after `steps`."""
    left = steps

    def between_steps(_: object) -> float:
        nonlocal left
        if not left:
            raise Stop("over")
        left -= 1
        return 0.0

    trainer = Trainer(of, data, CPU, between_steps=between_steps, **options)
    with pytest.raises(Stop):
        list(trainer.run())
    return trainer
