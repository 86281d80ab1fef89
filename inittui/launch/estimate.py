"""What a run would take, before it is started: how many trainings and steps, and about how long."""

import math
import subprocess
import sys
from collections.abc import Iterator
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

REMEMBERED = 30  # of the newest runs, those that are looked at
PATIENCE = 60.0  # seconds for a few steps, the import of torch included
ALIKE = 1.5  # a run whose steps are so many times larger or smaller says nothing about ours


@dataclass(frozen=True)
class DatasetSize:
    """What can be known of a data set before it is loaded."""

    title: str
    train: int
    shape: tuple[int, int]
    classes: int


@dataclass(frozen=True)
class Rate:
    """`work` (parameters x images) a second of one worker, and where it is known from."""

    work: float
    source: str


def told(
    preset: Preset, *, runs_dir: Path, data_dir: Path, device: str, threads: int, place: Place = HERE
) -> list[str]:
    """The lines of `--dry-run`. Starts nothing. Raises InittuiError for what a run would be refused for at once."""
    start_run.check_device(device, place=place)
    trainings = sum(len(arm.training.seeds) for arm in preset.arms)
    lines = [f"{preset.name}: {count(len(preset.arms), 'arm')}, {count(trainings, 'training')} (arms x seeds)"]
    images = _images(preset, data_dir)
    if images is None or any(arm.model.factory for arm in preset.arms):
        lines.append("steps and time: not known before data or network of your own are loaded")
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
        # On Ray the seeds of an arm share its place; here free cores train further ones.
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
        lines.append(f"less where something stops at chance after {count(after, 'epoch')}")
    return [*lines, "nothing was started"]


def _too_few(preset: Preset) -> str | None:
    """What so few seeds can't tell, whatever they come to."""
    family, seeds = len(preset.arms) - (preset.block or 1), len(preset.training.seeds)
    needed = pairs_needed(family)
    if family < 1 or seeds >= needed:
        return None
    compared = count(family, "comparison")
    return f"{count(seeds, 'seed')} an arm can establish no difference: {compared} would take --seeds {needed}"


def _missing(preset: Preset, data_dir: Path) -> str | None:
    """What a run would do first where the data are not there."""
    entry = datasets.entry(preset.data.name)
    if preset.data.factory or dataset_files.inspect(entry.name, data_dir).state != "absent":
        return None
    instead = ", or replaced by scikit-learn's digits where that fails" if preset.data.name == datasets.AUTO else ""
    return f"{entry.title} is not in {data_dir}: it would be downloaded{instead}"


def parameters(model: Model, inputs: int, classes: int) -> int:
    """Of a perceptron: weights, biases, and a scale and a shift for every unit that is normalised."""
    widths = (inputs, *model.hidden, model.outputs or classes)
    norm = 2 * sum(model.hidden) if model.norm != "none" else 0
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths)) + norm


def _images(preset: Preset, data_dir: Path) -> DatasetSize | None:
    """None for data of one's own. `auto` is taken for MNIST unless its files are damaged, as a run would."""
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
    preset: Preset, title: str, runs_dir: Path, device: str, threads: int, slots: int, work_a_step: float
) -> Rate | None:
    """From the run of this machine whose steps were most like ours, if there is one that is like them at all."""
    found = []
    for run in islice(runs(runs_dir), REMEMBERED):
        for rate, step in _of_run(run, title, _kinds(preset), device, threads, slots):
            found.append((abs(math.log(step / work_a_step)), Rate(rate, f"of the run {run.name}")))
    best = min(found, key=lambda one: one[0], default=None)
    return best[1] if best is not None and best[0] <= math.log(ALIKE) else None


def _kinds(preset: Preset) -> set[tuple[str, int, str, bool, int]]:
    """What else decides how fast an arm's steps are, beside their size."""
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
) -> Iterator[tuple[float, float]]:
    """Work a second of a worker, all that a run does beside training included, and the work of one of its steps."""
    try:
        status = run.status()
        # What trained on a cluster says nothing about this machine.
        same = (status.state, status.on, status.host, status.requested_device) == (
            "finished",
            "",
            process_identity.host(),
            device,
        )
        document = run.result() if same and status.threads == threads else None
        if document is None or document.resumed:  # its clock counts a pause of any length
            return
        then = run.preset()
        if _kinds(then) != kinds or document.data.title != title:
            return
        of = {arm.name: arm for arm in then.arms}
    except RunError:
        return
    work = steps = 0.0
    trainings = 0
    for arm in document.arms:
        for replica in arm.replicas:
            batch = of[arm.name].training.batch_size if arm.name in of else 0
            images = (replica.samples_per_second or 0.0) * replica.seconds
            work += arm.parameters * images
            steps += images / batch if batch else 0.0
            trainings += 1
    if work > 0 and steps > 0 and document.seconds > 0:
        yield work / document.seconds / min(slots, trainings), work / steps


def _measured(preset: Preset, sizes: list[int], images: DatasetSize, device: str, threads: int) -> Rate:
    """Of the arm that takes longest, in a few steps."""
    works = [_work(arm, size, images) for arm, size in zip(preset.arms, sizes, strict=True)]
    place = works.index(max(works))
    arm = preset.arms[place]
    job = {"arm": arm, "inputs": images.shape, "classes": images.classes, "device": device, "threads": threads}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "inittui.supervisor.step_benchmark"],  # torch, which this process does without
            input=msgspec.json.encode(job),
            capture_output=True,
            env=child_environment(),
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise InittuiError(f"the rate can't be measured: a few steps took more than {PATIENCE:.0f} s here") from None
    words = (done.stdout if done.returncode == 0 else done.stderr).decode("utf-8", "replace").strip()
    if done.returncode != 0:
        raise InittuiError(f"the rate can't be measured: {words.rpartition(chr(10))[2] or done.returncode}")
    seconds = float(words)
    return Rate(
        sizes[place] * arm.training.batch_size / seconds, f"measured just now on a few steps of {arm.name}, tests apart"
    )
