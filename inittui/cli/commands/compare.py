"""Compare the arms of several runs, seed by seed: --format, --baseline ARM, --all-pairs.

They are compared as the arms of one run are: by final test accuracy, paired by seed if two arms share seeds. Runs on
different images are refused, since their accuracies can't be compared. An arm's name that several runs have is followed by
its run's name: ARM@RUN.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import UsageError

ARGUMENTS = "RUN RUN..."
EXAMPLES = (
    ("inittui compare deep5-2026 deep5-2027", "every arm against the first run's first"),
    ("inittui compare A B --baseline he_normal@B", "against another arm"),
    ("inittui compare A B C --all-pairs --format md", "for a pull request"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    options.add_run(parser, "+", "two or more")
    options.add_table(parser)


def run(arguments: Arguments) -> int:
    from inittui.analysis.across_runs import document_of_runs

    options.check_table(arguments)
    runs = options.different_runs(arguments)
    if len(runs) < 2:
        raise UsageError(f"compare {' '.join(arguments.run)}: that is one run; expected two or more different ones")
    document = document_of_runs(runs, baseline=arguments.baseline, all_pairs=arguments.all_pairs)
    options.print_table(arguments, document)
    return 0
