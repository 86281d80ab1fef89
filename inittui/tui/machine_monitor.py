"""Samples the load of the machine: cores and memory through psutil, a GPU through NVML.

NVML can be slow, so samples are taken in the thread that polls the board.
"""

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import psutil

from inittui.board.state import Board
from inittui.record.events import ENDED
from inittui.tui.views.machine import Gpu, Machine

T = TypeVar("T")


def begin() -> None:
    """Begin the interval over which the first sample's load is measured. Call both in the same thread."""
    psutil.cpu_percent()


def sample(board: Board) -> Machine:
    """The load now. `memory_ours` is the memory of this run's workers."""
    memory = psutil.virtual_memory()
    pids = {arm.pid for arm in board.arms if arm.pid is not None and arm.state not in ENDED}
    return Machine(
        cpu=psutil.cpu_percent() / 100,
        cores=psutil.cpu_count() or 1,
        load=psutil.getloadavg()[0],
        memory_used=memory.total - memory.available,
        memory_total=memory.total,
        memory_ours=sum(map(_own_memory, pids)),
        gpu=_gpu(board, pids),
    )


def _gpu(board: Board, pids: set[int]) -> Gpu | None:
    """The GPU that the run trains on; None on a CPU, or without NVML."""
    device = board.device.device if board.device else ""
    nvml = None if device == "cpu" else _nvml()
    if nvml is None:
        return None
    with contextlib.suppress(nvml.NVMLError):
        handle = nvml.nvmlDeviceGetHandleByIndex(int(device.partition(":")[2] or 0))
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        return Gpu(
            utilisation=_if_reported(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
            memory_used=memory.used,
            memory_total=memory.total,
            memory_ours=_gpu_memory(nvml, handle, board, pids),
            watts=_if_reported(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
            celsius=_if_reported(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
        )
    return None


@cache
def _nvml() -> Any:
    """The module pynvml, initialised; None without a driver."""
    import pynvml

    with contextlib.suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        return pynvml
    return None


def _if_reported(nvml: Any, query: Callable[[], T]) -> T | None:
    """The result of `query`, or None if the driver does not report this value for this card."""
    try:
        return query()
    except nvml.NVMLError:
        return None


def _gpu_memory(nvml: Any, handle: Any, board: Board, pids: set[int]) -> int | None:
    """The bytes of this run: by process if the driver reports them, else what torch has reserved. In a container process ids
    differ from the driver's."""
    processes = _if_reported(nvml, lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or []
    by_process = sum(process.usedGpuMemory or 0 for process in processes if process.pid in pids)
    return by_process or sum(arm.device_bytes for arm in board.arms if arm.state not in ENDED) or None


def _own_memory(pid: int) -> int:
    """The bytes that would be free if the process ended: its resident memory without the pages it shares."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(info.rss - getattr(info, "shared", 0))
