"""What Python people pass as settings, in the form of a preset: plain numbers, texts, lists and tables.

A run is described by a file and its workers are other processes, so a function becomes a reference to its file.
"""

import os
import struct
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from inittui.common.atomic_files import one_line
from inittui.common.errors import UsageError
from inittui.schemes.catalogue import SCHEMES

SHORT_FLOATS = {"float32": "f", "float16": "e", "bfloat16": "f"}  # and how `struct` packs them


def plain(value: Any, where: str) -> Any:
    """`value` as TOML has it: numbers, arrays, columns and tensors of any library as numbers and lists, functions as
    references. Anything else is returned as it is. Raises UsageError, which names the argument `where`."""
    try:
        return _plain(value, where)
    except UsageError:
        raise
    except Exception as error:  # of any kind: each library has its own
        words = f"it can't be read ({one_line(error)}); expected numbers, texts, lists or tables"
        raise UsageError(f"{where}: a {type(value).__name__}: {words}") from None


def text(value: Any, where: str) -> str:
    """`value` as it is typed on the command line: `3` for 3.0, `cuda:1` for a device of torch."""
    known = plain(value, where)
    if isinstance(known, float) and known.is_integer():
        known = int(known)
    try:
        return str(known)
    except Exception:  # a number of more than 4,300 digits, or any object
        return "a huge number" if isinstance(known, int) else f"a {type(known).__name__}"


def table(value: Any, where: str) -> dict[str, Any]:
    """`value`, which must be a table of keys with their values."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {shown(value)}: expected a table, as in {{'training.epochs': 3}}")
    known: dict[str, Any] = plain(value, where)
    return known


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, f"{where}.{key}") for key, inner in value.items()}
    if callable(value):
        return _reference(value, where)
    if hasattr(value, "to_numpy"):  # a table of pandas is iterated by its columns' names
        value = value.to_numpy()
    if hasattr(value, "tolist"):
        inner = _plain(value.tolist(), where)
        short = SHORT_FLOATS.get(str(getattr(value, "dtype", "")).rpartition(".")[2])
        return _shortest(inner, short) if short else inner
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        return float(value)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return [_plain(inner, where) for inner in value]
    return value


def _shortest(value: Any, form: str) -> Any:
    """The decimal number that was typed: float32(0.001) is 0.0010000000474974513."""
    if isinstance(value, list):
        return [_shortest(inner, form) for inner in value]
    if not isinstance(value, float):
        return value
    candidates = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((number for number in candidates if _packed(number, form) == _packed(value, form)), value)


def _packed(value: float, form: str) -> bytes:
    try:
        return struct.pack(form, value)
    except OverflowError:
        return b""


def _reference(value: Any, where: str) -> str:
    """The file or module of a function or class, and its name, as the command line takes it."""
    name, module = getattr(value, "__qualname__", ""), sys.modules.get(getattr(value, "__module__", None) or "")
    if module is not None and module.__name__ == "torch.nn.init":
        same = next((scheme.name for scheme in SCHEMES.values() if f"nn.init.{name}" in scheme.torch), "he_normal")
        raise UsageError(f"{where}: torch.nn.init.{name}: expected a scheme's name, as in '{same}'")
    if hasattr(value, "forward") and not isinstance(value, type):
        raise UsageError(
            f"{where}: a network of class {type(value).__name__}: expected a function or class in a Python file that builds "
            "it, since each seed trains its own"
        )
    if module is None or not name.isidentifier() or getattr(module, name, None) is not value:
        raise _no_file(value, where)
    if module.__package__ and module.__spec__ is not None:
        return f"{module.__spec__.name}:{name}"
    file = os.path.abspath(getattr(module, "__file__", None) or "")  # noqa: PTH100 - Path("") is a folder
    if not file.endswith(".py") or not Path(file).is_file():
        raise _no_file(value, where)
    return f"{file}:{name}"


def _no_file(value: object, where: str) -> UsageError:
    return UsageError(
        f"{where}: {shown(value)}: expected a scheme such as 'he_normal', or a function that is defined by name in a Python "
        "file, where the processes that train find it; in a notebook write it to one (%%writefile mine.py), then import mine"
    )


def shown(value: object) -> str:
    try:
        return repr(value)[:80]
    except Exception:  # of any kind: the __repr__ is the object's own
        return f"a {type(value).__name__}"
