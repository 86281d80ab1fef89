"""What the command line or Python overrides in a preset, and how it is merged into the preset's table."""

import re
import tomllib
from collections.abc import Mapping, Sequence
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
    origins: dict[str, str] = field(default_factory=dict)  # the option that each preset key came from, for messages

    def option(self, name: str) -> str:
        """The option as the user knows it."""
        return self.dashes + name


def with_origin(fault: str, origins: Mapping[str, str]) -> str:
    for key, option in origins.items():
        if re.match(rf"{re.escape(key)}(?!\w)", fault):
            return f"{option}: {fault}"
    return fault


def merge(table: dict[str, Any], overrides: Overrides) -> None:
    """Merge the overrides into `table`, in place. Raises UsageError for what can't be merged; `build` checks the values."""
    for key, value in [*map(_typed, overrides.set), *overrides.values.items()]:
        option = f"{overrides.option('set')} {key}"
        _make_room(table, key)
        _put(table, key, value, option)
        if key in ("data.factory", "model.factory"):  # replaces the preset's data or network
            section = table[key.partition(".")[0]]
            for name in REPLACED & section.keys():
                del section[name]
        overrides.origins[key] = option
    for key, value in [*map(_swept, overrides.sweep), *overrides.swept.items()]:
        option = f"{overrides.option('sweep')} {key}"
        given = table.setdefault("sweep", {})
        if not isinstance(given, dict):
            raise UsageError(f"{option}: the preset's 'sweep' holds no keys; expected a table")
        given.pop(key, None)  # the key may also be written with its dots in quotes
        _put(given, key, list(value) if isinstance(value, tuple) else value, option)
        overrides.origins[f"sweep.{key}"] = option
    for key, option, typed in (
        ("data.name", overrides.option("data"), overrides.data),
        ("training.epochs", overrides.option("epochs"), overrides.epochs),
        ("training.stop_stuck", overrides.option("stop-stuck"), overrides.stop_stuck),
        ("training.precision", overrides.option("precision"), overrides.precision),
    ):
        if typed is not None:
            _put(table, key, _number(typed), option)
            overrides.origins[key] = option
    seeds = _seeds(table, overrides)
    if seeds is not None:
        option = overrides.option("seed" if overrides.seed is not None else "seeds")
        _put(table, "training.seeds", seeds, option)
        overrides.origins["training.seeds"] = option
    if overrides.arms:
        table["arms"] = [dict(arm) if isinstance(arm, Mapping) else {"init": arm} for arm in overrides.arms]
        overrides.origins["arms"] = overrides.option("arm")
    given = (overrides.set, overrides.values, overrides.sweep, overrides.swept, overrides.arms, overrides.data)
    if any(given) and isinstance(table.get("title"), str) and "title" not in overrides.origins:
        table["title"] += ", changed"  # the title may no longer fit


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
    """Remove what `key` replaces: `model.depth` and `model.width` replace the preset's `model.hidden`. A depth alone keeps
    its width, a width alone its depth."""
    model = table.get("model")
    if not isinstance(model, dict):
        return
    if key == "model.hidden":
        for short in SHAPE:
            model.pop(short, None)
    elif key in (f"model.{short}" for short in SHAPE) and isinstance(hidden := model.pop("hidden", None), list):
        if key == "model.depth" and hidden:
            model.setdefault("width", hidden[0])
        elif key == "model.width":
            model.setdefault("depth", len(hidden) + 1)


def _put(table: dict[str, Any], key: str, value: object, option: str) -> None:
    *sections, last = key.split(".")
    holder = table
    for section in sections:
        inner = holder.setdefault(section, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{option}: '{section}' holds no keys; expected one such as training.epochs")
        holder = inner
    holder[last] = value


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
    if overrides.seed is not None and overrides.seeds is not None:
        seed, seeds = overrides.option("seed"), overrides.option("seeds")
        raise UsageError(f"{seed} and {seeds}: expected one of the two; {seed} 777 is one seed, {seeds} 9 are nine")
    if overrides.seed is not None:
        return [_number(overrides.seed)]
    if overrides.seeds is None:
        return None
    if "," in overrides.seeds:
        return [_number(part.strip()) for part in overrides.seeds.split(",") if part.strip()]
    count = _number(overrides.seeds)
    if not isinstance(count, int) or not 1 <= count <= 10_000:
        raise UsageError(
            f"{overrides.option('seeds')} {overrides.seeds}: expected how many (1 to 10000), or a list of seeds as in 1,2,3"
        )
    training = table.get("training")
    given = training.get("seeds") if isinstance(training, dict) else None
    first = given[0] if isinstance(given, list) and given and isinstance(given[0], int) else 777
    return [(first + i) % (LARGEST_SEED + 1) for i in range(count)]
