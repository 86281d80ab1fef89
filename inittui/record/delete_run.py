"""Deletes a run: never one that is alive, and never through a link. An incomplete deletion is reported."""

import shutil

from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir

LOCK_SECONDS = 0.2  # longer than a viewer's look at the lock
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
        raise RunError(f"run '{run.name}' is alive; it can be deleted when it has ended")
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
        with run.lock(LOCK_SECONDS):  # so that nobody resumes the run
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
