"""Running out of memory, in words: how much was asked for, and how much was free."""

import re

from inittui.common.atomic_files import one_line
from inittui.common.formatting import gibibytes

_SIZE = r"(\d+ bytes|[\d.]+ ?[KMGT]?i?B)"
_ASKED = re.compile(rf"tried to allocate {_SIZE}", re.IGNORECASE)
_FREE = re.compile(rf"{_SIZE}(?: is)? free")
_TOTAL = re.compile(rf"{_SIZE} total capacity|total capaci?ty of {_SIZE}")  # torch 2.1 spells it without the i


def explain(error: BaseException) -> str | None:
    """`out of GPU memory: 2.00 GiB asked for, 1.19 GiB free of 79.10 GiB` for an error that says so, else None.

    torch raises OutOfMemoryError for a GPU and a plain RuntimeError for a CPU; both tell the rest in their words alone.
    """
    found = _shortage(error)
    if found is None:
        return None
    words = str(found)
    asked, free, total = _ASKED.search(words), _FREE.search(words), _TOTAL.search(words)
    on_gpu = _on_gpu(found)
    kind = "out of GPU memory" if on_gpu else "out of memory"
    if asked is None:
        return f"{kind}: {one_line(found)}"
    told = f"{kind}: {_readable(asked[1])} asked for"
    if on_gpu:
        told += f", {free[1]} free" if free else ""
        return told + (f" of {total[1] or total[2]}" if total else "")
    import psutil

    memory = psutil.virtual_memory()
    return f"{told}, {gibibytes(memory.available)} free of {gibibytes(memory.total)}"


def is_out(error: BaseException) -> bool:
    """Whether memory ran out, of a GPU or of the machine."""
    return _shortage(error) is not None


def _shortage(error: BaseException | None) -> BaseException | None:
    """The error that says so: this one, or one that it hides. Where memory runs out while a step is captured, the end of the
    capture fails too."""
    while error is not None:
        if _on_gpu(error) or isinstance(error, MemoryError) or _ASKED.search(str(error)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _on_gpu(error: BaseException) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "CUDA out of memory" in str(error)


def _readable(size: str) -> str:
    return gibibytes(int(size.split()[0])) if size.endswith("bytes") else size
