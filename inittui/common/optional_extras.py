"""Checks that an optional library is installed."""

from importlib.util import find_spec

from inittui.common.errors import UsageError


def need(what: str, extra: str, *modules: str) -> None:
    """Raises UsageError, with the command that installs them, if one of `modules` is missing. Imports none of them."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UsageError(f"{what}: needs {', '.join(missing)}, which is not installed; pip install 'inittui[{extra}]'")
