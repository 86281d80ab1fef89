"""All rows, by name."""

from collections.abc import Mapping

from inittui.common.errors import SchemeError, nearest
from inittui.common.user_code_refs import SCHEME, reference
from inittui.schemes import fixed, own, scaled, structured
from inittui.schemes.row import Scheme

SCHEMES: Mapping[str, Scheme] = {row.name: row for row in (*scaled.ROWS, *structured.ROWS, *fixed.ROWS)}


def scheme(name: str) -> Scheme:
    """The row called `name`, or that of an own scheme. Raises SchemeError, which names the nearest, when there is none."""
    if name in SCHEMES:
        return SCHEMES[name]
    if found := reference(name, SCHEME):
        return own.row(found)
    hint = nearest(name, [*SCHEMES, *own.installed()]) or f" Known: {', '.join(SCHEMES)}, or your own: {SCHEME.forms}."
    raise SchemeError(f"no scheme '{name}'.{hint} 'inittui schemes' lists them all")
