"""Measures the seconds per training step of a network on this machine, in a process of its own: its caller imports no torch.

`python -m inittui.supervisor.step_benchmark` reads a BenchmarkJob as JSON from standard input and prints the seconds.
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
    while (seconds := _epoch(job, steps, device)) <= SECONDS and steps < 1024:
        steps *= 4
    return seconds / steps


def _epoch(job: BenchmarkJob, steps: int, device: torch.device) -> float:
    """The seconds of the second of two epochs: the first includes what happens once."""
    draws, training = torch.Generator().manual_seed(0), job.arm.training
    images = torch.randint(256, (steps * training.batch_size, *job.inputs), generator=draws, dtype=torch.uint8)
    labels = torch.randint(job.classes, (len(images),), generator=draws)
    names = tuple(map(str, range(job.classes)))
    noise = Dataset("noise", "noise", images, labels, images[:10], labels[:10], pixel_max=255.0, classes=names)
    short = replace(job.arm, training=replace(training, epochs=2, seeds=training.seeds[:1], stop_stuck=None))
    return [event for event in Trainer(short, noise, device).run() if isinstance(event, events.Epoch)][-1].seconds


if __name__ == "__main__":
    try:
        print(seconds_per_step(msgspec.json.decode(sys.stdin.buffer.read(), type=BenchmarkJob)))
    except InittuiError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
