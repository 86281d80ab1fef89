"""Which arms of an ended run can go on, and whether their checkpoints are whole. Needs no torch."""

import os
import stat
from collections.abc import Sequence

from inittui.board.state import ArmBoard, Board
from inittui.common.atomic_files import read_plain, reason
from inittui.common.checksums import Damaged, check_tensors
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir, Status


def unfinished(board: Board) -> list[ArmBoard]:
    """The arms that can be trained further."""
    return [arm for arm in board.arms if arm.resumable]


def exactness(before: Status, now: Status, *, on_cpu: bool) -> tuple[bool, str]:
    """Whether training goes on bit for bit as if it had never stopped, and why or why not."""
    pairs = [(key, before.versions.get(key), now.versions.get(key)) for key in ("torch", "instructions")]
    pairs.append(("device", before.device or None, now.device))
    changed = [f"{key} {old} → {new}" for key, old, new in pairs if old is not None and old != new]
    if changed:
        return False, f"not bit for bit, since something is different: {', '.join(changed)}"
    if on_cpu:
        return True, f"bit for bit: the same torch, instructions and {now.threads} thread(s)"
    return False, f"as close as {now.device} allows: its kernels may add in another order"


def check(run: RunDir, board: Board, arms: Sequence[ArmBoard]) -> None:
    """Raises RunError when there is nothing to go on with, or when a file that would be gone on from can't be trusted.

    A run that was killed after its last arm had finished goes on too: its result has yet to be written.
    """
    name = run.name
    if not arms and board.result is not None:
        failed = [arm for arm in board.arms if arm.state == "failed"]
        why = f"{failed[0].name}: {failed[0].reason}; that would come out again" if failed else "it has finished"
        raise RunError(f"run '{name}' has nothing to go on with ({why}); 'inittui report {name}' shows its table")
    folders = [run.path, run.path / "arms", *(run.arm(arm.folder) for arm in arms)]
    for folder in folders:
        try:
            found = folder.lstat()
        except OSError as error:
            raise RunError(f"run '{name}': folder '{folder.name}' can't be used: {reason(error)}") from None
        # A run from somebody else may be looked at; writing through what it holds is another matter.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise RunError(
                f"run '{name}': '{folder.name}' is not a folder of your own; copy the run and resume the copy"
            )
    for path in sorted(run.path.rglob("*")):
        if path.is_symlink():  # requests and temporary files would be written, and deleted, where it leads
            raise RunError(
                f"run '{name}': '{path.relative_to(run.path)}' is a link; put in its place what it leads to, or delete it"
            )
        if not (path.is_dir() or path.is_file()):  # whoever opened it might wait for ever
            raise RunError(f"run '{name}': '{path.relative_to(run.path)}' is not a plain file; delete it")
    for arm in arms:
        for path in sorted(run.arm(arm.folder).glob("checkpoint.*.safetensors")):
            try:
                check_tensors(read_plain(path))
            except OSError as error:
                raise RunError(f"run '{name}': {arm.folder}/{path.name} can't be read: {reason(error)}") from None
            except Damaged as error:
                raise RunError(
                    f"run '{name}': checkpoint {arm.folder}/{path.name} is damaged ({error}); "
                    "delete it, and this seed is trained from its start"
                ) from None
