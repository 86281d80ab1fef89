"""The device that trains: choosing it, its name, its precision, and how many workers run on it at a time."""

import sys
from importlib.metadata import version

import torch

from inittui import __version__
from inittui.common import formatting
from inittui.common.cores import usable_cores
from inittui.common.errors import DeviceError
from inittui.experiment.preset import Preset


def resolve(requested: str) -> torch.device:
    """The device for `auto`, `cpu`, `cuda` or `cuda:N`. Raises DeviceError when it does not exist.

    It does not initialise CUDA, so workers can be forked afterwards: torch counts devices through NVML when
    PYTORCH_NVML_BASED_CUDA_CHECK is set, and the launcher sets it.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if requested == "cpu" or (requested == "auto" and not count):
        return torch.device("cpu")
    number = int(requested.partition(":")[2] or 0)
    if not count:
        raise DeviceError(
            f"--device {requested}: torch {torch.__version__} finds no CUDA device here; "
            "use --device cpu, or fix the driver or the torch build"
        )
    if number >= count:
        raise DeviceError(f"--device {requested}: no such device; expected cuda:0 to cuda:{count - 1}")
    return torch.device("cuda", number)


def check_precision(device: torch.device, preset: Preset) -> None:
    """Raises DeviceError when an arm asks for a precision that `device` does not have."""
    for arm in preset.arms:
        if device.type == "cpu" and arm.training.precision == "tf32":
            raise DeviceError(
                f"arm '{arm.name}': training.precision: \"tf32\" needs a GPU, and this arm trains on the CPU; "
                "expected float32 or bf16"
            )


def set_precision(name: str) -> None:
    """Set whether this process rounds the factors of float32 products to TF32 on a GPU: only for "tf32". By default torch
    does so in convolutions."""
    torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
    torch.backends.cudnn.allow_tf32 = name == "tf32"


def set_up_thread(threads: int) -> None:
    """Set the number of threads that torch uses, and flush denormals. Both settings are per thread in torch."""
    torch.set_num_threads(threads)
    # Adam's moments of dead ReLU units become denormals, whose additions are a hundred times slower.
    torch.set_flush_denormal(True)


def label(device: torch.device) -> str:
    """The name of the device as the dashboard shows it."""
    if device.type == "cpu":
        return f"cpu ({formatting.count(usable_cores(), 'core')})"
    import pynvml  # torch's own call would initialise CUDA before the workers are forked

    try:
        pynvml.nvmlInit()
        return f"{device} {pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(device.index or 0))}"
    except pynvml.NVMLError:
        return str(device)


def instructions(device: torch.device) -> str:
    """The CPU's instruction set, which decides the order of sums; empty on a GPU, whose name is in `label`."""
    return torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else ""


def slots(device: torch.device, threads: int) -> int:
    """How many workers run at a time. On a CPU one per `threads` cores: more would slow each other down many times."""
    return max(1, usable_cores() // threads) if device.type == "cpu" else usable_cores()


def versions(device: torch.device) -> dict[str, str]:
    """Versions and instruction set: what the last bits of a result depend on apart from the preset."""
    return {
        "inittui": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": str(torch.__version__),
        "numpy": version("numpy"),
        "instructions": instructions(device),
    }
