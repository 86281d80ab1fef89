"""List the initialisation schemes, or explain one.

An explanation has formula, biases, paper, names in other libraries, traps.
"""

import shutil

from inittui.cli import options
from inittui.cli.parser import Arguments, Options

ARGUMENTS = "[NAME]"
EXAMPLES = (
    ("inittui schemes", "the list"),
    ("inittui schemes he_normal", "one"),
    ("inittui schemes 'normal(std=0.1)'", "one with a parameter"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    parser.add("name", metavar="NAME", nargs="?", help="one of them; default: the list", completes="schemes")


def run(arguments: Arguments) -> int:
    from inittui.schemes.describe import explained, listed

    if arguments.name:
        width = min(max(shutil.get_terminal_size().columns, 40), 100)
        print("\n".join(explained(arguments.name, width)))
    else:
        print("\n".join(listed()))
        print("\ninittui schemes NAME explains one. Your own: --arm ./my_scheme.py:my_init")
    return 0
