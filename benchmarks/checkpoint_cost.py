"""Measures what checkpoints cost: two arms of `mnist3` (784-512-512-10, Adam, batch 100), with and without them in turn.

    python benchmarks/checkpoint_cost.py [--quick] [--folder DIR]

Each arm trains in a process of one thread, through the real worker, on noise in the shape of MNIST. Windows with checkpoints
and windows without alternate: A B B A. The cost is a share of training in three ways: by steps per second, by steps per
second of CPU time, and by the arms' own `saved` events (the copy that training waits for, and the CPU time of the writing
thread). The first depends on what else runs on the machine, the last does not. The target is less than 2 %.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from inittui.record import events
from inittui.record.event_log import Tail
from inittui.supervisor.workers import checkpoints

ARMS = 2
READY_SECONDS = 15.0  # by then both have imported torch
SETTLE_SECONDS = 4.0  # by then both have taken their first steps
WINDOW_SECONDS = 2 * checkpoints.EVERY_SECONDS
LIMIT = 0.02

Mark = tuple[float, float, int]  # where a window begins: time, CPU time, steps done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 pairs of windows instead of 8")
    parser.add_argument("--folder", type=Path, help="where to write the checkpoints (a temporary folder)")
    parser.add_argument("--arm", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.arm:
        train(Path(arguments.arm[0]), float(arguments.arm[1]), int(arguments.arm[2]))
        return
    pairs = 2 if arguments.quick else 8
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        folders = [Path(temporary) / f"arm-{number}" for number in range(ARMS)]
        zero = time.monotonic() + READY_SECONDS
        children = []
        for folder in folders:
            folder.mkdir()
            words = [sys.executable, __file__, "--arm", str(folder), str(zero), str(pairs)]
            children.append(subprocess.Popen(words, stdout=subprocess.PIPE))
        marks = [json.loads(child.communicate()[0]) for child in children]
        saved = [
            event
            for folder in folders
            for event in Tail(folder / "events.jsonl").poll()
            if isinstance(event, events.Saved)
        ]
    print(
        f"mnist3, {ARMS} arms, {pairs} pairs of {WINDOW_SECONDS:.0f} s, one checkpoint in {checkpoints.EVERY_SECONDS:.0f} s"
    )
    print(f"{len(saved)} checkpoints of {statistics.mean(event.bytes for event in saved) / 1e6:.1f} MB")
    compare("arm-steps a second", marks, pairs, clock=0)
    compare("a second of computing", marks, pairs, clock=1)
    cost = statistics.mean(event.seconds for event in saved)
    share = cost / checkpoints.EVERY_SECONDS
    print(f"{'saved events':<24}{1000 * cost:>8.0f} ms each{100 * share:>18.2f} %")
    if share > LIMIT:
        raise SystemExit(1)


def compare(title: str, marks: Sequence[Sequence[Mark]], pairs: int, *, clock: int) -> None:
    """Print the speed without and with checkpoints, and the cost. `clock` is the index of the time in a mark."""
    speeds = [
        sum((arm[index + 1][2] - arm[index][2]) / (arm[index + 1][clock] - arm[index][clock]) for arm in marks)
        for index in range(2 * pairs)
    ]
    ratios = []
    for pair in range(pairs):
        first, second = speeds[2 * pair : 2 * pair + 2]
        ratios.append(first / second if saves(2 * pair) else second / first)
    low, median, high = (100 * (1 - ratio) for ratio in statistics.quantiles(ratios, n=4))
    means = [
        statistics.median(speed for index, speed in enumerate(speeds) if saves(index) == on) for on in (False, True)
    ]
    print(f"{title:<24}{means[0]:>8.1f}{means[1]:>9.1f}{median:>18.2f} %   half of the pairs {high:.2f} to {low:.2f} %")


def saves(window: int) -> bool:
    return window % 4 in (1, 2)


def train(folder: Path, zero: float, pairs: int) -> None:
    """Train one arm from `zero` on the monotonic clock."""
    import torch

    from inittui.engine.data.dataset import Dataset
    from inittui.engine.device import set_up_thread
    from inittui.engine.step.warm_up import warm_up
    from inittui.engine.trainer import Stop
    from inittui.experiment.overrides import Overrides
    from inittui.experiment.preset_files import load
    from inittui.supervisor.workers.worker import Control, Job, Worker

    set_up_thread(1)
    noise = torch.Generator().manual_seed(1)
    sets = [
        (torch.randint(256, (n, 28, 28), generator=noise).to(torch.uint8), torch.randint(10, (n,), generator=noise))
        for n in (60_000, 1000)
    ]
    data = Dataset("noise", "noise", *sets[0], *sets[1], 255.0, tuple("0123456789"))
    arm = load("mnist3", Overrides(set=["training.epochs=10000"])).arms[0]
    warm_up(autograd=False)
    control = Control()
    worker = Worker(Job(arm, folder, zero, torch.device("cpu"), 1, True), control)
    tick, marks = worker.checkpoint_writer.tick, list[Mark]()

    def in_turn(replicas: Sequence[Any], idle: Any) -> None:
        window = int((time.monotonic() - zero - SETTLE_SECONDS) // WINDOW_SECONDS)
        if window == len(marks):
            done = sum(replica.epochs * worker.trainer.steps + replica.step for replica in replicas)
            marks.append((time.monotonic(), time.process_time(), done))
        if window > 0 and saves(window):
            tick(replicas, idle)

    worker.checkpoint_writer.tick = in_turn  # type: ignore[method-assign]
    if time.monotonic() > zero:
        raise SystemExit(f"this machine was not ready within {READY_SECONDS:.0f} s")
    time.sleep(zero - time.monotonic())
    seconds = SETTLE_SECONDS + 2 * pairs * WINDOW_SECONDS + 1
    threading.Timer(seconds, control.stop, ("over",)).start()
    try:
        worker.train(data)
    except Stop:
        worker.log.close()
    print(json.dumps(marks))


if __name__ == "__main__":
    main()
