"""Imports a person's own code, here and nowhere else: what a reference names, once in a process."""

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
def load(found: UserFunction, kind: Kind) -> Function:
    """The function, its file or module imported. Raises the kind's error: it is not there, or takes something else."""
    if found.file and not found.file.is_file():
        raise fault(found, kind, "there is no such file")
    try:
        with repeatable(0):  # what it draws while it is imported
            module = _file(found.file) if found.file else importlib.import_module(found.where)
    except (Exception, SystemExit) as error:
        raise fault(found, kind, f"importing it raised {named(error)}") from error
    function: Function | None = getattr(module, found.function, None)
    if function is None or not callable(function):
        has = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        raise fault(found, kind, f"it has no such function; it has {', '.join(has[:8]) or 'none at all'}")
    positional, _, keywords = kind.signature.strip("()").partition("*")
    try:
        inspect.signature(function).bind(*_names(positional), **dict.fromkeys(_names(keywords)))
    except TypeError:
        raise fault(found, kind, f"it takes {inspect.signature(function)}; expected {kind.signature}") from None
    except ValueError:  # written in C: what it takes only calling it can tell
        pass
    return function


def call(found: UserFunction, kind: Kind, *positional: object, where: str = "", **keywords: object) -> Any:
    """Call the function. Raises the kind's error where it raises, naming it; `where` says at what."""
    function = load(found, kind)
    try:
        return function(*positional, **keywords)
    except (Exception, SystemExit) as error:
        raise fault(found, kind, f"{where}it raised {named(error)}") from error


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Whatever is drawn from the global streams in here follows from `seed`, and nobody else's draws do."""
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


def fault(found: UserFunction, kind: Kind, words: str) -> InittuiError:
    return kind.error(f"{kind.noun} '{found}': {words}")


def named(error: BaseException) -> str:
    """The error with its type, on one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ").strip(" :")[:300]


def _names(words: str) -> list[str]:
    return [name.strip() for name in words.split(",") if name.strip()]


@lru_cache
def _file(path: Path) -> ModuleType:
    """The file as a module of its own, once whatever functions are asked of it. It finds what lies beside it, after
    everything that is installed."""
    path = path.absolute()
    name = f"inittui_own_{hashlib.sha256(bytes(path)).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there for the module that they are in
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
