"""Numbers, sizes and times as text: the one place that formats them."""

import math


def number(value: float) -> str:
    """The shortest text that reads back as the same number: 2, 0.1, 1e-05."""
    return short if float(short := f"{value:g}") == value else repr(value)


def short_number(value: float, digits: int = 3) -> str:
    """`digits` digits, three or more, for the ticks of a chart: 0, 0.02, 1500, 1e-5."""
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 10_000:
        return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.{digits - 3}f}"
    return f"{value:.{digits - 3}e}".replace("e-0", "e-").replace("e+0", "e")


def count(number: int, noun: str) -> str:
    """A number of things: `1 run`, `1,200 runs`."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def sentence(words: str) -> str:
    """`words` with one full stop: a reason may end with its own."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def cost(value: float | None, digits: int = 4) -> str:
    """A cost with `digits` decimals, in scientific notation from 1000 on; `not finite` for None, nan and infinity."""
    if value is None or not math.isfinite(value):
        return "not finite"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2e}"


def percent(share: float | None) -> str:
    """A share from 0 to 1: `98.08 %`; `-` for None."""
    return "-" if share is None else f"{100 * share:.2f} %"


def rate(value: float) -> str:
    """Images per second; empty where it is not known (0)."""
    return f"{value:,.0f} images/s" if value > 0 else ""


def size(bytes_: int) -> str:
    """Bytes in decimal units: 812 B, 12 kB, 3.4 MB, 1.2 GB."""
    value, units = float(bytes_), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if value < 9.95 and units[0] != "B" else f"{value:.0f} {units[0]}"


def gigabytes(bytes_: float) -> str:
    """Bytes in GB without the unit: one decimal below 10 GB, none above."""
    return f"{bytes_ / 1e9:.1f}" if bytes_ < 1e10 else f"{bytes_ / 1e9:.0f}"


def gibibytes(bytes_: int) -> str:
    """Bytes in GiB, the unit in which torch reports memory: `1.19 GiB`."""
    return f"{bytes_ / 2**30:.2f} GiB"


def clock(seconds: float) -> str:
    """A duration as a clock shows it: 0:42, 12:05, 1:02:03. Negative and not finite ones are 0:00."""
    whole = max(0, int(seconds)) if math.isfinite(seconds) else 0
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def duration(seconds: float) -> str:
    """An estimated duration in two digits: `40 seconds`, `12 minutes`, `3.5 hours`."""
    for unit, length in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.2g} {unit}s"
    return count(max(1, round(seconds)), "second")


def age(seconds: float) -> str:
    """How long ago something happened: 42 s, 3 min, 5 h, 2 days, 3 months, 4 years."""
    for unit, length, most in (("s", 1, 60), ("min", 60, 60), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{seconds // length:.0f} {unit}"
    days = int(seconds // 86400)
    if days < 60:
        return f"{days} days"
    return f"{days // 30} months" if days < 730 else f"{days // 365} years"
