"""`inittui compare`: the arms of several runs, compared as those of one run are."""

import argparse

from inittui.analysis.across_runs import document_of_runs
from inittui.cli.run import runs_dir
from inittui.common.errors import UsageError
from inittui.output import lines
from inittui.record.run_index import find

FORMATS = ("table", "md", "csv", "json")


def compare(arguments: argparse.Namespace) -> int:
    """Print the table of all arms, and what their differences are worth."""
    if arguments.format not in FORMATS:
        raise UsageError(f"--format {arguments.format}: expected one of {', '.join(FORMATS)}")
    if arguments.baseline is not None and arguments.all_pairs:
        raise UsageError("--baseline and --all-pairs: expected one of the two; all pairs have no baseline")
    folder = runs_dir(arguments)
    found = {run.path: run for run in (find(folder, word) for word in arguments.run)}
    if len(found) < 2:
        raise UsageError(f"compare {' '.join(arguments.run)}: that is one run; expected two or more different ones")
    document = document_of_runs(list(found.values()), baseline=arguments.baseline, all_pairs=arguments.all_pairs)
    lines.show(document, arguments.format, each_seed=arguments.each_seed)
    return 0
