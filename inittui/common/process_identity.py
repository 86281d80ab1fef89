"""The identity of a process: host, boot, pid namespace, pid and start time. A pid alone may belong to another process by now,
and in another container it names another process."""

import os
from pathlib import Path
from typing import Any, Literal

Liveness = Literal["alive", "dead", "elsewhere"]
SUPERVISOR = "inittui.supervisor"  # the module that trains a run; the next word of its command line is the run's folder


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


def pid_namespace() -> str:
    """An id of the processes among which pids are unique, as those of one container; "" on systems that have one alone."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:
        return ""


def supervises(pid: int, folder: Path) -> bool | None:
    """Whether process `pid` is the supervisor of the run in `folder`, by its command line; None if the folder in
    its command line no longer exists: it may have been moved to `folder`."""
    import psutil

    try:
        words = psutil.Process(pid).cmdline()
        return folder.samefile(words[words.index(SUPERVISOR) + 1])
    except OSError:
        return None
    except (psutil.Error, ValueError, OverflowError, IndexError):
        return False


def fields(pid: int) -> dict[str, Any]:
    """What identifies process `pid` of this machine, by the names of these fields in the status of a run."""
    return {
        "pid": pid,
        "pid_started": started(pid),
        "pid_namespace": pid_namespace(),
        "host": host(),
        "boot": boot_id(),
    }


def liveness(
    *, at_host: str, boot: str, pid: int | None, start: int | None, namespace: str = "", locked: bool | None = None
) -> Liveness:
    """Whether that process is alive; `elsewhere` if this can't be determined here. `locked` is whether a process holds its
    lock, None if that is not known. A lock is visible to all containers of a machine, a pid is not."""
    if boot != boot_id():
        return "dead" if at_host == host() else "elsewhere"
    if locked is False:
        return "dead"
    if namespace not in ("", pid_namespace()):
        return "alive" if locked else "elsewhere"
    if pid is not None and start is not None and started(pid) == start:
        return "alive"
    return "dead" if locked or at_host == host() else "elsewhere"
