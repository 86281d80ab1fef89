"""The limits of control groups, of version 1 and 2: what a container or a batch system allows this process."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from inittui.doctor.check import System

# The controller (empty in version 2), the files with limit and usage, and the line of memory.stat with the part of the usage
# that is freed on demand.
_MEMORY = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def cores(system: System) -> float | None:
    """The quota of cores: the smallest of this process's group and its parent groups; None without a quota."""
    texts = [system.read(f"{folder}/cpu.max") for folder in _folders(system, "")]
    for folder in _folders(system, "cpu"):
        texts.append(" ".join(system.read(f"{folder}/cpu.cfs_{name}_us") for name in ("quota", "period")))
    pairs = [text.split() for text in texts if re.fullmatch(r"\s*[1-9]\d*\s+[1-9]\d*\s*", text)]  # others: "max", "-1"
    return min((int(quota) / int(period) for quota, period in pairs), default=None)


def memory(system: System) -> tuple[int, int] | None:
    """The limit and what is left of it, in bytes, of the group with the least left; None without a limit."""
    limits = [
        _left(system, folder, *files) for controller, *files in _MEMORY for folder in _folders(system, controller)
    ]
    return min((limit for limit in limits if limit is not None), key=lambda pair: pair[1], default=None)


def own(system: System) -> str:
    """The group of this process in systemd's tree, such as /user.slice/user-1000.slice/session-2.scope."""
    groups = _groups(system)
    return next((path for controllers, path in groups if controllers in ("", "name=systemd") and path != "/"), "")


def _groups(system: System) -> list[tuple[str, str]]:
    """The controllers, separated by commas, and the path of each group of this process."""
    return re.findall(r"^\d+:([^:]*):(/.*)$", system.read("proc/self/cgroup"), re.MULTILINE)


def _folders(system: System, controller: str) -> Iterator[PurePosixPath]:
    """The folders of this process's group and its parent groups. The controller of version 2 is the empty string."""
    for controllers, path in _groups(system):
        if controller in controllers.split(","):
            folder = PurePosixPath("sys/fs/cgroup", controller, path.lstrip("/"))
            yield from (folder, *folder.parents)


def _left(system: System, folder: PurePosixPath, limit: str, usage: str, cache: str) -> tuple[int, int] | None:
    most, used = (system.read(f"{folder}/{name}").strip() for name in (limit, usage))
    if not (most.isdecimal() and used.isdecimal()) or int(most) >= 1 << 60:  # version 1 says "none" with a huge number
        return None
    freed = re.search(rf"^{cache} (\d+)", system.read(f"{folder}/memory.stat"), re.MULTILINE)
    return int(most), max(0, int(most) - max(0, int(used) - (int(freed[1]) if freed else 0)))
