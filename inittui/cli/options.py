"""The options that several commands share, and what their values mean."""

import argparse
import os

from inittui.cli.parser import RUN, Arguments, Options
from inittui.common.errors import UsageError, path_of

TYPE_CHECKING = False  # what these import, `inittui --help` would wait for
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from inittui.record.result_schema import ResultDocument
    from inittui.record.run_directory import RunDir

WATCHING_CODES = "0 finished, 1 an arm failed, 2 bad input, 130 interrupted"
DONE_CODES = "0 done, 2 bad input"
THEMES = ("auto", "dark", "light")
POSITIVE = "a number above 0"
DEVICES = ("auto", "cpu", "cuda")  # offered by completion; a machine may also have cuda:N


# Which run


def add_run(
    options: Options, nargs: str | None = None, help: str = RUN.removeprefix("RUN is ").removesuffix(".")
) -> None:
    options.add("run", metavar="RUN", nargs=nargs, help=help, completes="runs")
    add_runs_dir(options)


def add_optional_run(options: Options) -> None:
    add_run(options, "?", "default: the newest run that is alive")


def add_runs_dir(options: Options) -> None:
    options.add(
        "--runs-dir",
        metavar="DIR",
        type=folder,
        help="where runs are kept (INITTUI_RUNS_DIR, or the data folder)",
        completes="folder",
    )


def runs_dir(arguments: Arguments) -> "Path":
    """The folder of the runs. Raises UsageError."""
    from inittui.record.run_index import default_runs_dir

    return arguments.runs_dir or default_runs_dir()


def run_of(arguments: Arguments) -> "RunDir":
    """The run that RUN names. Raises RunError."""
    from inittui.record.run_index import find

    return find(runs_dir(arguments), arguments.run)


def run_or_newest_alive(arguments: Arguments) -> "RunDir | None":
    """The run that RUN names; without RUN the newest that is alive, or None. Raises RunError."""
    from inittui.record.run_index import runs

    if arguments.run:
        return run_of(arguments)
    return next((run_dir for run_dir in runs(runs_dir(arguments)) if run_dir.alive()), None)


def different_runs(arguments: Arguments) -> "list[RunDir]":
    """The runs that RUN... names, each once. Raises RunError."""
    from inittui.record.run_index import find

    folder = runs_dir(arguments)
    return list({run.path: run for run in (find(folder, word) for word in arguments.run)}.values())


def add_arm(options: Options) -> None:
    options.add("--arm", metavar="NAME", help="only this arm of the run")


# Where it trains


def add_data_dir(options: Options, default: str = "the user's cache folder") -> None:
    help = f"where data sets are kept ({default})"
    options.add("--data-dir", metavar="DIR", type=folder, help=help, completes="folder")


def data_dir(arguments: Arguments) -> "Path":
    """The folder of the data sets. Raises UsageError."""
    from inittui.experiment.dataset_files import default_data_dir

    return arguments.data_dir or default_data_dir()


def add_cluster(options: Options, default: str) -> None:
    options.add(
        "--on",
        metavar="WHERE",
        help=f"here, ray, ray://HOST:PORT, or auto for the cluster of RAY_ADDRESS ({default})",
        completes=("here", "ray", "auto"),
    )
    options.add(
        "--gpus-per-arm", metavar="X", help="on Ray: share of a GPU per arm, as in 0.25 (no GPU: arms train on CPUs)"
    )


# How it is shown


def add_screen(options: Options) -> None:
    options.add(
        "--ascii",
        action=argparse.BooleanOptionalAction,
        help="draw with ASCII characters only, or never (default: only if the locale is not UTF-8)",
    )
    add_theme(options)
    options.add("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    options.add(
        "--refresh",
        metavar="HZ",
        default=4.0,
        type=lambda text: min(30.0, positive(text)),
        expected=POSITIVE,
        help="redraws per second at most (4)",
    )


def add_theme(options: Options) -> None:
    options.add(
        "--theme",
        metavar="NAME",
        type=_theme,
        default=os.environ.get("INITTUI_THEME") or "auto",
        help="auto, dark or light (INITTUI_THEME, or auto: light if COLORFGBG says so)",
        completes=THEMES,
    )


def _theme(text: str) -> str:
    if text not in THEMES:
        source = "INITTUI_THEME" if text == os.environ.get("INITTUI_THEME") else "--theme"
        raise UsageError(f"{source} {text}: expected one of {', '.join(THEMES)}")
    return text


def add_notify(options: Options) -> None:
    options.add(
        "--notify",
        metavar="COMMAND",
        help="a shell command that is run when the run has ended, also with --detach; the variables INITTUI_RUN, "
        "INITTUI_STATE and INITTUI_RUN_DIR describe the run (INITTUI_NOTIFY)",
    )


def add_table(options: Options, *more_formats: str) -> None:
    """What the table of a result document shows, and in which format: one of `output/formats/` or `more_formats`."""
    from inittui.output import registry

    default, *others = (*registry.printed(), *more_formats)
    listed = f"{', '.join([default, *others[:-1]])} or {others[-1]} ({default})"
    options.add("--format", metavar="F", default=default, one_of=(default, *others), help=listed)
    options.add("--each-seed", action="store_true", help="also one row per seed (csv always has them)")
    options.add("--baseline", metavar="ARM", help="the arm that the others are compared with (the first)")
    options.add("--all-pairs", action="store_true", help="compare every arm with every other")


def print_table(
    arguments: Arguments,
    document: "ResultDocument",
    confusion: "dict[str, dict[str, object]] | None" = None,
) -> None:
    from inittui.output import lines, registry
    from inittui.output.results import Report

    report = Report(document, arguments.each_seed, lines.terminal_width(), confusion)
    print(registry.printed()[arguments.format].render(report), end="")


def check_table(arguments: Arguments) -> None:
    """Raises UsageError if the options of `add_table` contradict each other."""
    if arguments.baseline is not None and arguments.all_pairs:
        raise UsageError("--baseline and --all-pairs: expected one of the two; all pairs have no baseline")


# Values


def folder(text: str) -> "Path | None":
    """The absolute path in `text`; None for an empty text. Raises UsageError."""
    return path_of(text).absolute() if text else None


def positive(text: str) -> float:
    """The finite number above 0 in `text`. Raises ValueError."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def whole(numbers: range) -> "Callable[[str], int]":
    """A function that reads a whole number, one of `numbers`. It raises ValueError."""
    return lambda text: numbers[numbers.index(int(text))]
