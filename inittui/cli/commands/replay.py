"""Show a finished run again, from its first event to its last."""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options

ARGUMENTS = "RUN"
EXAMPLES = (
    ("inittui replay last", "in about 20 seconds"),
    ("inittui replay last --speed 1", "in real time"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    options.add_run(parser)
    options.add_screen(parser)
    parser.add(
        "--speed",
        metavar="X",
        type=options.positive,
        expected=options.POSITIVE,
        help="speed, as a multiple of the run's own (default: the replay takes 20 seconds)",
    )


def run(arguments: Arguments) -> int:
    from inittui.board.source import ReplaySource
    from inittui.cli.watch import after_dashboard, can_show_dashboard, show_dashboard
    from inittui.output import lines

    run_dir = options.run_of(arguments)
    source = ReplaySource(run_dir, arguments.speed)
    if not can_show_dashboard():
        print(lines.closing(source.last), end="")
        return 0
    return after_dashboard(*show_dashboard(source, arguments, options.runs_dir(arguments)))
