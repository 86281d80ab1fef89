"""Imports and calls a user's own functions. No other module imports a user's code."""

import hashlib
import importlib
import importlib.util
import inspect
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import torch

from inittui.common.errors import InittuiError
from inittui.common.user_code_refs import Kind, UserFunction

Function = Callable[..., Any]


@lru_cache
def load(own: UserFunction, kind: Kind) -> Function:
    """The function that `own` names. Its file or module is imported once per process.

    Raises the kind's error when the function does not exist or takes other arguments.
    """
    if own.file and not own.file.is_file():
        raise fault(own, kind, "there is no such file")
    try:
        with repeatable(0):  # the import may draw random numbers
            module = _import_file(own.file) if own.file else importlib.import_module(own.where)
    except (Exception, SystemExit) as error:
        raise fault(own, kind, f"importing it raised {error_text(error)}") from error
    function: Function | None = getattr(module, own.function, None)
    if function is None or not callable(function):
        has = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        raise fault(own, kind, f"it has no such function; it has {', '.join(has[:8]) or 'none at all'}")
    positional, _, keywords = kind.signature.strip("()").partition("*")
    try:
        inspect.signature(function).bind(*_parameters(positional), **dict.fromkeys(_parameters(keywords)))
    except TypeError:
        raise fault(own, kind, f"it takes {inspect.signature(function)}; expected {kind.signature}") from None
    except ValueError:  # a function written in C has no signature
        pass
    return function


def call(own: UserFunction, kind: Kind, *positional: object, where: str = "", **keywords: object) -> Any:
    """What the function returns. Raises the kind's error when it raises; `where` says for which layer it was called."""
    function = load(own, kind)
    try:
        return function(*positional, **keywords)
    except (Exception, SystemExit) as error:
        raise fault(own, kind, f"{where}it raised {error_text(error)}") from error


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Inside, the global random streams of Python, NumPy and torch start from `seed`. Afterwards they continue as before."""
    state, array_state = random.getstate(), numpy.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            random.seed(seed)
            numpy.random.seed(seed % 2**32)
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(state)
            numpy.random.set_state(array_state)


def fault(own: UserFunction, kind: Kind, words: str) -> InittuiError:
    """The error that says what is wrong with a user's function."""
    return kind.error(f"{kind.noun} '{own}': {words}")


def error_text(error: BaseException) -> str:
    """Type and message of `error`, on one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ").strip(" :")[:300]


def _parameters(words: str) -> list[str]:
    return [name.strip() for name in words.split(",") if name.strip()]


@lru_cache
def _import_file(path: Path) -> ModuleType:
    """The module in a file, imported once however many functions are taken from it. It can import the files in its folder;
    installed packages come first."""
    path = path.absolute()
    name = f"inittui_own_{hashlib.sha256(bytes(path)).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module there
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
