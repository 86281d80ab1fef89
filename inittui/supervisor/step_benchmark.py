"""Measures the seconds per training step of a network on this machine.

`python -m inittui.supervisor.step_benchmark` reads a BenchmarkJob as JSON from standard input and prints the seconds. It is a
process of its own, so that the caller imports no torch.
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

SECONDS = 0.3  # of steps at least


class BenchmarkJob(Struct, frozen=True):
    """One replica of `arm`, trained on noise. `inputs` are rows and columns of an example."""

    arm: Arm
    inputs: tuple[int, int]
    classes: int
    device: str
    threads: int


def seconds_per_step(job: BenchmarkJob) -> float:
    """Train more and more steps until they take SECONDS. Raises what the engine raises."""
    device = devices.resolve(job.device)
    devices.set_up_thread(job.threads)
    devices.set_precision(job.arm.training.precision)
    steps = 4
    while True:
        seconds = _epoch(job.arm, steps, job.inputs, job.classes, device)
        if seconds > SECONDS or steps >= 1024:
            return seconds / steps
        steps *= 4


def _epoch(arm: Arm, steps: int, inputs: tuple[int, int], classes: int, device: torch.device) -> float:
    """The seconds of the second of two epochs: the first includes what happens once."""
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (steps * arm.training.batch_size, *inputs), generator=draws, dtype=torch.uint8)
    labels = torch.randint(classes, (len(images),), generator=draws)
    names = tuple(map(str, range(classes)))
    noise = Dataset("noise", "noise", images, labels, images[:10], labels[:10], pixel_max=255.0, classes=names)
    training = replace(arm.training, epochs=2, seeds=arm.training.seeds[:1], stop_stuck=None)
    short = replace(arm, training=training)
    epochs = [event for event in Trainer(short, noise, device).run() if isinstance(event, events.Epoch)]
    return epochs[-1].seconds


def main() -> int:
    try:
        print(seconds_per_step(msgspec.json.decode(sys.stdin.buffer.read(), type=BenchmarkJob)))
    except InittuiError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
