"""Recognises errors of torch, CUDA and NumPy that mean out of memory, and says how much was requested and free.

No class is common to them, so their messages are matched, here and nowhere else.
"""

import re

from inittui.common.atomic_files import one_line
from inittui.common.errors import message_of
from inittui.common.formatting import gibibytes

_SIZE = r"(\d+ bytes|[\d.]+ ?[KMGT]?i?B)"
_REQUESTED = re.compile(rf"tried to allocate {_SIZE}", re.IGNORECASE)
_OF_GPU = re.compile(rf"total capaci?ty of {_SIZE} of which {_SIZE} is free")  # torch 2.1 spells it without the i


def explain(error: BaseException) -> str | None:
    """`out of GPU memory: 2.00 GiB requested, 1.19 GiB free of 79.10 GiB`, or None for an error of another kind.

    torch raises OutOfMemoryError for a GPU and a plain RuntimeError for a CPU. The sizes are in their messages only.
    """
    shortage = _shortage(error)
    if shortage is None:
        return None
    on_gpu, requested = _on_gpu(shortage), _REQUESTED.search(str(shortage))
    kind = "out of GPU memory" if on_gpu else "out of memory"
    if requested is None:
        return f"{kind}: {one_line(shortage)}"
    size = requested[1]
    line = f"{kind}: {gibibytes(int(size.split()[0])) if size.endswith('bytes') else size} requested"
    if on_gpu:
        gpu = _OF_GPU.search(str(shortage))
        return f"{line}, {gpu[2]} free of {gpu[1]}" if gpu else line
    import psutil

    memory = psutil.virtual_memory()
    return f"{line}, {gibibytes(memory.available)} free of {gibibytes(memory.total)}"


def _shortage(error: BaseException | None) -> BaseException | None:
    """The out-of-memory error: `error` itself, or one that it was raised from. When memory runs out while a CUDA graph is
    captured, ending the capture raises another error."""
    while error is not None:
        if _on_gpu(error) or isinstance(error, MemoryError) or _REQUESTED.search(message_of(error)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _on_gpu(error: BaseException) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "CUDA out of memory" in message_of(error)
