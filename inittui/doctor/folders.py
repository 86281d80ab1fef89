"""Checks the data sets and the folders: whether they exist, are complete and writable, and how much space is free."""

import contextlib
import os
import shutil
from pathlib import Path

import psutil

from inittui.common import formatting
from inittui.common.atomic_files import reason
from inittui.common.errors import InittuiError, UsageError, command
from inittui.doctor.check import Check, State
from inittui.experiment import dataset_files, datasets, preset_files

MB = 1e6
FULL_BYTES = 50 * MB
LITTLE_BYTES = 1000 * MB
MOST_FILES = 50_000  # of the runs folder; a home directory on NFS answers slowly
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs")


def data(data_dir: Path) -> list[Check]:
    """One check per data set that exists, complete or damaged; and one for all that do not exist."""
    states: dict[str, State] = {"complete": "ok", "converted": "ok", "absent": "note", "damaged": "fault"}
    checks = []
    absent = []
    downloaded = [entry for entry in datasets.DATASETS.values() if entry.files]
    for entry in downloaded:
        files = dataset_files.inspect(entry.name, data_dir)
        if files.state == "absent" and not files.partial:
            absent.append(entry.title)
        else:
            checks.append(Check("data", states[files.state], files.what, files.fix))
    if absent:
        state: State = "note" if len(absent) == len(downloaded) else "ok"
        offline = f"without a network: --data {datasets.STAND_IN.name}"
        fix = f"downloaded when a run needs it, or give another --data-dir; {offline}"
        checks.append(Check("data", state, f"{data_dir}: no {', no '.join(absent)}", fix))
    return checks


def runs(folder: Path) -> Check:
    """The folder of the runs: no run starts without it."""
    if fault := _fault(folder):
        fix = "make it writable, or give another with --runs-dir or INITTUI_RUNS_DIR"
        return Check("runs", "fault", f"{folder}: {fault}", fix)
    content = _content(folder) if folder.is_dir() else "not there yet"
    return _space("runs", folder, f"{folder}: {content}", "--runs-dir")


def data_folder(folder: Path) -> Check:
    """The folder of the data sets: only a download writes to it."""
    if fault := _fault(folder):
        fix = "make it writable, or give another with --data-dir"
        return Check("data-dir", "note", f"{folder}: {fault}: no data set can be downloaded", fix)
    return _space("data-dir", folder, f"{folder}{'' if folder.is_dir() else ': not there yet'}", "--data-dir")


def _fault(folder: Path) -> str:
    """Why nothing can be written to the folder, which need not exist yet; empty if it can."""
    nearest = _nearest(folder)
    try:
        statistics = os.statvfs(nearest)
    except OSError as error:
        return reason(error)
    free = statistics.f_bavail * statistics.f_frsize
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    if statistics.f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest if nearest != folder else 'it'} can't be written by your user"
    if free < FULL_BYTES:
        return f"{free / MB:.0f} MB are free"
    return "no inode is free" if statistics.f_files and not statistics.f_favail else ""


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest of its parents that exists."""
    # Not Path.exists, which raises an error for a folder below one that is not accessible.
    return next((path for path in (folder, *folder.parents) if os.path.exists(path)), Path("/"))  # noqa: PTH110


def _space(name: str, folder: Path, what: str, option: str) -> Check:
    """The free space of the file system of `folder`, and whether it is a network's."""
    nearest = _nearest(folder)
    free, kind = shutil.disk_usage(nearest).free, _filesystem(nearest)
    finding = f"{what}; {free / 1e9:.1f} GB free{f', {kind}' if kind else ''}"
    if kind in NETWORK:
        fix = f"a network file system can be slow, or unavailable for a while; {option} on a local disk"
        return Check(name, "note", finding, fix)
    if free < LITTLE_BYTES:
        return Check(name, "note", finding, f"give a folder on a disk with more free space with {option}")
    return Check(name, "ok", finding)


def _filesystem(path: Path) -> str:
    """The type of the file system of `path`; empty if it is unknown."""
    path = path.resolve()
    mounts = [mount for mount in psutil.disk_partitions(all=True) if path.is_relative_to(mount.mountpoint)]
    # Of two mounts on one point the later hides the other.
    return max(reversed(mounts), key=lambda mount: len(mount.mountpoint)).fstype if mounts else ""


def _content(folder: Path) -> str:
    """The number of runs, and their size."""
    count = size = files = 0
    for path, _, names in os.walk(folder):  # skips what can't be read
        count += "preset.toml" in names and Path(path).parent == folder
        for name in names:
            with contextlib.suppress(OSError):  # deleted meanwhile
                size += (Path(path) / name).lstat().st_size
        files += len(names)
        if files > MOST_FILES:
            return f"{formatting.count(count, 'run')}, more than {formatting.size(size)}"
    return f"{formatting.count(count, 'run')}, {formatting.size(size)}"


def presets() -> Check:
    """The shipped presets, and whether the user's presets can be run."""
    shipped = preset_files.shipped_dir()
    if not (shipped / f"{preset_files.DEFAULT}.toml").is_file():
        return Check("presets", "fault", f"{shipped}: the shipped presets are missing", "install inittui again")
    try:
        own = preset_files.user_dir()
    except UsageError as error:
        return Check("presets", "note", str(error))
    names = sorted(path.stem for path in own.glob("*.toml"))
    bad = []
    for name in names:
        try:
            preset_files.load(name)
        except InittuiError:
            bad.append(name)
    if bad:
        return Check(
            "presets", "note", f"{own}: can't be run: {', '.join(bad)}", f"{command('--preset', bad[0])} says why"
        )
    finding = f"{len(list(shipped.glob('*.toml')))} shipped, {len(names) or 'none'} of yours in {own}"
    return Check("presets", "ok", finding)
