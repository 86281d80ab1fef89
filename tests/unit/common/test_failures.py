"""How a failure is described: always the type, the file and the function, whatever the exception does."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from inittui.common import failures
from inittui.common.atomic_files import one_line
from inittui.common.checksums import encode_json, seal_json, unseal_json
from inittui.common.child_process import child_environment
from inittui.engine import out_of_memory
from inittui.record import event_lines, events

MINE = """
class Silent(Exception):
    def __str__(self):
        raise KeyboardInterrupt

class Odd(Exception):
    def __str__(self):
        return 3

class NoNotes(Exception):
    @property
    def __notes__(self):
        raise OSError

def half(): raise RuntimeError("\\udcff is half a pair")
def silent(): raise Silent
def odd(): raise Odd
def notes(): raise NoNotes("noted")
def interrupt(): raise KeyboardInterrupt
def leave(): raise GeneratorExit
def stop(): raise StopIteration
def long(): raise ValueError("x" * 10**7)
def lines(): raise ValueError("first\\x1b[5;5H\\nsecond")
def deep(): return json.loads('"')

import json
"""
SAID = {
    "half": "RuntimeError: ? is half a pair (mine.py:15, in half)",
    "silent": "Silent: (its message can't be read: KeyboardInterrupt) (mine.py:16, in silent)",
    "odd": "Odd: (its message can't be read: TypeError) (mine.py:17, in odd)",
    "notes": "NoNotes: noted (mine.py:18, in notes)",
    "interrupt": "KeyboardInterrupt (mine.py:19, in interrupt)",
    "leave": "GeneratorExit (mine.py:20, in leave)",
    "stop": "StopIteration (mine.py:21, in stop)",
    "long": f"ValueError: {'x' * 500}... (mine.py:22, in long)",
    "lines": "ValueError: first?[5;5H (mine.py:23, in lines)",
    "deep": "JSONDecodeError: Unterminated string starting at: line 1 column 1 (char 0) (mine.py:24, in deep)",
}


@pytest.fixture
def mine(tmp_path: Path) -> ModuleType:
    module = ModuleType("mine")
    exec(compile(MINE, tmp_path / "mine.py", "exec"), vars(module))
    return module


def raised(function: Callable[[], object]) -> BaseException:
    """As training is: from inside a generator."""

    def train() -> Iterator[object]:
        yield function()

    try:
        next(train())
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("name", SAID)
def test_a_failure_has_its_type_its_file_and_its_function(mine: ModuleType, name: str) -> None:
    error = raised(getattr(mine, name))
    assert failures.describe(error) == SAID[name]
    assert out_of_memory.explain(error) is None
    assert one_line(error).isprintable()
    stack = failures.stack(error)
    assert type(error).__name__ in stack
    assert len(stack) < 10_000
    line = event_lines.encode(events.Failed(kind="exception", reason=failures.describe(error), detail=stack))
    assert getattr(event_lines.decode(line), "reason", "") == SAID[name]


def test_a_failure_inside_a_library_names_the_function_that_called_it() -> None:
    error = raised(lambda: msgspec.json.decode(b"{"))
    assert failures.describe(error).endswith(", in <lambda>)")


def test_half_of_a_pair_in_any_text_of_a_record_is_written_as_a_question_mark() -> None:
    event = events.DataReady(name="a", title="\udcff", train=1, test=1, rows=1, columns=1, classes=("b\ud800", "c"))
    read = event_lines.decode(event_lines.encode(event))
    assert isinstance(read, events.DataReady)
    assert (read.title, read.classes) == ("?", ("b?", "c"))
    assert encode_json({"\udcff": ["é\udcff", 1]}) == '{"?":["é?",1]}'.encode()
    assert unseal_json(seal_json({"a": "\udcff"}, compact=True)) == b'{"a":"?"}'


CRASHES = {
    "string_at": "(mine.py:5, in forward)",  # in a function of the standard library
    "abort": "(mine.py:8, in abort)",
}


@pytest.mark.parametrize("function", CRASHES)
def test_a_crash_names_the_file_and_the_function_from_its_dump(tmp_path: Path, function: str) -> None:
    (tmp_path / "mine.py").write_text(
        "import ctypes, os, sys\n"
        "print('what it printed before')\n"
        "\n"
        "def forward():\n"
        "    ctypes.string_at(0)\n"
        "\n"
        "def abort():\n"
        "    os.abort()\n"
        "\n"
        "forward() if sys.argv[1] == 'string_at' else abort()\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "mine.py", function],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
        text=True,
    )
    place, dump = failures.crash(done.stdout)
    assert done.returncode < 0
    assert place.strip() == CRASHES[function]
    assert dump.startswith("Fatal Python error: ")


def test_output_without_a_dump_is_given_as_it_ends() -> None:
    assert failures.crash("") == ("", "")
    assert failures.crash("killed\n") == ("", "killed\n")
    assert failures.crash("Fatal Python error: Aborted\n") == ("", "Fatal Python error: Aborted\n")
    place, end = failures.crash("x" * 10**6 + "end")
    assert place == ""
    assert end.endswith("xend")
    assert len(end) < 10_000
