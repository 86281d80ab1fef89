"""Progress bars for Python and notebooks: one per arm, drawn by rich."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from inittui.board.state import ArmBoard, Board


@contextmanager
def bars() -> Iterator[Callable[[Board], None]]:
    """A function that shows a board: live on standard error, or in the notebook's output."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        auto_refresh=False,
    )
    tasks: dict[str, TaskID] = {}
    if console.is_jupyter:
        # rich's live display needs ipywidgets in a notebook; updating a display needs nothing.
        from IPython.display import display

        handle = display(progress.make_tasks_table(progress.tasks), display_id=True)

    def show(board: Board) -> None:
        for arm in board.arms:
            if arm.folder not in tasks:
                tasks[arm.folder] = progress.add_task(arm.name, total=1.0, words="")
            progress.update(tasks[arm.folder], completed=arm.progress, words=_status(board, arm))
        if console.is_jupyter:
            handle.update(progress.make_tasks_table(progress.tasks))
        else:
            progress.refresh()

    with nullcontext() if console.is_jupyter else progress:
        yield show


def _status(board: Board, arm: ArmBoard) -> str:
    if board.phase in ("starting", "loading"):
        download = board.download
        if download and not board.data:
            return f"downloading {download.name}: {100 * download.done // max(1, download.total)} %"
        return board.detail or board.phase
    if arm.state != "training":
        return arm.state
    return f"epoch {min(arm.epochs_done + 1, arm.epochs)} of {arm.epochs}"
