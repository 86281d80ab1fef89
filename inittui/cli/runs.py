"""The commands about the runs that are there: list them, delete some."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence

from msgspec import to_builtins

from inittui.cli.run import runs_dir
from inittui.common import formatting
from inittui.common.errors import RunError, UsageError, printable
from inittui.record import delete_run, run_table
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunSummary, find, summaries

LISTED = 10  # runs that the question names


def runs(arguments: argparse.Namespace) -> int:
    """`inittui runs`: list the runs."""
    folder = runs_dir(arguments)
    found = summaries(folder)
    if arguments.json:
        # ASCII alone, so that no name can send an escape sequence or break the encoding.
        print(json.dumps(to_builtins(found), indent=2, allow_nan=False))
        return 0
    if not found:
        print(printable(f"no run in {folder}; start one with: inittui"))
        return 0
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    print("\n".join([*run_table.text(found, width), "", *closing(found)]))
    return 0


def closing(found: Sequence[RunSummary]) -> list[str]:
    """How many they are, and what can be done with one."""
    lines = [f"{formatting.count(len(found), 'run')}, {formatting.size(sum(one.size for one in found))}"]
    if any(one.state == "interrupted" for one in found):
        lines.append("inittui resume NAME goes on with one that was interrupted")
    return [*lines, "inittui attach NAME opens one, inittui delete NAME deletes it"]


def delete(arguments: argparse.Namespace) -> int:
    """`inittui delete`: delete runs, after a question."""
    folder = runs_dir(arguments)
    found = {run.path: run for run in (find(folder, word) for word in arguments.run)}
    for run in found.values():
        delete_run.check(run)  # all of them first: a refusal leaves everything as it is
    if not arguments.yes and not _agreed(list(found.values())):
        print("nothing deleted", file=sys.stderr)
        return 1
    failed = []
    for run in found.values():
        try:
            delete_run.delete(run)
            print(printable(f"deleted {run.name}"))
        except RunError as error:
            failed.append(str(error))
    if failed:
        raise RunError("; ".join(failed))
    return 0


def _agreed(found: Sequence[RunDir]) -> bool:
    """Ask the person at the terminal. Raises UsageError where there is none."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("delete asks before it deletes, and there is no terminal to ask at: expected --yes")
    for run in found[:LISTED]:
        print(printable(f"  {run.path}"), file=sys.stderr)
    if len(found) > LISTED:
        print(f"  and {len(found) - LISTED} more", file=sys.stderr)
    print(
        f"Delete {'this run' if len(found) == 1 else f'these {len(found)} runs'} for good? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")
