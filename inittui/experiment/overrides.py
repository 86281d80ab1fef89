"""What the command line or Python overrides in a preset, and how it is merged into the preset's table."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inittui.common.errors import UsageError
from inittui.experiment.preset import LARGEST_SEED, REPLACED, SHAPE

LISTS = ("model.hidden", "model.exclude")  # keys whose values are lists


@dataclass(frozen=True)
class Overrides:
    """What the command line overrides in a preset: texts as they were typed, None or empty if not given.

    Python may also give tables as `arms`, and gives values instead of texts in `values` and `swept`. Its options have no
    `dashes` in messages."""

    arms: Sequence[str | Mapping[str, Any]] = ()
    set: Sequence[str] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    sweep: Sequence[str] = ()
    swept: Mapping[str, object] = field(default_factory=dict)
    epochs: str | None = None
    stop_stuck: str | None = None
    precision: str | None = None
    seeds: str | None = None
    seed: str | None = None
    data: str | None = None
    dashes: str = "--"


def with_origin(fault: str, origins: Mapping[str, str]) -> str:
    for key, option in origins.items():
        if re.match(rf"{re.escape(key)}(?!\w)", fault):
            return f"{option}: {fault}"
    return fault


def merge(table: dict[str, Any], overrides: Overrides) -> dict[str, str]:
    """Merge the overrides into `table`, in place; `build` checks the values. Returns the option that each key comes from, for
    messages. Raises UsageError for what can't be merged."""
    origins: dict[str, str] = {}

    def put(key: str, value: object, option: str) -> None:
        origins[key] = overrides.dashes + option
        _make_room(table, key)
        *sections, last = key.split(".")
        holder = table
        for section in sections:
            holder = holder.setdefault(section, {})
            if not isinstance(holder, dict):
                raise UsageError(f"{origins[key]}: '{section}' holds no keys; expected one such as training.epochs")
        holder[last] = value

    for key, value in [*map(_typed, overrides.set), *overrides.values.items()]:
        put(key, value, f"set {key}")
    for key, value in [*map(_swept, overrides.sweep), *overrides.swept.items()]:
        put(f"sweep.{key}", value, f"sweep {key}")
    for option, key, typed in (
        ("data", "data.name", overrides.data),
        ("epochs", "training.epochs", overrides.epochs),
        ("stop-stuck", "training.stop_stuck", overrides.stop_stuck),
        ("precision", "training.precision", overrides.precision),
    ):
        if typed is not None:
            put(key, _number(typed), option)
    if (seeds := _seeds(table, overrides)) is not None:
        put("training.seeds", seeds, "seeds" if overrides.seed is None else "seed")
    if overrides.arms:
        table["arms"] = [dict(arm) if isinstance(arm, Mapping) else {"init": arm} for arm in overrides.arms]
        origins["arms"] = f"{overrides.dashes}arm"
    given = (overrides.set, overrides.values, overrides.sweep, overrides.swept, overrides.arms, overrides.data)
    if any(given) and isinstance(table.get("title"), str) and "title" not in origins:
        table["title"] += " (changed)"  # the title may no longer fit
    return origins


def _typed(change: str) -> tuple[str, object]:
    """Key and value of `--set KEY=VALUE`."""
    key, mark, text = change.partition("=")
    key = key.strip()
    if not mark or not key:
        raise UsageError(f"--set '{change}': expected KEY=VALUE, as in --set training.epochs=3")
    return key, _toml_value(text.strip())


def _swept(change: str) -> tuple[str, object]:
    """Key and values of `--sweep KEY=A,B,C`."""
    key, mark, text = change.partition("=")
    key, text = key.strip(), text.strip()
    if not mark or not key or not text:
        raise UsageError(f"--sweep '{change}': expected KEY=A,B,C, as in --sweep model.depth=3,10,30")
    whole = _toml_value(f"[{text}]")
    values = whole if isinstance(whole, list) else [_toml_value(part.strip()) for part in text.split(",")]
    # A list in brackets, [3, 10, 30], is the same as 3,10,30, unless each value is a list itself.
    inside = values[0] if len(values) == 1 and isinstance(values[0], list) else None
    return key, inside if inside and (key not in LISTS or isinstance(inside[0], list)) else values


def _make_room(table: Mapping[str, Any], key: str) -> None:
    """Remove what `key` replaces: a `factory` replaces the preset's data or network, `model.depth` and `model.width` replace
    `model.hidden`. A depth alone keeps its width, a width alone its depth."""
    section, _, name = key.partition(".")
    holder = table.get(section)
    if not isinstance(holder, dict):
        return
    replaced: Iterable[str] = ()
    if section == "sweep":
        replaced = [name]  # it may also be written with its dots in quotes
    elif name == "factory":
        replaced = REPLACED
    elif key == "model.hidden":
        replaced = SHAPE
    elif section == "model" and name in SHAPE and isinstance(hidden := holder.pop("hidden", None), list):
        if name == "width":
            holder.setdefault("depth", len(hidden) + 1)
        elif hidden:
            holder.setdefault("width", hidden[0])
    for other in replaced:
        holder.pop(other, None)


def _toml_value(text: str) -> object:
    """The TOML value in `text`; a bare word is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except (ValueError, RecursionError):
        return text


def _number(text: str) -> int | str:
    """A whole number if `text` is one, else the text, which `build` refuses."""
    try:
        return int(text)
    except ValueError:
        return text


def _seeds(table: Mapping[str, Any], overrides: Overrides) -> object:
    """The seeds of `--seed` or `--seeds`, or None."""
    seed, seeds = f"{overrides.dashes}seed", f"{overrides.dashes}seeds"
    if overrides.seed is not None:
        if overrides.seeds is not None:
            raise UsageError(f"{seed} and {seeds}: expected one of the two; {seed} 777 is one seed, {seeds} 9 are nine")
        return [_number(overrides.seed)]
    if (typed := overrides.seeds) is None:
        return None
    if "," in typed:
        return [_number(part.strip()) for part in typed.split(",") if part.strip()]
    count = _number(typed)
    if not isinstance(count, int) or not 1 <= count <= 10_000:
        raise UsageError(f"{seeds} {typed}: expected how many (1 to 10000), or a list of seeds as in 1,2,3")
    training = table.get("training")
    given = training.get("seeds") if isinstance(training, dict) else None
    first = given[0] if isinstance(given, list) and given and isinstance(given[0], int) else 777
    return [(first + i) % (LARGEST_SEED + 1) for i in range(count)]
