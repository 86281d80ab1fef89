"""Show a run that is training (the newest one).

It is shown with its whole history; a run that has ended is shown as it ended. Leaving does not stop the run.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import RunError

ARGUMENTS = "[RUN]"
EXAMPLES = (
    ("inittui attach", "the newest run that is alive"),
    ("inittui attach deep5 --plain", "one line per epoch and arm, no dashboard"),
)
EXIT_CODES = f"{options.WATCHING_CODES}; 0 when you leave a run that goes on"


def add_options(parser: Options) -> None:
    options.add_optional_run(parser)
    options.add_screen(parser)
    parser.add("--plain", action="store_true", help="lines instead of the dashboard")


def run(arguments: Arguments) -> int:
    from inittui.board.follower import Follower
    from inittui.cli.farewell import Farewell
    from inittui.cli.watch import watch

    run_dir = options.run_or_newest_alive(arguments)
    if run_dir is None:
        raise RunError(
            "no run is alive; 'inittui' starts one, 'inittui resume last' continues the newest, "
            "'inittui replay last' shows it again"
        )
    with Farewell(run_dir):
        return watch(Follower(run_dir, run_dir.liveness), arguments)
