"""Write a preset of your own to start from, with every key explained.

It runs as it is. A NAME goes into your folder of presets, where --preset needs no path; a FILE (with a slash, or ending in
.toml) goes where you say. Nothing is overwritten.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import RunError, UsageError, command, path_of, printable

ARGUMENTS = "NAME|FILE"
EXAMPLES = (
    ("inittui new mine", "then: inittui --preset mine"),
    ("inittui new ./mine.toml", "here; then: inittui --preset ./mine.toml"),
)
EXIT_CODES = options.DONE_CODES


def add_options(parser: Options) -> None:
    parser.add("name", metavar="NAME|FILE", help="its name, or the file to write", completes="file")


def run(arguments: Arguments) -> int:
    import re

    from inittui.common.atomic_files import reason
    from inittui.experiment import preset_files
    from inittui.experiment.template import template

    name = arguments.name
    if not name.isprintable():
        raise UsageError(f"preset '{name}': expected a name of characters that can be printed")
    by_name = "/" not in name and not name.endswith(".toml")
    if not by_name:
        path = path_of(name)
        if path.suffix != ".toml":
            raise UsageError(f"preset '{name}': expected a file that ends in .toml, or a name without a slash")
        if not path.parent.is_dir():
            raise UsageError(f"preset '{name}': there is no folder '{path.parent}'; make it first")
    elif re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", name):
        path = preset_files.user_dir() / f"{name}.toml"
    else:
        raise UsageError(
            f"preset '{name}': expected a name of letters, digits, dots, dashes and underscores, or a file"
        )
    hides_shipped = name in preset_files.known()
    try:
        if by_name:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(template(name, path.stem))
    except FileExistsError:
        raise UsageError(f"'{path}' is there already, and nothing is overwritten; expected another name") from None
    except OSError as error:
        raise RunError(f"'{path}' can't be written: {reason(error)}") from None
    print(printable(f"wrote {path}"))
    if hides_shipped:
        print(printable(f"it hides the preset {name} that comes with inittui"))
    print(f"{command('--preset', name)} runs it")
    return 0
