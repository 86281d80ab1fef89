import re
from types import SimpleNamespace

import psutil
import pytest
import torch

from inittui.engine.out_of_memory import explain

# Word for word what these versions of torch say, and what becomes of it.
ON_GPU = {
    "2.9": (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.19 GiB is free. "
        "Including non-PyTorch memory, this process has 77.90 GiB memory in use. Of the allocated memory 75.25 GiB is "
        "allocated by PyTorch, and 2.13 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is "
        "large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for "
        "Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)",
        "out of GPU memory: 2.00 GiB requested, 1.19 GiB free of 79.10 GiB",
    ),
    "2.1": (
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacty of 15.77 GiB of which 8.12 MiB is free. "
        "Process 1234 has 15.76 GiB memory in use. Of the allocated memory 14.50 GiB is allocated by PyTorch",
        "out of GPU memory: 20.00 MiB requested, 8.12 MiB free of 15.77 GiB",
    ),
    "2.1, full": (
        "CUDA out of memory. Tried to allocate 1.70 GiB. GPU 0 has a total capacty of 6.00 GiB of which 0 bytes is free. Of "
        "the allocated memory 2.93 GiB is allocated by PyTorch, and 2.30 GiB is reserved by PyTorch but unallocated.",
        "out of GPU memory: 1.70 GiB requested, 0 bytes free of 6.00 GiB",
    ),
    "no figures": ("CUDA out of memory.\nmore", "out of GPU memory: CUDA out of memory."),
    "an allocator of another kind": (
        "Allocation on device 0 would exceed allowed memory. (out of memory)\nCurrently allocated: 1.00 GiB",
        "out of GPU memory: Allocation on device 0 would exceed allowed memory. (out of memory)",
    ),
}
ON_CPU = {
    "2.x": "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4398046511104 bytes. Error code 12 (Cannot allocate memory)",
    "Windows and macOS": "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to "
    "allocate 4398046511104 bytes.",
}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """1.5 GiB free of 8."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3 << 29, total=8 << 30))


@pytest.mark.parametrize("version", ON_GPU)
def test_a_gpu_that_is_full_is_told_with_its_figures(version: str) -> None:
    words, expected = ON_GPU[version]
    assert explain(torch.cuda.OutOfMemoryError(words)) == expected


@pytest.mark.parametrize("version", ["2.9", "2.1", "no figures"])
def test_a_full_gpu_is_known_by_its_words_as_well(version: str) -> None:
    words, expected = ON_GPU[version]
    assert explain(RuntimeError(words)) == expected


@pytest.mark.parametrize("version", ON_CPU)
def test_a_machine_that_is_full_is_told_with_its_figures(version: str) -> None:
    expected = "out of memory: 4096.00 GiB requested, 1.50 GiB free of 8.00 GiB"
    assert explain(RuntimeError(ON_CPU[version])) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "out of memory: MemoryError"),
        (MemoryError("no room\nat all"), "out of memory: no room"),
        (
            MemoryError("Unable to allocate 7.28 TiB for an array with shape (1000000, 1000000) and data type float64"),
            "out of memory: Unable to allocate 7.28 TiB for an array with shape (1000000, 1000000) and data type float64",
        ),
    ],
    ids=["bare", "with words", "numpy"],
)
def test_an_error_that_is_about_memory_by_its_kind_is_told_in_its_own_words(error: MemoryError, expected: str) -> None:
    assert explain(error) == expected


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
        RuntimeError(""),
        RuntimeError("CUDA error: device-side assert triggered"),
        RuntimeError("1.00 GiB free, 2.00 GiB total capacity"),
        ValueError("tried to allocate a seat"),
        OSError(28, "No space left on device"),
        KeyError("memory"),
    ],
    ids=repr,
)
def test_another_error_is_not_about_memory(error: Exception) -> None:
    assert explain(error) is None


def test_what_this_very_torch_says_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    expected = explain(caught.value)
    assert expected is not None
    assert re.fullmatch(r"out of memory: \d+\.\d\d GiB requested, 1\.50 GiB free of 8\.00 GiB", expected)


@pytest.mark.parametrize("words", ["CUDA out of memory. \x1b[2JTried", "\x1b[31m CUDA out of memory"])
def test_what_is_told_can_be_printed(words: str) -> None:
    assert (explain(RuntimeError(words)) or "").isprintable()
