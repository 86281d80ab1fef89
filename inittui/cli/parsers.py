"""The options of `inittui` and of each of its commands."""

import argparse
import os
import shutil
import textwrap
from collections.abc import Collection, Sequence

from inittui import __version__
from inittui.cli import manual
from inittui.common.errors import UsageError
from inittui.experiment import datasets

THEMES = ("auto", "dark", "light")


class Parser(argparse.ArgumentParser):
    """argparse, but a fault is one line of ours."""

    def error(self, message: str) -> "NoReturn":  # type: ignore[name-defined] # noqa: F821
        raise UsageError(f"{message}; '{self.prog} --help' lists what there is")


def parse_run(words: Sequence[str], commands: Collection[str]) -> argparse.Namespace:
    """`inittui` without a command. Raises UsageError."""
    parser = run_parser()
    arguments, left = parser.parse_known_args(words)
    command = next((word for word in left if word in commands), None)
    if command is not None:
        raise UsageError(f"'{command}' stands behind options; expected the command first: inittui {command} OPTIONS")
    if left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return arguments


def run_parser() -> argparse.ArgumentParser:
    """The options of `inittui` without a command: start a run and watch it."""
    parser = Parser(
        prog="inittui",
        description=manual.MAIN,
        epilog=manual.main_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        usage="inittui [OPTIONS]\n       inittui COMMAND [OPTIONS]",
    )
    parser.add_argument("--version", action="version", version=f"inittui {__version__}")
    what = parser.add_argument_group("what to train")
    what.add_argument("--preset", metavar="NAME|FILE", help="a shipped preset, one of yours, or a TOML file (mnist3)")
    what.add_argument(
        "--arm", metavar="SCHEME", action="append", default=[], help="repeatable: replaces the preset's arms"
    )
    what.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="repeatable: change any preset key"
    )
    what.add_argument(
        "--sweep",
        metavar="KEY=A,B,C",
        action="append",
        default=[],
        help="repeatable: each arm once for every value, as in model.depth=3,10,30",
    )
    what.add_argument("--epochs", metavar="N", help="passes over the training images")
    what.add_argument(
        "--stop-stuck", metavar="N", help="train no further what is still at chance after N epochs (all are trained)"
    )
    what.add_argument("--seeds", metavar="N|A,B,C", help="N seeds from the preset's first on, or these")
    what.add_argument("--seed", metavar="S", help="one seed")
    what.add_argument(
        "--precision", metavar="NAME", help="of matrix products: float32, bf16, or tf32 on a GPU (float32)"
    )
    what.add_argument("--data", metavar="NAME", help=f"{', '.join(datasets.NAMES[:-1])} or {datasets.NAMES[-1]}")
    where = parser.add_argument_group("where")
    where.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (the user's cache folder)")
    where.add_argument("--device", metavar="NAME", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    where.add_argument("--threads", metavar="N", default="1", help="threads of a worker on a CPU (1)")
    _on(where, "this machine")
    _runs_dir(where)
    how = parser.add_argument_group("how it is shown")
    how.add_argument("--plain", action="store_true", help="no dashboard: one line an epoch and arm, then the table")
    how.add_argument("--json", action="store_true", help="as --plain; standard output carries the result alone")
    how.add_argument(
        "--dry-run", action="store_true", help="say how many trainings, steps and about how long, and start nothing"
    )
    how.add_argument("--detach", action="store_true", help="start, print the run's name, return")
    how.add_argument(
        "--tensorboard", metavar="DIR", help="the curves as TensorBoard's event files too, live, in DIR/RUN"
    )
    _notify_option(how)
    _screen_options(how)
    return parser


def command_parser(name: str) -> argparse.ArgumentParser:
    """The options of one command."""
    parser = Parser(
        prog=f"inittui {name}",
        description=textwrap.fill(manual.PAGES[name].about, _width()),
        epilog=manual.epilog(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if name in ("pause", "resume", "stop", "replay", "report", "export"):
        parser.add_argument("run", metavar="RUN", help="a name, an unambiguous beginning of one, a path, or 'last'")
    elif name == "delete":
        parser.add_argument("run", metavar="RUN", nargs="+", help="what is to be deleted; more than one if you like")
        parser.add_argument("--yes", action="store_true", help="do not ask")
    elif name == "compare":
        parser.add_argument("run", metavar="RUN", nargs="+", help="two or more")
    elif name == "new":
        parser.add_argument("name", metavar="NAME|FILE", help="what it is called, or where it goes")
    elif name == "completion":
        parser.add_argument("shell", metavar="SHELL", nargs="?", help="bash, zsh or fish")
        parser.add_argument("--list", metavar="WHAT", help=argparse.SUPPRESS)  # for the scripts: runs, presets, schemes
    elif name in ("attach", "serve"):
        parser.add_argument("run", metavar="RUN", nargs="?", help="the newest run that is alive, unless given")
    elif name in ("presets", "schemes"):
        parser.add_argument("name", metavar="NAME", nargs="?", help=f"one of them; without it the list of {name}")
    if name == "runs":
        parser.add_argument("--json", action="store_true", help="everything about each, for programs")
    if name not in ("presets", "schemes", "new", "completion"):
        _runs_dir(parser)
    if name == "doctor":
        parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (the user's cache folder)")
        parser.add_argument("--json", action="store_true", help="a list of objects with name, state, found and mend")
    if name in ("pause", "resume", "stop"):
        parser.add_argument("--arm", metavar="NAME", help="this arm of it alone")
    if name == "resume":
        parser.add_argument(
            "--device", metavar="NAME", help="where it goes on (where it was): auto, cpu, cuda or cuda:N"
        )
        parser.add_argument("--data-dir", metavar="DIR", help="where the data set is now (where it was)")
        _on(parser, "where it was")
        parser.add_argument("--detach", action="store_true", help="print the run's name and return")
    if name == "resume":
        _notify_option(parser)
    if name in ("attach", "resume", "replay"):
        _screen_options(parser)
    if name in ("attach", "resume"):
        parser.add_argument("--plain", action="store_true", help="lines instead of the dashboard")
    if name == "replay":
        parser.add_argument("--speed", metavar="X", help="times as fast as it went (what makes 20 seconds of it)")
    if name in ("report", "compare"):
        svg = ", json or svg" if name == "report" else " or json"
        parser.add_argument("--format", metavar="F", default="table", help=f"table, md, csv{svg} (table)")
        parser.add_argument("--each-seed", action="store_true", help="a row for each seed too (csv has them always)")
        parser.add_argument("--baseline", metavar="ARM", help="the arm that others are compared with (the first)")
        parser.add_argument("--all-pairs", action="store_true", help="compare every arm with every other")
    if name == "report":
        parser.add_argument("--size", metavar="CxR", default="120x40", help="columns and rows of the svg (120x40)")
    if name == "serve":
        parser.add_argument("--port", metavar="N", default="8000", help="where it listens; 0: any that is free (8000)")
        _theme_option(parser)
    if name == "export":
        parser.add_argument(
            "--to",
            metavar="FILE",
            action="append",
            default=[],
            help="repeatable; its end says what: .csv and .parquet (a row an arm, seed and epoch), .md (the table), "
            ".svg, .png and .pdf (figures)",
        )
        parser.add_argument(
            "--figure",
            metavar="F",
            default="both",
            help="cost, accuracy, both, or sweep: over the swept values, which is what both means for a sweep (both)",
        )
        parser.add_argument("--tensorboard", metavar="DIR", help="event files in DIR/RUN, for tensorboard --logdir DIR")
        parser.add_argument("--follow", action="store_true", help="with --tensorboard: go on until the run has ended")
        parser.add_argument("--wandb", metavar="DIR", help="offline runs in DIR/wandb, for wandb sync; nothing is sent")
    return parser


def _width() -> int:
    """As argparse fills its own words, but never so wide that a line is hard to read."""
    return max(40, min(shutil.get_terminal_size().columns - 2, 100))


def _runs_dir(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument("--runs-dir", metavar="DIR", help="where runs are kept (INITTUI_RUNS_DIR, or the data folder)")


def _on(parser: "argparse._ActionsContainer", unless: str) -> None:
    parser.add_argument(
        "--on", metavar="WHERE", help=f"here, ray, ray://HOST:PORT, or auto for the cluster of RAY_ADDRESS ({unless})"
    )
    parser.add_argument("--gpus-per-arm", metavar="X", help="on Ray: an arm's share of a GPU, as 0.25 (none: a CPU)")


def _screen_options(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument(
        "--ascii",
        action=argparse.BooleanOptionalAction,
        help="draw with ASCII alone, or never (by itself where the locale is not UTF-8)",
    )
    _theme_option(parser)
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--refresh", metavar="HZ", default="4", help="redraws a second at most (4)")


def _notify_option(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument(
        "--notify",
        metavar="COMMAND",
        help="what a shell runs when the run has ended, also with --detach; INITTUI_RUN, INITTUI_STATE and INITTUI_RUN_DIR "
        "tell it of the run (INITTUI_NOTIFY)",
    )


def _theme_option(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument(
        "--theme",
        metavar="NAME",
        type=_theme,
        default=os.environ.get("INITTUI_THEME") or "auto",
        help="auto, dark or light (INITTUI_THEME, or auto: light where COLORFGBG says so)",
    )


def _theme(text: str) -> str:
    if text not in THEMES:
        source = "INITTUI_THEME" if text == os.environ.get("INITTUI_THEME") else "--theme"
        raise UsageError(f"{source} {text}: expected one of {', '.join(THEMES)}")
    return text
