"""`inittui export`: writes a run as files that other programs read."""

import argparse
from collections.abc import Callable

from inittui.cli import options
from inittui.cli.parser import Options
from inittui.common.errors import RunError, UsageError, path_of, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from inittui.board.state import Board
    from inittui.record.result_schema import ResultDocument
    from inittui.record.run_directory import RunDir

    Writer = Callable[[Board, ResultDocument, str], bytes]

ARGUMENTS = "RUN"
SUMMARY = "write files: --to FILE (csv, parquet, md, svg, png, pdf), --tensorboard DIR, --wandb DIR"
DESCRIPTION = (
    "Write a run's results as files for other programs. The run may still be training. If a kind of file needs a library "
    f"that is not installed, a message has the command that installs it. {options.RUN}"
)
EXAMPLES = (
    ("inittui export last --to run.csv --to run.parquet", "one row per arm, seed and epoch"),
    ("inittui export last --to figure.pdf --figure cost", "one figure for a paper"),
    ("inittui export last --tensorboard ~/tb --follow", "curves, until the run has ended"),
    ("inittui export last --wandb ~/wb", "offline runs for Weights & Biases"),
)
EXIT_CODES = options.DONE_CODES
FIGURES = ("both", "cost", "accuracy", "sweep")
# The extra that a kind of file takes, and what it imports; no entry where nothing is needed.
EXTRAS = {
    ".parquet": ("parquet", "pyarrow"),
    ".svg": ("figures", "matplotlib"),
    ".png": ("figures", "matplotlib"),
    ".pdf": ("figures", "matplotlib"),
}


def _csv(board: "Board", _: "ResultDocument", __: str) -> bytes:
    from inittui.analysis import epoch_table

    return epoch_table.comma_separated(board).encode()


def _parquet(board: "Board", _: "ResultDocument", __: str) -> bytes:
    from inittui.output import parquet

    return parquet.epochs(board)


def _markdown(_: "Board", document: "ResultDocument", __: str) -> bytes:
    from inittui.output import tables

    return tables.markdown(document).encode()


def _figure(form: str) -> "Writer":
    def draw(board: "Board", document: "ResultDocument", which: str) -> bytes:
        from inittui.output import figures

        return figures.draw(board, document, which, form)

    return draw


WRITERS: "dict[str, Writer]" = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".md": _markdown,
    ".svg": _figure("svg"),
    ".png": _figure("png"),
    ".pdf": _figure("pdf"),
}


def add_options(parser: Options) -> None:
    options.add_run(parser)
    parser.add(
        "--to",
        metavar="FILE",
        action="append",
        default=[],
        help="repeatable; the ending says what: .csv and .parquet (one row per arm, seed and epoch), .md (the table), "
        ".svg, .png and .pdf (figures)",
        completes="file",
    )
    parser.add(
        "--figure",
        metavar="F",
        default="both",
        one_of=FIGURES,
        help="cost, accuracy, both, or sweep: over the swept values, which is what both means for a sweep (both)",
    )
    parser.add(
        "--tensorboard",
        metavar="DIR",
        help="event files in DIR/RUN, for tensorboard --logdir DIR",
        completes="folder",
    )
    parser.add("--follow", action="store_true", help="with --tensorboard: continue until the run has ended")
    parser.add(
        "--wandb",
        metavar="DIR",
        help="offline runs in DIR/wandb, for wandb sync; nothing is sent",
        completes="folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files. Everything is checked before anything is written."""
    from inittui.analysis import result_document
    from inittui.board.follower import Follower
    from inittui.common.optional_extras import folder_of

    files = [_target(word) for word in arguments.to]
    if not (files or arguments.tensorboard or arguments.wandb):
        raise UsageError("export: nowhere to write to; expected --to FILE, --tensorboard DIR or --wandb DIR")
    if arguments.follow and not arguments.tensorboard:
        raise UsageError("--follow: expected --tensorboard DIR with it; files are written once")
    folders = {name: folder_of(f"--{name}", getattr(arguments, name)) for name in ("tensorboard", "wandb")}
    run = options.run_of(arguments)
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


def _tensorboard(run: "RunDir", folder: "Path", *, follow: bool) -> None:
    from inittui.output import tensorboard_events

    place = tensorboard_events.write(run, folder, follow=follow)
    print(printable(f"wrote {place}; look at it with: tensorboard --logdir {folder}"))


def _target(word: str) -> "Path":
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
        from inittui.common.optional_extras import need

        need(f"--to {word}", *EXTRAS[suffix])
    return path


def _write(path: "Path", content: bytes) -> None:
    from inittui.common.atomic_files import reason, replace

    try:
        replace(path, content, mode=0o666)
    except OSError as error:
        raise RunError(f"'{path}' can't be written: {reason(error)}") from None
