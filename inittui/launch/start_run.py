"""Starts a new run: refuses what can be checked without torch, creates the directory, starts the supervisor."""

import contextlib
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from inittui.board.state import Board
from inittui.common.errors import DataError, DeviceError, InittuiError, PresetError, UsageError
from inittui.experiment import dataset_files
from inittui.experiment.datasets import AUTO
from inittui.experiment.preset import Preset
from inittui.launch import process
from inittui.record.run_directory import RunDir


class Place(NamedTuple):
    """Where a run trains. `on` is "" for this machine, or the Ray cluster; `gpus_per_arm` is an arm's share of a GPU
    there."""

    on: str = ""
    gpus_per_arm: float = 0.0


HERE = Place()


def place_of(on: str | None, gpus: str | None, *, python: bool = False) -> Place:
    """The place that `--on` and `--gpus-per-arm` name; with `python`, messages name the arguments `on` and `gpus_per_arm`.
    Raises UsageError for an invalid value, and if Ray is not installed."""
    where, part = ("on", "gpus_per_arm") if python else ("--on", "--gpus-per-arm")
    share = 0.0
    if gpus is not None:
        with contextlib.suppress(ValueError):
            share = float(gpus)
        if not 0 < share <= 1:
            raise UsageError(f"{part} {gpus}: expected a number above 0 and at most 1, as in 0.25")
    if on in (None, "", "here"):
        if share:
            ray = f'{where}="ray"' if python else f"{where} ray"
            raise UsageError(f"{part} {gpus}: is for runs on Ray; expected {ray}, or another {where}, beside it")
        return HERE
    host, _, port = on.removeprefix("ray://").rpartition(":")
    there = on.startswith("ray://") and host and "/" not in host and _is_number(port) and 0 < int(port) < 65536
    if on not in ("ray", "auto") and not there:
        raise UsageError(f"{where} {on}: expected here, ray, auto or ray://HOST:PORT, as in ray://10.0.0.1:10001")
    need = ("ray", "grpc") if there else ("ray",)  # only Ray's client needs grpc
    if missing := ", ".join(module for module in need if find_spec(module) is None):
        raise UsageError(f"{where} {on}: needs {missing}, which is not installed; pip install 'inittui[ray]'")
    return Place(on, share)


def begin(
    preset: Preset,
    *,
    runs_dir: Path,
    data_dir: Path,
    device: str = "auto",
    threads: int = 1,
    option: str = "--device",
    place: Place = HERE,
    prepare: Callable[[RunDir], None] = lambda _: None,
    created: Callable[[RunDir], object] = lambda _: None,
) -> "tuple[RunDir, subprocess.Popen[bytes]]":
    """Create a run of `preset` and start its supervisor; returns both. Raises InittuiError, and leaves nothing behind.
    Messages call the device `option`. `prepare` adds files to the run before its supervisor starts. `created` is called with
    the run, which is alive then, before a signal can end this process."""
    check_device(device, option, place)
    check_norm(preset)
    check_data(preset.data.name, data_dir)
    with process.deferred_signals():
        run_dir = RunDir.create(runs_dir, preset, data_dir=data_dir, device=device, threads=threads, **place._asdict())
        try:
            prepare(run_dir)
            with run_dir.lock() as lock:
                supervisor = process.start(run_dir, lock)
        except BaseException as error:
            run_dir.delete()
            if not isinstance(error, OSError):
                raise
            raise run_dir.unwritable(error) from None
        created(run_dir)
    return run_dir, supervisor


def _is_number(text: str) -> bool:
    """Whether `text` is a number of a port or a device. Python reads no number of more than 4,300 digits."""
    return text.isdecimal() and len(text) < 6


def refuse_if_refused(run_dir: RunDir, board: Board, supervisor: "subprocess.Popen[bytes] | None") -> None:
    """Raises InittuiError, and deletes the run, if the supervisor refused input that only the engine can check."""
    if board.phase != "refused":
        return
    if supervisor is not None:
        supervisor.wait()
        run_dir.delete()
    raise InittuiError(board.detail)


def check_data(name: str, data_dir: Path) -> None:
    """Raises DataError if the files of a named data set are damaged."""
    if name != AUTO and (files := dataset_files.inspect(name, data_dir)).state == "damaged":
        raise DataError(f"data '{name}': {files.detail}")


def check_norm(preset: Preset) -> None:
    """Raises PresetError if an arm normalises over batches of one example. Not a rule of presets: recorded runs break it."""
    for arm in preset.arms:
        if arm.model.norm == "batch" and arm.model.hidden and not arm.model.factory and arm.training.batch_size == 1:
            fault = 'training.batch_size = 1 with model.norm = "batch": a batch of one example has no variance'
            raise PresetError(
                f"arm '{arm.name}'", [f'{fault}; expected a batch of at least 2, or model.norm = "layer"']
            )


def check_device(requested: str, option: str = "--device", place: Place = HERE) -> None:
    """Raises DeviceError for an invalid name, for CUDA without a driver, and for a GPU that does not exist."""
    kind, mark, number = requested.partition(":")
    if requested not in ("auto", "cpu", "cuda") and not (kind == "cuda" and mark and _is_number(number)):
        raise DeviceError(f"{option} {requested}: expected auto, cpu, cuda or cuda:N, as in cuda:1")
    if place.on:  # Ray assigns each arm its share of a GPU
        if mark:
            raise DeviceError(
                f"{option} {requested}: on Ray an arm gets whichever GPU is free; expected auto, cpu or cuda"
            )
        part, join = ("--gpus-per-arm", " ") if option.startswith("--") else ("gpus_per_arm", "=")
        if requested == "cuda" and not place.gpus_per_arm:
            raise DeviceError(f"{option} cuda: on Ray it takes {part} as well, as in {part}{join}0.25")
        if requested == "cpu" and place.gpus_per_arm:
            raise DeviceError(f"{option} cpu: {part} {place.gpus_per_arm:g} is given too; expected one of the two")
        return
    if kind != "cuda":
        return
    import pynvml

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise DeviceError(f"{option} {requested}: no NVIDIA GPU can be used here ({error}); use {option} cpu") from None
    if number and int(number) >= count:
        raise DeviceError(f"{option} {requested}: no such device; expected cuda:0 to cuda:{count - 1}")
