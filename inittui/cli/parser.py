"""Builds the argument parser and the help text of a command from the module that defines it."""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence

from inittui.common.errors import UsageError

TYPE_CHECKING = False  # `typing` would cost `inittui --help` a fifth of its time
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    class Command(Protocol):
        """What a module in `cli/commands/` defines. Its docstring is the help text; the first line is also its line in
        `inittui --help`. `ARGUMENTS` are those without a dash, as in `RUN`; an example is what to type and what that does."""

        __name__: str
        ARGUMENTS: str
        EXIT_CODES: str

        @property
        def EXAMPLES(self) -> Sequence[tuple[str, str]]: ...
        def add_options(self, parser: "Options") -> None: ...
        def run(self, arguments: "Arguments") -> int: ...


Arguments = argparse.Namespace
RUN = "RUN is a name, an unambiguous beginning of one, a path, or 'last'."
# Called with an argument and what completes it: its values; or "runs", "presets", "schemes", "datasets", "file", "folder".
Completer = Callable[[argparse.Action, str | Sequence[str]], None]


class Parser(argparse.ArgumentParser):
    """argparse, with each error as one line of ours."""

    def error(self, message: str) -> "NoReturn":
        raise UsageError(f"{message}; '{self.prog} --help' lists the options")


class Options:
    """Adds options to a parser, or to a titled group of its help."""

    def __init__(self, parser: Parser, completer: Completer | None = None, title: str | None = None) -> None:
        self._parser, self._completer = parser, completer
        container = parser if title is None else parser.add_argument_group(title)
        self._add: Callable[..., argparse.Action] = container.add_argument

    def group(self, title: str) -> "Options":
        """Options that the help lists under `title`."""
        return Options(self._parser, self._completer, title)

    def add(
        self,
        *names: str,
        one_of: Sequence[str] = (),
        expected: str = "",
        completes: str | Sequence[str] = (),
        **settings: "Any",
    ) -> None:
        """Add an argument; `settings` are those of argparse's `add_argument`. A value outside of `one_of` is refused, and one
        for which `type` raises ValueError: the message says what is `expected`. `completes` says what a shell offers where
        other values are accepted too."""
        if one_of:
            settings["type"], expected = (lambda text: one_of[one_of.index(text)]), f"one of {', '.join(one_of)}"
        if expected:
            settings["type"] = _checked(names[-1], settings["type"], expected)
        action = self._add(*names, **settings)
        if self._completer is not None and (one_of or completes):
            self._completer(action, one_of or completes)


def _checked(option: str, read: "Callable[[str], Any]", expected: str) -> "Callable[[str], Any]":
    def checked(text: str) -> "Any":
        try:
            return read(text)
        except ValueError:
            value = text if option.startswith("-") else f"'{text}'"  # `shell foo` reads as one name
            raise UsageError(f"{option} {value}: expected {expected}") from None

    return checked


def command_parser(name: str, command: "Command", completer: Completer | None = None, commands: str = "") -> Parser:
    """The parser of a command; `name` is empty for `inittui` without one. `commands` is a text above its examples."""
    width = max(40, min(shutil.get_terminal_size().columns - 2, 100))  # as argparse fills, but never too wide to read
    prog = f"inittui {name}".strip()
    usage = " ".join(f"{prog} {command.ARGUMENTS} [OPTIONS]".split())
    words = f"{_help(command)} {RUN if 'RUN' in command.ARGUMENTS else ''}"
    parser = Parser(
        prog=prog,
        usage=usage if name else f"{usage}\n       inittui COMMAND [OPTIONS]",
        description=textwrap.fill(" ".join(words.split()), width, break_on_hyphens=False),
        epilog=commands + _examples_and_codes(command.EXAMPLES, command.EXIT_CODES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_options(Options(parser, completer))
    return parser


def listed(commands: "dict[str, Command]") -> str:
    """The commands with the first lines of their help, one per line."""
    usages = {name: f"{name} {command.ARGUMENTS}" for name, command in commands.items()}
    width = max(map(len, usages.values())) + 2
    return "\n".join(f"  {usages[name]:<{width}}{summary(command)}" for name, command in commands.items())


def summary(command: "Command") -> str:
    """The first line of a command's help, as a part of a sentence."""
    line = _help(command).partition("\n")[0].rstrip(".")
    return line[0].lower() + line[1:]


def _help(command: "Command") -> str:
    """The docstring of a command's module."""
    if command.__doc__ is None:  # removed by PYTHONOPTIMIZE=2
        import ast
        import inspect

        return ast.get_docstring(ast.parse(inspect.getsource(sys.modules[command.__name__]))) or ""
    return command.__doc__


def _examples_and_codes(examples: Sequence[tuple[str, str]], codes: str) -> str:
    """The last lines of a help text. Examples are aligned, apart from very long ones."""
    typed = max((len(words) for words, does in examples if does and len(words) <= 56), default=0) + 2
    lines = [f"  {words:<{typed}}{'  ' if len(words) > typed else ''}{does}".rstrip() for words, does in examples]
    return "\n".join(["examples:", *lines, "", f"exit codes: {codes}"])
