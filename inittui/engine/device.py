"""What trains: the device a person asked for, its name, and how many workers it takes at a time."""

import sys
from importlib.metadata import version

import torch

from inittui import __version__
from inittui.common.cores import usable_cores
from inittui.common.errors import DeviceError
from inittui.experiment.preset import Preset


def resolve(requested: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:N` as a device that is there. Raises DeviceError.

    Makes no CUDA call that would spoil a later fork: torch counts devices through NVML when
    PYTORCH_NVML_BASED_CUDA_CHECK is set, which the launcher does.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if requested == "auto":
        return torch.device("cuda", 0) if count else torch.device("cpu")
    if requested == "cpu":
        return torch.device("cpu")
    number = int(requested.partition(":")[2] or 0)
    if not count:
        raise DeviceError(
            f"--device {requested}: torch {torch.__version__} finds no CUDA device here; "
            "use --device cpu, or mend driver and torch build"
        )
    if number >= count:
        raise DeviceError(f"--device {requested}: no such device; expected cuda:0 to cuda:{count - 1}")
    return torch.device("cuda", number)


def check_precision(device: torch.device, preset: Preset) -> None:
    """Raises DeviceError for a precision that the device does not have."""
    if device.type == "cpu":
        for arm in preset.arms:
            if arm.training.precision == "tf32":
                raise DeviceError(
                    f"arm '{arm.name}': training.precision: \"tf32\" is a GPU's, and this trains on the CPU; "
                    "expected float32 or bf16"
                )


def set_precision(name: str) -> None:
    """How this process multiplies matrices of 32 bits on a GPU: in full, unless it is asked to round to TF32. torch's
    convolutions round by default."""
    torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
    torch.backends.cudnn.allow_tf32 = name == "tf32"


def set_up_thread(threads: int) -> None:
    """How this thread computes; both are a thread's own matter in torch."""
    torch.set_num_threads(threads)
    # Dying ReLU units send Adam's moments into denormals, each a hundred times slower to add.
    torch.set_flush_denormal(True)


def label(device: torch.device) -> str:
    """The device as the screen names it."""
    if device.type == "cpu":
        cores = usable_cores()
        return f"cpu ({cores} core{'s' if cores != 1 else ''})"
    return f"{device} {_gpu_name(device.index or 0)}".strip()


def instructions(device: torch.device) -> str:
    """The instruction set that decides how a CPU's sums are ordered; on a GPU its architecture is the label's matter."""
    return torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else ""


def _gpu_name(index: int) -> str:
    # Through NVML, since torch's own call would initialise CUDA before the workers are forked.
    import pynvml

    try:
        pynvml.nvmlInit()
        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index))
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return ""
    return name if isinstance(name, str) else name.decode()


def slots(device: torch.device, threads: int) -> int:
    """Workers at a time. On a CPU one per `threads` cores, since more would slow each other down many times over."""
    return max(1, usable_cores() // threads) if device.type == "cpu" else usable_cores()


def versions(device: torch.device) -> dict[str, str]:
    """What the bits of a result depend on, beside the preset."""
    return {
        "inittui": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": str(torch.__version__),
        "numpy": version("numpy"),
        "instructions": instructions(device),
    }
