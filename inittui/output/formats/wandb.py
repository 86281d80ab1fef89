"""A run for Weights & Biases, offline: one W&B run per arm and seed, in one group. Nothing is sent."""

from inittui.common.errors import RunError
from inittui.output.registry import FolderFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from inittui.record.run_directory import RunDir

PROJECT = "inittui"
# x_disable_stats has no public name: without it W&B adds this machine's load to the run.
SETTINGS: "dict[str, Any]" = {
    "silent": True,
    "console": "off",
    "x_disable_stats": True,
    "disable_git": True,
    "save_code": False,
}


def _write(run: "RunDir", folder: "Path", _: bool) -> str:
    """Write DIR/wandb/offline-run-*. An arm and seed of a run always has the same id, so that `wandb sync` creates no second
    run. Raises RunError, also if this W&B does not know one of the settings."""
    import hashlib
    import os

    from msgspec import to_builtins

    from inittui.analysis import result_document
    from inittui.common.atomic_files import one_line

    board, document = result_document.read_with_board(run)
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else W&B reports its own errors over the network
    import wandb

    try:
        settings = wandb.Settings(**SETTINGS)
    except (TypeError, ValueError) as error:  # pydantic's error is a ValueError
        raise RunError(
            f"wandb {wandb.__version__} does not take the settings {', '.join(SETTINGS)} ({one_line(error)}); "
            "expected 0.31: pip install 'wandb==0.31.*'"
        ) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for arm, result, of_preset in zip(board.arms, document.arms, board.preset.arms, strict=True):
            for replica in arm.replicas:
                written = wandb.init(
                    mode="offline",
                    dir=str(folder),
                    project=PROJECT,
                    group=board.run,
                    name=f"{arm.name}, seed {replica.seed}",
                    id=hashlib.sha256(f"{board.run}/{arm.folder}/{replica.seed}".encode()).hexdigest()[:16],
                    config={
                        "arm": arm.name,
                        "scheme": arm.scheme,
                        "init": to_builtins(result.init),
                        "changes": list(arm.changes),
                        "seed": replica.seed,
                        "preset": board.preset.name,
                        "data": document.data.name,  # the preset may only say auto
                        "epochs": arm.epochs,
                        "batch_size": of_preset.training.batch_size,
                        "optimizer": of_preset.training.optimizer,
                        "learning_rate": of_preset.training.learning_rate,
                    },
                    settings=settings,
                )
                for point in replica.points:
                    values = {
                        "train/cost": point.train_cost,
                        "test/cost": point.test_cost,
                        "test/accuracy": point.test_accuracy,
                        "seconds": point.seconds,
                    }
                    finite = {name: value for name, value in values.items() if value is not None}
                    written.log({"epoch": point.epoch, **finite}, step=point.epoch)
                written.finish(exit_code=0 if arm.state == "finished" else 1)
    except (OSError, wandb.Error) as error:
        raise RunError(f"'{folder}' can't be written: {one_line(error)}") from None
    return f"wrote {folder}/wandb; 'wandb sync' uploads it"


FORMATS = (
    FolderFormat(
        "wandb", "offline runs in DIR/wandb, for wandb sync; nothing is sent", _write, module="wandb", extra="wandb"
    ),
)
