"""Packages, torch, GPUs, cores, memory."""

from collections.abc import Callable
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from inittui.doctor import cgroups, machine
from tests.unit.doctor.conftest import MakeSystem

NO_GPU = machine.Gpus(error="NVML Shared Library Not Found", library=False)
ONE_GPU = machine.Gpus((("NVIDIA H100", 70_000_000_000, 80_000_000_000),), driver="550.54")


def test_packages_that_are_missing_or_too_old_are_faults_with_the_command_that_mends_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = {"textual": "6.0", "rich": "15.0.0", "numpy": "2.4.6+cpu"}

    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    wanted = ["textual>=6.0", "rich>=13.7", "numpy>=1.24", "pytest>=8; extra == 'test'"]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(metadata, "version", version)
    good = machine.packages()
    assert (good.state, good.finding) == ("ok", "textual 6.0, rich 15.0.0, numpy 2.4.6+cpu")
    installed = {"textual": "5.9.9", "numpy": "1.24"}
    bad = machine.packages()
    assert bad.state == "fault"
    assert bad.finding == "textual 5.9.9, needs 6.0 or newer; rich is missing, needs 13.7 or newer"
    assert bad.fix.endswith("-m pip install 'textual>=6.0' 'rich>=13.7'")


def test_here_everything_is_installed() -> None:
    check = machine.packages()
    assert check.state == "ok"
    assert "textual " in check.finding
    assert "pytest" not in check.finding


@pytest.mark.parametrize(
    ("answer", "gpus", "state", "words"),
    [
        (None, NO_GPU, "fault", "can't be imported: No module named torch"),
        ({"version": "2", "cuda": None, "devices": []}, NO_GPU, "ok", "uses the CPU"),
        ({"version": "2", "cuda": "13.0", "devices": []}, NO_GPU, "ok", "built for CUDA 13.0, uses the CPU"),
        ({"version": "2", "cuda": "13.0", "devices": ["NVIDIA H100"]}, ONE_GPU, "ok", "uses 1 GPU: NVIDIA H100"),
        ({"version": "2", "cuda": None, "devices": []}, ONE_GPU, "note", "the GPU is not used"),
        (
            {"version": "2", "cuda": "13.0", "devices": []},
            ONE_GPU,
            "fault",
            "can't use the GPU (No module named torch)",
        ),
    ],
)
def test_torch_and_the_gpu_are_seen_together(
    answer: dict[str, Any] | None, gpus: machine.Gpus, state: str, words: str
) -> None:
    check = machine.torch(answer, "No module named torch", gpus)
    assert check.state == state
    assert words in check.finding
    assert (check.state == "ok") == (check.fix == "")


@pytest.mark.slow
def test_torch_answers_from_a_process_of_its_own() -> None:
    answer, _ = machine.import_torch()
    assert answer is not None
    assert set(answer) == {"version", "cuda", "devices"}


def test_a_torch_that_does_not_answer_is_told() -> None:
    answer, words = machine.import_torch(0.0)
    assert answer is None
    assert "not imported within" in words


def test_gpus_are_listed_with_their_memory(system: MakeSystem) -> None:
    check = machine.gpu(system(), ONE_GPU)
    assert (check.state, check.finding) == ("ok", "cuda:0 NVIDIA H100, 70.0 of 80.0 GB free; driver 550.54")
    full = machine.gpu(system(environment={"CUDA_VISIBLE_DEVICES": "1"}), machine.Gpus((("X", 1, 80_000_000_000),)))
    assert full.state == "note"
    assert "CUDA_VISIBLE_DEVICES=1" in full.finding


def test_a_driver_that_fails_is_a_fault_and_a_card_without_one_a_note(system: MakeSystem) -> None:
    assert machine.gpu(system(), NO_GPU).state == "ok"
    failing = machine.gpu(system(), machine.Gpus(error="Driver/library version mismatch"))
    assert failing.state == "fault"
    assert "Driver/library version mismatch" in failing.finding
    card = "sys/bus/pci/devices/0000:01:00.0"
    sound = {
        "sys/bus/pci/devices/0000:00:01.0/vendor": "0x10de\n",
        "sys/bus/pci/devices/0000:00:01.0/class": "0x040300\n",
    }
    assert machine.gpu(system(sound), NO_GPU).state == "ok", "its sound device is none"
    check = machine.gpu(system({f"{card}/vendor": "0x10de\n", f"{card}/class": "0x030200\n"}), NO_GPU)
    assert check.state == "note"
    assert "0000:01:00.0" in check.finding


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "8 cores: on a CPU 8 arms train at a time"),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, "8 cores: on"),
        (
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"},
            "quota is 1.5): on",
        ),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "max",
            },
            "quota is 2): on",
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/x\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            },
            "quota is 3): on",
        ),
        ({"proc/self/cgroup": "rubbish\n\n1:\n", "sys/fs/cgroup/cpu.max": "\x00"}, "8 cores: on"),
    ],
)
def test_cores_are_shown_with_the_quota(
    system: MakeSystem, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], words: str
) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    assert words in machine.cores(system(files)).finding


@pytest.fixture
def available(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets this many of 16 GB be available."""

    def of(gigabytes: float) -> None:
        free = SimpleNamespace(total=16_000_000_000, available=int(gigabytes * 1e9))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)

    return of


def test_memory_is_what_is_free_within_the_limit(system: MakeSystem, available: Callable[[float], None]) -> None:
    available(8.2)
    check = machine.memory(system())
    assert (check.state, check.finding) == ("ok", "8.2 of 16.0 GB free")
    available(1.5)
    assert machine.memory(system()).state == "note"
    available(0.5)
    check = machine.memory(system())
    assert check.state == "fault"
    assert check.fix


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/job/memory.max": "2000000000\n",
            "sys/fs/cgroup/job/memory.current": "1900000000\n",
            "sys/fs/cgroup/job/memory.stat": "anon 1\ninactive_file 400000000\n",
        },
        {
            "proc/self/cgroup": "7:memory:/job\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2000000000\n",
            "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "1900000000\n",
            "sys/fs/cgroup/memory/job/memory.stat": "total_inactive_file 400000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        },
    ],
)
def test_a_control_groups_limit_counts_and_its_cache_does_not(
    system: MakeSystem, available: Callable[[float], None], files: dict[str, str]
) -> None:
    available(8.0)
    check = machine.memory(system(files))
    assert check.state == "fault"
    assert "0.5 GB free, of the control group's 2.0 GB" in check.finding
    assert cgroups.memory(system({"proc/self/cgroup": ""})) is None
