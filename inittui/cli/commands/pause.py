"""Pause a run, or one arm of it (--arm); it uses no device time until it is resumed.

It saves a checkpoint before it pauses.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options

ARGUMENTS = "RUN"
EXAMPLES = (
    ("inittui pause last", "the whole run"),
    ("inittui pause last --arm he_normal", "one arm; the others train on"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    options.add_run(parser)
    options.add_arm(parser)


def run(arguments: Arguments) -> int:
    from inittui.cli import arm_requests

    run_dir = options.run_of(arguments)
    paused = arm_requests.request(run_dir, "pause", arguments.arm)
    print(f"paused {paused}; 'inittui resume {run_dir.name}' continues it")
    return 0
