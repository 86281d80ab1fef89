"""The limits of control groups, of version 1 and 2: what a container or a batch system allows this process."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from inittui.doctor.check import System


def cores(system: System) -> float | None:
    """The quota of cores: the smallest of this process's group and its parent groups; None without a quota."""
    quotas = []
    for folder in _folders(system, ""):
        quota, _, period = system.read(f"{folder}/cpu.max").strip().partition(" ")
        quotas.append(_ratio(quota, period))
    for folder in _folders(system, "cpu"):
        quota, period = (system.read(f"{folder}/cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        quotas.append(_ratio(quota, period))
    return min((quota for quota in quotas if quota is not None), default=None)


def memory(system: System) -> tuple[int, int] | None:
    """The limit and what is left of it, in bytes, of the group with the least left; None without a limit."""
    limits = []
    for folder in _folders(system, ""):
        limits.append(_left(system, folder, "memory.max", "memory.current", "inactive_file"))
    for folder in _folders(system, "memory"):
        limits.append(_left(system, folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
    return min((limit for limit in limits if limit is not None), key=lambda pair: pair[1], default=None)


def own(system: System) -> str:
    """The group of this process in systemd's tree, such as /user.slice/user-1000.slice/session-2.scope."""
    for _, controllers, path in _lines(system):
        if controllers in ("", "name=systemd") and path != "/":
            return path
    return ""


def _lines(system: System) -> Iterator[tuple[str, str, str]]:
    for line in system.read("proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if path.startswith("/"):
            yield number, controllers, path


def _folders(system: System, controller: str) -> Iterator[str]:
    """The folders of this process's group and its parent groups. The controller of version 2 is the empty string."""
    for _, controllers, path in _lines(system):
        if controller not in controllers.split(","):
            continue
        bases = ["sys/fs/cgroup", "sys/fs/cgroup/unified"] if not controller else [f"sys/fs/cgroup/{controllers}"]
        if controller and controllers != controller:
            bases.append(f"sys/fs/cgroup/{controller}")
        inner = PurePosixPath(path.lstrip("/"))
        for base in bases:
            for folder in (inner, *inner.parents):
                yield f"{base}/{folder}"


def _ratio(quota: str, period: str) -> float | None:
    if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
        return int(quota) / int(period)
    return None  # "max", -1, or no such file


def _left(system: System, folder: str, limit: str, usage: str, cache: str) -> tuple[int, int] | None:
    most, used = (system.read(f"{folder}/{name}").strip() for name in (limit, usage))
    if not (most.isdecimal() and used.isdecimal()) or int(most) >= 1 << 60:  # version 1 says "none" with a huge number
        return None
    freed = next(
        (
            int(line.split()[1])
            for line in system.read(f"{folder}/memory.stat").splitlines()
            if line.startswith(f"{cache} ")
        ),
        0,
    )
    return int(most), max(0, int(most) - max(0, int(used) - freed))
