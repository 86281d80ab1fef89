"""What can go wrong by a person's hand. Each message is one line: the value, what was expected, the mend."""

import difflib
from collections.abc import Iterable


class InittuiError(Exception):
    """Base of every error that is printed as text, without a traceback. `exit_code` is the command's."""

    exit_code = 2


class UsageError(InittuiError):
    """The command line asks for something that does not exist or does not fit together."""


class SchemeError(InittuiError):
    """No such scheme, or parameters that it does not take."""


class PresetError(InittuiError):
    """A preset that can't be run. `faults` holds every fault found, one line each."""

    def __init__(self, source: str, faults: Iterable[str]) -> None:
        self.source = source
        self.faults = tuple(faults)
        if len(self.faults) == 1:
            message = f"{source}: {self.faults[0]}"
        else:
            message = f"{source}: {len(self.faults)} faults\n" + "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(message)


class DataError(InittuiError):
    """A data set that is absent and can't be had, or whose files are not what they should be."""


class DeviceError(InittuiError):
    """A device that this machine does not have, or that can't be used."""


class RunError(InittuiError):
    """A run directory that does not exist, can't be written, or can't be read."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """` Did you mean 'mnist3'?` for the closest of `candidates`, or an empty string when none is close."""
    close = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
