"""Write a run's results as files for other programs: tables, figures, curves.

The run may still be training. If a kind of file needs a library that is not installed, a message has the command that
installs it.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import RunError, UsageError, printable

ARGUMENTS = "RUN"
EXAMPLES = (
    ("inittui export last --to run.csv --to run.parquet", "one row per arm, seed and epoch"),
    ("inittui export last --to figure.pdf --figure cost", "one figure for a paper"),
    ("inittui export last --tensorboard ~/tb --follow", "curves, until the run has ended"),
    ("inittui export last --wandb ~/wb", "offline runs for Weights & Biases"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    from inittui.output import registry
    from inittui.output.formats.figures import FIGURES

    endings: dict[str, list[str]] = {}
    for ending, of_file in registry.files().items():
        endings.setdefault(of_file.help, []).append(ending)
    kinds = ", ".join(f"{_listed(of_kind, 'and')} ({kind})" for kind, of_kind in endings.items())
    options.add_run(parser)
    parser.add(
        "--to",
        metavar="FILE",
        action="append",
        default=[],
        help=f"repeatable; the ending says what: {kinds}",
        completes="file",
    )
    parser.add(
        "--figure",
        metavar="F",
        default="both",
        one_of=FIGURES,
        help="cost, accuracy, both, or sweep: over the swept values, which is what both means for a sweep (both)",
    )
    for of_folder in registry.folders().values():
        parser.add(of_folder.option, metavar="DIR", dest=of_folder.name, help=of_folder.help, completes="folder")
    parser.add("--follow", action="store_true", help=f"with {_following()}: continue until the run has ended")


def run(arguments: Arguments) -> int:
    """Write the files. Everything is checked before anything is written."""
    from inittui.analysis import result_document
    from inittui.common.atomic_files import reason, replace_kept
    from inittui.output import registry
    from inittui.output.results import Results

    files = [registry.file_of(text) for text in arguments.to]
    given = {name: getattr(arguments, name) for name in registry.folders() if getattr(arguments, name)}
    if not (files or given):
        options_ = ["--to FILE", *(f"{of_folder.option} DIR" for of_folder in registry.folders().values())]
        raise UsageError(f"export: nowhere to write to; expected {_listed(options_, 'or')}")
    if arguments.follow and not any(registry.folders()[name].follows for name in given):
        raise UsageError(f"--follow: expected {_following()} DIR with it; files are written once")
    folders = [(registry.folders()[name], registry.folders()[name].path(text)) for name, text in given.items()]
    run = options.run_of(arguments)
    if files:
        results = Results(*result_document.read_with_board(run), arguments.figure)
        for path, of_file in files:
            content = of_file.render(results)
            try:
                replace_kept(path, content)
            except OSError as error:
                raise RunError(f"'{path}' can't be written: {reason(error)}") from None
            print(printable(f"wrote {path}"))
    folders.sort(key=lambda folder: folder[0].follows)  # what may wait for the run comes last
    for of_folder, path in folders:
        print(printable(of_folder.write(run, path, arguments.follow)))
    return 0


def _following() -> str:
    from inittui.output import registry

    return _listed([of_folder.option for of_folder in registry.folders().values() if of_folder.follows], "or")


def _listed(words: list[str], conjunction: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last
