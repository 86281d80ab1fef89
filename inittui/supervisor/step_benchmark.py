"""Measures how fast this machine trains a network, by a few steps of it.

`python -m inittui.supervisor.step_benchmark` reads a BenchmarkJob from standard input.

A process of its own: who asks imports no torch.
"""

import sys

import msgspec
import torch
from msgspec import Struct
from msgspec.structs import replace

from inittui.common.errors import InittuiError
from inittui.engine import device as devices
from inittui.engine.data.dataset import Dataset
from inittui.engine.trainer import Trainer
from inittui.experiment.preset import Arm
from inittui.record import events

SECONDS = 0.3  # of steps, or a little more


class BenchmarkJob(Struct, frozen=True):
    """One replica of `arm`, on noise in the shape of the images: `inputs` are rows and columns."""

    arm: Arm
    inputs: tuple[int, int]
    classes: int
    device: str
    threads: int


def seconds_a_step(job: BenchmarkJob) -> float:
    """Raises what the engine raises."""
    where = devices.resolve(job.device)
    devices.set_up_thread(job.threads)
    devices.set_precision(job.arm.training.precision)
    steps = 4
    while True:
        seconds = _epoch(job.arm, steps, job.inputs, job.classes, where)
        if seconds > SECONDS or steps >= 1024:
            return seconds / steps
        steps *= 4


def _epoch(arm: Arm, steps: int, inputs: tuple[int, int], classes: int, device: torch.device) -> float:
    """The seconds of the last of two epochs: the first one pays for what is done once."""
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (steps * arm.training.batch_size, *inputs), generator=draws, dtype=torch.uint8)
    labels = torch.randint(classes, (len(images),), generator=draws)
    names = tuple(map(str, range(classes)))
    noise = Dataset("noise", "noise", images, labels, images[:10], labels[:10], pixel_max=255.0, classes=names)
    training = replace(arm.training, epochs=2, seeds=arm.training.seeds[:1], stop_stuck=None)
    short = replace(arm, training=training)
    told = [event for event in Trainer(short, noise, device).run() if isinstance(event, events.Epoch)]
    return told[-1].seconds


def main() -> int:
    try:
        print(seconds_a_step(msgspec.json.decode(sys.stdin.buffer.read(), type=BenchmarkJob)))
    except InittuiError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
