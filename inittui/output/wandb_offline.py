"""A run for Weights & Biases, offline: one run of theirs an arm and seed, in one group. Nothing is sent."""

import hashlib
import os
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from inittui.board.state import ArmBoard, Board, ReplicaBoard
from inittui.common.atomic_files import one_line
from inittui.common.errors import RunError
from inittui.record.result_schema import ArmResult, ResultDocument
from inittui.record.run_directory import RunDir

PROJECT = "inittui"


def write(run: RunDir, board: Board, document: ResultDocument, folder: Path) -> None:
    """Write DIR/wandb/offline-run-*. The same arm and seed of a run has the same id each time, so that `wandb sync` makes no
    second run of it. Raises RunError."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # or it tells its makers of a fault, over the network
    import wandb

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for arm, row in zip(board.arms, document.arms, strict=True):
            for replica in arm.replicas:
                _one(wandb, run, board, arm, row, replica, folder)
    except (OSError, wandb.Error) as error:
        raise RunError(f"'{folder}' can't be written: {one_line(error)}") from None


def _one(
    wandb: Any, run: RunDir, board: Board, arm: ArmBoard, row: ArmResult, replica: ReplicaBoard, folder: Path
) -> None:
    training = next(of.training for of in board.preset.arms if of.name == arm.name)
    theirs = wandb.init(
        mode="offline",
        dir=str(folder),
        project=PROJECT,
        group=run.name,
        name=f"{arm.name}, seed {replica.seed}",
        id=hashlib.sha256(f"{run.name}/{arm.folder}/{replica.seed}".encode()).hexdigest()[:16],
        config={
            "arm": arm.name,
            "scheme": arm.scheme,
            "init": to_builtins(row.init),
            "changes": list(arm.changes),
            "seed": replica.seed,
            "preset": board.preset.name,
            "data": _data(board),
            "epochs": arm.epochs,
            "batch_size": training.batch_size,
            "optimizer": training.optimizer,
            "learning_rate": training.learning_rate,
        },
        settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_git=True, save_code=False),
    )
    for point in replica.points:
        told = {
            "train/cost": point.train_cost,
            "test/cost": point.test_cost,
            "test/accuracy": point.test_accuracy,
            "seconds": point.seconds,
        }
        theirs.log({"epoch": point.epoch, **{k: v for k, v in told.items() if v is not None}}, step=point.epoch)
    theirs.finish(exit_code=0 if arm.state == "finished" else 1)


def _data(board: Board) -> str:
    """The data set that was trained on, which `auto` does not say."""
    return board.data.name if board.data else board.preset.data.name
