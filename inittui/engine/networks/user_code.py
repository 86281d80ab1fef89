"""Imports and calls a user's own functions. No other module imports a user's code."""

import importlib
import inspect
import random
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import torch

from inittui.common.errors import InittuiError, message_of
from inittui.common.user_code_refs import Kind, UserFunction, reference
from inittui.engine.networks.process_settings import restored
from inittui.engine.networks.user_modules import import_file

Function = Callable[..., Any]


@dataclass(frozen=True)
class UserCode:
    """A user's function, and what it is for. Its file or module is imported once per process, at the first call."""

    function: UserFunction
    kind: Kind

    @classmethod
    def of(cls, text: str, kind: Kind) -> "UserCode":
        """The function that `text` names."""
        function = reference(text, kind)
        assert function is not None
        return cls(function, kind)

    def call(self, *positional: object, where: str = "", **keywords: object) -> Any:
        """What the function returns. `where` says for which layer it is called.

        Raises the kind's error when the function does not exist, takes other arguments, or raises. Process-wide settings that
        it changes are restored.
        """
        function = _load(self)
        try:
            with restored():
                return function(*positional, **keywords)
        except BaseException as error:  # of any kind: own code may raise SystemExit
            _raise_again_if_ours(error)
            raise self.fault(f"{where}it raised {error_text(error)}") from error

    def fault(self, words: str) -> InittuiError:
        """The error that says what is wrong with the function."""
        return self.kind.error(f"{self.kind.noun} '{self.function}': {words}")


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


def error_text(error: BaseException) -> str:
    """Type and message of `error`, on one line."""
    return f"{type(error).__name__}: {message_of(error)}".replace("\n", " ").strip(" :")[:300]


def _raise_again_if_ours(error: BaseException) -> None:
    """Ctrl-C in a program that calls a user's code; processes that train handle SIGINT otherwise."""
    if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        raise error


@lru_cache
def _load(code: UserCode) -> Function:
    file, where, name = code.function.file, code.function.where, code.function.function
    if file and not file.is_file():
        raise code.fault("there is no such file")
    try:
        with restored(), repeatable(0):  # the import may draw random numbers
            module = import_file(file) if file else importlib.import_module(where)
    except BaseException as error:  # of any kind: own code may raise SystemExit
        _raise_again_if_ours(error)
        raise code.fault(f"importing it raised {error_text(error)}") from error
    function: Function | None = getattr(module, name, None)
    if function is None or not callable(function):
        has = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        raise code.fault(f"it has no such function; it has {', '.join(has[:8]) or 'none at all'}")
    positional, _, keywords = (re.findall(r"\w+", names) for names in code.kind.signature.partition("*"))
    try:
        inspect.signature(function).bind(*positional, **dict.fromkeys(keywords))
    except TypeError:
        raise code.fault(f"it takes {inspect.signature(function)}; expected {code.kind.signature}") from None
    except ValueError:  # a function written in C has no signature
        pass
    return function
