"""A run for Weights & Biases, offline."""

from inittui.output.registry import FolderFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from inittui.record.run_directory import RunDir


def _write(run: "RunDir", folder: "Path", _: bool) -> str:
    from inittui.output import wandb_offline

    wandb_offline.write(run, folder)
    return f"wrote {folder}/wandb; 'wandb sync' uploads it"


FORMATS = (
    FolderFormat(
        "wandb", "offline runs in DIR/wandb, for wandb sync; nothing is sent", _write, module="wandb", extra="wandb"
    ),
)
