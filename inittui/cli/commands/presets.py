"""List the presets with what each shows, or print one.

A printed preset is a start for your own.
"""

import sys

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import InittuiError, UsageError

ARGUMENTS = "[NAME]"
EXAMPLES = (("inittui presets", "the list"), ("inittui presets deep5 > mine.toml", "a copy to change"))
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    parser.add("name", metavar="NAME", nargs="?", help="one of them; default: the list", completes="presets")


def run(arguments: Arguments) -> int:
    import contextlib

    from inittui.common.clean_text import printable_lines
    from inittui.experiment import preset_files

    if arguments.name:
        text = preset_files.read_text(preset_files.locate(arguments.name))
        # A file gets an exact copy. A terminal gets no control characters, which a comment may hold.
        print(printable_lines(text) + "\n" if sys.stdout is not None and sys.stdout.isatty() else text, end="")
        return 0
    names = preset_files.known()
    width = max(map(len, names))
    for name in names:
        try:
            preset = preset_files.load(name)
            print(f"{name:<{width}}  {preset.shows or preset.title}")
        except InittuiError as error:
            print(f"{name:<{width}}  can't be run: {str(error).splitlines()[0]}")
    own = "any file by its path"
    with contextlib.suppress(UsageError):  # there is no home folder
        own = f"{preset_files.user_dir()}/NAME.toml, or {own}"
    print(f"\nYour own: {own}. inittui presets NAME prints one.")
    return 0
