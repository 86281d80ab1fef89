"""All schemes by name, collected from the modules in families/."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from inittui.common.errors import SchemeError, nearest
from inittui.common.user_code_refs import SCHEME, reference
from inittui.schemes import families, user_scheme
from inittui.schemes.scheme import Scheme

_MODULES = [import_module(f"{families.__name__}.{module.name}") for module in iter_modules(families.__path__)]
SCHEMES: Mapping[str, Scheme] = {
    entry.name: entry for family in sorted(_MODULES, key=lambda module: module.ORDER) for entry in family.SCHEMES
}


def scheme(name: str) -> Scheme:
    """The scheme called `name`, a user's own scheme included. Raises SchemeError, with the nearest name, if there is none."""
    if name in SCHEMES:
        return SCHEMES[name]
    if own := reference(name, SCHEME):
        return user_scheme.entry(own)
    known = f" Known: {', '.join(SCHEMES)}, or your own: {SCHEME.forms}."
    hint = nearest(name, [*SCHEMES, *user_scheme.installed()]) or known
    raise SchemeError(f"no scheme '{name}'.{hint} 'inittui schemes' lists them all")
