"""Print the completion script for bash, zsh or fish: commands, options, runs, presets, schemes.

Put it where the shell looks for such scripts; the names of runs and presets are looked up when you press Tab.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterable, Sequence

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import UsageError

ARGUMENTS = "SHELL"
EXAMPLES = (
    ("inittui completion bash > ~/.local/share/bash-completion/completions/inittui", ""),
    ("inittui completion zsh > ~/.zfunc/_inittui", "with fpath+=~/.zfunc before compinit in ~/.zshrc"),
    ("inittui completion fish > ~/.config/fish/completions/inittui.fish", ""),
)
EXIT_CODES = options.DONE_CODES
SHELLS = ("bash", "zsh", "fish")
LISTS = ("runs", "presets", "schemes", "datasets")
# bash and zsh expand each listed word, so `$(rm x)` as the name of a folder would be executed. No name begins with a dash.
SAFE = re.compile(r"[A-Za-z0-9._@:][A-Za-z0-9._@:-]*")


def add_options(parser: Options) -> None:
    parser.add("shell", metavar="SHELL", nargs="?", one_of=SHELLS, help="bash, zsh or fish")
    parser.add("--list", metavar="WHAT", one_of=LISTS, help=argparse.SUPPRESS)  # for the scripts


def run(arguments: Arguments) -> int:
    if arguments.list is not None:
        for name in _names(arguments.list):
            if SAFE.fullmatch(name):
                print(name)
        return 0
    if arguments.shell is None:
        raise UsageError(f"completion: expected one of {', '.join(SHELLS)}")
    import shtab

    print(shtab.complete(_whole_parser(), shell=arguments.shell))
    if sys.stdout.isatty() and shutil.which("inittui") is None:
        print("inittui: 'inittui' is not on PATH, where the script looks for it", file=sys.stderr)
    return 0


def _names(kind: str) -> Iterable[str]:
    """The names of a kind in LISTS. A shell waits for them, so only what this kind needs is imported."""
    if kind == "runs":
        from inittui.record.run_index import default_runs_dir, runs

        return ["last", *(run.path.name for run in runs(default_runs_dir()))]
    if kind == "presets":
        from inittui.experiment import preset_files

        return preset_files.known()
    if kind == "schemes":
        from inittui.schemes.catalogue import SCHEMES
        from inittui.schemes.user_scheme import installed

        return [*SCHEMES, *installed()]
    from inittui.experiment import datasets

    return datasets.NAMES


def _whole_parser() -> argparse.ArgumentParser:
    """One parser with every command, as shtab expects it."""
    from inittui.cli import main, run
    from inittui.cli.parser import command_parser, summary

    parser = command_parser("", run, _complete)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for name in main.names():
        command = main.load(name)
        of_command = command_parser(name, command, _complete)
        commands.add_parser(name, help=summary(command), parents=[of_command], add_help=False)
    return parser


def _complete(action: argparse.Action, completes: str | Sequence[str]) -> None:
    """Tell shtab what completes an argument, by the attributes `choices` and `complete` that it reads."""
    import shtab

    if not isinstance(completes, str):
        action.choices = completes
    elif completes in LISTS:
        action.complete = shtab.cmd(f"inittui completion --list {completes} 2>/dev/null")  # type: ignore[attr-defined]
    else:
        action.complete = {"file": shtab.FILE, "folder": shtab.DIRECTORY}[completes]  # type: ignore[attr-defined]
