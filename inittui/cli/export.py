"""`inittui export`: a run as files that other programs read."""

import argparse
from collections.abc import Callable
from pathlib import Path

from inittui.analysis import result_document
from inittui.board.follower import Follower
from inittui.board.state import Board
from inittui.cli.run import runs_dir
from inittui.common.atomic_files import reason, replace
from inittui.common.errors import RunError, UsageError, path_of, printable
from inittui.common.optional_extras import folder_of, need
from inittui.record.result_schema import ResultDocument
from inittui.record.run_directory import RunDir
from inittui.record.run_index import find

FIGURES = ("both", "cost", "accuracy", "sweep")
# The extra that a kind of file takes, and what it imports; no entry where nothing is needed.
EXTRAS = {
    ".parquet": ("parquet", "pyarrow"),
    ".svg": ("figures", "matplotlib"),
    ".png": ("figures", "matplotlib"),
    ".pdf": ("figures", "matplotlib"),
}


def _csv(board: Board, _: ResultDocument, __: str) -> bytes:
    from inittui.analysis import epoch_table

    return epoch_table.comma_separated(board).encode()


def _parquet(board: Board, _: ResultDocument, __: str) -> bytes:
    from inittui.output import parquet

    return parquet.epochs(board)


def _markdown(_: Board, document: ResultDocument, __: str) -> bytes:
    from inittui.output import tables

    return tables.markdown(document).encode()


def _figure(form: str) -> Callable[[Board, ResultDocument, str], bytes]:
    def draw(board: Board, document: ResultDocument, which: str) -> bytes:
        from inittui.output import figures

        return figures.draw(board, document, which, form)

    return draw


WRITERS: dict[str, Callable[[Board, ResultDocument, str], bytes]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".md": _markdown,
    ".svg": _figure("svg"),
    ".png": _figure("png"),
    ".pdf": _figure("pdf"),
}


def export(arguments: argparse.Namespace) -> int:
    """`inittui export`: write a run's figures where they are wanted. Everything asked for is checked before anything is
    written."""
    files = [_target(word) for word in arguments.to]
    if not (files or arguments.tensorboard or arguments.wandb):
        raise UsageError("export: nowhere to write to; expected --to FILE, --tensorboard DIR or --wandb DIR")
    if arguments.figure not in FIGURES:
        raise UsageError(f"--figure {arguments.figure}: expected one of {', '.join(FIGURES)}")
    if arguments.follow and not arguments.tensorboard:
        raise UsageError("--follow: expected --tensorboard DIR with it; files are written once")
    folders = {name: folder_of(f"--{name}", getattr(arguments, name)) for name in ("tensorboard", "wandb")}
    run = find(runs_dir(arguments), arguments.run)
    document, _ = result_document.read(run)
    board = Follower(run, run.liveness).poll()
    for path in files:
        _write(path, WRITERS[path.suffix.lower()](board, document, arguments.figure))
        print(printable(f"wrote {path}"))
    if folders["wandb"]:
        from inittui.output import wandb_offline

        wandb_offline.write(run, board, document, folders["wandb"])
        print(printable(f"wrote {folders['wandb']}/wandb; 'wandb sync' uploads it"))
    if folders["tensorboard"]:
        _tensorboard(run, folders["tensorboard"], follow=arguments.follow)
    return 0


def _tensorboard(run: RunDir, folder: Path, *, follow: bool) -> None:
    from inittui.output import tensorboard_events

    place = tensorboard_events.write(run, folder, follow=follow)
    print(printable(f"wrote {place}; look at it with: tensorboard --logdir {folder}"))


def _target(word: str) -> Path:
    """The file that is to be written. Raises UsageError: no kind that is known, nowhere to be, what it takes is missing."""
    path = path_of(word)
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise UsageError(f"--to {word}: expected a file that ends in one of {', '.join(WRITERS)}")
    if path.is_dir():
        raise UsageError(f"--to {word}: it is a folder; expected a file")
    if not path.parent.is_dir():
        raise UsageError(f"--to {word}: there is no folder '{path.parent}'; make it first")
    if suffix in EXTRAS:
        need(f"--to {word}", *EXTRAS[suffix])
    return path


def _write(path: Path, content: bytes) -> None:
    try:
        replace(path, content, mode=0o666)
    except OSError as error:
        raise RunError(f"'{path}' can't be written: {reason(error)}") from None
