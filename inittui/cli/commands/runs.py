"""`inittui runs`: lists the runs."""

import argparse
import shutil
import sys
from collections.abc import Sequence

from inittui.cli import options
from inittui.cli.parser import Options
from inittui.common.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.record.run_index import RunSummary

ARGUMENTS = ""
SUMMARY = "list the runs: state, accuracy, age, size; --json"
DESCRIPTION = "List the runs, the newest first: state, accuracy, age, size."
EXAMPLES = (
    ("inittui runs", "a table"),
    ("inittui runs --json | jq '.[] | select(.alive).name'", "the names of those that are alive"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    parser.add("--json", action="store_true", help="everything about each run, for programs")
    options.add_runs_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    import json

    from msgspec import to_builtins

    from inittui.record import run_table
    from inittui.record.run_index import summaries

    folder = options.runs_dir(arguments)
    runs = summaries(folder)
    if arguments.json:
        # ASCII alone, so that no name can send an escape sequence or break the encoding.
        print(json.dumps(to_builtins(runs), indent=2, allow_nan=False))
        return 0
    if not runs:
        print(printable(f"no run in {folder}; start one with: inittui"))
        return 0
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    print("\n".join([*run_table.text(runs, width), "", *_closing(runs)]))
    return 0


def _closing(runs: "Sequence[RunSummary]") -> list[str]:
    """The number and size of the runs, and the commands for one of them."""
    from inittui.common import formatting

    lines = [f"{formatting.count(len(runs), 'run')}, {formatting.size(sum(run.size for run in runs))}"]
    if any(run.state == "interrupted" for run in runs):
        lines.append("inittui resume NAME continues a run that was interrupted")
    return [*lines, "inittui attach NAME opens one, inittui report NAME prints its result"]
