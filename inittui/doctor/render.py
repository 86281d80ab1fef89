"""Prints a check for people: aligned, wrapped at spaces, the fix below the finding."""

import textwrap
from collections.abc import Sequence

from inittui.common import formatting
from inittui.common.errors import printable
from inittui.doctor.check import Check

_NAME = 10
_INDENT = 6 + _NAME
_COLOURS = {"ok": "32", "note": "33", "fault": "1;31"}


def lines(check: Check, width: int, *, colour: bool) -> list[str]:
    """The check as lines of at most `width` columns, apart from longer words."""
    room = max(20, width - _INDENT)
    first, *more = _wrapped(printable(check.finding), room)
    state = f"{check.state:<6}"
    if colour:
        state = f"\x1b[{_COLOURS[check.state]}m{state}\x1b[0m"
    out = [f"{state}{check.name:<{_NAME}}{first}", *(f"{'':<{_INDENT}}{line}" for line in more)]
    if check.fix:
        head, *rest = _wrapped(printable(check.fix), room - 3)
        out += [f"{'':<{_INDENT}}-> {head}", *(f"{'':<{_INDENT}}   {line}" for line in rest)]
    return [line.rstrip() for line in out]


def closing(checks: Sequence[Check]) -> str:
    """The number of faults and notes."""
    faults, notes = (sum(check.state == state for check in checks) for state in ("fault", "note"))
    counts = [formatting.count(number, noun) for number, noun in ((faults, "fault"), (notes, "note")) if number]
    return ", ".join(counts if faults else ["no fault", *counts])


def _wrapped(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False) or [""]
