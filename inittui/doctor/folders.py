"""The data sets and the folders: whether they are there, sound and writable, with how much room."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inittui.common.errors import InittuiError
from inittui.doctor.check import Check, State, System
from inittui.experiment import dataset_files, datasets, preset_files

MB = 1e6
FULL_BYTES = 50 * MB
LITTLE_BYTES = 1000 * MB
MOST_FILES = 50_000  # of the runs folder; a home directory on NFS answers slowly
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs")


def data(data_dir: Path) -> list[Check]:
    """Every data set that is there, sound or not, and in one line those that are not."""
    checks = []
    absent = []
    downloaded = [entry for entry in datasets.DATASETS.values() if entry.files]
    for files in downloaded:
        found = dataset_files.inspect(files.name, data_dir)
        if found.state == "absent" and not any(files.raw(data_dir).glob("*-ubyte")):
            absent.append(files.title)
        else:
            state: State = {"complete": "ok", "absent": "note", "damaged": "fault"}[found.state]  # type: ignore[assignment]
            checks.append(Check("data", state, found.what, found.fix))
    if absent:
        mend = (
            "downloaded when a run wants one, or give another --data-dir; "
            f"without a network: --data {datasets.STAND_IN.name}"
        )
        checks.append(
            Check(
                "data",
                "note" if len(absent) == len(downloaded) else "ok",
                f"{data_dir}: no {', no '.join(absent)}",
                mend,
            )
        )
    return checks


@dataclass(frozen=True)
class Room:
    """Where a folder is, or would be made: the nearest that exists, whether one may write there, what is left."""

    nearest: Path
    free: int
    kind: str  # of file system; empty where it is not known
    fault: str = ""  # why nothing can be written


def room(folder: Path, system: System, may_write: Callable[[Path], bool] | None = None) -> Room:
    """Look at the place of a folder that need not exist yet."""
    nearest = next((path for path in (folder, *folder.parents) if _exists(path)), Path("/"))
    may = may_write or (lambda path: os.access(path, os.W_OK | os.X_OK))
    kind = _filesystem(nearest, system)
    try:
        found = os.statvfs(nearest)
    except OSError as error:
        return Room(nearest, 0, kind, fault=(error.strerror or str(error)).lower())
    free = found.f_bavail * found.f_frsize
    fault = ""
    if not stat.S_ISDIR(nearest.stat().st_mode):
        fault = f"{nearest} is no folder"
    elif found.f_flag & os.ST_RDONLY:
        fault = "its file system is read-only"
    elif not may(nearest):
        fault = f"{nearest} is not yours to write to" if nearest != folder else "it is not yours to write to"
    elif free < FULL_BYTES:
        fault = f"{free / MB:.0f} MB are free"
    elif found.f_files and not found.f_favail:
        fault = "no inode is free"
    return Room(nearest, free, kind, fault)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # not to be looked at; then the folder above it is what one can speak of
        return False


def _filesystem(path: Path, system: System) -> str:
    """The type of the file system that holds `path`, from the table of mounts."""
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
        if path.is_relative_to(point) and len(point.parts) >= longest:  # of two on one point the later is on top
            kind, longest = fields[2], len(point.parts)
    return kind


def runs(folder: Path, system: System, may_write: Callable[[Path], bool] | None = None) -> Check:
    """The folder of the runs: without it there is none."""
    place = room(folder, system, may_write)
    if place.fault:
        return Check(
            "runs",
            "fault",
            f"{folder}: {place.fault}",
            "free or mend it, or give another with --runs-dir or INITTUI_RUNS_DIR",
        )
    count, size = _count(folder)
    there = f"{count} run{'s' if count != 1 else ''}, {size}" if folder.is_dir() else "not there yet"
    return _roomy("runs", f"{folder}: {there}", place, "--runs-dir")


def data_folder(folder: Path, system: System, may_write: Callable[[Path], bool] | None = None) -> Check:
    """The folder of the data sets: it is written to by a download alone."""
    place = room(folder, system, may_write)
    if place.fault:
        return Check(
            "data-dir",
            "note",
            f"{folder}: {place.fault}: no data set can be downloaded",
            "mend it, or give another with --data-dir",
        )
    return _roomy(
        "data-dir",
        f"{folder}{'' if folder.is_dir() else ': not there yet'}",
        place,
        "--data-dir",
    )


def _roomy(name: str, said: str, place: Room, option: str) -> Check:
    said = f"{said}; {place.free / 1e9:.1f} GB free{f', {place.kind}' if place.kind else ''}"
    if place.kind in NETWORK:
        return Check(
            name, "note", said, f"a network's file system can be slow or away for a while; {option} on a local disk"
        )
    if place.free < LITTLE_BYTES:
        return Check(name, "note", said, f"free some, or give another with {option}")
    return Check(name, "ok", said)


def _count(folder: Path) -> tuple[int, str]:
    """How many runs, and what they take."""
    count = size = files = 0
    for path, _, names in os.walk(folder):  # what can't be read is passed over
        count += "preset.toml" in names and Path(path).parent == folder
        for name in names:
            try:
                size += (Path(path) / name).lstat().st_size
            except OSError:  # deleted meanwhile
                continue
        files += len(names)
        if files > MOST_FILES:
            return count, f"more than {size / MB:.0f} MB"
    return count, f"{size / MB:.0f} MB" if size >= MB or not size else "under 1 MB"


def presets() -> Check:
    """The shipped presets, and whether those of the person can be run."""
    shipped, own = preset_files.shipped_dir(), preset_files.user_dir()
    if not (shipped / f"{preset_files.DEFAULT}.toml").is_file():
        return Check("presets", "fault", f"{shipped}: the shipped presets are missing", "install inittui again")
    names = sorted(path.stem for path in own.glob("*.toml")) if own.is_dir() else []
    bad = [name for name in names if not _loads(name)]
    if bad:
        return Check("presets", "note", f"{own}: can't be run: {', '.join(bad)}", f"inittui --preset {bad[0]} says why")
    said = f"{len(list(shipped.glob('*.toml')))} shipped, {len(names) or 'none'} of yours in {own}"
    return Check("presets", "ok", said)


def _loads(name: str) -> bool:
    try:
        preset_files.load(name)
    except InittuiError:
        return False
    return True
