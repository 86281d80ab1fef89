"""Stop a run, or one arm of it (--arm); the results so far are kept.

The run keeps its result.json and its checkpoints. A worker that has not stopped after 10 seconds is killed, and a supervisor
after 30 seconds.
"""

import sys

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import in_quotes

ARGUMENTS = "RUN"
EXAMPLES = (
    ("inittui stop last", "the whole run, and wait until it has stopped"),
    ("inittui stop last --arm zeros", "one arm"),
)
EXIT_CODES = options.DONE_CODES
STOP_SECONDS = 30.0  # workers get ten before they are killed


def add_options(parser: Options) -> None:
    options.add_run(parser)
    options.add_arm(parser)


def run(arguments: Arguments) -> int:
    from inittui.cli import arm_requests
    from inittui.launch import process
    from inittui.record.run_index import word_for

    run_dir = options.run_of(arguments)
    if arguments.arm is not None:
        print(f"stopped {arm_requests.request(run_dir, 'stop', arguments.arm)}")
        return 0
    process.stop(run_dir)
    arm_requests.wait_until(lambda: not run_dir.alive(), STOP_SECONDS)
    done = process.end(run_dir)
    print(f"stopped {run_dir.name}")
    if why := run_dir.waiting_for():
        print(
            f"inittui: {why}: events that waited in memory are lost; when the disk can be written, "
            f"{in_quotes('resume', word_for(run_dir))} trains those steps again",
            file=sys.stderr,
        )
    elif done:
        resume = in_quotes("resume", word_for(run_dir))
        print(f"inittui: {done}; {resume} goes on from its last checkpoints", file=sys.stderr)
    return 0
