"""All rows, by name."""

from collections.abc import Mapping

from inittui.common.errors import SchemeError, nearest
from inittui.common.user_code_refs import SCHEME, reference
from inittui.schemes import constant_scale, matrix_schemes, user_scheme, variance_scaling
from inittui.schemes.scheme import Scheme

SCHEMES: Mapping[str, Scheme] = {
    row.name: row for row in (*variance_scaling.ROWS, *matrix_schemes.ROWS, *constant_scale.ROWS)
}


def scheme(name: str) -> Scheme:
    """The row called `name`, or that of an own scheme. Raises SchemeError, which names the nearest, when there is none."""
    if name in SCHEMES:
        return SCHEMES[name]
    if found := reference(name, SCHEME):
        return user_scheme.row(found)
    hint = (
        nearest(name, [*SCHEMES, *user_scheme.installed()])
        or f" Known: {', '.join(SCHEMES)}, or your own: {SCHEME.forms}."
    )
    raise SchemeError(f"no scheme '{name}'.{hint} 'inittui schemes' lists them all")
