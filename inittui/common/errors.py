"""What can go wrong by a person's hand. Each message is one line: the value, what was expected, the mend."""

from collections.abc import Iterable

TYPE_CHECKING = False  # see the package's own
if TYPE_CHECKING:
    from pathlib import Path


class InittuiError(Exception):
    """Base of every error that is printed as text, without a traceback. `exit_code` is the command's.

    A message quotes what a person gave, so it is made printable: no escape sequence reaches the terminal through it.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class UsageError(InittuiError):
    """The command line asks for something that does not exist or does not fit together."""


class SchemeError(InittuiError):
    """No such scheme, or parameters that it does not take."""


class OwnError(InittuiError):
    """A reference to a person's own code that can't be followed, or code that is not what it should be."""


class PresetError(InittuiError):
    """A preset that can't be run. `faults` holds every fault found, one line each."""

    def __init__(self, source: str, faults: Iterable[str]) -> None:
        self.source = source
        self.faults = tuple(printable(fault) for fault in faults)
        super().__init__(
            f"{source}: {self.faults[0]}" if len(self.faults) == 1 else f"{source}: {len(self.faults)} faults"
        )

    def __str__(self) -> str:
        listed = self.faults if len(self.faults) > 1 else ()
        return "\n  ".join([super().__str__(), *listed])


class DataError(InittuiError):
    """A data set that is absent and can't be had, or whose files are not what they should be."""


class DeviceError(InittuiError):
    """A device that this machine does not have, or that can't be used."""


class RunError(InittuiError):
    """A run directory that does not exist, can't be written, or can't be read."""


def printable(words: str) -> str:
    """`words` on one line, with a question mark for whatever is not to be printed."""
    return words if words.isprintable() else "".join(char if char.isprintable() else "?" for char in words)


def path_of(text: str) -> "Path":
    """The path that a person typed, `~` resolved. Raises UsageError where it can't be one."""
    from pathlib import Path  # here, as below: nobody asks `inittui --help` for it

    try:
        path = Path(text).expanduser()
        path.exists()
    except (RuntimeError, ValueError, OSError) as error:  # no such user; a NUL; too long a name
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"path '{shown}' can't be used: {why}") from None
    return path


def nearest(word: str, candidates: Iterable[str]) -> str:
    """` Did you mean 'mnist3'?` for the closest of `candidates`, or an empty string when none is close."""
    import difflib

    close = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
