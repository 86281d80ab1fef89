"""What the dashboard costs and how soon it answers, in a pty of 120x40 with 256 colours: one table, each figure against its
baseline where there is one, timed in turn in one run.

    python benchmarks/screen.py [--quick] [--data-dir DIR] [--json FILE]

Training is two arms of 784-512-512-10 on noise in the shape of MNIST (with --data-dir on MNIST), for the keys as many arms as
there are cores. The long run is six arms of 1,000 epochs, 600,000 reports, written through the real log in half a minute or
less; the short one is the same in its second epoch. Ends with 1 where a target is missed.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil

from benchmarks.driving import COLUMNS, ROWS, SCHEMES, Screen, Story, machine, speed, stop, terminal, training, viewer
from inittui.common.cores import usable_cores
from inittui.record.run_directory import RunDir

MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("here it is")

Minimal().run()
"""
NOISE = """
import torch

def data():
    draws = torch.Generator().manual_seed(1)
    return (
        torch.rand(60_000, 784, generator=draws), torch.randint(10, (60_000,), generator=draws),
        torch.rand(1_000, 784, generator=draws), torch.randint(10, (1_000,), generator=draws),
    )
"""
CHART, HELP = (
    b"training cost per epoch",
    b"Each panel is one scheme",
)  # what a key's change is known by: nothing else sends it
FIRST = (*(name.encode() for name in SCHEMES[:2]), CHART)  # in the first frame
# Keys, each with what its change is known by: nothing else sends it. The first four redraw a chart, a box opens and closes.
REDRAWS = ((b"c", b"test cost per epoch"), (b"c", b"test accuracy, %"), (b"c", CHART), (b"l", CHART))
BOX = ((b"?", b"Each panel is one scheme"), (b"?", CHART))
SETTLE_SECONDS = 3.0  # the first frame, and what comes just after it
WINDOW_SECONDS = 1.0
WHOLE = b"1000 of 1000"  # the long run's epoch under way


@dataclass(frozen=True)
class Figure:
    """A measured value beside its baseline. `target` is the most that `of`, the ratio or the value, may be; the least for a
    ratio that is to be near 1."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    against: str = ""
    target: float | None = None
    least: bool = False

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool:
        judged = self.value if self.ratio is None else self.ratio
        return self.target is None or (judged >= self.target if self.least else judged <= self.target)


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: float  # of a window in which CPU and bytes are counted
    presses: int
    pairs: int  # of windows with and without a dashboard


QUICK, FULL = Plan(3, 5.0, 40, 5), Plan(9, 30.0, 400, 30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="within a minute or so")
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST in torchvision's layout")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, and where they were measured")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    where = machine()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        # Modules are compiled once, in the first rounds, as in an installation, whatever the environment says.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        for measure in (started, lived, trained):
            figures += measure(plan, Path(folder), arguments.data_dir)
    print(f"{COLUMNS}x{ROWS}, 256 colours; {', '.join(f'{key} {value}' for key, value in where.items())}")
    show(figures)
    if arguments.json:
        rows = [asdict(figure) | {"ratio": figure.ratio, "met": figure.met} for figure in figures]
        arguments.json.write_text(json.dumps({"where": where, "figures": rows}, indent=2) + "\n")
    if not all(figure.met for figure in figures):
        raise SystemExit(1)


def show(figures: list[Figure]) -> None:
    print(f"{'':<51}{'value':>9} {'':<6}{'baseline':>9}  {'':<28}{'ratio':>7}{'target':>9}")
    for one in figures:
        baseline = "" if one.baseline is None else f"{one.baseline:.3g}"
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        target = "" if one.target is None else f"{'≥' if one.least else '≤'} {one.target:g}"
        missed = "" if one.met else "  missed"
        print(
            f"{one.name:<51}{one.value:>9.3g} {one.unit:<6}{baseline:>9}  {one.against:<28}{ratio:>7}{target:>9}{missed}"
        )


# How soon it is there


def started(plan: Plan, folder: Path, _: object) -> list[Figure]:
    short = made_up(folder / "short", told=150)
    frame = in_turn(plan.rounds, minimal, lambda: first_frame(short))
    helped = in_turn(3 * plan.rounds, lambda: command("-c", "pass"), lambda: command("-m", "inittui", "--help"))
    short.close()
    return [
        Figure("inittui --help", helped[1], "s", helped[0], "python -c pass", 3.0),
        Figure("first frame, attach", frame[1], "s", frame[0], "a minimal Textual app", 1.8),
    ]


def in_turn(rounds: int, *ways: Callable[[], float]) -> list[float]:
    """The median of each way, one after the other in every round; the first round is a warm-up."""
    found = [[way() for way in ways] for _ in range(rounds + 1)][1:]
    return [statistics.median(times) for times in zip(*found, strict=True)]


def command(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def minimal() -> float:
    with terminal("-c", MINIMAL) as screen:
        return screen.until(b"here it is") - screen.began


def first_frame(story: Story) -> float:
    with viewer(story.run) as screen:
        return screen.until(*FIRST) - screen.began


# A long run and a short one


def made_up(folder: Path, *, told: int) -> Story:
    """Six arms of 1,000 epochs with 100 reports each, of which `told` events an arm are there."""
    folder.mkdir()
    story = Story(folder, arms=6, epochs=1000, reports=100)
    story.tell(told)
    return story


def lived(plan: Plan, folder: Path, _: object) -> list[Figure]:
    short, long = made_up(folder / "brief", told=150), made_up(folder / "long", told=1000 * 101 - 50)
    short.lives()
    long.lives()
    frames, wholes = [], []
    for _ in range(plan.rounds):
        frames.append(first_frame(short))
        with viewer(long.run) as screen:
            began = screen.began
            frame = screen.until(b"xavier_normal", CHART) - began
            wholes.append((frame, (screen.until(WHOLE) if WHOLE not in screen.seen else time.perf_counter()) - began))
    short_cost, long_cost = (watched(story, plan.seconds) for story in (short, long))
    at_first, whole = (statistics.median(times) for times in zip(*wholes, strict=True))
    lines = sum(1 for path in long.run.path.glob("arms/*/events.jsonl") for _ in path.open("rb"))
    for story in (short, long):
        story.close()
    return [
        Figure(f"first frame, {lines:,} events", at_first, "s", statistics.median(frames), "250 events an arm", 1.3),
        Figure(f"all of {lines:,} events shown", whole, "s", target=1.0),
        Figure("six arms at 4 Hz, a long run: CPU", long_cost[1], "%", short_cost[1], "a short run", 1.3),
        Figure("six arms at 4 Hz, a long run: bytes", long_cost[0], "KiB/s", short_cost[0], "a short run", 1.3),
        Figure("six arms, a long run: resident memory", long_cost[2], "MiB", short_cost[2], "a short run", 1.3),
    ]


def watched(story: Story, seconds: float) -> tuple[float, float, float]:
    """KiB a second, percent of a core and MiB of a viewer of a run whose arms report ten times a second."""
    with telling(story), viewer(story.run) as screen:
        screen.take(SETTLE_SECONDS)
        sent, share = screen.measure(seconds)
        return sent, 100 * share, screen.process.memory_info().rss / 2**20


@contextmanager
def telling(story: Story) -> Iterator[None]:
    """While the arms go on; what was told in advance stays as it was."""
    over = Event()

    def tell() -> None:
        while not over.wait(0.1):
            story.tell(1)

    story.lives()
    thread = Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# While it trains


def trained(plan: Plan, folder: Path, data_dir: Path | None) -> list[Figure]:
    arms = max(2, usable_cores())
    found = []
    with training(options(2, folder, data_dir)) as run, viewer(run) as screen:
        screen.take(SETTLE_SECONDS)
        sent, share = screen.measure(plan.seconds)
        found += [
            Figure("two arms train: CPU of the screen", 100 * share, "%", target=5.0),
            Figure("two arms train: bytes", sent, "KiB/s", target=10.0),
        ]
        if arms == 2:
            found += pressed(screen, plan.presses)
        found += attached(run, screen, plan.pairs)
        stop(run)
        screen.take(SETTLE_SECONDS)
        sent, share = screen.measure(plan.seconds)
        with terminal("-c", MINIMAL) as bare:
            bare.take(SETTLE_SECONDS)
            _, bare_share = bare.measure(plan.seconds)
        found += [
            Figure("at rest: CPU of the screen", 100 * share, "%", 100 * bare_share or None, "a minimal Textual app"),
            Figure("at rest: bytes", sent, "KiB/s", target=0.0),
        ]
    if arms > 2:
        with training(options(arms, folder, data_dir)) as run, viewer(run) as screen:
            screen.take(SETTLE_SECONDS)
            found += pressed(screen, plan.presses)
    return found


def options(arms: int, folder: Path, data_dir: Path | None) -> list[str]:
    words = ["--preset", "mnist3"]
    for place in range(arms):
        words += ["--arm", f"normal(std={0.01 + place / 1000})"]
    if data_dir is not None:
        return [*words, "--data", "mnist", "--data-dir", str(data_dir)]
    (folder / "noise.py").write_text(NOISE)
    return [*words, "--set", f"data.factory={folder / 'noise.py'}:data"]


def pressed(screen: Screen, presses: int) -> list[Figure]:
    """From the key to the bytes of its change."""
    found = []
    for what, keys in (("redraws the chart", REDRAWS), ("opens or closes a box", BOX)):
        ranks = statistics.quantiles(waits(screen, keys, presses // 2), n=100, method="inclusive")
        found += [
            Figure(f"all cores train, a key {what}: p50", ranks[49], "ms"),
            Figure(f"all cores train, a key {what}: p99", ranks[98], "ms", target=50.0),
        ]
    return found


def waits(screen: Screen, keys: Sequence[tuple[bytes, bytes]], presses: int) -> list[float]:
    """Milliseconds, of each press."""
    draws = random.Random(1)
    times = []
    for number in range(presses // len(keys) * len(keys)):
        key, mark = keys[number % len(keys)]
        screen.take(draws.uniform(0.05, 0.2))
        began = time.perf_counter()
        os.write(screen.terminal, key)
        times.append(1000 * (screen.until(mark) - began))
    return times


def attached(run: RunDir, screen: Screen, pairs: int) -> list[Figure]:
    """Arm-steps a second with the dashboard against one that is frozen, as if there were none: A B B A. By the clock,
    which on a machine that others use as well tells little, and by computing: steps in a second of the workers' own time,
    less what the dashboard takes of the cores."""
    workers = [psutil.Process(pid) for pid in run.status().workers.values()]
    over = Event()

    def read() -> None:
        while not over.is_set():
            screen.take(0.1)

    def computed(*processes: psutil.Process) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    reader = Thread(target=read)
    reader.start()
    speeds: dict[bool, list[float]] = {True: [], False: []}
    steps, computing, screens, clock = ({True: 0.0, False: 0.0} for _ in range(4))
    try:
        for number in range(pairs):
            for frozen in (True, False) if number % 2 == 0 else (False, True):
                screen.process.suspend() if frozen else screen.process.resume()
                began, worked, shown = time.monotonic(), computed(*workers), computed(screen.process)
                speeds[frozen].append(speed(run, WINDOW_SECONDS))
                seconds = time.monotonic() - began
                clock[frozen] += seconds
                steps[frozen] += seconds * speeds[frozen][-1]
                computing[frozen] += computed(*workers) - worked
                screens[frozen] += computed(screen.process) - shown
    finally:
        screen.process.resume()
        over.set()
        reader.join()
    alone = statistics.median(speeds[True])
    ratio = statistics.median(on / off for on, off in zip(speeds[False], speeds[True], strict=True))
    left = 1 - screens[False] / clock[False] / usable_cores()
    of_computing = {frozen: steps[frozen] / computing[frozen] for frozen in (True, False)}
    return [
        Figure("arm-steps a second with a dashboard", ratio * alone, "/s", alone, "without one", 0.97, least=True),
        Figure(
            "arm-steps in a second of computing, with one", left * of_computing[False], "/s", of_computing[True],
            "without one", 0.97, least=True,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
