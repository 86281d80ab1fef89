"""References to a user's own code: a function in a file (`./my_scheme.py:my_init`) or in a module (`package.module:my_init`).

Nothing here imports that code; only the engine does, to train.
"""

import contextlib
import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from inittui.common.atomic_files import reason
from inittui.common.errors import InittuiError, SchemeError, UserCodeError


@dataclass(frozen=True)
class Kind:
    """What a reference is for: its name in messages, the signature of its function, the forms of a reference."""

    noun: str
    signature: str
    forms: str
    error: type[InittuiError] = UserCodeError


SCHEME = Kind(
    "own scheme",
    "(weight, bias, *, name, fan_in, fan_out, generator)",
    "./my_scheme.py:my_init or package.module:my_init",
    SchemeError,
)
NETWORK = Kind("own network", "(*, inputs, classes)", "./my_network.py:build or package.module:build")
DATA = Kind("own data", "()", "./my_data.py:load or package.module:load")
# A file with data instead of a function: its arrays, and their names in a function's result. `classes` may be left out.
DATA_FILE = ".npz"
ARRAYS = ("train_inputs", "train_labels", "test_inputs", "test_labels", "classes")

# Modules that runs recorded by version 0.1 name, and where their functions are now.
MOVED = {"inittui.engine.examples": "inittui.engine.networks.example_cnn"}

_PATH = re.compile(r"(\./|\.\./|/|~).*|[^()]*\.py(:.*)?", re.DOTALL)


@dataclass(frozen=True)
class UserFunction:
    """A function, and the file or module that contains it; or a file of arrays, without a function."""

    where: str
    function: str

    def __str__(self) -> str:
        return f"{self.where}:{self.function}" if self.function else self.where

    @property
    def file(self) -> Path | None:
        """The file; None for a module."""
        return Path(self.where) if self.where.endswith((".py", DATA_FILE)) else None

    @property
    def short(self) -> str:
        """The name of the file or the module, for titles."""
        return self.file.name if self.file else self.where


def named(text: str, kind: Kind | None = None) -> UserFunction | None:
    """The function that `text` names, or None if it names none. Data may be a file of arrays."""
    if kind is DATA and text.endswith(DATA_FILE) and text.isprintable():
        return UserFunction(text, "")
    where, _, function = text.rpartition(":")
    where = MOVED.get(where, where)
    if not text.isprintable() or not function.isidentifier() or keyword.iskeyword(function):
        return None
    is_file = where.endswith(".py") and where.rpartition("/")[2] != ".py"
    return UserFunction(where, function) if is_file or all(part.isidentifier() for part in where.split(".")) else None


def reference(text: str, kind: Kind) -> UserFunction | None:
    """As `named`, but raises the kind's error if `text` can only be a reference and is not a valid one."""
    function = named(text, kind)
    if function is None and _PATH.fullmatch(text):
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise kind.error(f"{kind.noun} '{shown}' names no function in a Python file: expected {kind.forms}")
    return function


def absolute(own: UserFunction, folder: Path, kind: Kind) -> UserFunction:
    """`own` with an absolute path; a relative path is relative to `folder`."""
    if own.file is None:
        return own
    try:
        file = own.file.expanduser()
    except RuntimeError as error:  # an unknown user
        raise kind.error(f"{kind.noun} '{own}': its path can't be used: {error}; expected {kind.forms}") from None
    return UserFunction(str((folder / file).absolute()), own.function)


def check(own: UserFunction, kind: Kind) -> None:
    """Raises the kind's error if the file or the package does not exist. The function itself is checked on its import."""
    if own.file is not None:
        try:
            if own.file.is_file():
                return
            fault = "it is a folder" if own.file.is_dir() else "there is no such file"
        except OSError as error:  # a name that is too long, a folder that can't be read
            fault = f"it can't be read ({reason(error)})"
        expected = f"a Python file that has a function {own.function}{kind.signature}" if own.function else "a file"
        raise kind.error(f"{kind.noun} '{own}': {fault}; expected {expected}")
    package = own.where.partition(".")[0]
    with contextlib.suppress(ImportError, ValueError):
        if package in sys.modules or find_spec(package) is not None:
            return
    raise kind.error(
        f"{kind.noun} '{own}': Python finds no '{package}'; install it, start inittui with PYTHONPATH set to the folder "
        f"that holds it, or name a file, as in {kind.forms.partition(' or ')[0]}"
    )
