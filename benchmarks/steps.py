"""Measures the steps per second of the `mnist3` network (784-512-512-10, batch 100, Adam) in one process.

    python benchmarks/steps.py KIND SECONDS [--data-dir DIR] [--device cpu] [--replicas N] [--start T]

It trains on MNIST with --data-dir, otherwise on noise in the same shape. KIND is one of

- `products`: the matrix products of a step alone, the floor
- `floor`: the products and the optimizer's pass over the parameters
- `eager`: the reference path, autograd and fused Adam
- `hand`: the hand-written step, captured as a CUDA graph on a GPU
- `default`: autograd and Adam as a script has them

Prints one JSON object: replica-steps per second, and the resident memory of the process in bytes.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import itertools

import psutil
import torch
from torch import nn

from inittui.engine.data.dataset import Dataset
from inittui.engine.data.device_data import DeviceData
from inittui.engine.data.load import load as load_data
from inittui.engine.device import set_up_thread
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.build import mlp
from inittui.engine.networks.random_streams import stream
from inittui.engine.step.autograd_step import AutogradStep
from inittui.engine.step.batched_mlp import BatchedMLP
from inittui.engine.step.optimizer_kernel import optimizer_kernel
from inittui.engine.step.replica import Replica
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset import Data, Training
from inittui.experiment.preset_files import load

WIDTHS, BATCH, STEPS = (784, 512, 512, 10), 100, 600
WARM_SECONDS = 1.0
Step = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["products", "floor", "eager", "hand", "default"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument(
        "--start", type=float, help="when to begin, on the monotonic clock: for several processes at once"
    )
    arguments = parser.parse_args()
    set_up_thread(1)
    device = torch.device(arguments.device)
    step = {"products": products, "floor": floor}.get(arguments.kind)
    taken = step(device) if step else whole_step(arguments.kind, device, arguments.replicas, arguments.data_dir)
    run_for(taken, WARM_SECONDS, device)
    if arguments.start:
        time.sleep(max(0.0, arguments.start - time.monotonic()))
    rate = run_for(taken, arguments.seconds, device) * (1 if step else arguments.replicas)
    memory = psutil.Process().memory_info().rss
    print(json.dumps({"steps_per_second": rate, "memory": memory}))


def run_for(step: Step, seconds: float, device: torch.device) -> float:
    """Steps per second."""
    done, began = 0, time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        for _ in range(20):
            step()
        done += 20
    if device.type == "cuda":
        torch.cuda.synchronize()
        now = time.perf_counter()
    return done / (now - began)


def products(device: torch.device) -> Step:
    """The eight matrix products of a step: three forward, three for the weights' gradients, two for the signals'."""
    draws = torch.Generator().manual_seed(1)
    x, *zs = [torch.rand(BATCH, width, generator=draws).to(device) for width in WIDTHS]
    weights = [torch.rand(o, i, generator=draws).to(device) for i, o in itertools.pairwise(WIDTHS)]
    inputs, gradients = [x, *zs[:-1]], [torch.empty_like(weight) for weight in weights]
    outs = [torch.empty_like(z) for z in zs]

    def step() -> None:
        for a, weight, out in zip(inputs, weights, outs, strict=True):
            torch.mm(a, weight.t(), out=out)
        for index in (2, 1, 0):
            torch.mm(zs[index].t(), inputs[index], out=gradients[index])
            if index:
                torch.mm(zs[index], weights[index], out=outs[index - 1])

    return step


def floor(device: torch.device) -> Step:
    network = nn.Sequential(*(nn.Linear(i, o) for i, o in itertools.pairwise(WIDTHS))).to(device)
    flat = torch.cat([p.detach().flatten() for p in network.parameters()])
    adam, multiply = optimizer_kernel(flat, torch.full_like(flat, 1e-3), Training(), {}), products(device)

    def step() -> None:
        multiply()
        adam()

    return step


def noise() -> Dataset:
    draws = torch.Generator().manual_seed(1)
    sets = [
        (torch.randint(1, 256, (n, 28, 28), generator=draws).to(torch.uint8), torch.randint(10, (n,), generator=draws))
        for n in (60_000, 1000)
    ]
    return Dataset("noise", "noise", *sets[0], *sets[1], 255.0, tuple("0123456789"))


def whole_step(kind: str, device: torch.device, count: int, data_dir: Path | None) -> Step:
    arm = load("mnist3", Overrides()).arms[0]
    data = load_data(Data(name="mnist"), data_dir, lambda *_: None) if data_dir else noise()
    images = DeviceData(data, device, scale_test=True, flat=True)
    replicas = []
    for seed in range(count):
        network = mlp(arm.model, WIDTHS[0], WIDTHS[-1])
        initialise(network, arm.init, seed)
        replicas.append(Replica(seed, network.to(device), stream(seed, "batches"), torch.zeros(STEPS, device=device)))
    if kind == "hand":
        training_steps: list[BatchedMLP | AutogradStep] = [BatchedMLP(replicas, arm, images)]
    else:
        training_steps = [AutogradStep(replica, arm.training, images) for replica in replicas]
    if kind == "default":
        for training_step in training_steps:
            training_step.optimizer = torch.optim.Adam(training_step.replicas[0].network.parameters(), lr=1e-3)

    def begin() -> None:
        for training_step in training_steps:
            training_step.begin_epoch([replica.batches(len(data.train_images)) for replica in training_step.replicas])

    begin()

    def step() -> None:
        for training_step in training_steps:
            training_step.advance()
            for replica in training_step.replicas:
                replica.step += 1
        if replicas[0].step == STEPS:
            for replica in replicas:
                replica.end_epoch()
            begin()

    return step


if __name__ == "__main__":
    main()
