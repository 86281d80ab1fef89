"""The commands that print what there is: a run's table, presets, schemes."""

import argparse
import shutil
import sys

from inittui.cli.run import runs_dir
from inittui.common.errors import InittuiError, UsageError
from inittui.record import gallery
from inittui.record.run_directory import RunDir
from inittui.record.run_index import find

FORMATS = ("table", "md", "csv", "json", "svg")


def report(arguments: argparse.Namespace) -> int:
    """`inittui report`: a run's table, in the format asked for."""
    from inittui.analysis import comparisons, result_document
    from inittui.output import lines

    _check_report(arguments)
    run_dir = find(runs_dir(arguments), arguments.run)
    if arguments.format == "svg":
        from inittui.tui.svg import screenshot

        columns, rows = _size(arguments.size)
        print(screenshot(run_dir, columns, rows))
        return 0
    document, final = result_document.read(run_dir)
    if not final:
        print(f"no result.json yet (the run is {document.status}): this is what its logs hold", file=sys.stderr)
    if arguments.baseline is not None or arguments.all_pairs:
        document = comparisons.again(document, baseline=arguments.baseline, all_pairs=arguments.all_pairs)
    if arguments.format == "json":
        lines.show(document, "json", confusion=_confusion(run_dir))
    else:
        lines.show(document, arguments.format, each_seed=arguments.each_seed)
    return 0


def _check_report(arguments: argparse.Namespace) -> None:
    if arguments.format not in FORMATS:
        raise UsageError(f"--format {arguments.format}: expected one of {', '.join(FORMATS)}")
    if arguments.baseline is not None and arguments.all_pairs:
        raise UsageError("--baseline and --all-pairs: expected one of the two; all pairs have no baseline")
    asked = [
        f"--{name.replace('_', '-')}" for name in ("baseline", "all_pairs", "each_seed") if getattr(arguments, name)
    ]
    if arguments.format == "svg" and asked:
        raise UsageError(f"{asked[0]}: the dashboard shows a run as it was judged; expected another --format than svg")


def _confusion(run_dir: RunDir) -> dict[str, dict[str, object]]:
    """Per arm its confusion matrix, a row a label, over so many seeds; empty where there is no gallery."""
    found = gallery.read(run_dir)
    if found is None:
        return {}
    one, none = (1,) * len(found.arms), (0,) * len(found.arms)
    counts = zip(found.arms, found.confusion, found.replicas or one, found.left_out or none, strict=False)
    return {
        arm: {"seeds": seeds, "at_chance_left_out": left_out, "counts": matrix}
        for arm, matrix, seeds, left_out in counts
        if matrix
    }


def presets(arguments: argparse.Namespace) -> int:
    """`inittui presets`: list them, or print one."""
    from inittui.experiment import preset_files

    if arguments.name:
        print(preset_files.read_text(preset_files.locate(arguments.name)), end="")
        return 0
    known = preset_files.known()
    width = max(len(name) for name in known)
    for name in known:
        try:
            preset = preset_files.load(name)
            print(f"{name:<{width}}  {preset.shows or preset.title}")
        except InittuiError as error:
            print(f"{name:<{width}}  can't be run: {str(error).splitlines()[0]}")
    print(f"\nYour own: {preset_files.user_dir()}/NAME.toml, or any file by its path. inittui presets NAME prints one.")
    return 0


def schemes(arguments: argparse.Namespace) -> int:
    """`inittui schemes`: list them, or explain one."""
    from inittui.schemes.describe import explained, listed

    if arguments.name:
        width = min(max(shutil.get_terminal_size().columns, 40), 100)
        print("\n".join(explained(arguments.name, width)))
    else:
        print("\n".join(listed()))
        print("\ninittui schemes NAME explains one. Your own: --arm ./my_scheme.py:my_init")
    return 0


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 1 <= int(columns) <= 1000 and 1 <= int(rows) <= 1000):
        raise UsageError(f"--size {text}: expected columns x rows, as in 120x40")
    return int(columns), int(rows)
