"""Presets as files: the shipped ones, the user's own, any path; and the command line's changes merged into them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inittui.common import user_code_refs
from inittui.common.errors import InittuiError, PresetError, UsageError, nearest, path_of
from inittui.experiment.preset import IDLE, LARGEST_SEED, Preset, build
from inittui.experiment.sweep import SHAPE

DEFAULT = "mnist3"
LISTS = ("model.hidden", "model.exclude")  # keys whose values are lists


@dataclass(frozen=True)
class Changes:
    """What the command line changes against a preset. Texts as they were typed; None or empty where nothing was.

    Python gives whole rows as `arms` too, and values instead of texts in `values` and `swept`; messages then name an option
    without its dashes."""

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
    origins: dict[str, str] = field(default_factory=dict)  # preset key → the option it came from, for messages

    def option(self, name: str) -> str:
        """The option as whoever gave it knows it."""
        return self.dashes + name


def shipped_dir() -> Path:
    """In an installed package the presets lie inside it, in a checkout (editable install) beside it."""
    inside = Path(__file__).parents[1] / "presets"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "presets"


def user_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("inittui")) / "presets"


def known() -> dict[str, Path]:
    """Name to file of every preset that can be named; the user's own hide shipped ones of the same name."""
    found: dict[str, Path] = {}
    for folder in (shipped_dir(), user_dir()):
        found |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if DEFAULT in found:  # the default leads the list
        found = {DEFAULT: found[DEFAULT], **found}
    return found


def locate(word: str) -> Path:
    """The file of the preset that `word` means: a name or a path. Raises UsageError."""
    presets = known()
    if word in presets:
        return presets[word]
    path = path_of(word)
    if path.is_file():
        return path
    if path.suffix == ".toml" or "/" in word:
        fault = "it is a directory" if path.is_dir() else "there is no such file"
        raise UsageError(f"preset '{word}': {fault}; expected a TOML file, or one of {', '.join(presets)}")
    hint = nearest(word, presets) or f" Known: {', '.join(presets)}."
    raise UsageError(f"no preset '{word}'.{hint} 'inittui presets' lists them with what each shows")


def read(path: Path) -> dict[str, Any]:
    """The table in a preset's file. Raises PresetError."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except ValueError as error:  # no TOML, or a number of too many digits
        raise PresetError(str(path), [f"is not TOML: {error}"]) from None
    except RecursionError:
        raise PresetError(str(path), ["is nested too deeply; a preset has tables in a list at most"]) from None


def read_text(path: Path) -> str:
    """A preset's file as it is written. Raises PresetError."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise PresetError(str(path), [f"can't be read: {(error.strerror or str(error)).lower()}"]) from None
    except UnicodeDecodeError as error:
        raise PresetError(str(path), [f"is not UTF-8 text (byte {error.start}); a preset is a TOML file"]) from None


def load(word: str, changes: Changes | None = None) -> Preset:
    """The preset that `word` means with the command line's changes, checked. Raises UsageError or PresetError."""
    path = locate(word)
    table = read(path)
    changes = changes or Changes()
    _own_code(table, path.absolute().parent)
    merge(table, changes)
    faults = _own_code(table, Path.cwd())
    source = f"preset '{word}'"
    try:
        preset = build(table, name=path.stem, source=source)
    except PresetError as error:
        faults += error.faults
    if faults:
        raise PresetError(source, [_with_origin(fault, changes.origins) for fault in faults])
    return preset


def _own_code(table: Mapping[str, Any], folder: Path) -> list[str]:
    """Make the paths of own schemes, networks and data absolute, in place: from `folder` on, where they are relative.
    Returns a line for each that is not there. A run's directory holds the absolute path, and reading it looks for nothing."""
    places: list[tuple[dict[str, Any], str, str, user_code_refs.Kind]] = []
    for section, kind in (("data", user_code_refs.DATA), ("model", user_code_refs.NETWORK)):
        if isinstance(table.get(section), dict):
            places.append((table[section], "factory", f"{section}.factory", kind))
    rows = table.get("arms")
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        if not isinstance(row, dict):
            continue
        init = row.get("init")
        at = f"arms[{number}]"
        places.append(
            (init, "name", f"{at}.init", user_code_refs.SCHEME)
            if isinstance(init, dict)
            else (row, "init", f"{at}.init", user_code_refs.SCHEME)
        )
        if isinstance(row.get("model"), dict):
            places.append((row["model"], "factory", f"{at}.model.factory", user_code_refs.NETWORK))
    faults = []
    for holder, key, where, kind in places:
        text = holder.get(key)
        if not isinstance(text, str) or (found := user_code_refs.named(text.strip())) is None:
            continue
        try:
            found = user_code_refs.absolute(found, folder, kind)
            holder[key] = str(found)
            user_code_refs.check(found, kind)
        except InittuiError as error:
            faults.append(f"{where}: {error}")
    return faults


def _with_origin(fault: str, origins: Mapping[str, str]) -> str:
    for key, option in origins.items():
        if re.match(rf"{re.escape(key)}(?!\w)", fault):
            return f"{option}: {fault}"
    return fault


def merge(table: dict[str, Any], changes: Changes) -> None:
    """Change `table` in place. What can't be merged raises UsageError; what is wrong in itself `build` will say."""
    for key, value in [*map(_typed, changes.set), *changes.values.items()]:
        option = f"{changes.option('set')} {key}"
        _make_room(table, key)
        _put(table, key, value, option)
        if key in ("data.factory", "model.factory"):  # takes the place of what the preset says of data or network
            section = table[key.partition(".")[0]]
            for idle in IDLE & section.keys():
                del section[idle]
        changes.origins[key] = option
    for key, value in [*map(_swept, changes.sweep), *changes.swept.items()]:
        option = f"{changes.option('sweep')} {key}"
        given = table.setdefault("sweep", {})
        if not isinstance(given, dict):
            raise UsageError(f"{option}: the preset's 'sweep' holds no keys; expected a table")
        given.pop(key, None)  # with its dots quoted
        _put(given, key, list(value) if isinstance(value, tuple) else value, option)
        changes.origins[f"sweep.{key}"] = option
    for key, option, typed in (
        ("data.name", changes.option("data"), changes.data),
        ("training.epochs", changes.option("epochs"), changes.epochs),
        ("training.stop_stuck", changes.option("stop-stuck"), changes.stop_stuck),
        ("training.precision", changes.option("precision"), changes.precision),
    ):
        if typed is not None:
            _put(table, key, _number(typed), option)
            changes.origins[key] = option
    seeds = _seeds(table, changes)
    if seeds is not None:
        option = changes.option("seed" if changes.seed is not None else "seeds")
        _put(table, "training.seeds", seeds, option)
        changes.origins["training.seeds"] = option
    if changes.arms:
        table["arms"] = [dict(arm) if isinstance(arm, Mapping) else {"init": arm} for arm in changes.arms]
        changes.origins["arms"] = changes.option("arm")
    changed = bool(changes.set or changes.values or changes.sweep or changes.swept or changes.arms or changes.data)
    if changed and isinstance(table.get("title"), str) and "title" not in changes.origins:
        table["title"] += ", changed"  # it may no longer say what is trained


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
    # [3, 10, 30] is the same list in brackets, but where a value is a list itself.
    inside = values[0] if len(values) == 1 and isinstance(values[0], list) else None
    return key, inside if inside and (key not in LISTS or isinstance(inside[0], list)) else values


def _make_room(table: Mapping[str, Any], key: str) -> None:
    """`model.depth` and `model.width` take the place of the preset's `model.hidden`, and keep what they do not say of it."""
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
    place = table
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{option}: '{section}' holds no keys; expected one such as training.epochs")
        place = inner
    place[last] = value


def _toml_value(text: str) -> object:
    """`3`, `0.1`, `[512, 512]`, `"adam"` as TOML reads it; a bare word is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except (ValueError, RecursionError):
        return text


def _number(text: str) -> int | str:
    """A whole number where it is one; else the text, for `build` to refuse with its place."""
    try:
        return int(text)
    except ValueError:
        return text


def _seeds(table: Mapping[str, Any], changes: Changes) -> object:
    """The list of seeds that `--seed` or `--seeds` asks for, or None."""
    if changes.seed is not None and changes.seeds is not None:
        seed, seeds = changes.option("seed"), changes.option("seeds")
        raise UsageError(f"{seed} and {seeds}: expected one of the two; {seed} 777 is one seed, {seeds} 9 are nine")
    if changes.seed is not None:
        return [_number(changes.seed)]
    if changes.seeds is None:
        return None
    if "," in changes.seeds:
        return [_number(part.strip()) for part in changes.seeds.split(",") if part.strip()]
    count = _number(changes.seeds)
    if not isinstance(count, int) or not 1 <= count <= 10_000:
        raise UsageError(
            f"{changes.option('seeds')} {changes.seeds}: expected how many (1 to 10000), or a list of seeds as in 1,2,3"
        )
    training = table.get("training")
    given = training.get("seeds") if isinstance(training, dict) else None
    first = given[0] if isinstance(given, list) and given and isinstance(given[0], int) else 777
    return [(first + i) % (LARGEST_SEED + 1) for i in range(count)]
