"""Steps per second against the floor, in processes of one thread that begin together."""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure
from inittui.common.cores import usable_cores

STEPS = [sys.executable, str(Path(__file__).parent / "steps.py")]
READY_SECONDS = 12.0  # by then all have imported torch and drawn their images


def rates(kind: str, seconds: float, count: int, *options: str, beside: bool = False) -> tuple[float, int]:
    """Steps per second of `count` processes together, and the memory of the largest. `beside`: a niced process is busy."""
    nuisance = subprocess.Popen(["nice", "-n", "19", sys.executable, "-c", "while True: pass"]) if beside else None
    start = str(time.monotonic() + READY_SECONDS)
    try:
        processes = [
            subprocess.Popen([*STEPS, kind, str(seconds), "--start", start, *options], stdout=subprocess.PIPE)
            for _ in range(count)
        ]
        results = [json.loads(process.communicate()[0]) for process in processes]
    finally:
        if nuisance:
            nuisance.kill()
            nuisance.wait()
    return sum(result["steps_per_second"] for result in results), max(result["memory"] for result in results)


def against_the_floor(seconds: float, data_dir: Path | None) -> list[Figure]:
    """On MNIST with `data_dir`, otherwise on noise."""
    on = ["--data-dir", str(data_dir)] if data_dir else []
    cores = usable_cores()
    products, _ = rates("products", seconds, 1)
    floor, _ = rates("floor", seconds, 1)
    default, _ = rates("default", seconds, cores, *on)
    eager, _ = rates("eager", seconds, cores, *on)
    hand, _ = rates("hand", seconds, cores, *on)
    disturbed, _ = rates("hand", seconds, cores, *on, beside=True)
    unit, times = "steps/s", f"{cores} x "
    return [
        Figure("floor: matrix products alone, one thread", products, unit),
        Figure("floor with Adam's pass, one thread", floor, unit, floor / products, "matrix products"),
        Figure(
            f"autograd, default Adam, {cores} arms", default, unit, default / (cores * products), times + "products"
        ),
        Figure(f"autograd, fused Adam, {cores} arms", eager, unit, eager / (cores * products), times + "products"),
        Figure(f"by hand, {cores} arms", hand, unit, hand / (cores * products), times + "products"),
        Figure(f"by hand, {cores} arms", hand, unit, hand / (cores * floor), times + "floor with Adam", least=0.88),
        Figure(f"by hand, {cores} arms", hand, unit, hand / eager, "autograd, fused Adam", least=1.15),
        Figure("with one busy niced process beside", disturbed, unit, disturbed / hand, "undisturbed", least=0.7),
    ]


def on_a_gpu(device: str, seconds: float) -> list[Figure]:
    """One process on the GPU: the captured step against autograd, and a batch of 32 replicas against one."""
    eager, _ = rates("eager", seconds, 1, "--device", device)
    graph, _ = rates("hand", seconds, 1, "--device", device)
    two, _ = rates("hand", seconds, 2, "--device", device)
    many, _ = rates("hand", seconds, 1, "--device", device, "--replicas", "32")
    return [
        Figure("GPU: autograd, fused Adam", eager, "steps/s"),
        Figure("GPU: captured step", graph, "steps/s", graph / eager, "autograd", least=3),
        Figure("GPU: two arms x 15 epochs of training", 2 * 9000 / two, "s", 2 * 9000 / two / 3, "3 s", most=1),
        Figure("GPU: 32 seeds, time of one step", 32 / many, "s", 32 * graph / many, "one seed", most=2),
    ]
