"""Checks a table against the typed fields of a struct. Each fault is one line: the key, the value, what was expected.

The `Meta` of a field holds both its limits and their description for messages.
"""

import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from inittui.common.errors import nearest, printable


def section(base: Struct, given: object, where: str, faults: list[str], also: Iterable[str] = ()) -> Any:
    """`base` with the values of the table `given`; None if a key has a fault. `also` are further keys that the table may
    have, for messages; the caller has handled them."""
    if not isinstance(given, Mapping):
        faults.append(f"{where} = {show(given)}: expected a table")
        return None
    hints = get_type_hints(type(base), include_extras=True)
    faults_before = len(faults)
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in hints:
            known = [*hints, *also]
            faults.append(f"{where}.{key}: no such key.{nearest(key, known) or ' Known: ' + ', '.join(known) + '.'}")
        else:
            values[key] = value_of(value, hints[key], f"{where}.{key}", faults)
    if len(faults) > faults_before:
        return None
    return msgspec.structs.replace(base, **values)


def value_of(value: object, hint: Any, where: str, faults: list[str]) -> Any:
    """`value` converted to the type `hint`; None and a fault if it does not fit."""
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise msgspec.ValidationError("not finite")
        if isinstance(value, str) and not value.isprintable():
            raise msgspec.ValidationError("not printable")
        return msgspec.convert(value, hint)
    except (msgspec.ValidationError, OverflowError, UnicodeEncodeError):
        faults.append(f"{where} = {show(value)}: expected {_expected(value, hint)}")
        return None


def members(hint: Any) -> Iterator[Any]:
    """`hint`, then the types inside it: what it annotates, or the members of a union."""
    yield hint
    if get_origin(hint) is Annotated:
        yield from members(get_args(hint)[0])
    elif get_origin(hint) in (typing.Union, types.UnionType):
        for member in get_args(hint):
            yield from members(member)


def _expected(value: object, hint: Any) -> str:
    for member in members(hint):
        if get_origin(member) is Literal:
            close = nearest(value, get_args(member)) if isinstance(value, str) else ""
            return f"one of {', '.join(get_args(member))}{close and '.' + close}"
        for meta in getattr(member, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    raise TypeError(f"a field of a preset has no description: {hint}")


def show(value: object) -> str:
    """A value as in TOML, on one line of at most 80 characters."""
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, float):
        text = repr(value)
    else:
        try:
            text = msgspec.json.encode(value, enc_hook=str).decode()
        except Exception:  # an object of any kind, from Python; Python writes no number of more than 4,300 digits
            text = "a number with thousands of digits" if isinstance(value, int) else f"a {type(value).__name__}"
    text = printable(text)
    return text if len(text) <= 80 else text[:77] + "..."
