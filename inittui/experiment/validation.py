"""Checking a table against typed fields: every fault is a line that quotes the place, the value and what was expected.

What a field may hold is said once, in its `Meta`: the check and the words that a person reads come from the same place.
"""

import math
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from inittui.common.errors import nearest


def section(
    kind: type[Struct],
    given: object,
    where: str,
    faults: list[str],
    base: Struct | None = None,
    *,
    also: Iterable[str] = (),
) -> Any:
    """`given` as a `kind`, missing keys from `base` or the defaults; None when a key is at fault. `also` are keys that there
    are beside the fields, dealt with already: messages name them."""
    if not isinstance(given, Mapping):
        faults.append(f"{where} = {show(given)}: expected a table")
        return None
    hints = get_type_hints(kind, include_extras=True)
    found_before = len(faults)
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in hints:
            known = [*hints, *also]
            faults.append(f"{where}.{key}: no such key.{nearest(key, known) or ' Known: ' + ', '.join(known) + '.'}")
        else:
            values[key] = value_of(value, hints[key], f"{where}.{key}", faults)
    if len(faults) > found_before:
        return None
    return msgspec.structs.replace(base, **values) if base is not None else kind(**values)


def value_of(value: object, hint: Any, where: str, faults: list[str]) -> Any:
    """`value` as `hint` says, or None and a fault that quotes the value and the field's own words."""
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise msgspec.ValidationError("not finite")
        if isinstance(value, str) and not value.isprintable():
            raise msgspec.ValidationError("not printable")
        return msgspec.convert(value, hint)
    except (msgspec.ValidationError, OverflowError):
        faults.append(f"{where} = {show(value)}: expected {_expected(hint)}{_hint(value, hint)}")
        return None


def _parts(hint: Any) -> list[Any]:
    """The members of a union without None, else the hint itself."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return [part for part in get_args(hint) if part is not type(None)]
    return [hint]


def _expected(hint: Any) -> str:
    for part in _parts(hint):
        if get_origin(part) is Literal:
            return "one of " + ", ".join(get_args(part))
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, Meta) and extra.description:
                return extra.description
    raise TypeError(f"a field of a preset has no description: {hint}")


def _hint(value: object, hint: Any) -> str:
    for part in _parts(hint):
        if get_origin(part) is Literal and isinstance(value, str):
            return "." + close if (close := nearest(value, get_args(part))) else ""
    return ""


def show(value: object) -> str:
    """A value as TOML would show it, on one line and not too long."""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, float) else _as_json(value)
    text = f'"{text}"' if isinstance(value, str) else text
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= 80 else text[:77] + "..."


def _as_json(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
