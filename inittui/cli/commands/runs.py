"""List the runs: state, accuracy, age, size; --json.

The newest is the first.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import printable

ARGUMENTS = ""
EXAMPLES = (
    ("inittui runs", "a table"),
    ("inittui runs --json | jq '.[] | select(.alive).name'", "the names of those that are alive"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    parser.add("--json", action="store_true", help="everything about each run, for programs")
    options.add_runs_dir(parser)


def run(arguments: Arguments) -> int:
    import json

    from msgspec import to_builtins

    from inittui.common import formatting
    from inittui.output.lines import terminal_width
    from inittui.record import run_table
    from inittui.record.run_index import RunIndex

    folder = options.runs_dir(arguments)
    runs = RunIndex(folder).read()
    if arguments.json:
        # ASCII alone, so that no path can send an escape sequence or break the encoding.
        print(json.dumps(to_builtins(runs), indent=2, allow_nan=False))
        return 0
    if not runs:
        print(printable(f"no run in {folder}; start one with: inittui"))
        return 0
    print("\n".join(run_table.text(runs, terminal_width())))
    print(f"\n{formatting.count(len(runs), 'run')}, {formatting.size(sum(run.size for run in runs))}")
    if any(run.state == "interrupted" for run in runs):
        print("inittui resume NAME continues a run that was interrupted")
    print("inittui attach NAME opens one, inittui report NAME prints its result")
    return 0
