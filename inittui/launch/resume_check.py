"""Which arms of an ended run can be resumed, and whether its files may be used. Imports no torch."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from inittui.board.state import ArmBoard, Board
from inittui.common import user_code_files
from inittui.common.atomic_files import read_plain, reason
from inittui.common.checksums import Damaged, check_tensors
from inittui.common.errors import RunError, in_quotes
from inittui.common.user_code_refs import named
from inittui.experiment.preset import Preset
from inittui.record.run_directory import RunDir, Status
from inittui.record.run_index import word_for


def unfinished(board: Board) -> list[ArmBoard]:
    """The arms that can be trained further."""
    return [arm for arm in board.arms if arm.resumable]


def own_code(preset: Preset) -> dict[str, str]:
    """The fingerprints of a user's own files: data, networks and schemes."""
    texts = {preset.data.factory, *(arm.model.factory for arm in preset.arms), *(arm.init.name for arm in preset.arms)}
    return user_code_files.digests(own for text in texts if text and (own := named(text)))


def refuse_changes(run: str, before: Status, now: Mapping[str, str], *, force: bool) -> None:
    """Raises RunError if a fingerprint in `now` differs, or one of own code is gone, unless `force` is set."""
    if not force and (changed := _changed(before.fingerprints, now)):
        raise RunError(
            f"run '{run}': {', '.join(changed)} changed since it was trained; expected the same: put it back as it was, "
            f"or {in_quotes('resume', run, '--force')}, whose result mixes both versions"
        )


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, by the names of the files. Nothing is known of an old run, nor of data before they are loaded."""
    same = set(before) - {"data"} | set(now) if before else ()
    return sorted(Path(key).name for key in same if before.get(key) != now.get(key))


def exactness(before: Status, now: Status, *, on_cpu: bool) -> tuple[bool, str]:
    """Whether training continues bit for bit as if it had never stopped, and a note that says why or why not."""
    pairs = [(key, before.versions.get(key), now.versions.get(key)) for key in ("inittui", "torch", "instructions")]
    pairs.append(("device", before.device or None, now.device))
    changed = [f"{key} {old} → {new}" for key, old, new in pairs if old is not None and old != new]
    changed += _changed(before.fingerprints, now.fingerprints)
    if changed:
        return False, f"not bit for bit, because this changed: {', '.join(changed)}"
    if on_cpu:
        return True, f"bit for bit: the same torch, instructions and {now.threads} thread(s)"
    return False, f"as close as {now.device} allows: its kernels may add in another order"


def check(run: RunDir, board: Board, *, force: bool = False) -> None:
    """Raises RunError if there is nothing to resume, if a file that resuming reads or writes is damaged or not safe, or,
    without `force`, if own code has changed.

    A run that was killed after its last arm had finished can be resumed too: its result has not been written.
    """
    name, arms = run.name, unfinished(board)
    if not arms and board.result is not None:
        failed = [arm for arm in board.arms if arm.state == "failed"]
        why = f"{failed[0].name}: {failed[0].reason}; that would happen again" if failed else "it has finished"
        raise RunError(
            f"run '{name}' has nothing to resume ({why}); {in_quotes('report', word_for(run))} shows its table"
        )
    refuse_changes(name, run.status(), own_code(run.preset()), force=force)
    for folder in (run.path, run.path / "arms", *(run.arm(arm.folder) for arm in arms)):
        try:
            status = folder.lstat()
        except OSError as error:
            raise RunError(f"run '{name}': folder '{folder.name}' can't be used: {reason(error)}") from None
        # Somebody else's run may be read. To write into its folders is not safe.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise RunError(
                f"run '{name}': '{folder.name}' is not a folder of your own; copy the run and resume the copy"
            )
    for path in sorted(run.path.rglob("*")):
        if path.is_symlink():  # requests and temporary files would be written, and deleted, at its target
            raise RunError(
                f"run '{name}': '{path.relative_to(run.path)}' is a link; replace it by a copy of its target"
            )
        if not (path.is_dir() or path.is_file()):  # opening a FIFO or a device may block forever
            raise RunError(f"run '{name}': '{path.relative_to(run.path)}' is not a plain file; move it out of the run")
    for arm in arms:
        for path in sorted(run.arm(arm.folder).glob("checkpoint.*.safetensors")):
            try:
                check_tensors(read_plain(path))
            except OSError as error:
                raise RunError(f"run '{name}': {arm.folder}/{path.name} can't be read: {reason(error)}") from None
            except Damaged as error:
                raise RunError(
                    f"run '{name}': checkpoint {arm.folder}/{path.name} is damaged ({error}); "
                    "move it out of the run, and this seed is trained from its start"
                ) from None
