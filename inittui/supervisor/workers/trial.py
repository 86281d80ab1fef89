"""Tries an arm that uses a user's own code: its initialisation, two training steps, a checkpoint and a test.

A fault of the arm's network or scheme is reported in one line that names file and function, before any arm trains.
"""

import contextlib
import math
from dataclasses import replace as replace_data
from itertools import count
from typing import Any

import torch
from msgspec.structs import replace

from inittui.common.errors import InittuiError
from inittui.common.failures import describe
from inittui.common.user_code_refs import NETWORK
from inittui.engine.data.dataset import Dataset
from inittui.engine.evaluation import TEST_BATCH, test_batch
from inittui.engine.networks import process_settings
from inittui.engine.networks.build import check_logits
from inittui.engine.networks.user_code import UserCode, error_text
from inittui.engine.trainer import CostNotFinite, Stop, Trainer
from inittui.experiment.preset import Arm
from inittui.schemes.spec import Init
from inittui.supervisor.workers import checkpoints, predictions

STEPS = 2
CHECKPOINT = "in a checkpoint"
LEARNING_RATE = 1e-6  # at the arm's own the cost may become infinite, which is a result and no fault


def try_arm(arm: Arm, data: Dataset, device: torch.device, *, scale_test: bool) -> None:
    """Build and initialise the network of `arm`. If it is a user's own, take two steps with a checkpoint in between, which
    stays in memory, test it, and encode its predictions. Batches are those of training, and a test batch of one if the run
    has one.

    Raises InittuiError for a fault. A cost that is not finite is no fault: the training reports it.
    """
    batch, steps = arm.training.batch_size, min(STEPS, len(data.train_images) // arm.training.batch_size)
    schedule = {"epochs": STEPS // steps, "seeds": arm.training.seeds[:1], "stop_stuck": None}
    training = replace(arm.training, learning_rate=LEARNING_RATE, **schedule)
    # A scheme that is fitted to the data needs more of them than a trial has.
    init = arm.init if arm.init.rule.target is None else Init("he_normal")
    test = test_batch(arm, math.prod(data.shape))
    tested = 1 if test == 1 or len(data.test_images) % test == 1 else 2
    part = replace_data(
        data,
        train_images=data.train_images[: steps * batch],
        train_labels=data.train_labels[: steps * batch],
        test_images=data.test_images[:tested],
        test_labels=data.test_labels[:tested],
    )
    before = process_settings.current()
    trainer = Trainer(replace(arm, init=init, training=training), part, device, scale_test=scale_test)
    if arm.model.factory is not None:
        _try_network(UserCode.of(arm.model.factory, NETWORK), trainer, before)


def _try_network(code: UserCode, trainer: Trainer, before: dict[str, Any]) -> None:
    (replica,), data, classes = trainer.replicas, trainer.device_data, len(trainer.data.classes)
    calls = count()

    def between_steps(_: object) -> float:
        if next(calls) == 1:
            raise Stop
        return 0.0

    trainer.between_steps = between_steps
    fault: BaseException | None = None
    doing = "in use"
    try:
        check_logits(code, replica.network, data.first(trainer.arm.training.batch_size), classes)
        replica.network.eval()
        check_logits(code, replica.network, data.test_batch(0, TEST_BATCH)[0], classes)
        replica.network.train()
        doing = "in a step of training"
        with contextlib.suppress(Stop):
            list(trainer.run())
        doing = CHECKPOINT
        content = bytes(checkpoints.encode(replica.snapshot(), ""))
        replica.restore(checkpoints.decode(content, replica.seed, ""))
        trainer.training_steps.remove(replica.seed)  # the next step continues from the checkpoint
        doing = "in training after a checkpoint, or in the test"
        list(trainer.run())
        predictions.encode(trainer.evaluations)
    except BaseException as error:  # also SystemExit, which would end a worker without a message
        fault = error
    for name, value in process_settings.changed(before).items():
        words = f"in use its network changes torch's {name} from {before[name]} to {value}, for the whole process"
        raise code.fault(f"{words}; expected a network that leaves it as it is") from fault
    if fault is None or isinstance(fault, CostNotFinite):
        return
    if isinstance(fault, InittuiError):
        raise fault
    words = error_text(fault) if doing == CHECKPOINT else describe(fault)  # a checkpoint fails in our code
    raise code.fault(f"{doing}, its network raised {words}") from fault
