"""Checks the data sets and the folders: whether they exist, are complete and writable, and how much space is free."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inittui.common import formatting
from inittui.common.errors import InittuiError
from inittui.doctor.check import Check, State, System
from inittui.experiment import dataset_files, datasets, preset_files

MB = 1e6
FULL_BYTES = 50 * MB
LITTLE_BYTES = 1000 * MB
MOST_FILES = 50_000  # of the runs folder; a home directory on NFS answers slowly
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs")


def data(data_dir: Path) -> list[Check]:
    """One check per data set that exists, complete or damaged; and one for all that do not exist."""
    states: dict[str, State] = {"complete": "ok", "absent": "note", "damaged": "fault"}
    checks = []
    absent = []
    downloaded = [entry for entry in datasets.DATASETS.values() if entry.files]
    for entry in downloaded:
        files = dataset_files.inspect(entry.name, data_dir)
        if files.state == "absent" and not any(entry.raw(data_dir).glob("*-ubyte")):
            absent.append(entry.title)
        else:
            checks.append(Check("data", states[files.state], files.what, files.fix))
    if absent:
        state: State = "note" if len(absent) == len(downloaded) else "ok"
        fix = (
            "downloaded when a run needs it, or give another --data-dir; "
            f"without a network: --data {datasets.STAND_IN.name}"
        )
        checks.append(Check("data", state, f"{data_dir}: no {', no '.join(absent)}", fix))
    return checks


@dataclass(frozen=True)
class Storage:
    """Where a folder is, or would be made: its nearest folder that exists, whether that is writable, the free bytes."""

    nearest: Path
    free: int
    kind: str  # of file system; empty if unknown
    fault: str = ""  # why nothing can be written there; empty if it can


def storage(folder: Path, system: System, may_write: Callable[[Path], bool] | None = None) -> Storage:
    """The storage of a folder, which need not exist yet."""
    nearest = next((path for path in (folder, *folder.parents) if _exists(path)), Path("/"))
    may = may_write or (lambda path: os.access(path, os.W_OK | os.X_OK))
    kind = _filesystem(nearest, system)
    try:
        statistics = os.statvfs(nearest)
    except OSError as error:
        return Storage(nearest, 0, kind, fault=(error.strerror or str(error)).lower())
    free = statistics.f_bavail * statistics.f_frsize
    fault = ""
    if not stat.S_ISDIR(nearest.stat().st_mode):
        fault = f"{nearest} is not a folder"
    elif statistics.f_flag & os.ST_RDONLY:
        fault = "its file system is read-only"
    elif not may(nearest):
        fault = f"{nearest} is not yours to write to" if nearest != folder else "it is not yours to write to"
    elif free < FULL_BYTES:
        fault = f"{free / MB:.0f} MB are free"
    elif statistics.f_files and not statistics.f_favail:
        fault = "no inode is free"
    return Storage(nearest, free, kind, fault)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # not accessible: its parent is checked instead
        return False


def _filesystem(path: Path, system: System) -> str:
    """The type of the file system of `path`, from the table of mounts."""
    try:
        path = path.resolve()
    except OSError:
        return ""
    kind, longest = "", -1
    for line in system.read("proc/mounts").splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        if (
            path.is_relative_to(point) and len(point.parts) >= longest
        ):  # of two mounts on one point the later hides the other
            kind, longest = fields[2], len(point.parts)
    return kind


def runs(folder: Path, system: System, may_write: Callable[[Path], bool] | None = None) -> Check:
    """The folder of the runs: no run starts without it."""
    there = storage(folder, system, may_write)
    if there.fault:
        fix = "make it writable, or give another with --runs-dir or INITTUI_RUNS_DIR"
        return Check("runs", "fault", f"{folder}: {there.fault}", fix)
    content = _content(folder) if folder.is_dir() else "not there yet"
    return _writable("runs", f"{folder}: {content}", there, "--runs-dir")


def data_folder(folder: Path, system: System, may_write: Callable[[Path], bool] | None = None) -> Check:
    """The folder of the data sets: only a download writes to it."""
    there = storage(folder, system, may_write)
    if there.fault:
        fix = "make it writable, or give another with --data-dir"
        return Check("data-dir", "note", f"{folder}: {there.fault}: no data set can be downloaded", fix)
    return _writable("data-dir", f"{folder}{'' if folder.is_dir() else ': not there yet'}", there, "--data-dir")


def _writable(name: str, what: str, there: Storage, option: str) -> Check:
    finding = f"{what}; {there.free / 1e9:.1f} GB free{f', {there.kind}' if there.kind else ''}"
    if there.kind in NETWORK:
        fix = f"a network file system can be slow, or unavailable for a while; {option} on a local disk"
        return Check(name, "note", finding, fix)
    if there.free < LITTLE_BYTES:
        return Check(name, "note", finding, f"give a folder on a disk with more free space with {option}")
    return Check(name, "ok", finding)


def _content(folder: Path) -> str:
    """The number of runs, and their size."""
    count = size = files = 0
    for path, _, names in os.walk(folder):  # skips what can't be read
        count += "preset.toml" in names and Path(path).parent == folder
        for name in names:
            try:
                size += (Path(path) / name).lstat().st_size
            except OSError:  # deleted meanwhile
                continue
        files += len(names)
        if files > MOST_FILES:
            return f"{formatting.count(count, 'run')}, more than {formatting.size(size)}"
    return f"{formatting.count(count, 'run')}, {formatting.size(size)}"


def presets() -> Check:
    """The shipped presets, and whether the user's presets can be run."""
    shipped, own = preset_files.shipped_dir(), preset_files.user_dir()
    if not (shipped / f"{preset_files.DEFAULT}.toml").is_file():
        return Check("presets", "fault", f"{shipped}: the shipped presets are missing", "install inittui again")
    names = sorted(path.stem for path in own.glob("*.toml")) if own.is_dir() else []
    bad = [name for name in names if not _loads(name)]
    if bad:
        return Check("presets", "note", f"{own}: can't be run: {', '.join(bad)}", f"inittui --preset {bad[0]} says why")
    finding = f"{len(list(shipped.glob('*.toml')))} shipped, {len(names) or 'none'} of yours in {own}"
    return Check("presets", "ok", finding)


def _loads(name: str) -> bool:
    try:
        preset_files.load(name)
    except InittuiError:
        return False
    return True
