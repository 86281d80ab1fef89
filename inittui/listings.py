"""The commands that print what there is: runs, a run's table, presets, schemes."""

import argparse
import os
import sys

from inittui.commands import EXIT_CODES, runs_dir
from inittui.errors import InittuiError, UsageError, printable
from inittui.follow import Follower
from inittui.rundir import find
from inittui.rundir import runs as all_runs

FORMATS = ("table", "md", "csv", "json", "svg")


def runs(arguments: argparse.Namespace) -> int:
    """`inittui runs`: list the runs."""
    folder = runs_dir(arguments)
    rows = []
    for run_dir in all_runs(folder):
        try:
            status = run_dir.status()
            state = status.state
            if state not in EXIT_CODES and not run_dir.alive():
                state = "dead" if status.host == os.uname().nodename else f"on {status.host}"
            rows.append((run_dir.name, state, status.started, status.device))
        except InittuiError as error:
            rows.append((run_dir.name, "damaged", "", str(error)))
    if not rows:
        print(f"no run in {folder}; start one with: inittui")
        return 0
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print(printable("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()))
    return 0


def report(arguments: argparse.Namespace) -> int:
    """`inittui report`: a run's table, in the format asked for."""
    import msgspec

    from inittui import report as tables
    from inittui import result

    if arguments.format not in FORMATS:
        raise UsageError(f"--format {arguments.format}: expected one of {', '.join(FORMATS)}")
    run_dir = find(runs_dir(arguments), arguments.run)
    if arguments.format == "svg":
        from inittui.tui.picture import screenshot

        columns, rows = _size(arguments.size)
        print(screenshot(run_dir, columns, rows))
        return 0
    document = run_dir.result()
    if document is None:  # still going on, or its supervisor was killed: what the logs hold
        board = Follower(run_dir).poll()
        document = result.document(board, seconds=board.t)
        print(f"no result.json yet (the run is {board.phase}): this is what its logs hold", file=sys.stderr)
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print(
            {"table": tables.text, "md": tables.markdown, "csv": tables.comma_separated}[arguments.format](document),
            end="",
        )
    return 0


def presets(arguments: argparse.Namespace) -> int:
    """`inittui presets`: list them, or print one."""
    from inittui import presetfiles

    if arguments.name:
        print(presetfiles.read_text(presetfiles.locate(arguments.name)), end="")
        return 0
    known = presetfiles.known()
    width = max(len(name) for name in known)
    for name in known:
        try:
            preset = presetfiles.load(name)
            print(f"{name:<{width}}  {preset.shows or preset.title}")
        except InittuiError as error:
            print(f"{name:<{width}}  can't be run: {str(error).splitlines()[0]}")
    print(f"\nYour own: {presetfiles.user_dir()}/NAME.toml, or any file by its path. inittui presets NAME prints one.")
    return 0


def schemes(arguments: argparse.Namespace) -> int:
    """`inittui schemes`: list them, or explain one."""
    from inittui.schemes import SCHEMES, parse

    if not arguments.name:
        width = max(len(name) for name in SCHEMES)
        formulas = max(len(row.formula) for row in SCHEMES.values())
        for name, row in SCHEMES.items():
            print(f"{name:<{width}}  {row.formula:<{formulas}}  {row.derived_for}")
        return 0
    name = arguments.name if arguments.name in SCHEMES else parse(arguments.name)[0]
    row = SCHEMES[name]
    print(f"{name}\n")
    for title, words in (
        ("weights", row.formula),
        ("variance", row.variance),
        ("biases", row.bias),
        ("for", row.derived_for),
        ("paper", row.paper),
        ("elsewhere", row.elsewhere),
    ):
        print(f"  {title:<10} {words}")
    for key, parameter in row.parameters.items():
        default = "has to be given" if parameter.default is None else f"default {parameter.default:g}"
        print(f"  {key:<10} {parameter.meaning}; {default}")
    example = f"{name}({', '.join(f'{key}=0.01' for key, p in row.parameters.items() if p.default is None)})"
    print(f"\n  inittui --arm {name if example.endswith('()') else repr(example)} --arm he_uniform")
    return 0


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 1 <= int(columns) <= 1000 and 1 <= int(rows) <= 1000):
        raise UsageError(f"--size {text}: expected columns x rows, as in 120x40")
    return int(columns), int(rows)
