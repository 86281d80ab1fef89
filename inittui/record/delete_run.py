"""Deletes a run: never one that is alive, and never through a link. An incomplete deletion is reported."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator

from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir

LAST = ("status.json", "preset.toml")  # deleted last, so that a run that is deleted in part is still listed


def check(run: RunDir) -> None:
    """Raises RunError if the run must not be deleted."""
    if run.path.is_symlink():
        return  # only the link is deleted
    if not (run.path / "status.json").exists() and not (run.path / "arms").is_dir():
        raise RunError(
            f"'{run.path}' has a preset.toml, but neither status.json nor arms: it may be no run of inittui; "
            "remove it by hand"
        )
    liveness = run.liveness()
    if liveness == "alive":
        raise RunError(f"run '{run.name}' is alive; 'inittui stop {run.name}' ends it, then it can be deleted")
    if liveness == "elsewhere" and run.status().state not in ENDED:
        raise RunError(
            f"run '{run.name}' belongs to host '{run.status().host}', where it may be alive; delete it there, or remove "
            f"'{run.path}' by hand"
        )


def delete(run: RunDir) -> None:
    """Delete the run's folder, or the link if `run` is one. Raises RunError if it must not or can't be deleted."""
    check(run)
    try:
        if run.path.is_symlink():
            run.path.unlink()
            return
        with _locked(run):
            for path in sorted(run.path.iterdir(), key=lambda path: (path.name in LAST, path.name)):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            run.path.rmdir()
    except OSError as error:
        raise RunError(
            f"run '{run.name}' can't be deleted ({reason(error)}); what is left is in '{run.path}'"
        ) from None


@contextlib.contextmanager
def _locked(run: RunDir) -> Iterator[None]:
    """Hold the supervisor's lock, so that nobody resumes the run. Raises RunError if a process of the run still writes."""
    try:
        file = os.open(run.path / "lock", os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        yield  # the run never started, or its files are read-only, which the deletion reports
        return
    try:
        with contextlib.suppress(OSError):  # the file system has no locks
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"run '{run.name}': a process of it still writes; try again when it has ended") from None
        yield
    finally:
        os.close(file)
