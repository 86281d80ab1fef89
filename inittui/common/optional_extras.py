"""Checks that an optional library is installed."""

from importlib.util import find_spec
from pathlib import Path

from inittui.common.errors import UsageError, path_of


def need(what: str, extra: str, *modules: str) -> None:
    """Raises UsageError, with the command that installs them, if one of `modules` is missing. Imports none of them."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UsageError(f"{what}: needs {', '.join(missing)}, which is not installed; pip install 'inittui[{extra}]'")


def folder_of(option: str, word: str | None) -> Path | None:
    """The folder given to `--tensorboard` or `--wandb`, which need not exist yet; None if the option is not given. Raises
    UsageError."""
    if word is None:
        return None
    name = option.removeprefix("--")
    need(f"{option} {word}", name, name)
    path = path_of(word).absolute()
    if path.exists() and not path.is_dir():
        raise UsageError(f"{option} {word}: it is a file; expected a folder")
    return path
