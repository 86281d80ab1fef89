"""The command line. Imports late: `inittui --help` must not wait for anything that a run needs."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from inittui import __version__
from inittui.errors import InittuiError, UsageError

EPILOG = """commands:
  attach [RUN]      watch a run that is going on (the newest one)
  runs              list the runs: state, accuracy, age, size; --json
  pause RUN         hold a run, or one arm of it (--arm); it keeps its place and uses no device time
  resume RUN        go on: paused, stopped, killed or after a reboot, from the last checkpoint
  stop RUN          stop a run, or one arm of it (--arm); what it has so far is kept
  delete RUN...     delete runs, after a question; never one that is alive
  replay RUN        show a finished run again, as it went
  report RUN        its table: --format table|md|csv|json|svg; --each-seed, --baseline ARM, --all-pairs
  export RUN        its figures as files: --to FILE (csv, parquet, md, svg, png, pdf), --tensorboard DIR, --wandb DIR
  serve [RUN]       the dashboard in a browser, on 127.0.0.1 alone, for ssh -L: --port
  presets [NAME]    list the presets with what each shows, or print one
  schemes [NAME]    list the initialisation schemes, or explain one
  doctor            what it found here (device, terminal, locale, data, folders), a mend for each fault

RUN is a name, an unambiguous beginning of one, a path, or 'last'.

examples:
  inittui                                      Xavier against He on MNIST, 15 epochs
  inittui --preset digits                      seconds, on any machine, no download
  inittui --preset deep5 --seeds 10            ten seeds an arm, and a verdict
  inittui --arm he_normal --arm 'normal(std=0.01)' --set 'model.hidden=[256,256]'
  inittui --preset digits --json | jq .arms

exit codes: 0 finished, 1 an arm failed, 2 bad input, 130 interrupted"""

GARBAGE = (
    50_000  # new objects between two searches for garbage: Python's 700 are a tenth of the time to the first frame
)
THEMES = ("auto", "dark", "light")
# The module of each command, which is imported when it is typed; the function in it has the command's name.
COMMANDS = {
    "attach": "commands",
    "runs": "shelf",
    "pause": "steering",
    "resume": "steering",
    "stop": "steering",
    "delete": "shelf",
    "replay": "commands",
    "report": "listings",
    "export": "exports",
    "serve": "serving",
    "presets": "listings",
    "schemes": "listings",
    "doctor": "doctor",
}


class Parser(argparse.ArgumentParser):
    """argparse, but a fault is one line of ours."""

    def error(self, message: str) -> "NoReturn":  # type: ignore[name-defined] # noqa: F821
        raise UsageError(f"{message}; '{self.prog} --help' lists what there is")


def run_parser() -> argparse.ArgumentParser:
    """The options of `inittui` without a command: start a run and watch it."""
    parser = Parser(
        prog="inittui",
        description="Which weight initialisation, why, and is the difference real? Trains the same network once per\n"
        "scheme, side by side, and shows the costs live.",
        epilog=EPILOG,
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
    what.add_argument("--epochs", metavar="N", help="passes over the training images")
    what.add_argument("--seeds", metavar="N|A,B,C", help="N seeds from the preset's first on, or these")
    what.add_argument("--seed", metavar="S", help="one seed")
    what.add_argument(
        "--precision", metavar="NAME", help="of matrix products: float32, bf16, or tf32 on a GPU (float32)"
    )
    what.add_argument("--data", metavar="NAME", help="auto, mnist, fashion_mnist, kmnist or digits")
    where = parser.add_argument_group("where")
    where.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (the user's cache folder)")
    where.add_argument("--device", metavar="NAME", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    where.add_argument("--threads", metavar="N", default="1", help="threads of a worker on a CPU (1)")
    _runs_dir(where)
    how = parser.add_argument_group("how it is shown")
    how.add_argument("--plain", action="store_true", help="no dashboard: one line an epoch and arm, then the table")
    how.add_argument("--json", action="store_true", help="as --plain; standard output carries the result alone")
    how.add_argument("--detach", action="store_true", help="start, print the run's name, return")
    how.add_argument(
        "--tensorboard", metavar="DIR", help="the curves as TensorBoard's event files too, live, in DIR/RUN"
    )
    _screen_options(how)
    return parser


def command_parser(name: str) -> argparse.ArgumentParser:
    """The options of one command."""
    about = {
        "attach": "Watch a run that is going on. Leaving does not stop it.",
        "runs": "List the runs, the newest first.",
        "pause": "Hold a run, or one arm of it. It saves a checkpoint, keeps its place and uses no device time.",
        "resume": "Let a run go on, paused, stopped, killed or after a reboot, from its last checkpoint.",
        "stop": "Stop a run, or one arm of it. What it has so far is kept, result.json and checkpoints included.",
        "delete": "Delete runs, after a question. Never one that is alive.",
        "replay": "Show a finished run again, as it went.",
        "report": "Print a run's accuracy table, or the dashboard as SVG.",
        "export": "Write a run's figures where other programs read them. It may still be training.",
        "serve": "Show the dashboard in a browser. Listens on 127.0.0.1 alone; closing the page leaves training alone.",
        "presets": "List the presets with what each shows, or print one.",
        "schemes": "List the initialisation schemes, or explain one.",
        "doctor": "What inittui found here, and what to do about each fault. Exit code 1 where there is one.",
    }
    parser = Parser(prog=f"inittui {name}", description=about[name], allow_abbrev=False)
    if name in ("pause", "resume", "stop", "replay", "report", "export"):
        parser.add_argument("run", metavar="RUN", help="a name, an unambiguous beginning of one, a path, or 'last'")
    elif name == "delete":
        parser.add_argument("run", metavar="RUN", nargs="+", help="as elsewhere; more than one if you like")
        parser.add_argument("--yes", action="store_true", help="do not ask")
    elif name in ("attach", "serve"):
        parser.add_argument("run", metavar="RUN", nargs="?", help="the newest run that is alive, unless given")
    elif name in ("presets", "schemes"):
        parser.add_argument("name", metavar="NAME", nargs="?")
    if name == "runs":
        parser.add_argument("--json", action="store_true", help="everything about each, for programs")
    if name in ("attach", "runs", "pause", "resume", "stop", "delete", "replay", "report", "export", "serve", "doctor"):
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
        parser.add_argument("--detach", action="store_true", help="print the run's name and return")
    if name in ("attach", "resume", "replay"):
        _screen_options(parser)
    if name in ("attach", "resume"):
        parser.add_argument("--plain", action="store_true", help="lines instead of the dashboard")
    if name == "replay":
        parser.add_argument("--speed", metavar="X", help="times as fast as it went (what makes 20 seconds of it)")
    if name == "report":
        parser.add_argument("--format", metavar="F", default="table", help="table, md, csv, json or svg (table)")
        parser.add_argument("--each-seed", action="store_true", help="a row for each seed too (csv has them always)")
        parser.add_argument("--baseline", metavar="ARM", help="the arm that others are compared with (the first)")
        parser.add_argument("--all-pairs", action="store_true", help="compare every arm with every other")
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
        parser.add_argument("--figure", metavar="F", default="both", help="cost, accuracy or both (both)")
        parser.add_argument("--tensorboard", metavar="DIR", help="event files in DIR/RUN, for tensorboard --logdir DIR")
        parser.add_argument("--follow", action="store_true", help="with --tensorboard: go on until the run has ended")
        parser.add_argument("--wandb", metavar="DIR", help="offline runs in DIR/wandb, for wandb sync; nothing is sent")
    return parser


def _runs_dir(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument("--runs-dir", metavar="DIR", help="where runs are kept (INITTUI_RUNS_DIR, or the data folder)")


def _screen_options(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument(
        "--ascii",
        action=argparse.BooleanOptionalAction,
        help="draw with ASCII alone, or never (by itself where the locale is not UTF-8)",
    )
    _theme_option(parser)
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--refresh", metavar="HZ", default="4", help="redraws a second at most (4)")


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. Errors by a person's hand are printed here, once, without a traceback."""
    gc.set_threshold(GARBAGE)
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and words[0] in COMMANDS:
            arguments = command_parser(words[0]).parse_args(words[1:])
            place = import_module(f"inittui.{COMMANDS[words[0]]}")
            return _flushed(int(getattr(place, words[0])(arguments)))
        if words and not words[0].startswith("-"):
            from inittui.errors import nearest

            raise UsageError(
                f"no command '{words[0]}'.{nearest(words[0], COMMANDS) or ' Known: ' + ', '.join(COMMANDS) + '.'} "
                "'inittui --help' lists what there is"
            )
        arguments = run_parser().parse_args(words)
        from inittui import commands

        return _flushed(commands.run(arguments))
    except InittuiError as error:
        print(f"inittui: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _forget_output()  # its reader has gone
        return 0
    except OSError as error:  # a full or vanished disk, a file that can't be read: the system's own words are the best
        print(f"inittui: {error}", file=sys.stderr)
        _forget_output()
        return 1


def _forget_output() -> None:
    """Standard output takes no more: without this Python would complain once more when it flushes at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flushed(code: int) -> int:
    """The exit code, once everything is written: a fault in that is then still ours to report."""
    if sys.stdout is not None:
        sys.stdout.flush()
    return code
