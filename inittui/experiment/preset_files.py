"""Presets as files: the shipped ones, the user's own, and any path."""

import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from inittui.common.atomic_files import reason
from inittui.common.errors import InittuiError, PresetError, UsageError, nearest, path_of, printable
from inittui.common.user_code_refs import DATA, NETWORK, SCHEME, Kind, absolute, check, named
from inittui.experiment.overrides import Overrides, merge, with_origin
from inittui.experiment.preset import Preset
from inittui.experiment.preset_table import build
from inittui.experiment.user_folders import user_folder

DEFAULT = "mnist3"
LARGEST = 10_000_000  # bytes; a thousand arms with changes take a tenth of that


def shipped_dir() -> Path:
    """The folder of the shipped presets: inside an installed package, beside the package in a checkout."""
    inside = Path(__file__).parents[1] / "presets"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "presets"


def user_dir() -> Path:
    """The folder of the user's own presets. Raises UsageError if there is no home folder."""
    return user_folder("config", "a preset by its path") / "presets"


def known() -> dict[str, Path]:
    """The file of every preset, by name. A user's own preset hides a shipped one of the same name."""
    paths = sorted(shipped_dir().glob("*.toml"))
    with contextlib.suppress(UsageError):  # without a home folder the user has none
        paths += sorted(user_dir().glob("*.toml"))
    paths.sort(key=lambda path: path.stem != DEFAULT)  # the default comes first
    return {printable(path.stem): path for path in paths}


def locate(word: str) -> Path:
    """The file of a preset, from its name or its path. Raises UsageError."""
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
    except ValueError as error:  # no TOML, or a number with too many digits
        raise PresetError(str(path), [f"is not TOML: {error}"]) from None
    except RecursionError:
        raise PresetError(str(path), ["is nested too deeply; a preset has tables in a list at most"]) from None


def read_text(path: Path) -> str:
    """The text of a preset's file. Raises PresetError."""
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise PresetError(
                str(path), [f"has {size / 1e6:.0f} MB; expected a preset of at most {LARGEST / 1e6:.0f} MB"]
            )
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise PresetError(str(path), [f"can't be read: {reason(error)}"]) from None
    except UnicodeDecodeError as error:
        raise PresetError(str(path), [f"is not UTF-8 text (byte {error.start}); a preset is a TOML file"]) from None


def load(word: str, overrides: Overrides | None = None) -> Preset:
    """The preset with that name or path and the overrides, checked. Raises UsageError or PresetError."""
    path = locate(word)
    table = read(path)
    _own_code(table, path.absolute().parent)
    origins = merge(table, overrides or Overrides())
    faults = _own_code(table, Path.cwd())
    source = f"preset '{word}'"
    try:
        preset = build(table, name=printable(path.stem), source=source)
    except PresetError as error:
        faults += error.faults
    if faults:
        raise PresetError(source, [with_origin(fault, origins) for fault in faults])
    return preset


def _own_code(table: Mapping[str, Any], folder: Path) -> list[str]:
    """Make the relative paths of a user's schemes, networks and data absolute, in place; they are relative to `folder`.
    Returns one line for each that does not exist. A run's directory holds the absolute path; reading it checks nothing."""
    faults = []
    for holder, key, where, kind in _references(table):
        text = holder.get(key) if isinstance(holder, dict) else None
        if not isinstance(text, str) or (own := named(text.strip(), kind)) is None:
            continue
        try:
            own = absolute(own, folder, kind)
            holder[key] = str(own)
            check(own, kind)
        except InittuiError as error:
            faults.append(f"{where}: {error}")
    return faults


def _references(table: Mapping[str, Any]) -> Iterator[tuple[Any, str, str, Kind]]:
    """Where a user's code may be named: the table that holds the reference, its key, its place for messages, its kind."""
    yield table.get("data"), "factory", "data.factory", DATA
    yield table.get("model"), "factory", "model.factory", NETWORK
    rows = table.get("arms")
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        if isinstance(row, dict):
            init = row.get("init")
            holder, key = (init, "name") if isinstance(init, dict) else (row, "init")
            yield holder, key, f"arms[{number}].init", SCHEME
            yield row.get("model"), "factory", f"arms[{number}].model.factory", NETWORK
