"""Sweeps: each arm of a preset is trained once for every combination of values of some keys. Also `depth` and `width`, which
stand for `hidden` if all hidden layers have the same width.

A preset keeps the swept keys and its rows, the arms as they are written. The arms that are trained are made of both: in the
order of the rows, and for each row in the order of the combinations, in which the last key changes first.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from msgspec.structs import replace

from inittui.common.errors import nearest
from inittui.experiment.preset import REPLACED, SHAPE, SHARED, SWEPT, Arm, Axis, label
from inittui.experiment.validation import show, value_of

MOST_ARMS = 1000


def shaped(given: Mapping[str, Any], where: str, hidden: Sequence[int], faults: list[str]) -> dict[str, Any]:
    """A table of the model with `hidden` in place of `depth` and `width`. The argument `hidden` is the value without them: a
    depth alone takes its first width, a width alone its number of layers."""
    table = dict(given)
    faults_before = len(faults)
    shape = {
        key: value_of(table.pop(key), hint, f"{where}.{key}", faults) for key, hint in SHAPE.items() if key in given
    }
    if shape and "hidden" in given:
        faults.append(f"{where}.{next(iter(shape))}: stands for {where}.hidden; leave one of the two out")
    if shape and not given.get("factory") and len(faults) == faults_before:
        table["hidden"] = list(_widths(hidden, faults, where, **shape))
    return table


def _widths(
    hidden: Sequence[int], faults: list[str], where: str, depth: int | None = None, width: int | None = None
) -> tuple[int, ...]:
    layers = len(hidden) if depth is None else depth - 1
    wide = width if width is not None else next(iter(hidden), None)
    if layers and wide is None:
        faults.append(f"{where}.depth = {depth}: expected {where}.width beside it, since hidden is empty")
        return ()
    return (wide,) * layers if wide is not None else ()


def axes(given: object, faults: list[str]) -> tuple[Axis, ...]:
    """The axes of a preset's `sweep`, those of a section together."""
    if not isinstance(given, Mapping):
        faults.append(f"sweep = {show(given)}: expected a table, as in model.depth = [3, 10, 30]")
        return ()
    of_section: dict[str, list[Axis]] = {}
    values_of_keys: dict[str, Any] = {}  # `model.depth` is the same as `depth` in a table `model`
    for key, value in given.items():
        inner = value if isinstance(value, Mapping) else {"": value}
        values_of_keys |= {f"{key}.{name}" if name else key: values for name, values in inner.items()}
    for key, values in values_of_keys.items():
        section, _, name = key.partition(".")
        hints = SWEPT.get(section, {})
        if (why := SHARED.get(key) or SHARED.get(section)) is not None:
            faults.append(f"sweep.{key}: can't be swept; {why}")
        elif key == "model.factory":
            faults.append(f"sweep.{key}: can't be swept; give each network an arm")
        elif name not in hints:
            known = [f"{section}.{hint}" for hint in hints] or [f"{kind}.KEY" for kind in SWEPT]
            faults.append(f"sweep.{key}: no such key.{nearest(key, known) or ' Known: ' + ', '.join(known) + '.'}")
        elif (axis := _axis(key, values, hints[name], faults)) is not None:
            of_section.setdefault(section, []).append(axis)
    swept = tuple(axis for group in of_section.values() for axis in group)
    keys = {axis.key for axis in swept}
    for short in sorted(keys & {f"model.{shape}" for shape in SHAPE}):
        if "model.hidden" in keys:
            faults.append(f"sweep.{short}: stands for model.hidden; leave one of the two out")
    return swept


def _axis(key: str, values: object, hint: Any, faults: list[str]) -> Axis | None:
    where = f"sweep.{key}"
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        faults.append(f"{where} = {show(values)}: expected a list of one or more values")
        return None
    if len(values) > MOST_ARMS:
        faults.append(f"{where}: {len(values):,} values; expected at most {MOST_ARMS:,}")
        return None
    faults_before = len(faults)
    checked = [value_of(value, hint, f"{where}[{number}]", faults) for number, value in enumerate(values, 1)]
    if len(faults) > faults_before:
        return None
    for number, value in enumerate(checked, 1):
        if (first := checked.index(value) + 1) != number:
            faults.append(f"{where}[{number}] = {show(value)}: value {first} is the same; expected different values")
    return Axis(key, tuple(checked)) if len(faults) == faults_before else None


def too_many(rows: int, swept: Sequence[Axis]) -> str:
    """The fault if `rows` arms times the swept values are more than MOST_ARMS; empty if they are not."""
    count = rows * math.prod(len(axis.values) for axis in swept)
    of = "".join(f" x {len(axis.values)} of {axis.key}" for axis in swept)
    where = "sweep" if swept else "arms"
    return f"{where}: {rows} arms{of} make {count:,}; expected at most {MOST_ARMS:,}" if count > MOST_ARMS else ""


def expand(rows: Sequence[Arm], swept: Sequence[Axis], hidden: Sequence[int], faults: list[str]) -> tuple[Arm, ...]:
    """The arms that are trained, for the `rows` of a preset. `hidden` are the widths in the preset's own model."""
    if not swept:
        return tuple(rows)
    if idle := [
        f"sweep.{axis.key}: means nothing beside the factory of arm {row.name}; leave one of the two out"
        for row, axis in product(rows, swept)
        if row.model.factory and axis.key.removeprefix("model.") in REPLACED
    ]:
        faults += idle
        return ()
    combinations = list(product(*(axis.values for axis in swept)))
    return tuple(_swept(row, swept, values, hidden, faults) for row in rows for values in combinations)


def _swept(row: Arm, swept: Sequence[Axis], values: Sequence[Any], hidden: Sequence[int], faults: list[str]) -> Arm:
    """One arm. Its `changes` are the swept values, and what the row itself changes."""
    chosen = list(zip(swept, values, strict=True))
    own: dict[str, dict[str, Any]] = {"model": {}, "training": {}}
    for axis, value in chosen:
        section, _, name = axis.key.partition(".")
        own[section][name] = value
    shape = {key: own["model"].pop(key) for key in SHAPE if key in own["model"]}
    kept = [change for change in row.changes if change.partition(" = ")[0] not in {axis.key for axis in swept}]
    if shape:
        own["model"]["hidden"] = widths = _widths(row.model.hidden, faults, "sweep.model", **shape)
        kept = [change for change in kept if not change.startswith("model.hidden = ")]
        kept += [f"model.hidden = {show(widths)}"] if tuple(row.model.hidden) != tuple(hidden) else []
    return replace(
        row,
        name=", ".join([row.name, *(f"{axis.words} {label(value)}" for axis, value in chosen)]),
        model=replace(row.model, **own["model"]),
        training=replace(row.training, **own["training"]),
        changes=(*(f"{axis.key} = {show(value)}" for axis, value in chosen), *kept),
    )


def to_table(swept: Sequence[Axis]) -> dict[str, Any]:
    """The table that `axes` turns into `swept` again."""
    table: dict[str, dict[str, Any]] = {}
    for axis in swept:
        section, _, name = axis.key.partition(".")
        table.setdefault(section, {})[name] = axis.values
    return table
