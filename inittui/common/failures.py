"""Describes how Python code failed: the type, the message, the file and the function. Reads exceptions and crash dumps.

Nothing here raises, whatever a user's exception does.
"""

import os
import re
import traceback
from functools import cache
from pathlib import Path

from inittui.common.atomic_files import one_line
from inittui.common.errors import printable

MOST_CHARACTERS = 8000  # of a traceback or of a process's output
Frame = tuple[str, int, str]  # file, line, function

_DUMP = re.compile(r"^Fatal Python error: ", re.MULTILINE)  # as faulthandler begins
_CURRENT = re.compile(r"^Current thread .*\n", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)


def describe(error: BaseException) -> str:
    """`ValueError: no such word (mine.py:12, in forward)`, on one line."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # Python's replacement of one that reaches a generator
    frames = [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in traceback.walk_tb(error.__traceback__)]
    name, words = type(error).__name__, one_line(error)
    return printable(f"{name if words == name else f'{name}: {words}'}{_place(frames[::-1])}")


def stack(error: BaseException) -> str:
    """The traceback of `error`, without its middle if it is long."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException as failure:  # of any kind: the error's own attributes may raise
        text = f"{describe(error)}\n(its traceback can't be read: {type(failure).__name__})"
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]}\n...\n{text[-half:]}"


def crash(output: str) -> tuple[str, str]:
    """From the output of a process that a signal ended: ` (mine.py:12, in forward)`, empty if there is no dump of the stack;
    and the dump, or else the end of the output."""
    dumps = list(_DUMP.finditer(output))
    if not dumps:
        return "", output[-MOST_CHARACTERS:]
    dump = output[dumps[-1].start() :]
    current = _CURRENT.search(dump)
    thread = dump[current.end() :].partition("\n\n")[0] if current else ""
    frames = [(file, int(line), function) for file, line, function in _FRAME.findall(thread)]
    return printable(_place(frames)), dump[:MOST_CHARACTERS]


def _place(frames: list[Frame]) -> str:
    """The innermost frame outside of libraries and of this package; else the innermost. `frames` has the innermost first."""
    own = [frame for frame in frames if not frame[0].startswith(_libraries())]
    return "".join(f" ({Path(file).name}:{line}, in {function})" for file, line, function in (own or frames)[:1])


@cache
def _libraries() -> tuple[str, ...]:
    """How the files of libraries begin."""
    import sysconfig  # when something fails, and not in each command

    folders = [*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), Path(__file__).parents[1]]
    return ("<", *(f"{folder}{os.sep}" for folder in folders))
