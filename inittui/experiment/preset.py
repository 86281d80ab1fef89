"""A preset: one experiment, typed. Imports no torch.

`build` turns a table (from TOML, with the command line's changes merged in) into a `Preset` and refuses what can't run,
every fault at once. What a key may hold is said in the `Meta` of its field (see `checking`).
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from inittui.common.errors import OwnError, PresetError, SchemeError, nearest
from inittui.common.user_code_refs import DATA, NETWORK, Kind, named, reference
from inittui.experiment import sweep
from inittui.experiment.datasets import NAMES
from inittui.experiment.sweep import Axis
from inittui.experiment.validation import section, show, value_of
from inittui.schemes.spec import Init

if TYPE_CHECKING:
    DataName = str
else:
    DataName = Literal[*NAMES]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "selu", "linear"]
OptimizerName = Literal["adam", "adamw", "sgd"]

LARGEST_SEED = 2**63 - 1


def whole(least: int, most: int | None = None) -> Meta:
    """A whole number from `least` to `most`, in words too."""
    words = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    return Meta(ge=least, le=most, description=words)


Width = Annotated[int, whole(1, 65536)]
Seed = Annotated[int, whole(0, LARGEST_SEED)]
Words = Annotated[
    str, Meta(min_length=1, max_length=200, description="a text of 1 to 200 characters that can be printed")
]
LongWords = Annotated[str, Meta(max_length=500, description="a text of at most 500 characters that can be printed")]


class Data(Struct, frozen=True, forbid_unknown_fields=True):
    """Which images. `train_limit`: only the first N training images."""

    name: DataName = "auto"
    train_limit: Annotated[int, whole(1)] | None = None
    scale_test: Annotated[bool, Meta(description="true or false")] = True  # false: the notebook's slip, 0..255
    factory: Annotated[str, Meta(description=f"{DATA.noun}, as in {DATA.forms}")] | None = None


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """A multilayer perceptron, or a network of one's own. `outputs` defaults to the number of classes; `exclude` names layers
    that the scheme leaves alone."""

    hidden: Annotated[
        tuple[Width, ...],
        Meta(max_length=1000, description="a list of widths, each a whole number from 1 to 65536, as in [512, 512]"),
    ] = (512, 512)
    outputs: Width | None = None
    activation: Activation = "relu"
    norm: Literal["none", "batch", "layer"] = "none"  # between each hidden layer and its activation
    factory: Annotated[str, Meta(description=f"{NETWORK.noun}, as in {NETWORK.forms}")] | None = None
    exclude: Annotated[
        tuple[Words, ...], Meta(max_length=100, description='a list of names of layers, as in ["head", "features.*"]')
    ] = ()


class Training(Struct, frozen=True, forbid_unknown_fields=True):
    """How it is trained. Costs are mean cross-entropies, in nats an image."""

    epochs: Annotated[int, whole(1, 1_000_000)] = 15
    batch_size: Annotated[int, whole(1)] = 100
    optimizer: OptimizerName = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=1e6, description="a number above 0, at most 1e6")] = 1e-3
    momentum: Annotated[float, Meta(ge=0, lt=1, description="a number from 0 to below 1 (sgd alone uses it)")] = 0.0
    weight_decay: Annotated[float, Meta(ge=0, le=1e6, description="a number from 0 to 1e6")] = 0.0
    seeds: Annotated[
        tuple[Seed, ...],
        Meta(min_length=1, max_length=10_000, description="a list of one or more seeds, whole numbers of at least 0"),
    ] = (777,)
    # Of matrix products; tf32 is a GPU's. All else, sums, parameters, the test, is in 32 bits.
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    # The cost that arms are timed to; a tenth of the cost of guessing where it is not given. See `comparisons`.
    target_cost: Annotated[float, Meta(gt=0, le=1e6, description="a number above 0, at most 1e6")] | None = None
    # A replica that is still at chance (`chance.stuck_below`) after so many epochs is trained no further.
    stop_stuck: Annotated[int, whole(1, 1_000_000)] | None = None


class Arm(Struct, frozen=True):
    """One side of the comparison, resolved: its scheme, and model and training after its own changes."""

    name: str
    init: Init
    model: Model
    training: Training
    changes: tuple[str, ...] = ()  # what it changes against the preset, as `model.activation = "tanh"`


class Preset(Struct, frozen=True):
    """One experiment, checked. `shows` is what running it teaches, for lists. `arms` are all that are trained; where keys are
    swept they come from `rows`, the arms as the preset has them."""

    name: str
    title: str
    data: Data
    model: Model
    training: Training
    arms: tuple[Arm, ...]
    shows: str = ""
    sweep: tuple[Axis, ...] = ()
    rows: tuple[Arm, ...] = ()

    @property
    def block(self) -> int:
        """Of a sweep the number of arms a row, in the order of the values; 0 where nothing is swept."""
        return len(self.arms) // len(self.rows) if self.rows else 0


IDLE = {
    "name",
    "hidden",
    "depth",
    "width",
    "outputs",
    "activation",
    "norm",
}  # keys of a section that mean nothing beside its `factory`
SECTIONS: Mapping[str, type[Struct]] = {"data": Data, "model": Model, "training": Training}
SWEPT = {key: SECTIONS[key] for key in ("model", "training")}
# Arms share the images and the seeds, or comparing them seed by seed would mean nothing.
SHARED_KEYS = {
    "data": "arms are compared on the same images",
    "training.seeds": "arms are compared seed by seed",
    "training.target_cost": "arms are timed to the same cost",
    "training.stop_stuck": "arms are given up by the same rule",
}


def build(table: Mapping[str, Any], *, name: str, source: str) -> Preset:
    """Check `table` and return the experiment. Raises PresetError that holds every fault; `source` opens its message."""
    faults: list[str] = []
    known = {"title", "shows", "arms", "sweep", *SECTIONS}
    for key in table:
        if key not in known:
            faults.append(f"{key}: no such key.{nearest(key, known) or ' Known: ' + ', '.join(sorted(known)) + '.'}")
    title = value_of(table.get("title", name), Words, "title", faults)
    shows = value_of(table.get("shows", ""), LongWords, "shows", faults)
    sections: dict[str, Any] = {key: _section(key, table.get(key, {}), key, faults) for key in SECTIONS}
    swept = sweep.axes(table.get("sweep", {}), SWEPT, SHARED_KEYS, faults)
    rows = _arms(table, sections, swept, faults)
    faults += _own_code(table.get("data"), "data", DATA)
    faults += _own_code(table.get("model"), "model", NETWORK)
    training = table.get("training")
    seeds = training.get("seeds") if isinstance(training, Mapping) else None
    if isinstance(seeds, list) and all(isinstance(seed, int) for seed in seeds) and len(set(seeds)) < len(seeds):
        faults.append(f"training.seeds = {show(seeds)}: expected different seeds")
    arms = sweep.expand(rows, swept, (sections["model"] or Model()).hidden, faults)
    if swept:
        _check_names(arms, faults)
    if faults:
        raise PresetError(source, list(dict.fromkeys(faults)))
    return Preset(name=name, title=title, shows=shows, arms=arms, sweep=swept, rows=rows if swept else (), **sections)


def _section(key: str, given: object, where: str, faults: list[str], base: Any = None) -> Any:
    """A section of the preset or, with a `base`, of an arm; None when a key is at fault."""
    if key == "model" and isinstance(given, Mapping):
        given = sweep.shaped(given, where, (base or Model()).hidden, faults)
        return section(Model, given, where, faults, base, also=sweep.SHAPE)
    return section(SECTIONS[key], given, where, faults, base)


def _own_code(section: object, where: str, kind: Kind, shared: str | None = None) -> list[str]:
    """What is wrong with a section's `factory`, as far as its words tell, and with the keys that make no sense beside it.
    `shared` is the factory that an arm takes over from the preset."""
    if not isinstance(section, Mapping):
        return []
    text = section.get("factory")
    idle = sorted(IDLE & section.keys()) if isinstance(text or shared, str) else []
    beside = f"{where}.factory" if text else "model.factory"
    faults = [f"{where}.{key}: means nothing beside {beside}; leave one of the two out" for key in idle]
    if not isinstance(text, str):
        return faults
    try:
        if reference(text, kind) is None and named(text) is None:
            faults.append(f"{where}.factory = {show(text)}: expected {kind.noun}, as in {kind.forms}")
    except OwnError as error:
        faults.append(f"{where}.factory: {error}")
    return faults


def to_table(preset: Preset) -> dict[str, Any]:
    """The table that `build` turns into `preset` again: what RUN/preset.toml holds."""
    table: dict[str, Any] = {"title": preset.title}
    if preset.shows:
        table["shows"] = preset.shows
    for key in SECTIONS:
        table[key] = _plain(getattr(preset, key))
    if preset.sweep:
        table["sweep"] = sweep.to_table(preset.sweep)
    table["arms"] = []
    for arm in preset.rows or preset.arms:
        init = {"name": arm.init.name, **arm.init.parameters} if arm.init.parameters else arm.init.name
        row: dict[str, Any] = {"name": arm.name, "init": init}
        for key in ("model", "training"):
            shared, own = _plain(getattr(preset, key)), _plain(getattr(arm, key))
            # An own value that is None can't be written in TOML; it only occurs where the preset's is None as well.
            differing = {k: v for k, v in own.items() if shared.get(k) != v}
            if differing:
                row[key] = differing
        table["arms"].append(row)
    return table


def _plain(struct: Struct) -> dict[str, Any]:
    built = msgspec.to_builtins(struct)
    idle = IDLE if built.get("factory") else ()
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in built.items()
        if value is not None and key not in idle
    }


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
    for axis, (place, row) in itertools.product(swept, enumerate(given, 1)):
        of, _, name = axis.key.partition(".")
        if isinstance(row, Mapping) and isinstance(row.get(of), Mapping) and name in row[of]:
            faults.append(f"arms[{place}].{axis.key}: it is swept; leave it out of the arm, or out of the sweep")
    arms = [arm for place, row in enumerate(given, 1) if (arm := _arm(row, place, sections, faults)) is not None]
    _check_names(arms, faults)
    return tuple(arms)


def _check_names(arms: Sequence[Arm], faults: list[str]) -> None:
    seen: dict[str, int] = {}
    for place, arm in enumerate(arms, 1):
        if (first := seen.setdefault(arm.name.casefold(), place)) != place:
            faults.append(
                f'arms[{place}].name = "{arm.name}": arm {first} has that name already; '
                'expected different names; in a preset, name = "…" gives an arm another'
            )


def _arm(row: object, place: int, sections: Mapping[str, Any], faults: list[str]) -> Arm | None:
    where = f"arms[{place}]"
    if not isinstance(row, Mapping):
        faults.append(f'{where} = {show(row)}: expected a table, as in {{ init = "he_normal" }}')
        return None
    found_before = len(faults)
    for key in row:
        if key in SHARED_KEYS:
            faults.append(f"{where}.{key}: an arm can't change it; {SHARED_KEYS[key]}")
        elif key not in {"name", "init", "model", "training"}:
            hint = nearest(key, ["name", "init", "model", "training"])
            faults.append(f"{where}.{key}: no such key.{hint or ' Known: name, init, model, training.'}")
    if isinstance(row.get("training"), Mapping):
        shared = (key for key in row["training"] if f"training.{key}" in SHARED_KEYS)
        faults += [
            f"{where}.training.{key}: an arm can't change it; {SHARED_KEYS[f'training.{key}']}" for key in shared
        ]
    init = _init(row["init"], f"{where}.init", faults) if "init" in row else None
    if "init" not in row:
        faults.append(f'{where}: no init; expected a scheme, as in init = "he_normal"')
    own: dict[str, Any] = {}
    for key in ("model", "training"):
        base = sections[key]
        # A section at fault is reported once, as the preset's; its arms are still checked, against the defaults.
        own[key] = _section(key, row.get(key, {}), f"{where}.{key}", faults, base or SECTIONS[key]())
    shared_model = sections["model"]
    faults += _own_code(row.get("model"), f"{where}.model", NETWORK, shared_model and shared_model.factory)
    name = value_of(row["name"], Words, f"{where}.name", faults) if "name" in row else (init.label if init else "")
    if len(faults) > found_before or init is None:
        return None
    changes = tuple(change for key in own for change in _changes(key, sections[key] or SECTIONS[key](), own[key]))
    return Arm(name=name, init=init, changes=changes, **own)


def _changes(section: str, shared: Struct, own: Struct) -> tuple[str, ...]:
    """What differs, from the values and not from the words, so that it is the same however it was written."""
    return tuple(
        f"{section}.{key} = {show(getattr(own, key))}"
        for key in own.__struct_fields__
        if getattr(own, key) != getattr(shared, key)
    )


def _init(given: object, where: str, faults: list[str]) -> Init | None:
    """A scheme from `"he_normal"`, `"normal(std=0.01)"` or `{name = "normal", std = 0.01}`."""
    if not isinstance(given, str) and not (isinstance(given, Mapping) and isinstance(given.get("name"), str)):
        faults.append(f'{where} = {show(given)}: expected "he_normal" or {{ name = "normal", std = 0.01 }}')
        return None
    try:
        return Init.of(given)
    except SchemeError as error:
        faults.append(f"{where}: {error}")
        return None
