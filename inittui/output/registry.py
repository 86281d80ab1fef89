"""What an output format is, and which formats exist: each module in `output/formats/` defines some in `FORMATS`.

The options of `report`, `compare` and `export`, their help, completion and error messages follow from these definitions. Help
must be quick, so a module there imports nothing at its top that help does not need: neither the library of its format nor
msgspec, typing or pathlib.
"""

import os
from collections.abc import Callable, Iterator
from importlib import import_module

from inittui.common.errors import UsageError, path_of
from inittui.common.optional_extras import need
from inittui.output import formats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from inittui.output.results import Report, Results
    from inittui.record.run_directory import RunDir

DEFAULT = "table"  # what `report` prints


class PrintedFormat:
    """`inittui report --format NAME`. `render` returns the text with its last newline."""

    def __init__(self, name: str, render: "Callable[[Report], str]") -> None:
        self.name, self.render = name, render


class FileFormat:
    """`inittui export --to FILE`, where the file has this `ending`. `help` says what is in it. `module` is the library that
    it needs, `extra` the extra of inittui that installs it. `render` returns the file's content."""

    def __init__(
        self, ending: str, help: str, render: "Callable[[Results], bytes]", *, module: str = "", extra: str = ""
    ) -> None:
        self.ending, self.help, self.render, self.module, self.extra = ending, help, render, module, extra


class FolderFormat:
    """`inittui export --NAME DIR`. `write` takes the run, the folder and whether to continue until the run has ended, and
    returns what to print. `follows` says whether it can continue. `module` and `extra` are those of FileFormat."""

    def __init__(
        self,
        name: str,
        help: str,
        write: "Callable[[RunDir, Path, bool], str]",
        *,
        module: str = "",
        extra: str = "",
        follows: bool = False,
    ) -> None:
        self.name, self.help, self.write, self.module, self.extra = name, help, write, module, extra
        self.option, self.follows = f"--{name}", follows

    def path(self, text: str) -> "Path":
        """The folder that the option names; it need not exist. Raises UsageError if it is a file or a library is missing."""
        if self.module:
            need(f"{self.option} {text}", self.extra, self.module)
        path = path_of(text).absolute()
        if path.exists() and not path.is_dir():
            raise UsageError(f"{self.option} {text}: it is a file; expected a folder")
        return path


def printed() -> dict[str, PrintedFormat]:
    """The formats of `report` and `compare` by name, DEFAULT first."""
    definitions = {definition.name: definition for definition in _all() if isinstance(definition, PrintedFormat)}
    return {DEFAULT: definitions[DEFAULT]} | definitions


def files() -> dict[str, FileFormat]:
    """The formats of `export --to` by the ending of the file."""
    return {definition.ending: definition for definition in _all() if isinstance(definition, FileFormat)}


def folders() -> dict[str, FolderFormat]:
    """The formats of `export` that fill a folder, by name."""
    return {definition.name: definition for definition in _all() if isinstance(definition, FolderFormat)}


def file_of(text: str) -> "tuple[Path, FileFormat]":
    """The file that `--to` names, and its format. Raises UsageError if it can't be written or the library is missing."""
    known, path = files(), path_of(text)
    of_file = known.get(path.suffix.lower())
    if of_file is None:
        raise UsageError(f"--to {text}: expected a file that ends in one of {', '.join(known)}")
    if path.is_dir():
        raise UsageError(f"--to {text}: it is a folder; expected a file")
    if not path.parent.is_dir():
        raise UsageError(f"--to {text}: there is no folder '{path.parent}'; make it first")
    if of_file.module:
        need(f"--to {text}", of_file.extra, of_file.module)
    return path, of_file


def _all() -> Iterator[PrintedFormat | FileFormat | FolderFormat]:
    names = [name for folder in formats.__path__ for name in os.listdir(folder)]  # noqa: PTH208 # pathlib is slow
    for name in sorted(name.removesuffix(".py") for name in names if name.endswith(".py") and name != "__init__.py"):
        yield from import_module(f"{formats.__name__}.{name}").FORMATS
