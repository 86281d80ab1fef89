"""The parts of `screen.py`: start, a long run, and the dashboard while two arms train."""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

from benchmarks.driving import DIGITS, SCHEMES, FabricatedRun, Screen, speed, stop, terminal, training, viewer
from benchmarks.figures import Figure, compared
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
class Plan:
    rounds: int
    seconds: float  # of a window in which CPU and bytes are counted
    presses: int
    pairs: int  # of windows with and without a dashboard


QUICK, FULL = Plan(3, 5.0, 40, 5), Plan(9, 30.0, 400, 30)


def start(plan: Plan, folder: Path, _: object) -> list[Figure]:
    short = fabricated(folder / "short", events=150)
    frame = in_turn(plan.rounds, minimal, lambda: first_frame(short))
    helped = in_turn(3 * plan.rounds, lambda: command("-c", "pass"), lambda: command("-m", "inittui", "--help"))
    short.close()
    new = in_turn(max(1, plan.rounds // 3), lambda: command("-c", "import torch"), new_run)
    return [
        compared("inittui --help", helped[1], "s", helped[0], "python -c pass", most=3.0),
        compared("first frame, attach", frame[1], "s", frame[0], "a minimal Textual app", most=1.8),
        compared("first frame, a new run", new[1], "s", new[0], "import torch", most=1.0),
    ]


def in_turn(rounds: int, *ways: Callable[[], float]) -> list[float]:
    """The median of each way, one after the other in every round; the first round is a warm-up."""
    measured = [[way() for way in ways] for _ in range(rounds + 1)][1:]
    return [statistics.median(times) for times in zip(*measured, strict=True)]


def command(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def minimal() -> float:
    with terminal("-c", MINIMAL) as screen:
        return screen.until(b"here it is") - screen.began


def new_run() -> float:
    """Seconds from `inittui --preset digits` to a frame that names both arms. Ends the run."""
    with tempfile.TemporaryDirectory() as runs:
        with terminal("-m", "inittui", *DIGITS, "--runs-dir", runs) as screen:
            seconds = screen.until(b"xavier_normal", b"he_normal") - screen.began
            if "libtorch" in Path(f"/proc/{screen.process.pid}/maps").read_text():
                raise SystemExit("torch is loaded in the viewer's process")
        words = [sys.executable, "-m", "inittui", "stop", "last", "--runs-dir", runs]
        subprocess.run(words, check=False, capture_output=True)
        return seconds


def first_frame(story: FabricatedRun) -> float:
    with viewer(story.run) as screen:
        return screen.until(*FIRST) - screen.began


# A long run and a short one


def fabricated(folder: Path, *, events: int) -> FabricatedRun:
    """Six arms of 1,000 epochs with 100 reports each, of which each arm has `events` in its log."""
    folder.mkdir()
    story = FabricatedRun(folder, arms=6, epochs=1000, reports=100)
    story.report(events)
    return story


def long_run(plan: Plan, folder: Path, _: object) -> list[Figure]:
    short, long = fabricated(folder / "brief", events=150), fabricated(folder / "long", events=1000 * 101 - 50)
    short.claim()
    long.claim()
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
        compared(f"first frame, {lines:,} events", at_first, "s", statistics.median(frames), "150 per arm", most=1.3),
        Figure(f"all of {lines:,} events shown", whole, "s", most=1.0),
        compared("six arms at 4 Hz, a long run: CPU", long_cost[1], "%", short_cost[1], "a short run", most=1.3),
        compared("six arms at 4 Hz, a long run: bytes", long_cost[0], "KiB/s", short_cost[0], "a short run", most=1.3),
        compared("six arms, a long run: resident memory", long_cost[2], "MiB", short_cost[2], "a short run", most=1.3),
    ]


def watched(story: FabricatedRun, seconds: float) -> tuple[float, float, float]:
    """KiB per second, percent of a core and MiB of a viewer of a run whose arms report ten times a second."""
    with reporting(story), viewer(story.run) as screen:
        screen.take(SETTLE_SECONDS)
        sent, share = screen.measure(seconds)
        return sent, 100 * share, screen.process.memory_info().rss / 2**20


@contextmanager
def reporting(story: FabricatedRun) -> Iterator[None]:
    """The arms report ten times a second."""
    over = Event()

    def report() -> None:
        while not over.wait(0.1):
            story.report(1)

    story.claim()
    thread = Thread(target=report)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# While it trains


def while_training(plan: Plan, folder: Path, data_dir: Path | None) -> list[Figure]:
    arms = max(2, usable_cores())
    measured = []
    with training(options(2, folder, data_dir)) as run, viewer(run) as screen:
        screen.take(SETTLE_SECONDS)
        sent, share = screen.measure(plan.seconds)
        measured += [
            Figure("two arms train: CPU of the screen", 100 * share, "%", most=5.0),
            Figure("two arms train: bytes", sent, "KiB/s", most=10.0),
        ]
        if arms == 2:
            measured += pressed(screen, plan.presses)
        measured += attached(run, screen, plan.pairs)
        with viewer(run, "--refresh", "1") as slow:
            slow.take(SETTLE_SECONDS)
            slow_sent, _ = slow.measure(plan.seconds)
        measured.append(Figure("two arms train, --refresh 1: bytes", slow_sent, "KiB/s", most=5.0))
        stop(run)
        screen.take(SETTLE_SECONDS)
        sent, share = screen.measure(plan.seconds)
        with terminal("-c", MINIMAL) as bare:
            bare.take(SETTLE_SECONDS)
            _, bare_share = bare.measure(plan.seconds)
        measured += [
            compared("at rest: CPU of the screen", 100 * share, "%", 100 * bare_share, "a minimal Textual app"),
            Figure("at rest: bytes", sent, "KiB/s", most=0.0),
        ]
    if arms > 2:
        with training(options(arms, folder, data_dir)) as run, viewer(run) as screen:
            screen.take(SETTLE_SECONDS)
            measured += pressed(screen, plan.presses)
    return measured


def options(arms: int, folder: Path, data_dir: Path | None) -> list[str]:
    words = ["--preset", "mnist3"]
    for index in range(arms):
        words += ["--arm", f"normal(std={0.01 + index / 1000})"]
    if data_dir is not None:
        return [*words, "--data", "mnist", "--data-dir", str(data_dir)]
    (folder / "noise.py").write_text(NOISE)
    return [*words, "--set", f"data.factory={folder / 'noise.py'}:data"]


def pressed(screen: Screen, presses: int) -> list[Figure]:
    """The time from a key to the bytes of its change."""
    measured = []
    for what, keys in (("redraws the chart", REDRAWS), ("opens or closes a box", BOX)):
        ranks = statistics.quantiles(waits(screen, keys, presses // 2), n=100, method="inclusive")
        measured += [
            Figure(f"all cores train, a key {what}: p50", ranks[49], "ms"),
            Figure(f"all cores train, a key {what}: p99", ranks[98], "ms", most=50.0),
        ]
    return measured


def waits(screen: Screen, keys: Sequence[tuple[bytes, bytes]], presses: int) -> list[float]:
    """Milliseconds of each press."""
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
    """Arm-steps per second with the dashboard, against one that is frozen (SIGSTOP), in the order A B B A.

    By the clock, which varies on a machine that others use, and by computing: steps per second of the workers' CPU time, less
    the share of the cores that the dashboard takes.
    """
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
        compared("arm-steps per second with a dashboard", ratio * alone, "/s", alone, "without one", least=0.97),
        compared(
            "arm-steps per second of computing, with one",
            left * of_computing[False],
            "/s",
            of_computing[True],
            "without one",
            least=0.97,
        ),
    ]
