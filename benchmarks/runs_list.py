"""Measures how long `inittui runs` takes for a thousand runs, in turn with `python -c pass`.

    python benchmarks/runs_list.py [--runs 1000] [--rounds 7] [--keep DIR]

It makes the runs with the project's own functions in a temporary folder: two arms, twelve or more files each, most of them
finished, a few failed, stopped and interrupted. Then it times whole commands, including Python's start, and how long a
dashboard takes to read the list again.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from inittui.record import events, run_index
from inittui.record.run_directory import RunDir
from tests.helpers import preset, write_run

PRESETS = ("mnist3", "deep5", "digits", "notebook", "deep30")
ARMS = (("xavier_normal", "he_normal"), ("he_normal", "orthogonal"), ("lecun_normal", "torch_default"))
FAILED = {1: events.Failed(kind="cost", reason="cost not finite in epoch 2")}
STOPPED = {0: events.Stopped(reason="stopped by hand"), 1: events.Stopped(reason="stopped by hand")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="make the runs in this folder and keep them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary) / "runs"
        make(folder, arguments.runs)
        measure(folder, arguments.rounds)


def make(folder: Path, count: int) -> None:
    """Make `count` runs: a few are written in full, the others are copies with other names and times."""
    with tempfile.TemporaryDirectory() as temporary:
        models = []
        for index, name in enumerate(PRESETS):
            of = preset(ARMS[index % len(ARMS)], name=name, epochs=15, seeds=1 + index % 3)
            for story in ({}, {}, {}, {"endings": FAILED}, {"endings": STOPPED}, {"until": 3.0}):
                run = write_run(Path(temporary), of, **story)
                for log in (run.path / "supervisor.log", run.path / "lock"):
                    log.touch()
                for arm in (run.path / "arms").iterdir():
                    (arm / "worker.log").write_bytes(b"one line\n")
                    (arm / "predictions.npz").write_bytes(bytes(40_000))
                models.append((name, run))
        now = datetime.now(UTC)
        for number in range(count):
            name, model = models[number * 7 % len(models)]
            when = now - timedelta(minutes=37 * number + 5)
            run = RunDir(folder / f"{name}-{when:%Y%m%d-%H%M%S}")
            shutil.copytree(model.path, run.path)
            started = f"{when:%Y-%m-%dT%H:%M:%SZ}"
            run.write_status(replace(run.status(), run=run.name, started=started))


def measure(folder: Path, rounds: int) -> None:
    """Print a table of medians and their ratios to Python's own start."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "inittui --help": ["-m", "inittui", "--help"],
        "inittui runs": ["-m", "inittui", "runs", "--runs-dir", str(folder)],
        "inittui runs --json": ["-m", "inittui", "runs", "--json", "--runs-dir", str(folder)],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    computed: dict[str, list[float]] = {name: [] for name in commands}  # varies less on a busy machine
    for _ in range(rounds + 1):  # the first of each is a warm-up
        for name, words in commands.items():
            began, before = time.perf_counter(), cpu_seconds()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            took[name].append(time.perf_counter() - began)
            computed[name].append(cpu_seconds() - before)
    base = statistics.median(took["python -c pass"][1:])
    print(f"{len(run_index.runs(folder)):,} runs, median of {rounds}")
    for name, times in took.items():
        median = statistics.median(times[1:])
        cpu = statistics.median(computed[name][1:])
        print(f"{name:<20} {1000 * median:7.1f} ms   ratio {median / base:5.1f}   {1000 * cpu:7.1f} ms of CPU")
    listing = run_index.RunIndex(folder)
    for name in ("read for the first time", "read again"):
        began = time.perf_counter()
        listing.read()
        print(f"{name:<24} {1000 * (time.perf_counter() - began):7.1f} ms")


def cpu_seconds() -> float:
    """CPU seconds of the child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
