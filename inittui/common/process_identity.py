"""Which process is meant: host, boot, pid and start. A pid alone may belong to anybody by now."""

import os
from pathlib import Path
from typing import Literal

Liveness = Literal["alive", "dead", "elsewhere"]


def host() -> str:
    return os.uname().nodename


def boot_id() -> str:
    """Which boot of the machine this is, so that a pid from before a reboot is not taken for a living process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import psutil

        return f"{psutil.boot_time():.0f}"


def started(pid: int) -> int | None:
    """When process `pid` started, on a clock that nobody can set; None when it does not live (any more).

    In clock ticks since the boot where /proc tells: a time of day would move when the clock is set, and a living process
    would look like another one.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    except OSError:  # it ended between two steps of the reading
        return None
    # The name in parentheses may hold spaces and parentheses; what follows its last one are fields 3, 4, …
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _started_elsewhere(pid: int) -> int | None:
    """Without /proc: the start in hundredths of a second since the epoch."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(100 * process.create_time())
    except (psutil.Error, ValueError, OverflowError):
        return None


def liveness(*, at_host: str, boot: str, pid: int | None, start: int | None) -> Liveness:
    """Whether that process lives. `elsewhere`: on another host, where one can't look; nothing is guessed then."""
    here = at_host == host()
    if boot == boot_id() and pid is not None and start is not None and started(pid) == start:
        return "alive"
    return "dead" if here else "elsewhere"
