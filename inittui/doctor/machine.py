"""What trains: Python and its packages, torch, GPUs, cores, memory."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

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
    """The interpreter: whose environment it is matters most."""
    return Check("python", "ok", f"{platform.python_version()} in {sys.prefix}")


def packages(wanted: Sequence[str] | None = None, versions: Mapping[str, str | None] | None = None) -> Check:
    """Whether everything that inittui needs is there and new enough. `wanted` are requirements such as textual>=6.0."""
    pairs = [_requirement(line) for line in (_wanted() if wanted is None else wanted) if "extra ==" not in line]
    found = {name: _version(name) if versions is None else versions.get(name) for name, _ in pairs}
    bad = [
        f"{name} {found[name] or 'is missing'}, needs {least} or newer"
        for name, least in pairs
        if found[name] is None or _number(found[name] or "") < _number(least)
    ]
    if bad:
        names = " ".join(
            f"'{name}>={least}'" for name, least in pairs if any(one.startswith(f"{name} ") for one in bad)
        )
        return Check("packages", "fault", "; ".join(bad), f"{sys.executable} -m pip install {names}")
    if not pairs:
        return Check(
            "packages", "note", "inittui is not installed here, so what it needs is not known", "pip install ."
        )
    return Check("packages", "ok", ", ".join(f"{name} {version}" for name, version in found.items()))


def _wanted() -> list[str]:
    try:
        return metadata.requires("inittui") or []
    except metadata.PackageNotFoundError:  # started from a checkout
        return []


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirement(line: str) -> tuple[str, str]:
    match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:>=\s*([0-9.]+))?", line)
    return (match[1], match[2] or "0") if match else (line, "0")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


@dataclass(frozen=True)
class Gpus:
    """What NVML tells. `gpus` are name, free and total bytes; `error` is why there is none."""

    gpus: tuple[tuple[str, int, int], ...] = ()
    driver: str = ""
    error: str = ""
    library: bool = True  # without the library there is no driver at all


def look_for_gpus() -> Gpus:
    """Ask NVML, which needs neither torch nor CUDA."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Gpus(error=str(error), library=error.value != pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    try:
        found = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            found.append((_text(pynvml.nvmlDeviceGetName(handle)), int(memory.free), int(memory.total)))
        return Gpus(tuple(found), driver=_text(pynvml.nvmlSystemGetDriverVersion()))
    except pynvml.NVMLError as error:
        return Gpus(error=str(error))
    finally:
        pynvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def gpu(system: System, found: Gpus) -> Check:
    """The GPUs that NVML tells of, or why there is none."""
    hidden = system.environment.get("CUDA_VISIBLE_DEVICES")
    choice = "" if hidden is None else f"; CUDA_VISIBLE_DEVICES={hidden}"
    if found.gpus:
        listed = ", ".join(
            f"cuda:{place} {name}, {free / GB:.1f} of {total / GB:.1f} GB free"
            for place, (name, free, total) in enumerate(found.gpus)
        )
        said = f"{listed}; driver {found.driver}{choice}"
        if all(free < GB for _, free, _ in found.gpus):
            return Check(
                "gpu", "note", said, "end what holds its memory (nvidia-smi lists it), or train with --device cpu"
            )
        return Check("gpu", "ok", said)
    if found.error and found.library:
        return Check(
            "gpu", "fault", f"the NVIDIA driver fails: {found.error}{choice}", "nvidia-smi says more; or --device cpu"
        )
    if card := _card(system):
        return Check(
            "gpu",
            "note",
            f"an NVIDIA card is there (PCI {card}) and no driver: training runs on the CPU",
            "install the driver; in a container, start that with its GPUs (docker run --gpus all)",
        )
    return Check("gpu", "ok", f"no NVIDIA GPU: training runs on the CPU{choice}")


def _card(system: System) -> str:
    """The PCI address of an NVIDIA graphics card, driver or not."""
    try:
        cards = sorted((system.root / "sys/bus/pci/devices").iterdir())
    except OSError:
        return ""
    for card in cards:
        folder = f"sys/bus/pci/devices/{card.name}"
        if system.read(f"{folder}/vendor").strip() == "0x10de" and system.read(f"{folder}/class").startswith("0x03"):
            return card.name
    return ""


class TorchProbe:
    """Imports torch in a process of its own, while the other checks go on."""

    def __init__(self) -> None:
        from inittui.common.child_process import child_environment

        self._process = subprocess.Popen(
            [sys.executable, "-c", _TORCH],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
        )

    def close(self) -> None:
        """End it, however far it has come."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def answer(self, seconds: float = TORCH_SECONDS) -> tuple[dict[str, Any] | None, str]:
        """What torch says of itself, or None and why."""
        try:
            out, err = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, f"it was not imported within {seconds:.0f} seconds"
        last = err.decode("utf-8", "replace").strip().splitlines()[-1:]
        try:
            document = json.loads(out.decode("utf-8", "replace").strip().splitlines()[-1])
        except (ValueError, IndexError):
            return None, printable(last[0]) if last else f"it ended with exit code {self._process.returncode}"
        return document if isinstance(document, dict) else None, printable(last[0]) if last else ""


def torch(answer: dict[str, Any] | None, words: str, gpus: Gpus) -> Check:
    """Whether torch can be imported, and uses the GPU that is there. `words` is the last that it printed."""
    if answer is None:
        return Check("torch", "fault", f"can't be imported: {words}", f"{sys.executable} -m pip install torch")
    build = f"built for CUDA {answer['cuda']}" if answer["cuda"] else "built for the CPU alone"
    said = f"{answer['version']}, {build}"
    if answer["devices"]:
        count = len(answer["devices"])
        return Check(
            "torch", "ok", f"{said}, uses {count} GPU{'s' if count != 1 else ''}: {', '.join(answer['devices'])}"
        )
    if gpus.gpus and not answer["cuda"]:
        return Check(
            "torch", "note", f"{said}: the GPU stays unused", "install a CUDA build: pytorch.org names the command"
        )
    if gpus.gpus:
        why = f" ({words})" if words else ""
        return Check(
            "torch",
            "fault",
            f"{said}, can't use the GPU{why}",
            f"a build for driver {gpus.driver} (pytorch.org), or a newer driver; check CUDA_VISIBLE_DEVICES; or --device cpu",
        )
    return Check("torch", "ok", f"{said}, uses the CPU")


def cores(system: System) -> Check:
    """The cores that training may use. On a CPU an arm takes one."""
    usable, quota = system.cores, cgroups.cores(system)
    limit = "" if quota is None else f" (the control group's quota is {quota:g})"
    said = f"{usable} core{'s' if usable != 1 else ''}{limit}"
    return Check("cores", "ok", f"{said}: on a CPU {usable} arm{'s train' if usable != 1 else ' trains'} at a time")


def memory(system: System) -> Check:
    """Memory that is free, within the limit of a control group."""
    total, free = _meminfo(system)
    limit = cgroups.memory(system)
    said = f"{free / GB:.1f} of {total / GB:.1f} GB free"
    if limit is not None and limit[0] < total:
        free = min(free, limit[1])
        said = f"{free / GB:.1f} GB free, of the control group's {limit[0] / GB:.1f} GB (the machine has {total / GB:.1f} GB)"
    mend = "end something else, or raise the limit; --preset digits with --threads 2 needs least"
    if free < TORCH_BYTES:
        return Check("memory", "fault", f"{said}; torch alone takes 0.6 GB", mend)
    if free < ENOUGH_BYTES:
        return Check("memory", "note", f"{said}; two arms on MNIST take about 2 GB", mend)
    return Check("memory", "ok", said)


def _meminfo(system: System) -> tuple[int, int]:
    pairs = dict(re.findall(r"^(\w+):\s+(\d+) kB", system.read("proc/meminfo"), re.MULTILINE))
    if "MemTotal" in pairs and "MemAvailable" in pairs:
        return int(pairs["MemTotal"]) * 1024, int(pairs["MemAvailable"]) * 1024
    import psutil

    memory = psutil.virtual_memory()
    return memory.total, memory.available
