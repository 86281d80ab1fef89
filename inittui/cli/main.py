"""The command line. Imports late: `inittui --help` must not wait for anything that a run needs."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from inittui.cli.parsers import command_parser, parse_run
from inittui.common.errors import InittuiError, UsageError

# New objects between two searches for garbage: Python's 700 are a tenth of the time to the first frame.
GARBAGE = 50_000
# The module of each command, which is imported when it is typed; the function in it has the command's name.
COMMANDS = {
    "attach": "cli.run",
    "runs": "cli.runs",
    "compare": "cli.compare",
    "pause": "cli.control",
    "resume": "cli.control",
    "stop": "cli.control",
    "delete": "cli.runs",
    "replay": "cli.run",
    "report": "cli.report",
    "export": "cli.export",
    "serve": "cli.serve",
    "presets": "cli.report",
    "new": "cli.new",
    "schemes": "cli.report",
    "completion": "cli.completion",
    "doctor": "cli.doctor",
}


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
            from inittui.common.errors import nearest

            raise UsageError(
                f"no command '{words[0]}'.{nearest(words[0], COMMANDS) or ' Known: ' + ', '.join(COMMANDS) + '.'} "
                "'inittui --help' lists what there is"
            )
        arguments = parse_run(words, COMMANDS)
        from inittui.cli import run

        return _flushed(run.run(arguments))
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
