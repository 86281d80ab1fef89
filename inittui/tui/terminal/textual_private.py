"""All that the dashboard uses of Textual beyond its documented interface.

1. Textual's terminal driver draws on `sys.__stderr__` and asks `sys.__stdout__` for the size. Its web driver sends packets on
   `sys.__stdout__`. No option sets another stream. A driver class of our own would copy 400 lines of Textual.
2. `App._driver` sends control sequences. `App.bell` is public, but it sends nothing except the bell.
3. Textual's drivers decode the keyboard's bytes with `codecs.getincrementaldecoder`, which they import by name: one byte that
   is not UTF-8 ends them. `drawing_on` replaces that name by `KeyboardDecoder`.

`unsupported` checks the first two at the start, so that a Textual that draws elsewhere ends with one line and not with a
black screen.
"""

import codecs
import contextlib
import io
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import textual
from textual.app import App
from textual.driver import Driver

CHECKED = "6.0 to 8.2"  # the versions of Textual that the tests have passed with
MOST_PASTED = 4096  # characters of a paste that reach the dashboard; it has one-line inputs only
FLOOD = 256  # characters that arrive at once and that nobody can have typed
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"  # what a terminal sends before and after pasted text


class KeyboardDecoder(codecs.IncrementalDecoder):
    """UTF-8 from a keyboard, each invalid byte replaced. FLOOD characters at once are marked as pasted, since not every
    terminal does so. As single keys a megabyte would block the dashboard for half a minute, and each would act."""

    def __init__(self) -> None:
        super().__init__()
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._recent = ""  # the end of what came before: a mark may arrive in parts
        self._pasted: int | None = None  # characters of the present paste; None if there is none

    def decode(self, input: Any, final: bool = False) -> str:
        text = self._utf8.decode(input, final)
        seen = self._recent + text
        self._recent = seen[1 - len(_PASTE) :]
        if "\x1b" in seen:
            begins, ends = seen.rfind(_PASTE), seen.rfind(_PASTED)
            if begins != ends:
                self._pasted = 0 if begins > ends else None
            return text
        if self._pasted is not None:
            self._pasted += len(text)
            return text if self._pasted <= MOST_PASTED else ""
        return text if len(text) < FLOOD else f"{_PASTE}{text[:FLOOD]}{_PASTED}"


@contextlib.contextmanager
def drawing_on(stream: io.TextIOWrapper, *, web: bool = False) -> Iterator[None]:
    """A Textual application that starts in this context draws on `stream`, or sends a browser's packets on it. It reads keys
    with `KeyboardDecoder`."""
    driver = vars(import_module(f"textual.drivers.{'web' if web else 'linux'}_driver"))
    decoder = driver.get("getincrementaldecoder")
    driver["getincrementaldecoder"] = lambda _encoding: KeyboardDecoder
    before = sys.__stdout__, sys.__stderr__
    sys.__stdout__ = stream  # type: ignore[misc]
    if not web:
        sys.__stderr__ = stream  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stdout__, sys.__stderr__ = before  # type: ignore[misc]
        driver["getincrementaldecoder"] = decoder


def unsupported(app: App[Any]) -> str:
    """Why the installed Textual can't show the mounted `app`, in one line; empty where it can."""
    driver = _driver(app)
    if driver is None:
        problem = "App._driver is not a driver"
    elif driver.is_headless or _draws_on_standard_streams(driver):
        return ""
    else:
        problem = f"{type(driver).__name__} does not draw on Python's standard streams"
    return f"textual {textual.__version__} can't show the dashboard ({problem}): expected a version from {CHECKED}"


def send(app: App[Any], sequence: str) -> None:
    """Send a control sequence to the terminal. Nothing is sent to a browser, or without a terminal."""
    driver = _driver(app)
    if driver is not None and not driver.is_headless and not driver.is_web:
        driver.write(sequence)


def _driver(app: App[Any]) -> Driver | None:
    driver = getattr(app, "_driver", None)
    return driver if isinstance(driver, Driver) else None


def _draws_on_standard_streams(driver: Driver) -> bool:
    if driver.is_web:
        return sys.__stdout__ is not None and getattr(driver, "fileno", None) == sys.__stdout__.fileno()
    return getattr(driver, "_file", None) is sys.__stderr__
