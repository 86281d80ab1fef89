"""`inittui completion`: what makes a shell complete commands, options and names. shtab writes it from the parsers."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable

from inittui.cli import manual
from inittui.cli.parsers import THEMES, command_parser, run_parser
from inittui.common.errors import UsageError, printable
from inittui.experiment import datasets

SHELLS = ("bash", "zsh", "fish")
# Of an option: words that do not depend on what there is. A machine may have more GPUs; these are what it surely knows.
WORDS = {
    "--device": ("auto", "cpu", "cuda"),
    "--theme": THEMES,
    "--data": datasets.NAMES,
    "--figure": ("both", "cost", "accuracy"),
    "--precision": ("float32", "bf16", "tf32"),
}
FORMATS = {"report": ("table", "md", "csv", "json", "svg"), "compare": ("table", "md", "csv", "json")}
# What a metavar asks for when Tab is pressed.
ASKED = {"RUN": "runs", "SCHEME": "schemes", "NAME|FILE": "presets"}


def completion(arguments: argparse.Namespace) -> int:
    """Print the script for a shell, or, for the scripts themselves, a list of names."""
    if arguments.list is not None:
        for name in _listed(arguments.list):
            if name.isprintable() and not any(sign.isspace() for sign in name):  # shells would take it for several
                print(name)
        return 0
    if arguments.shell not in SHELLS:
        given = f"shell '{arguments.shell}'" if arguments.shell else "completion"
        raise UsageError(f"{given}: expected one of {', '.join(SHELLS)}")
    import shtab

    print(shtab.complete(whole_parser(), shell=arguments.shell))
    if sys.stdout.isatty() and shutil.which("inittui") is None:
        print(printable("inittui: 'inittui' is not on PATH, where the script looks for it"), file=sys.stderr)
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """Every command in one parser, each argument with what completes it."""
    parser = run_parser()
    commands = parser.add_subparsers(metavar="COMMAND")
    _mark(parser, "")
    for name, page in manual.PAGES.items():
        of_command = command_parser(name)
        _mark(of_command, name)
        commands.add_parser(name, help=page.brief, parents=[of_command], add_help=False)
    return parser


def _mark(parser: argparse.ArgumentParser, command: str) -> None:
    import shtab

    for action in parser._actions:
        option = action.option_strings[-1] if action.option_strings else ""
        words = FORMATS.get(command) if option == "--format" else WORDS.get(option)
        metavar = str(action.metavar)
        what = command if metavar == "NAME" and command in ("presets", "schemes") else ASKED.get(metavar)
        if words:
            action.choices = words
        elif action.dest == "shell":
            action.choices = SHELLS
        elif command == "new":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif what:
            action.complete = shtab.cmd(f"inittui completion --list {what} 2>/dev/null")  # type: ignore[attr-defined]
        elif metavar in ("DIR", "FILE"):
            action.complete = shtab.DIRECTORY if metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]


def _runs() -> list[str]:
    from inittui.record.run_index import default_runs_dir, runs

    return ["last", *(run.name for run in runs(default_runs_dir()))]


def _presets() -> Iterable[str]:
    from inittui.experiment import preset_files

    return preset_files.known()


def _schemes() -> Iterable[str]:
    from inittui.schemes.catalogue import SCHEMES
    from inittui.schemes.user_scheme import installed

    return [*SCHEMES, *installed()]


LISTS: dict[str, Callable[[], Iterable[str]]] = {"runs": _runs, "presets": _presets, "schemes": _schemes}


def _listed(what: str) -> Iterable[str]:
    if what not in LISTS:
        raise UsageError(f"--list {what}: expected one of {', '.join(LISTS)}")
    return LISTS[what]()
