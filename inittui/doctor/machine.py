"""Checks what training needs: Python and its packages, torch, GPUs, cores, memory."""

import json
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import psutil

from inittui.common import formatting
from inittui.common.child_process import child_environment
from inittui.common.cores import usable_cores
from inittui.common.errors import printable
from inittui.doctor import cgroups
from inittui.doctor.check import Check, System

TORCH_SECONDS = 120.0  # a cold disk or NFS
GB = 1e9
TORCH_BYTES = 0.8 * GB  # the library, its worker and a small data set
ENOUGH_BYTES = 2 * GB
_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda, "devices":
                  [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else []}))
"""


def python() -> Check:
    """The version and the environment of the interpreter."""
    return Check("python", "ok", f"{platform.python_version()} in {sys.prefix}")


def packages() -> Check:
    """Whether every required package is installed and new enough."""
    try:
        lines = [line for line in metadata.requires("inittui") or () if "extra ==" not in line]
    except metadata.PackageNotFoundError:  # started from a checkout
        finding = "inittui is not installed here, so its requirements are unknown"
        return Check("packages", "note", finding, "pip install .")
    needed = dict(re.findall(r"^([\w.-]+)>=([\d.]+)", "\n".join(lines), re.MULTILINE))
    installed = {name: _version(name) for name in needed}
    outdated = {name: least for name, least in needed.items() if _number(installed[name]) < _number(least)}
    if outdated:
        finding = "; ".join(
            f"{name} {installed[name] or 'is missing'}, needs {least} or newer" for name, least in outdated.items()
        )
        names = " ".join(f"'{name}>={least}'" for name, least in outdated.items())
        return Check("packages", "fault", finding, f"{sys.executable} -m pip install {names}")
    return Check("packages", "ok", ", ".join(f"{name} {version}" for name, version in installed.items()))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


@dataclass(frozen=True)
class Gpus:
    """The GPUs that NVML reports: name, free and total bytes of each; `error` is why there is none."""

    gpus: tuple[tuple[str, int, int], ...] = ()
    driver: str = ""
    error: str = ""
    library: bool = True  # without the library there is no driver at all


def look_for_gpus() -> Gpus:
    """The GPUs according to NVML, which needs neither torch nor CUDA."""
    import pynvml

    gpus = []
    try:
        pynvml.nvmlInit()
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            gpus.append((str(pynvml.nvmlDeviceGetName(handle)), int(memory.free), int(memory.total)))
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        return Gpus(error=str(error), library=error.value != pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    return Gpus(tuple(gpus), driver)


def gpu(system: System, reported: Gpus) -> Check:
    """The GPUs that NVML reports, or why there is none."""
    hidden = system.environment.get("CUDA_VISIBLE_DEVICES")
    choice = "" if hidden is None else f"; CUDA_VISIBLE_DEVICES={hidden}"
    if reported.gpus:
        listed = ", ".join(
            f"cuda:{index} {name}, {free / GB:.1f} of {total / GB:.1f} GB free"
            for index, (name, free, total) in enumerate(reported.gpus)
        )
        finding = f"{listed}; driver {reported.driver}{choice}"
        if all(free < GB for _, free, _ in reported.gpus):
            return Check("gpu", "note", finding, "nvidia-smi lists what uses its memory; or train with --device cpu")
        return Check("gpu", "ok", finding)
    if reported.error and reported.library:
        finding = f"the NVIDIA driver fails: {reported.error}{choice}"
        return Check("gpu", "fault", finding, "nvidia-smi says more; or --device cpu")
    if card := _card(system):
        finding = f"an NVIDIA card is there (PCI {card}) and no driver: training runs on the CPU"
        fix = "install the driver; start a container with its GPUs (docker run --gpus all)"
        return Check("gpu", "note", finding, fix)
    return Check("gpu", "ok", f"no NVIDIA GPU: training runs on the CPU{choice}")


def _card(system: System) -> str:
    """The PCI address of an NVIDIA graphics card, driver or not."""
    for card in sorted((system.root / "sys/bus/pci/devices").glob("*")):
        folder = f"sys/bus/pci/devices/{card.name}"
        if system.read(f"{folder}/vendor").strip() == "0x10de" and system.read(f"{folder}/class").startswith("0x03"):
            return card.name
    return ""


def import_torch(seconds: float = TORCH_SECONDS) -> tuple[dict[str, Any] | None, str]:
    """Version, CUDA version and devices of torch, or None; and the last line of its error output, or why there is no answer.
    A process of its own imports it."""
    try:
        process = subprocess.run(
            [sys.executable, "-c", _TORCH],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=child_environment(),
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return None, f"it was not imported within {seconds:.0f} seconds"
    last_line = printable(process.stderr.strip().rpartition("\n")[2])
    try:
        return json.loads(process.stdout.strip().rpartition("\n")[2]), last_line
    except ValueError:
        return None, last_line or f"it ended with exit code {process.returncode}"


def torch(answer: dict[str, Any] | None, last_line: str, gpus: Gpus) -> Check:
    """Whether torch can be imported, and can use the GPUs. `last_line` is the last line of its error output."""
    if answer is None:
        return Check("torch", "fault", f"can't be imported: {last_line}", f"{sys.executable} -m pip install torch")
    devices = answer["devices"]
    build = f"built for CUDA {answer['cuda']}" if answer["cuda"] else "built for the CPU only"
    finding = f"{answer['version']}, {build}"
    if devices:
        return Check("torch", "ok", f"{finding}, uses {formatting.count(len(devices), 'GPU')}: {', '.join(devices)}")
    if not gpus.gpus:
        return Check("torch", "ok", f"{finding}, uses the CPU")
    if not answer["cuda"]:
        fix = "install a CUDA build: pytorch.org names the command"
        return Check("torch", "note", f"{finding}: the GPU is not used", fix)
    why = f" ({last_line})" if last_line else ""
    driver = f"a build for driver {gpus.driver} (pytorch.org), or a newer driver"
    fix = f"{driver}; check CUDA_VISIBLE_DEVICES; or --device cpu"
    return Check("torch", "fault", f"{finding}, can't use the GPU{why}", fix)


def cores(system: System) -> Check:
    """The cores that training may use. On a CPU an arm uses one."""
    usable, quota = usable_cores(), cgroups.cores(system)
    limit = "" if quota is None else f" (the control group's quota is {quota:g})"
    arms = f"{formatting.count(usable, 'arm')} {'trains' if usable == 1 else 'train'}"
    return Check("cores", "ok", f"{formatting.count(usable, 'core')}{limit}: on a CPU {arms} at a time")


def memory(system: System) -> Check:
    """The free memory, within the limit of a control group."""
    whole = psutil.virtual_memory()
    total, free, limit = whole.total, whole.available, cgroups.memory(system)
    finding = f"{free / GB:.1f} of {total / GB:.1f} GB free"
    if limit is not None and limit[0] < total:
        free = min(free, limit[1])
        group = f"the control group's {limit[0] / GB:.1f} GB (machine: {total / GB:.1f} GB)"
        finding = f"{free / GB:.1f} GB free, of {group}"
    fix = "free memory or raise the limit; --preset digits with --threads 2 needs the least"
    if free < TORCH_BYTES:
        return Check("memory", "fault", f"{finding}; torch alone needs 0.6 GB", fix)
    if free < ENOUGH_BYTES:
        return Check("memory", "note", f"{finding}; two arms on MNIST need about 2 GB", fix)
    return Check("memory", "ok", finding)
