"""`inittui replay`: shows a finished run again, as it went."""

import argparse

from inittui.cli import options
from inittui.cli.parser import Options

ARGUMENTS = "RUN"
SUMMARY = "show a finished run again, as it went"
DESCRIPTION = f"Show a finished run again in the dashboard, as it went. {options.RUN}"
EXAMPLES = (
    ("inittui replay last", "in about 20 seconds"),
    ("inittui replay last --speed 1", "in real time"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    options.add_run(parser)
    options.add_screen(parser)
    parser.add("--speed", metavar="X", help="times as fast as it went (default: it takes 20 seconds)")


def run(arguments: argparse.Namespace) -> int:
    from inittui.board.source import ReplaySource
    from inittui.cli.watch import after_dashboard, can_show_dashboard, show_dashboard
    from inittui.output import lines

    run_dir = options.run_of(arguments)
    speed = options.positive("--speed", arguments.speed) if arguments.speed is not None else None
    refresh = options.refresh(arguments)
    source = ReplaySource(run_dir, speed=speed)
    if not can_show_dashboard():
        print(lines.closing(source.last), end="")
        return 0
    app, leave = show_dashboard(source, arguments, refresh, options.runs_dir(arguments))
    return after_dashboard(app, leave)
