"""Measures whole commands: ours against the notebook, and what more seeds and arms take."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.figures import Figure
from inittui.common.cores import usable_cores
from inittui.record import events
from inittui.record.event_log import Tail

HERE = Path(__file__).parent
NOTEBOOK = [sys.executable, str(HERE / "notebook_way.py")]


@dataclass(frozen=True)
class Ours:
    """One run. Seconds: of the whole command, of its training phase, of the slower arm's steps, from the command to the first
    cost, of loading the data. Bytes: the largest resident and unshared memory of a worker."""

    whole: float
    training: float
    steps: float
    first_cost: float
    loading: float
    memory: int
    own_memory: int


def ours(data_dir: Path, epochs: int, images: int | None, *options: str) -> Ours:
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "inittui", "--json", "--device", "cpu", "--data", "mnist"]
        command += ["--data-dir", str(data_dir), "--epochs", str(epochs), "--runs-dir", runs, *options]
        command += ["--set", f"data.train_limit={images}"] if images else []
        began, memory, own = time.monotonic(), 0, 0
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            status_files: list[Path] = []
            while process.poll() is None:
                time.sleep(0.25)
                status_files = status_files or list(Path(runs).glob("*/status.json"))
                for pid in workers(status_files):
                    try:
                        full = psutil.Process(pid).memory_full_info()
                    except psutil.Error:
                        continue
                    memory, own = max(memory, full.rss), max(own, full.uss)
            whole = time.monotonic() - began
            assert process.stdout is not None
            document = json.loads(process.stdout.read())
        run = status_files[0].parent
        zero = json.loads((run / "status.json").read_bytes())["monotonic"]
        phases = {e.phase: e.t for e in Tail(run / "events.jsonl").poll() if isinstance(e, events.Phase)}
        first = min(
            event.t
            for log in run.glob("arms/*/events.jsonl")
            for event in Tail(log).poll()
            if isinstance(event, events.Progress | events.Epoch)
        )
    return Ours(
        whole=whole,
        training=phases["finished"] - phases["training"],
        steps=max(sum(replica["seconds"] for replica in arm["replicas"]) for arm in document["arms"]),
        first_cost=zero + first - began,
        loading=phases["training"] - phases["loading"],
        memory=memory,
        own_memory=own,
    )


def workers(status: list[Path]) -> list[int]:
    try:
        return list(json.loads(status[0].read_bytes())["workers"].values())
    except (IndexError, OSError, ValueError):
        return []


def timed(*commands: list[str]) -> float:
    """Seconds until all of these commands, started together, have succeeded."""
    began = time.perf_counter()
    processes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands
    ]
    if any(process.wait() for process in processes):
        raise SystemExit(f"{commands} failed")
    return time.perf_counter() - began


def against_the_notebook(data_dir: Path, epochs: int, images: int | None) -> list[Figure]:
    limit = ["--images", str(images)] if images else []
    base = [*NOTEBOOK, str(data_dir), str(epochs)]
    # A shared machine is not always equally fast, so ours runs before and after the notebook.
    before = ours(data_dir, epochs, images)
    one_by_one = timed([*base, *limit])
    after = ours(data_dir, epochs, images)
    whole, training = (before.whole + after.whole) / 2, (before.steps + after.steps) / 2
    # One epoch is enough: each takes all cores, and fifteen would take half an hour.
    short = [*NOTEBOOK, str(data_dir), "1"]
    together = epochs * timed([*short, "xavier_normal", *limit], [*short, "he_normal", *limit])
    torch_import = min(timed([sys.executable, "-c", "import torch"]) for _ in range(3))
    us = ours(data_dir, epochs=1, images=images)  # directly after `import torch`, for the figures of the start
    sizes = f"2 arms x {epochs} epochs of {images or 60_000:,}"
    twice = "the notebook, one scheme after the other"
    torch_memory = memory_of_torch()
    return [
        Figure(twice, one_by_one, "s", 1.0, sizes),
        Figure(f"two notebooks side by side, from 1 epoch of {epochs}", together, "s", one_by_one / together, twice),
        Figure("inittui, whole command", whole, "s", one_by_one / whole, twice, least=5),
        Figure("inittui, training alone", training, "s", one_by_one / training, twice, least=6),
        Figure("inittui, whole command", whole, "s", together / whole, "two notebooks side by side"),
        Figure("import torch", torch_import, "s"),
        Figure(
            "command to first cost, less loading",
            us.first_cost - us.loading,
            "s",
            (us.first_cost - us.loading) / torch_import,
            "import torch",
            most=1.3,
        ),
        Figure("loading the data", us.loading, "s"),
        Figure(
            "memory of a worker",
            after.memory / 2**20,
            "MiB",
            after.memory / torch_memory,
            "a process with torch",
            most=1.6,
        ),
        Figure("of it the worker's alone", after.own_memory / 2**20, "MiB"),
    ]


def memory_of_torch() -> int:
    code = "import torch, psutil; print(psutil.Process().memory_info().rss)"
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def more_seeds(data_dir: Path, epochs: int, images: int | None, counts: tuple[int, ...]) -> list[Figure]:
    """The time per seed for several numbers of seeds, against the first number."""
    measured = []
    first = 0.0
    for count in counts:
        took = ours(data_dir, epochs, images, "--seeds", str(count)).training / count
        first = first or took
        wanted = 1.05 if count == 8 else None
        measured.append(
            Figure(f"a seed of {count}, 2 arms", took, "s", took / first, f"a seed of {counts[0]}", most=wanted)
        )
    return measured


def more_arms(data_dir: Path, epochs: int, images: int | None, counts: tuple[int, ...]) -> list[Figure]:
    schemes = ["xavier_normal", "he_normal", "lecun_normal", "orthogonal", "xavier_uniform", "he_uniform"]
    schemes += ["lecun_uniform", "torch_default"]
    cores = usable_cores()
    measured = []
    first = 0.0
    for count in counts:
        words = [word for scheme in schemes[:count] for word in ("--arm", scheme)]
        took = ours(data_dir, epochs, images, *words).training * min(cores, count) / count
        first = first or took
        measured.append(Figure(f"an arm of {count}, core-seconds", took, "s", took / first, f"an arm of {counts[0]}"))
    return measured
