"""Turns a table (from TOML, with the command line's overrides merged in) into a checked `Preset`, and back.

All faults are reported at once. What a key may hold is in its field's annotation: see `preset` and `validation`.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from inittui.common.errors import PresetError, SchemeError, UserCodeError, nearest
from inittui.common.user_code_refs import DATA, NETWORK, Kind, reference
from inittui.experiment import sweep
from inittui.experiment.preset import REPLACED, SECTIONS, SHAPE, SHARED, Arm, Axis, LongWords, Model, Preset, Words
from inittui.experiment.validation import section, show, value_of
from inittui.schemes.spec import Init

ARM_KEYS = ("name", "init", "model", "training")


def build(table: Mapping[str, Any], *, name: str, source: str) -> Preset:
    """The preset in `table`. Raises PresetError with every fault; its message begins with `source`."""
    faults: list[str] = []
    known = {"title", "shows", "arms", "sweep", *SECTIONS}
    for key in table:
        if key not in known:
            faults.append(f"{key}: no such key.{nearest(key, known) or ' Known: ' + ', '.join(sorted(known)) + '.'}")
    title = value_of(table.get("title", name), Words, "title", faults)
    shows = value_of(table.get("shows", ""), LongWords, "shows", faults)
    sections: dict[str, Any] = {
        key: _section(kind(), table.get(key, {}), key, faults) for key, kind in SECTIONS.items()
    }
    swept = sweep.axes(table.get("sweep", {}), faults)
    rows = _arms(table, sections, swept, faults)
    faults += _own_code(table.get("data"), "data", DATA)
    faults += _own_code(table.get("model"), "model", NETWORK)
    seeds = sections["training"].seeds if sections["training"] else ()
    if len(set(seeds)) < len(seeds):
        faults.append(f"training.seeds = {show(seeds)}: expected different seeds")
    arms = sweep.expand(rows, swept, (sections["model"] or Model()).hidden, faults)
    if swept:
        _check_names(arms, faults)
    if faults:
        raise PresetError(source, list(dict.fromkeys(faults)))
    return Preset(name=name, title=title, shows=shows, arms=arms, sweep=swept, rows=rows if swept else (), **sections)


def _section(base: Struct, given: object, where: str, faults: list[str]) -> Any:
    """A section of the preset, or of an arm with that of the preset as its `base`; None if a key has a fault."""
    if not isinstance(base, Model):
        return section(base, given, where, faults)
    if isinstance(given, Mapping):
        given = sweep.shaped(given, where, base.hidden, faults)
    return section(base, given, where, faults, also=SHAPE)


def _own_code(section: object, where: str, kind: Kind, shared: str | None = None) -> list[str]:
    """Faults of a section's `factory`, as far as its text shows, and of keys that mean nothing beside it. `shared` is the
    factory that an arm has from the preset."""
    if not isinstance(section, Mapping):
        return []
    text = section.get("factory")
    idle = sorted(REPLACED & section.keys()) if isinstance(text or shared, str) else []
    beside = f"{where}.factory" if text else "model.factory"
    faults = [f"{where}.{key}: means nothing beside {beside}; leave one of the two out" for key in idle]
    try:
        if isinstance(text, str) and reference(text, kind) is None:
            faults.append(f"{where}.factory = {show(text)}: expected {kind.noun}, as in {kind.forms}")
    except UserCodeError as error:
        faults.append(f"{where}.factory: {error}")
    return faults


def to_table(preset: Preset) -> dict[str, Any]:
    """The table that `build` turns into `preset` again: the content of RUN/preset.toml."""
    table: dict[str, Any] = {"title": preset.title}
    if preset.shows:
        table["shows"] = preset.shows
    table |= {key: _plain(getattr(preset, key)) for key in SECTIONS}
    if preset.sweep:
        table["sweep"] = sweep.to_table(preset.sweep)
    table["arms"] = []
    for arm in preset.rows or preset.arms:
        init = {"name": arm.init.name, **arm.init.parameters} if arm.init.parameters else arm.init.name
        row: dict[str, Any] = {"name": arm.name, "init": init}
        for key in ("model", "training"):
            shared, own = _plain(getattr(preset, key)), _plain(getattr(arm, key))
            # TOML has no None; an arm's value is None only if the preset's is None too.
            if differing := {k: v for k, v in own.items() if shared.get(k) != v}:
                row[key] = differing
        table["arms"].append(row)
    return table


def _plain(struct: Struct) -> dict[str, Any]:
    built = msgspec.to_builtins(struct)
    idle = REPLACED if built.get("factory") else ()
    return {key: value for key, value in built.items() if value is not None and key not in idle}


def _arms(
    table: Mapping[str, Any], sections: Mapping[str, Any], swept: Sequence[Axis], faults: list[str]
) -> tuple[Arm, ...]:
    given = table.get("arms", [{"init": "xavier_normal"}, {"init": "he_normal"}])
    if not isinstance(given, Sequence) or isinstance(given, str):
        faults.append(f"arms = {show(given)}: expected a list of tables")
        return ()
    if not given:
        faults.append("arms: none given; expected at least one, as in --arm he_normal")
        return ()
    if fault := sweep.too_many(len(given), swept):  # each of them may have faults of its own
        faults.append(fault)
        return ()
    for axis, (number, row) in itertools.product(swept, enumerate(given, 1)):
        of, _, name = axis.key.partition(".")
        if isinstance(row, Mapping) and isinstance(row.get(of), Mapping) and name in row[of]:
            faults.append(f"arms[{number}].{axis.key}: it is swept; leave it out of the arm, or out of the sweep")
    arms = [arm for number, row in enumerate(given, 1) if (arm := _arm(row, number, sections, faults)) is not None]
    _check_names(arms, faults)
    return tuple(arms)


def _check_names(arms: Sequence[Arm], faults: list[str]) -> None:
    numbers: dict[str, int] = {}
    for number, arm in enumerate(arms, 1):
        if (first := numbers.setdefault(arm.name.casefold(), number)) != number:
            faults.append(
                f'arms[{number}].name = "{arm.name}": arm {first} has that name already; '
                'expected different names; in a preset, name = "…" gives an arm another'
            )


def _arm(row: object, number: int, sections: Mapping[str, Any], faults: list[str]) -> Arm | None:
    where = f"arms[{number}]"
    if not isinstance(row, Mapping):
        faults.append(f'{where} = {show(row)}: expected a table, as in {{ init = "he_normal" }}')
        return None
    faults_before = len(faults)
    training = row.get("training")
    for key in [*row, *(f"training.{key}" for key in (training if isinstance(training, Mapping) else ()))]:
        if key in SHARED:
            faults.append(f"{where}.{key}: an arm can't change it; {SHARED[key]}")
        elif key in row and key not in ARM_KEYS:
            faults.append(
                f"{where}.{key}: no such key.{nearest(key, ARM_KEYS) or ' Known: ' + ', '.join(ARM_KEYS) + '.'}"
            )
    init = _init(row, where, faults)
    # The faults of a section are reported once, for the preset; its arms are still checked, against the defaults.
    shared: dict[str, Any] = {key: sections[key] or SECTIONS[key]() for key in ("model", "training")}
    own = {key: _section(base, row.get(key, {}), f"{where}.{key}", faults) for key, base in shared.items()}
    faults += _own_code(row.get("model"), f"{where}.model", NETWORK, shared["model"].factory)
    name = value_of(row["name"], Words, f"{where}.name", faults) if "name" in row else (init.label if init else "")
    if len(faults) > faults_before or init is None:
        return None
    changes = tuple(
        f"{section}.{key} = {show(value)}"
        for section, struct in own.items()
        for key, value in msgspec.structs.asdict(struct).items()
        if value != getattr(shared[section], key)
    )
    return Arm(name=name, init=init, changes=changes, **own)


def _init(row: Mapping[str, Any], where: str, faults: list[str]) -> Init | None:
    """The scheme of an arm, from `"he_normal"`, `"normal(std=0.01)"` or `{name = "normal", std = 0.01}`."""
    if "init" not in row:
        faults.append(f'{where}: no init; expected a scheme, as in init = "he_normal"')
        return None
    given = row["init"]
    if not isinstance(given, str) and not (isinstance(given, Mapping) and isinstance(given.get("name"), str)):
        faults.append(f'{where}.init = {show(given)}: expected "he_normal" or {{ name = "normal", std = 0.01 }}')
        return None
    try:
        return Init.of(given)
    except SchemeError as error:
        faults.append(f"{where}.init: {error}")
        return None
