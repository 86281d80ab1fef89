"""Which arms of an ended run can be resumed, and whether its files may be used. Imports no torch."""

import os
import stat

from inittui.board.state import ArmBoard, Board
from inittui.common.atomic_files import read_plain, reason
from inittui.common.checksums import Damaged, check_tensors
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir, Status


def unfinished(board: Board) -> list[ArmBoard]:
    """The arms that can be trained further."""
    return [arm for arm in board.arms if arm.resumable]


def exactness(before: Status, now: Status, *, on_cpu: bool) -> tuple[bool, str]:
    """Whether training continues bit for bit as if it had never stopped, and a note that says why or why not."""
    pairs = [(key, before.versions.get(key), now.versions.get(key)) for key in ("torch", "instructions")]
    pairs.append(("device", before.device or None, now.device))
    changed = [f"{key} {old} → {new}" for key, old, new in pairs if old is not None and old != new]
    if changed:
        return False, f"not bit for bit, because this changed: {', '.join(changed)}"
    if on_cpu:
        return True, f"bit for bit: the same torch, instructions and {now.threads} thread(s)"
    return False, f"as close as {now.device} allows: its kernels may add in another order"


def check(run: RunDir, board: Board) -> None:
    """Raises RunError if there is nothing to resume, or if a file that resuming reads or writes is damaged or not safe.

    A run that was killed after its last arm had finished can be resumed too: its result has not been written.
    """
    name, arms = run.name, unfinished(board)
    if not arms and board.result is not None:
        failed = [arm for arm in board.arms if arm.state == "failed"]
        why = f"{failed[0].name}: {failed[0].reason}; that would happen again" if failed else "it has finished"
        raise RunError(f"run '{name}' has nothing to resume ({why}); 'inittui report {name}' shows its table")
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
