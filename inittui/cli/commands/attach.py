"""`inittui attach`: shows a run that is training."""

import argparse

from inittui.cli import options
from inittui.cli.parser import Options
from inittui.common.errors import RunError

ARGUMENTS = "[RUN]"
SUMMARY = "show a run that is training (the newest one)"
DESCRIPTION = (
    "Show a run that is training, with its whole history; a run that has ended is shown as it ended. Leaving does not "
    f"stop it. {options.RUN}"
)
EXAMPLES = (
    ("inittui attach", "the newest run that is alive"),
    ("inittui attach deep5 --plain", "one line per epoch and arm, no dashboard"),
)
EXIT_CODES = f"{options.WATCHING_CODES}; 0 when you leave a run that goes on"


def add_options(parser: Options) -> None:
    options.add_optional_run(parser)
    options.add_screen(parser)
    parser.add("--plain", action="store_true", help="lines instead of the dashboard")


def run(arguments: argparse.Namespace) -> int:
    from inittui.board.follower import Follower
    from inittui.cli.watch import watch
    from inittui.record.run_index import runs

    if arguments.run:
        run_dir = options.run_of(arguments)
    else:
        newest_alive = next((run_dir for run_dir in runs(options.runs_dir(arguments)) if run_dir.alive()), None)
        if newest_alive is None:
            raise RunError(
                "no run is alive; 'inittui' starts one, 'inittui resume last' continues the newest, "
                "'inittui replay last' shows it again"
            )
        run_dir = newest_alive
    refresh = options.refresh(arguments)
    return watch(run_dir, Follower(run_dir, run_dir.liveness), arguments, refresh)
