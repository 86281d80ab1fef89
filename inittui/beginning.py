"""How a run begins, whoever asks for it: what can be seen without torch is refused first, then the supervisor starts."""

import subprocess
from pathlib import Path

from inittui import launch
from inittui.board import Board
from inittui.errors import DeviceError, InittuiError, RunError
from inittui.preset import Preset
from inittui.rundir import RunDir

DATA_NAMES = ("mnist", "fashion_mnist", "kmnist")


def begin(
    preset: Preset, *, runs_dir: Path, data_dir: Path, device: str = "auto", threads: int = 1, option: str = "--device"
) -> "tuple[RunDir, subprocess.Popen[bytes]]":
    """A new run of `preset` and its supervisor. Raises InittuiError, and leaves nothing behind. `option` is what messages
    call the device by."""
    check_device(device, option)
    check_data(preset.data.name, data_dir)
    run_dir = RunDir.create(runs_dir, preset, data_dir=data_dir, device=device, threads=threads)
    try:
        return run_dir, launch.start(run_dir)
    except RunError:
        run_dir.delete()
        raise


def refuse_if_refused(run_dir: RunDir, board: Board, supervisor: "subprocess.Popen[bytes] | None") -> None:
    """Bad input that only the engine could see: said like any other, and nothing is left behind."""
    if board.phase != "refused":
        return
    if supervisor is not None:
        supervisor.wait()
        run_dir.delete()
    raise InittuiError(board.detail)


def check_data(name: str, data_dir: Path) -> None:
    """Refuse at once what can be seen without torch: a named data set whose files are damaged."""
    if name in DATA_NAMES:
        from inittui.datafiles import inspect
        from inittui.errors import DataError

        found = inspect(name, data_dir)
        if found.state == "damaged":
            raise DataError(f"data '{name}': {found.detail}")


def check_device(requested: str, option: str = "--device") -> None:
    """Refuse at once what can be seen without torch: a name that is none, and CUDA without a driver."""
    kind, mark, number = requested.partition(":")
    if requested not in ("auto", "cpu", "cuda") and not (kind == "cuda" and mark and number.isdecimal()):
        raise DeviceError(f"{option} {requested}: expected auto, cpu, cuda or cuda:N, as in cuda:1")
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
