"""Print a run's accuracy table: --format F, --each-seed, --baseline ARM, --all-pairs.

The table has the verdicts below it. A run that has not ended is reported with its results so far.
"""

import sys

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.record.run_directory import RunDir

ARGUMENTS = "RUN"
EXAMPLES = (
    ("inittui report last", "a table"),
    ("inittui report last --format md | gh pr comment -F -", "in a pull request"),
    ("inittui report last --baseline he_normal", "all arms against that one"),
    ("inittui report last --format svg > screen.svg", "the dashboard"),
)
EXIT_CODES = options.DONE_CODES
SVG = "svg"  # the dashboard as a picture; the other formats lie in output/formats/


def add_options(parser: Options) -> None:
    options.add_run(parser)
    options.add_table(parser, SVG)
    parser.add(
        "--size",
        metavar="CxR",
        default="120x40",
        type=_size,
        expected="columns x rows, as in 120x40",
        help="columns and rows of the svg (120x40)",
    )


def run(arguments: Arguments) -> int:
    from inittui.analysis import comparisons, result_document

    options.check_table(arguments)
    ignored = [name for name in ("baseline", "all_pairs", "each_seed") if getattr(arguments, name)]
    if arguments.format == SVG and ignored:
        raise UsageError(
            f"--{ignored[0].replace('_', '-')}: the dashboard shows the run's own comparisons; expected another --format "
            "than svg"
        )
    run_dir = options.run_of(arguments)
    if arguments.format == SVG:
        from inittui.tui.svg import screenshot

        print(screenshot(run_dir, *arguments.size))
        return 0
    document, final = result_document.read(run_dir)
    if not final:
        print(f"no result.json yet (the run is {document.status}): this is what its logs hold", file=sys.stderr)
    if arguments.baseline is not None or arguments.all_pairs:
        document = comparisons.again(document, baseline=arguments.baseline, all_pairs=arguments.all_pairs)
    options.print_table(arguments, document, _confusion(run_dir))
    return 0


def _confusion(run_dir: "RunDir") -> dict[str, dict[str, object]]:
    """Per arm its confusion matrix, one row per label, or with many classes its most frequent confusions; and over how many
    seeds. Empty without a gallery."""
    import msgspec

    from inittui.record import gallery

    stored = gallery.read(run_dir)
    if stored is None:
        return {}
    one, none = (1,) * len(stored.arms), (0,) * len(stored.arms)
    rows = zip(
        stored.arms,
        stored.confusion or map(msgspec.to_builtins, stored.confusions),
        stored.replicas or one,
        stored.left_out or none,
        strict=False,
    )
    known = "counts" if stored.confusion else "mistakes"
    return {
        arm: {"seeds": seeds, "at_chance_left_out": left_out, known: counts}
        for arm, counts, seeds, left_out in rows
        if seeds and counts
    }


def _size(text: str) -> tuple[int, int]:
    columns, rows = map(options.whole(range(1, 1001)), text.split("x"))
    return columns, rows
