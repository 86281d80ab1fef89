"""The identity of a process: host, boot, pid and start time. A pid alone may belong to another process by now."""

import os
from pathlib import Path
from typing import Any, Literal

Liveness = Literal["alive", "dead", "elsewhere"]


def host() -> str:
    return os.uname().nodename


def boot_id() -> str:
    """An id of this boot of the machine: a pid from before a reboot is not a living process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import psutil

        return f"{psutil.boot_time():.0f}"


def started(pid: int) -> int | None:
    """The start of process `pid` in clock ticks since the boot, None if it is not alive.

    Not a time of day: that changes when the clock is set, and a living process would then look like another process.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    except OSError:  # it ended while it was read
        return None
    # The name in parentheses may contain spaces and parentheses; fields 3, 4, … follow the last parenthesis.
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _started_elsewhere(pid: int) -> int | None:
    """The start in hundredths of a second since the epoch, for systems without /proc."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(100 * process.create_time())
    except (psutil.Error, ValueError, OverflowError):
        return None


def fields(pid: int) -> dict[str, Any]:
    """What identifies process `pid` of this machine, by the names of these fields in the status of a run."""
    return {"pid": pid, "pid_started": started(pid), "host": host(), "boot": boot_id()}


def liveness(*, at_host: str, boot: str, pid: int | None, start: int | None) -> Liveness:
    """Whether that process is alive; `elsewhere` if it is on another host, where this can't be determined."""
    if boot == boot_id() and pid is not None and start is not None and started(pid) == start:
        return "alive"
    return "dead" if at_host == host() else "elsewhere"
