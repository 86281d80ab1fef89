"""Samples the machine: psutil for cores and memory, NVML for GPUs. Runs in the source's thread: NVML can be slow."""

import contextlib
from typing import Any

import psutil

from inittui.board.state import ENDED, Board
from inittui.tui.views.machine import Gpu, Machine


class Sampler:
    """Holds NVML open between samples, where there is one."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._asked = False
        psutil.cpu_percent()  # the first call has nothing to compare with

    def sample(self, board: Board) -> Machine:
        """The machine now; `ours` is what this run's workers hold."""
        memory = psutil.virtual_memory()
        pids = {arm.pid for arm in board.arms if arm.pid is not None and arm.state not in ENDED}
        return Machine(
            cpu=psutil.cpu_percent() / 100,
            cores=psutil.cpu_count() or 1,
            load=psutil.getloadavg()[0],
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            memory_ours=sum(_own_memory(pid) for pid in pids),
            gpu=self._gpu(board, pids),
        )

    def _gpu(self, board: Board, pids: set[int]) -> Gpu | None:
        device = board.device.device if board.device else ""
        if device == "cpu":
            return None
        nvml = self._library()
        if nvml is None:
            return None
        with contextlib.suppress(nvml.NVMLError):
            handle = nvml.nvmlDeviceGetHandleByIndex(int(device.partition(":")[2] or 0))
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            return Gpu(
                utilisation=_maybe(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
                memory_used=memory.used,
                memory_total=memory.total,
                memory_ours=_gpu_memory(nvml, handle, board, pids),
                watts=_maybe(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
                celsius=_maybe(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
            )
        return None

    def _library(self) -> Any:
        if not self._asked:
            self._asked = True
            import pynvml

            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlInit()
                self._nvml = pynvml
        return self._nvml


def _maybe(nvml: Any, ask: Any) -> Any:
    """What the driver says, or None for what it does not tell of this card."""
    try:
        return ask()
    except nvml.NVMLError:
        return None


def _gpu_memory(nvml: Any, handle: Any, board: Board, pids: set[int]) -> int | None:
    """This run's share: by process where the driver tells, else what torch has reserved (in a container pids differ)."""
    processes = _maybe(nvml, lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or []
    ours = sum(process.usedGpuMemory or 0 for process in processes if process.pid in pids)
    return ours or sum(arm.device_bytes for arm in board.arms if arm.state not in ENDED) or None


def _own_memory(pid: int) -> int:
    """Memory that would be free if the process ended: pages shared with the supervisor are not counted again."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(info.rss - getattr(info, "shared", 0))
