"""Estimates a run before it starts: the number of trainings and steps, and the time.

Work is parameters x examples. A rate is the work that one worker does per second, with words that say where it is from.
"""

import math
import operator
import subprocess
import sys
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import msgspec

from inittui.analysis.statistics import pairs_needed
from inittui.common import process_identity
from inittui.common.child_process import child_environment
from inittui.common.cores import usable_cores
from inittui.common.errors import InittuiError, RunError
from inittui.common.formatting import count, duration
from inittui.experiment import dataset_files, datasets
from inittui.experiment.preset import Arm, Model, Preset
from inittui.launch import start_run
from inittui.launch.start_run import HERE, Place
from inittui.record.run_index import runs

MOST_RUNS = 30  # of the newest runs, that are searched for a rate
MEASURE_SECONDS = 60.0  # for a few steps, including the import of torch
ALIKE = 1.5  # a run's rate is used if its work per step differs by less than this factor


def lines_of(
    preset: Preset, *, runs_dir: Path, data_dir: Path, device: str, threads: int, place: Place = HERE
) -> list[str]:
    """The lines that `--dry-run` prints. Starts no run. Raises InittuiError if a run would be refused at once."""
    start_run.check_device(device, place=place)
    start_run.check_norm(preset)
    schedules = [arm.training for arm in preset.arms]
    trainings = sum(len(schedule.seeds) for schedule in schedules)
    lines = [f"{preset.name}: {count(len(preset.arms), 'arm')}, {count(trainings, 'training')} (arms x seeds)"]
    data = _data(preset, data_dir)
    if data is None or any(arm.model.factory for arm in preset.arms):
        lines.append("steps and time: not known before your own data or network are loaded")
        return [*lines, "nothing was started"]
    largest = max(schedule.batch_size for schedule in schedules)
    if largest > data.train:
        raise InittuiError(
            f"training.batch_size = {largest}: {data.title} has {count(data.train, 'training image')} here; "
            "expected no more than that"
        )
    steps = [data.train // schedule.batch_size * schedule.epochs * len(schedule.seeds) for schedule in schedules]
    sizes = [parameters(arm.model, data.rows * data.columns, len(data.classes)) for arm in preset.arms]
    between = f"{min(sizes):,} to {max(sizes):,}" if len(set(sizes)) > 1 else f"{sizes[0]:,}"
    lines.append(
        f"{data.title}, {count(data.train, 'training image')}: {count(sum(steps), 'step')}; "
        f"networks of {between} parameters"
    )
    if (missing := _missing(preset, data_dir)) is not None:
        lines.append(missing)
    if place.gpus_per_arm:
        share = "a GPU" if place.gpus_per_arm == 1 else f"{place.gpus_per_arm:g} of a GPU"
        lines.append(f"time: not known before Ray is asked; each arm gets {share} there")
    else:
        per_step = [size * schedule.batch_size for size, schedule in zip(sizes, schedules, strict=True)]
        works = list(map(operator.mul, steps, per_step))
        slots = max(1, usable_cores() // threads)
        # On Ray one actor trains all seeds of an arm; here free cores train more seeds at the same time.
        workers = min(slots, len(preset.arms) if place.on == "ray" else trainings)
        device = "cpu" if place.on else device
        heaviest = works.index(max(works))
        mean = sum(works) / sum(steps)
        rate, source = _remembered(preset, data.title, runs_dir, device, threads, mean) or _measured(
            preset.arms[heaviest], per_step[heaviest], data, device, threads
        )
        time = duration(sum(works) / rate / workers)
        if place.on:
            time += ", and some seconds until Ray is up" if place.on == "ray" else " on this machine alone"
        lines.append(f"about {time}, {workers} at a time, at the rate {source}")
    if place.on not in ("", "ray"):
        lines.append(f"--on {place.on}: how many arms train at a time there is not known before the cluster is joined")
    if (few := _too_few(preset)) is not None:
        lines.append(few)
    if (after := preset.training.stop_stuck) is not None:
        lines.append(f"less if trainings stop at chance after {count(after, 'epoch')}")
    return [*lines, "nothing was started"]


def _too_few(preset: Preset) -> str | None:
    """A warning if no difference could be established with so few seeds, whatever the results."""
    family, seeds = len(preset.arms) - (preset.block or 1), len(preset.training.seeds)
    needed = pairs_needed(family)
    if family < 1 or seeds >= needed:
        return None
    compared = count(family, "comparison")
    return f"{count(seeds, 'seed')} per arm can't establish a difference: {compared} would need --seeds {needed}"


def _missing(preset: Preset, data_dir: Path) -> str | None:
    """A line about the download, if the data set is not in the folder."""
    entry = datasets.entry(preset.data.name)
    if dataset_files.inspect(entry.name, data_dir).state != "absent":
        return None
    instead = ", or replaced by scikit-learn's digits if that fails" if preset.data.name == datasets.AUTO else ""
    return f"{entry.title} is not in {data_dir}: it would be downloaded{instead}"


def parameters(model: Model, inputs: int, classes: int) -> int:
    """The number of parameters of an MLP: weights, biases, and scale and shift of every normalised unit."""
    widths = (inputs, *model.hidden, model.outputs or classes)
    norm = 2 * sum(model.hidden) if model.norm != "none" else 0
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths)) + norm


def _data(preset: Preset, data_dir: Path) -> datasets.DatasetEntry | None:
    """The data set with the images that are used; None for user data. As in a run, `auto` is MNIST unless its files are
    damaged."""
    if preset.data.factory:
        return None
    entry = datasets.entry(preset.data.name)
    if dataset_files.inspect(entry.name, data_dir).state == "damaged":
        start_run.check_data(preset.data.name, data_dir)
        entry = datasets.STAND_IN
    return replace(entry, train=min(preset.data.train_limit or entry.train, entry.train))


def _remembered(
    preset: Preset, title: str, runs_dir: Path, device: str, threads: int, per_step: float
) -> tuple[float, str] | None:
    """The rate of a finished run on this machine, over its whole time: of those with the same data, kind of network and
    device, the one whose work per step is most similar. None if there is no similar one."""
    here = ("finished", "", process_identity.host(), device, threads)
    rates: list[tuple[float, float, str]] = []
    for run in islice(runs(runs_dir), MOST_RUNS):
        try:
            status = run.status()
            if (status.state, status.on, status.host, status.requested_device, status.threads) != here:
                continue
            document, then = run.result(), run.preset()
        except RunError:
            continue
        # The time of a resumed run may include pauses.
        if document is None or document.resumed or document.data.title != title or _kinds(then) != _kinds(preset):
            continue
        work = steps = 0.0
        for arm, trained in zip(then.arms, document.arms, strict=False):
            examples = sum((replica.samples_per_second or 0.0) * replica.seconds for replica in trained.replicas)
            work += trained.parameters * examples
            steps += examples / arm.training.batch_size
        if work > 0 and document.seconds > 0:
            workers = min(max(1, usable_cores() // threads), sum(len(arm.replicas) for arm in document.arms))
            distance = abs(math.log(work / steps / per_step))
            rates.append((distance, work / document.seconds / workers, f"of the run {run.name}"))
    distance, rate, source = min(rates, key=lambda item: item[0], default=(math.inf, 0.0, ""))
    return (rate, source) if distance <= math.log(ALIKE) else None


def _kinds(preset: Preset) -> set[tuple[str, int, str, bool, int]]:
    """What the speed of an arm's steps depends on, apart from their work."""
    return {
        (training.optimizer, training.batch_size, model.norm, bool(model.factory), len(model.hidden))
        for training, model in ((arm.training, arm.model) for arm in preset.arms)
    }


def _measured(arm: Arm, per_step: int, data: datasets.DatasetEntry, device: str, threads: int) -> tuple[float, str]:
    """The rate of a few steps of `arm`, whose work is `per_step`."""
    job = {
        "arm": arm,
        "inputs": (data.rows, data.columns),
        "classes": len(data.classes),
        "device": device,
        "threads": threads,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "inittui.supervisor.step_benchmark"],  # imports torch, this process does not
            input=msgspec.json.encode(job),
            capture_output=True,
            env=child_environment(),
            timeout=MEASURE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise InittuiError(
            f"the rate can't be measured: a few steps took more than {MEASURE_SECONDS:.0f} s here"
        ) from None
    output = (done.stdout if done.returncode == 0 else done.stderr).decode("utf-8", "replace").strip()
    if done.returncode != 0:
        raise InittuiError(f"the rate can't be measured: {output.rpartition(chr(10))[2] or done.returncode}")
    return per_step / float(output), f"measured now on a few steps of {arm.name}, without tests"
