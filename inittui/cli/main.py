"""The command line: finds the module of the typed command and runs it.

A command is one module in `inittui/cli/commands/`, which has its name. Only the typed one is imported, and none imports at
its top what a run needs: `inittui --help` takes less than three times as long as `python -c pass` (benchmarks/screen.py).
"""

import codecs
import contextlib
import faulthandler
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from inittui.cli import commands, run
from inittui.cli.parser import RUN, command_parser, listed
from inittui.common.errors import InittuiError, UsageError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.cli.parser import Command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. User errors are printed here, once, without a traceback; then the notes of
    the error, which contain the state of a run."""
    with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):  # no standard error
        if not faulthandler.is_enabled():
            faulthandler.enable()
    codecs.register_error("inittui-ascii", _in_ascii)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="inittui-ascii")  # a locale that is not UTF-8 must not end a command
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()  # an error in this is reported below
        return code
    except InittuiError as error:
        _say(error, f"inittui: {error}")
        return error.exit_code
    except KeyboardInterrupt as error:
        _say(error)
        return 130
    except SystemExit as error:  # a signal, or argparse after its help
        _say(error)
        raise
    except BrokenPipeError as error:
        _discard_output()  # the reader has gone
        _say(error)
        return 0
    except OSError as error:  # a full disk, an unreadable file: the system's own message is the best
        _discard_output()
        _say(error, f"inittui: {_without_folder() or error}")
        return 1


def names() -> list[str]:
    """The names of the commands."""
    # Not pkgutil, which takes 5 ms more.
    files = os.listdir(commands.__path__[0])  # noqa: PTH208
    return sorted(name.removesuffix(".py") for name in files if name.endswith(".py") and name != "__init__.py")


def load(name: str) -> "Command":
    """The module of a command."""
    return import_module(f"inittui.cli.commands.{name}")


def _run(words: list[str]) -> int:
    """Run the command that `words` name, or `inittui` without a command."""
    known = names()
    if words and words[0] in known:
        command = load(words[0])
        return command.run(command_parser(words[0], command).parse_args(words[1:]))
    if words and not words[0].startswith("-"):
        raise UsageError(
            f"no command '{words[0]}'.{nearest(words[0], known) or ' Known: ' + ', '.join(known) + '.'} "
            "'inittui --help' lists the commands"
        )
    about_commands = ""
    if {"-h", "--help"} & {*words}:
        summaries = listed({name: load(name) for name in known})
        about_commands = f"commands ('inittui COMMAND --help' describes one):\n{summaries}\n\n{RUN}\n\n"
    parser = command_parser("", run, commands=about_commands)
    arguments, unknown = parser.parse_known_args(words)
    for word in unknown:
        if word in known:
            raise UsageError(f"'{word}' comes after options; expected the command first: inittui {word} OPTIONS")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return run.run(arguments)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Replaces characters that the terminal's encoding does not have: for `codecs.register_error`."""
    from inittui.tui.draw.glyphs import spell_error  # only here, because `inittui --help` need not wait for it

    return spell_error(error)


def _say(error: BaseException, *lines: str) -> None:
    """Print the lines and the notes of the error, if standard error accepts them."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        for line in (*lines, *getattr(error, "__notes__", ())):
            print(line, file=sys.stderr, flush=True)


def _without_folder() -> str:
    """What is wrong if the working directory has been deleted; else empty."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return "the working directory has been deleted: change to another one"
    return ""


def _discard_output() -> None:
    """Standard output accepts nothing more. Without this Python reports the error once more when it flushes at exit."""
    try:
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # it has no descriptor
        pass
