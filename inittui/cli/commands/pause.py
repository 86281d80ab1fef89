"""Pause a run, or one arm of it (--arm); it uses no device time until it is resumed.

It saves a checkpoint before it pauses.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import in_quotes

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
    from inittui.record.run_index import word_for

    run_dir = options.run_of(arguments)
    paused = arm_requests.request(run_dir, "pause", arguments.arm)
    print(f"paused {paused}; {in_quotes('resume', word_for(run_dir))} continues it")
    return 0
