"""A run's curves for TensorBoard."""

from inittui.output.registry import FolderFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from inittui.record.run_directory import RunDir


def _write(run: "RunDir", folder: "Path", follow: bool) -> str:
    import shlex

    from inittui.output import tensorboard_events

    target = tensorboard_events.write(run, folder, follow=follow)
    return f"wrote {target}; look at it with: tensorboard --logdir {shlex.quote(str(folder))}"


TENSORBOARD = FolderFormat(
    "tensorboard",
    "event files in DIR/RUN, for tensorboard --logdir DIR",
    _write,
    module="tensorboard",
    extra="tensorboard",
    follows=True,
)
FORMATS = (TENSORBOARD,)
