"""User errors. Each message is one line: the value, what was expected, how to fix it."""

from collections.abc import Iterable

MOST_FAULTS = 100  # of a preset, in a message
TYPE_CHECKING = False  # typing is not imported, see inittui/__init__.py
if TYPE_CHECKING:
    from pathlib import Path


class InittuiError(Exception):
    """Base of the errors that are printed without a traceback. `exit_code` is the exit code of the command.

    A message quotes input, so it is made printable: no escape sequence in it reaches the terminal.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class UsageError(InittuiError):
    """The command line asks for something that does not exist or does not fit together."""


class SchemeError(InittuiError):
    """An unknown scheme, or parameters that it does not have."""


class UserCodeError(InittuiError):
    """A reference to a user's own code that names nothing, or code that does not do what is required."""


class PresetError(InittuiError):
    """A preset that can't be run. `faults` are all its faults, one line each."""

    def __init__(self, source: str, faults: Iterable[str]) -> None:
        self.faults = tuple(map(printable, faults))
        number = len(self.faults)
        super().__init__(f"{source}: {self.faults[0] if number == 1 else f'{number} faults'}")

    def __str__(self) -> str:
        more = len(self.faults) - MOST_FAULTS
        shown = [*self.faults[:MOST_FAULTS], *([f"and {more:,} more"] if more > 0 else ())]
        return "\n  ".join([super().__str__(), *(shown if len(shown) > 1 else ())])


class DataError(InittuiError):
    """A data set that is not available, or whose files are damaged."""


class DeviceError(InittuiError):
    """A device that does not exist or can't be used."""


class RunError(InittuiError):
    """A run directory that does not exist, can't be written, or can't be read."""


def printable(words: str) -> str:
    """`words` on one line, with a question mark in place of each character that is not printable."""
    return words if words.isprintable() else "".join(char if char.isprintable() else "?" for char in words)


def message_of(error: BaseException) -> str:
    """The message of any exception. A user's exception may fail in its `__str__`."""
    try:
        return str(error)
    except BaseException as failure:  # of any kind: it must not replace the error that is reported
        return f"(its message can't be read: {type(failure).__name__})"


def command(*words: str) -> str:
    """`inittui` and its words as a shell takes them: no shell expands anything in a word."""
    import shlex

    return printable(shlex.join(("inittui", *words)))


def in_quotes(*words: str) -> str:
    """As `command`, in quotes inside of a sentence. If a word needs quotes of its own, no other quotes are added: with
    both, a shell would expand the word."""
    line = command(*words)
    return line if "'" in line else f"'{line}'"


def path_of(text: str) -> "Path":
    """The path in `text`, with `~` resolved. Raises UsageError if it can't be a path."""
    from pathlib import Path  # late, as difflib below: `inittui --help` does not need them

    try:
        path = Path(text).expanduser()
        path.exists()
    except (RuntimeError, ValueError, OSError) as error:  # an unknown user; a NUL; a name that is too long
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"path '{shown}' can't be used: {why}") from None
    return path


def nearest(word: str, candidates: Iterable[str]) -> str:
    """` Did you mean 'mnist3'?` with the closest of `candidates`; empty if none is close."""
    import difflib

    close = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
