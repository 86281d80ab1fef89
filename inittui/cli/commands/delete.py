"""Delete runs, after a question; never one that is alive."""

import sys

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import RunError, UsageError, printable

ARGUMENTS = "RUN..."
EXAMPLES = (
    ("inittui delete digits-20260101", "one"),
    ("inittui delete --yes digits-1 digits-2", "two, without a question"),
)
EXIT_CODES = "0 deleted, 1 you said no, 2 bad input"
MOST_NAMED = 10  # runs that the question names


def add_options(parser: Options) -> None:
    options.add_run(parser, "+", "the runs to delete")
    parser.add("--yes", action="store_true", help="do not ask")


def run(arguments: Arguments) -> int:
    from inittui.record import delete_run

    runs = options.different_runs(arguments)
    for run_dir in runs:
        delete_run.check(run_dir)  # all of them first: a refusal leaves everything as it is
    if not arguments.yes and not _confirmed([str(run_dir.path) for run_dir in runs]):
        print("nothing deleted", file=sys.stderr)
        return 1
    failures = []
    for run_dir in runs:
        try:
            delete_run.delete(run_dir)
            print(f"deleted {run_dir.name}")
        except RunError as error:
            failures.append(str(error))
    if failures:
        raise RunError("; ".join(failures))
    return 0


def _confirmed(paths: list[str]) -> bool:
    """Ask the person at the terminal. Raises UsageError if there is no terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("delete asks before it deletes, and there is no terminal to ask at: expected --yes")
    for path in paths[:MOST_NAMED]:
        print(printable(f"  {path}"), file=sys.stderr)
    if len(paths) > MOST_NAMED:
        print(f"  and {len(paths) - MOST_NAMED} more", file=sys.stderr)
    what = "this run" if len(paths) == 1 else f"these {len(paths)} runs"
    print(f"Delete {what} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
