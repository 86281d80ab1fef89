"""Sweeps: each arm of a preset once for every combination of some keys' values. And `depth` and `width`, which stand for
`hidden` where a network is as wide everywhere.

A preset keeps what is swept and its rows, the arms as they are written; the arms that are trained come from both, in the
order of the rows, and for each row in the order of the combinations, the last key's value changing first.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import replace

from inittui.common.errors import nearest
from inittui.experiment.validation import show, value_of

if TYPE_CHECKING:
    from inittui.experiment.preset import Arm

MOST_ARMS = 1000
SHAPE = {
    "depth": Annotated[
        int, Meta(ge=1, le=1001, description="a number of Linear layers, a whole number from 1 to 1001")
    ],
    "width": Annotated[int, Meta(ge=1, le=65536, description="a whole number from 1 to 65536")],
}


class Axis(Struct, frozen=True):
    """One swept key of model or training, `model.depth` for one, with its values in order, as the typed preset has them."""

    key: str
    values: tuple[Any, ...]

    @property
    def words(self) -> str:
        """`learning rate`"""
        return self.key.partition(".")[2].replace("_", " ")

    @property
    def labels(self) -> tuple[str, ...]:
        """The values in short; all of them are different."""
        return tuple(map(label, self.values))


def label(value: object) -> str:
    """`10`, `0.01`, `512-256`, `tanh`"""
    if isinstance(value, tuple) and all(isinstance(one, int) for one in value):
        return "-".join(map(str, value)) or "none"
    return value if isinstance(value, str) else show(value)


def shaped(given: Mapping[str, Any], where: str, hidden: Sequence[int], faults: list[str]) -> dict[str, Any]:
    """A table of the model with `hidden` in place of `depth` and `width`. `hidden` is what holds without them: its first
    width is the one that `depth` takes, its number of layers the one that `width` takes."""
    table = dict(given)
    found_before = len(faults)
    shape = {
        key: value_of(table.pop(key), hint, f"{where}.{key}", faults) for key, hint in SHAPE.items() if key in given
    }
    if shape and "hidden" in given:
        faults.append(f"{where}.{next(iter(shape))}: stands for {where}.hidden; leave one of the two out")
    if shape and not given.get("factory") and len(faults) == found_before:
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


def axes(
    given: object, kinds: Mapping[str, type[Struct]], shared: Mapping[str, str], faults: list[str]
) -> tuple[Axis, ...]:
    """What a preset's `sweep` says. `kinds` are the sections whose keys may be swept, `shared` are keys that can't be, and
    why."""
    if not isinstance(given, Mapping):
        faults.append(f"sweep = {show(given)}: expected a table, as in model.depth = [3, 10, 30]")
        return ()
    found: dict[str, list[Axis]] = {}
    for key, values in flat(given).items():
        section, _, name = key.partition(".")
        hints = (get_type_hints(kinds[section], include_extras=True) if section in kinds else {}) | (
            SHAPE if section == "model" else {}
        )
        if (why := shared.get(key) or shared.get(section)) is not None:
            faults.append(f"sweep.{key}: can't be swept; {why}")
        elif key == "model.factory":
            faults.append(f"sweep.{key}: can't be swept; give each network an arm")
        elif name not in hints:
            known = [f"{section}.{one}" for one in hints] or [f"{one}.KEY" for one in kinds]
            faults.append(f"sweep.{key}: no such key.{nearest(key, known) or ' Known: ' + ', '.join(known) + '.'}")
        elif (axis := _axis(key, values, hints[name], faults)) is not None:
            found.setdefault(section, []).append(axis)
    keys = {axis.key for of_section in found.values() for axis in of_section}
    for short in sorted(keys & {f"model.{one}" for one in SHAPE}):
        if "model.hidden" in keys:
            faults.append(f"sweep.{short}: stands for model.hidden; leave one of the two out")
    return tuple(axis for of_section in found.values() for axis in of_section)


def flat(given: Mapping[str, Any]) -> dict[str, Any]:
    """The table with whole keys, however its dots were written: `model.depth`, or `depth` in `model`."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        found |= {f"{key}.{name}": one for name, one in value.items()} if isinstance(value, Mapping) else {key: value}
    return found


def _axis(key: str, values: object, hint: Any, faults: list[str]) -> Axis | None:
    where = f"sweep.{key}"
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        faults.append(f"{where} = {show(values)}: expected a list of one or more values")
        return None
    found_before = len(faults)
    checked = [value_of(value, hint, f"{where}[{place}]", faults) for place, value in enumerate(values, 1)]
    if len(faults) > found_before:
        return None
    for place, value in enumerate(checked, 1):
        if (first := checked.index(value) + 1) != place:
            faults.append(f"{where}[{place}] = {show(value)}: value {first} is the same; expected different values")
    return Axis(key, tuple(checked)) if len(faults) == found_before else None


def expand(rows: Sequence["Arm"], swept: Sequence[Axis], hidden: Sequence[int], faults: list[str]) -> "tuple[Arm, ...]":
    """The arms that are trained, for `rows` of a preset whose own model has `hidden` layers so wide."""
    count = len(rows) * math.prod(len(axis.values) for axis in swept)
    if count > MOST_ARMS:
        of = "".join(f" x {len(axis.values)} of {axis.key}" for axis in swept)
        faults.append(
            f"{'sweep' if swept else 'arms'}: {len(rows)} arms{of} make {count:,}; expected at most {MOST_ARMS:,}"
        )
        return ()
    if not swept:
        return tuple(rows)
    found_before = len(faults)
    for row, axis in product(rows, swept):
        if row.model.factory and axis.key in {f"model.{one}" for one in ("hidden", "activation", "norm", *SHAPE)}:
            faults.append(
                f"sweep.{axis.key}: means nothing beside the factory of arm {row.name}; leave one of the two out"
            )
    if len(faults) > found_before:
        return ()
    combinations = list(product(*(axis.values for axis in swept)))
    return tuple(_swept(row, swept, values, hidden, faults) for row in rows for values in combinations)


def _swept(row: "Arm", swept: Sequence[Axis], values: Sequence[Any], hidden: Sequence[int], faults: list[str]) -> "Arm":
    """One arm. `changes` name what is swept, and what the row itself changes."""
    own: dict[str, dict[str, Any]] = {"model": {}, "training": {}}
    for axis, value in zip(swept, values, strict=True):
        section, _, name = axis.key.partition(".")
        own[section][name] = value
    shape = {key: own["model"].pop(key) for key in SHAPE if key in own["model"]}
    kept = [change for change in row.changes if change.partition(" = ")[0] not in {axis.key for axis in swept}]
    if shape:
        own["model"]["hidden"] = widths = _widths(row.model.hidden, faults, "sweep.model", **shape)
        kept = [change for change in kept if not change.startswith("model.hidden = ")]
        kept += [f"model.hidden = {show(widths)}"] if tuple(row.model.hidden) != tuple(hidden) else []
    named = zip(swept, values, strict=True)
    told = [(f"{axis.words} {label(value)}", f"{axis.key} = {show(value)}") for axis, value in named]
    return replace(
        row,
        name=", ".join([row.name, *(words for words, _ in told)]),
        model=replace(row.model, **own["model"]),
        training=replace(row.training, **own["training"]),
        changes=(*(change for _, change in told), *kept),
    )


def to_table(swept: Sequence[Axis]) -> dict[str, Any]:
    """What `axes` turns into the same again."""
    table: dict[str, dict[str, Any]] = {}
    for axis in swept:
        section, _, name = axis.key.partition(".")
        values = [list(value) if isinstance(value, tuple) else value for value in axis.values]
        table.setdefault(section, {})[name] = values
    return table
