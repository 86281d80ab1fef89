"""Estimates a run before it starts: the number of trainings and steps, and the time."""

import math
import subprocess
import sys
from dataclasses import dataclass
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
from inittui.record.run_directory import RunDir
from inittui.record.run_index import runs

MOST_RUNS = 30  # of the newest runs, that are searched for a rate
MEASURE_SECONDS = 60.0  # for a few steps, including the import of torch
ALIKE = 1.5  # a run's rate is used if its work per step differs by less than this factor


@dataclass(frozen=True)
class DatasetSize:
    """The size of a data set, known before it is loaded."""

    title: str
    train: int
    shape: tuple[int, int]
    classes: int


@dataclass(frozen=True)
class Rate:
    """How much `work` (parameters x examples) one worker does per second, and where this is known from."""

    work: float
    source: str


def lines_of(
    preset: Preset, *, runs_dir: Path, data_dir: Path, device: str, threads: int, place: Place = HERE
) -> list[str]:
    """The lines that `--dry-run` prints. Starts no run. Raises InittuiError if a run would be refused at once."""
    start_run.check_device(device, place=place)
    trainings = sum(len(arm.training.seeds) for arm in preset.arms)
    lines = [f"{preset.name}: {count(len(preset.arms), 'arm')}, {count(trainings, 'training')} (arms x seeds)"]
    images = _images(preset, data_dir)
    if images is None or any(arm.model.factory for arm in preset.arms):
        lines.append("steps and time: not known before your own data or network are loaded")
        return [*lines, "nothing was started"]
    for arm in preset.arms:
        if arm.training.batch_size > images.train:
            raise InittuiError(
                f"training.batch_size = {arm.training.batch_size}: {images.title} has {images.train:,} training images "
                "here; expected no more than that"
            )
    steps = sum(_steps(arm, images) for arm in preset.arms)
    sizes = [parameters(arm.model, math.prod(images.shape), images.classes) for arm in preset.arms]
    between = f"{min(sizes):,} to {max(sizes):,}" if len(set(sizes)) > 1 else f"{sizes[0]:,}"
    lines.append(f"{images.title}, {images.train:,} training images: {steps:,} steps; networks of {between} parameters")
    if (missing := _missing(preset, data_dir)) is not None:
        lines.append(missing)
    work = sum(_work(arm, size, images) for arm, size in zip(preset.arms, sizes, strict=True))
    if place.gpus_per_arm:
        share = "a GPU" if place.gpus_per_arm == 1 else f"{place.gpus_per_arm:g} of a GPU"
        lines.append(f"time: not known before Ray is asked; each arm gets {share} there")
    else:
        slots = max(1, usable_cores() // threads)
        # On Ray one actor trains all seeds of an arm; here free cores train more seeds at the same time.
        workers = min(slots, len(preset.arms) if place.on == "ray" else trainings)
        device = "cpu" if place.on else device
        rate = _remembered(preset, images.title, runs_dir, device, threads, slots, work / max(1, steps)) or _measured(
            preset, sizes, images, device, threads
        )
        time = duration(work / rate.work / workers)
        if place.on:
            time += ", and some seconds until Ray is up" if place.on == "ray" else " on this machine alone"
        lines.append(f"about {time}, {workers} at a time, at the rate {rate.source}")
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
    if preset.data.factory or dataset_files.inspect(entry.name, data_dir).state != "absent":
        return None
    instead = ", or replaced by scikit-learn's digits if that fails" if preset.data.name == datasets.AUTO else ""
    return f"{entry.title} is not in {data_dir}: it would be downloaded{instead}"


def parameters(model: Model, inputs: int, classes: int) -> int:
    """The number of parameters of an MLP: weights, biases, and scale and shift of every normalised unit."""
    widths = (inputs, *model.hidden, model.outputs or classes)
    norm = 2 * sum(model.hidden) if model.norm != "none" else 0
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths)) + norm


def _images(preset: Preset, data_dir: Path) -> DatasetSize | None:
    """None for user data. As in a run, `auto` is MNIST unless its files are damaged."""
    data = preset.data
    if data.factory:
        return None
    entry = datasets.entry(data.name)
    if dataset_files.inspect(entry.name, data_dir).state == "damaged":
        start_run.check_data(data.name, data_dir)
        entry = datasets.STAND_IN
    limit = min(data.train_limit or entry.train, entry.train)
    return DatasetSize(entry.title, limit, (entry.rows, entry.columns), len(entry.classes))


def _steps(arm: Arm, images: DatasetSize) -> int:
    training = arm.training
    return images.train // training.batch_size * training.epochs * len(training.seeds)


def _work(arm: Arm, size: int, images: DatasetSize) -> float:
    return float(size) * _steps(arm, images) * arm.training.batch_size


def _remembered(
    preset: Preset, title: str, runs_dir: Path, device: str, threads: int, slots: int, work_per_step: float
) -> Rate | None:
    """The rate of the run on this machine whose work per step is most similar; None if there is no similar one."""
    rates: list[tuple[float, Rate]] = []
    for run in islice(runs(runs_dir), MOST_RUNS):
        if (known := _of_run(run, title, _kinds(preset), device, threads, slots)) is not None:
            rate, step = known
            rates.append((abs(math.log(step / work_per_step)), Rate(rate, f"of the run {run.name}")))
    distance, nearest = min(rates, key=lambda item: item[0], default=(math.inf, None))
    return nearest if distance <= math.log(ALIKE) else None


def _kinds(preset: Preset) -> set[tuple[str, int, str, bool, int]]:
    """What the speed of an arm's steps depends on, apart from their work."""
    return {
        (
            arm.training.optimizer,
            arm.training.batch_size,
            arm.model.norm,
            bool(arm.model.factory),
            len(arm.model.hidden),
        )
        for arm in preset.arms
    }


def _of_run(
    run: RunDir, title: str, kinds: set[tuple[str, int, str, bool, int]], device: str, threads: int, slots: int
) -> tuple[float, float] | None:
    """The work per second of a worker, over the run's whole time, and the work per step. None if the run says nothing about
    this machine, data, network and device."""
    try:
        status = run.status()
        same = (status.state, status.on, status.host, status.requested_device) == (
            "finished",
            "",
            process_identity.host(),
            device,
        )
        document = run.result() if same and status.threads == threads else None
        if document is None or document.resumed:  # the time of a resumed run may include pauses
            return None
        then = run.preset()
        if _kinds(then) != kinds or document.data.title != title:
            return None
        of = {arm.name: arm for arm in then.arms}
    except RunError:
        return None
    work = steps = 0.0
    trainings = 0
    for arm in document.arms:
        for replica in arm.replicas:
            batch = of[arm.name].training.batch_size if arm.name in of else 0
            examples = (replica.samples_per_second or 0.0) * replica.seconds
            work += arm.parameters * examples
            steps += examples / batch if batch else 0.0
            trainings += 1
    if not (work > 0 and steps > 0 and document.seconds > 0):
        return None
    return work / document.seconds / min(slots, trainings), work / steps


def _measured(preset: Preset, sizes: list[int], images: DatasetSize, device: str, threads: int) -> Rate:
    """The rate of a few steps of the arm with the most work."""
    works = [_work(arm, size, images) for arm, size in zip(preset.arms, sizes, strict=True)]
    index = works.index(max(works))
    arm = preset.arms[index]
    job = {"arm": arm, "inputs": images.shape, "classes": images.classes, "device": device, "threads": threads}
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
    seconds = float(output)
    return Rate(
        sizes[index] * arm.training.batch_size / seconds, f"measured now on a few steps of {arm.name}, without tests"
    )
