"""The typed preset: one experiment and all its keys. Imports no torch.

A field's annotation says what a key may hold, and what it means: checks, messages and the preset that `inittui new` writes
follow from it. `preset_table` turns a table into a checked `Preset`.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from inittui.common.user_code_refs import DATA, NETWORK
from inittui.experiment.datasets import NAMES
from inittui.experiment.validation import members, show
from inittui.schemes.spec import Init

if TYPE_CHECKING:
    DataName = str
else:
    DataName = Literal[*NAMES]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "selu", "linear"]

LARGEST_SEED = 2**63 - 1


def whole(least: int, most: int | None = None) -> Meta:
    """A whole number from `least` to `most`, or to the largest of 64 bits, with the description for messages."""
    words = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    return Meta(ge=least, le=LARGEST_SEED if most is None else most, description=words)


def key(meaning: str, *example: object, shared: str = "", replaced: bool = False, **limits: Any) -> Meta:
    """What a key means. `example` is a value to show instead of the default. `shared` is why all arms have the same value,
    empty if they need not. `replaced`: the section's `factory` takes the place of this key. `limits` are those of Meta."""
    return Meta(title=meaning, examples=list(example), extra={"shared": shared, "replaced": replaced}, **limits)


Width = Annotated[int, whole(1, 65536)]
Seed = Annotated[int, whole(0, LARGEST_SEED)]
Words = Annotated[
    str, Meta(min_length=1, max_length=200, description="a text of 1 to 200 characters that can be printed")
]
LongWords = Annotated[str, Meta(max_length=500, description="a text of at most 500 characters that can be printed")]
Positive = Annotated[float, Meta(gt=0, le=1e6, description="a number above 0, at most 1e6")]


class Data(Struct, frozen=True, forbid_unknown_fields=True):
    """Which images or other examples."""

    name: Annotated[DataName, key("auto is MNIST if it is available, else the digits", replaced=True)] = "auto"
    train_limit: Annotated[Annotated[int, whole(1)] | None, key("only the first N training images", 10000)] = None
    scale_test: Annotated[
        bool,
        key("false leaves test pixels at 0 to 255, which is the notebook's error", False, description="true or false"),
    ] = True
    factory: Annotated[
        str | None,
        key("your own data, in place of name", "./mine.py:my_data", description=f"{DATA.noun}, as in {DATA.forms}"),
    ] = None


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """A multilayer perceptron, or a user's own network."""

    hidden: Annotated[
        tuple[Width, ...],
        Meta(max_length=1000, description="a list of widths, each a whole number from 1 to 65536, as in [512, 512]"),
        key(
            "widths of the hidden layers; or depth (number of Linear layers) and width, if all are equal", replaced=True
        ),
    ] = (512, 512)
    outputs: Annotated[Width | None, key("by default the number of classes", 10, replaced=True)] = None
    activation: Annotated[Activation, key("", replaced=True)] = "relu"
    norm: Annotated[
        Literal["none", "batch", "layer"], key("between each hidden layer and its activation", "batch", replaced=True)
    ] = "none"
    factory: Annotated[
        Annotated[str, Meta(description=f"{NETWORK.noun}, as in {NETWORK.forms}")] | None,
        key("your own network, in place of the keys above", "./mine.py:my_network"),
    ] = None
    exclude: Annotated[
        tuple[Words, ...],
        Meta(max_length=100, description='a list of names of layers, as in ["head", "features.*"]'),
        key("names of layers that the schemes do not fill", ["head"]),
    ] = ()


# Keys of a model in a table that stand for `hidden`.
SHAPE: dict[str, Any] = {
    "depth": Annotated[
        int, Meta(ge=1, le=1001, description="a number of Linear layers, a whole number from 1 to 1001")
    ],
    "width": Width,
}


class Training(Struct, frozen=True, forbid_unknown_fields=True):
    """How the network is trained. Costs are mean cross-entropies, in nats per example."""

    epochs: Annotated[int, whole(1, 1_000_000), key("passes over the training images")] = 15
    batch_size: Annotated[int, whole(1), key("images per step")] = 100
    optimizer: Annotated[Literal["adam", "adamw", "sgd"], key("")] = "adam"
    learning_rate: Annotated[Positive, key("")] = 1e-3
    momentum: Annotated[
        float,
        key("only sgd uses it", 0.9, ge=0, lt=1, description="a number from 0 to below 1 (sgd alone uses it)"),
    ] = 0.0
    weight_decay: Annotated[float, Meta(ge=0, le=1e6, description="a number from 0 to 1e6"), key("", 0.01)] = 0.0
    seeds: Annotated[
        tuple[Seed, ...],
        Meta(min_length=1, max_length=10_000, description="a list of one or more seeds, whole numbers of at least 0"),
        key("one seed establishes nothing: --seeds 10 gives a verdict", shared="arms are compared seed by seed"),
    ] = (777,)
    # tf32 exists on GPUs only. Sums, parameters and the test are in 32 bits in any case.
    precision: Annotated[Literal["float32", "tf32", "bf16"], key("of matrix products; tf32 needs a GPU", "bf16")] = (
        "float32"
    )
    target_cost: Annotated[
        Positive | None,
        key(
            "the training cost to which arms are timed; by default a tenth of the cost of guessing",
            0.1,
            shared="arms are timed to the same cost",
        ),
    ] = None
    stop_stuck: Annotated[
        Annotated[int, whole(1, 1_000_000)] | None,
        key(
            "stops replicas that are still at chance after N epochs",
            3,
            shared="arms are stopped at chance by the same rule",
        ),
    ] = None


class Arm(Struct, frozen=True):
    """One side of the comparison: its scheme, and model and training with the arm's own changes."""

    name: str
    init: Init
    model: Model
    training: Training
    changes: tuple[str, ...] = ()  # against the preset, as `model.activation = "tanh"`


class Axis(Struct, frozen=True):
    """One swept key of model or training, such as `model.depth`, and its values in order, as the typed preset has them."""

    key: str
    values: tuple[Any, ...]

    @property
    def words(self) -> str:
        """The name of the key for people: `learning rate`."""
        return self.key.partition(".")[2].replace("_", " ")

    @property
    def labels(self) -> tuple[str, ...]:
        """The values in short; all of them are different."""
        return tuple(map(label, self.values))


def label(value: object) -> str:
    """A value of a key in short: `10`, `0.01`, `512-256`, `tanh`."""
    if isinstance(value, tuple) and all(isinstance(width, int) for width in value):
        return "-".join(map(str, value)) or "none"
    return value if isinstance(value, str) else show(value)


class Preset(Struct, frozen=True):
    """One experiment, checked. `shows` says what it demonstrates, for lists. `arms` are all arms that are trained; with a
    sweep they come from `rows`, the arms as the preset has them."""

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
        """The number of arms that a sweep makes of each row, in the order of the values; 0 without a sweep."""
        return len(self.arms) // len(self.rows) if self.rows else 0


SECTIONS: Mapping[str, type[Struct]] = {"data": Data, "model": Model, "training": Training}
# The types of the keys that may be swept.
SWEPT: Mapping[str, dict[str, Any]] = {
    "model": get_type_hints(Model, include_extras=True) | SHAPE,
    "training": get_type_hints(Training, include_extras=True),
}


class Key(Struct, frozen=True):
    """What is known of a key: its section and name, its meaning, the choices if they are few, an example."""

    section: str
    name: str
    meaning: str
    choices: tuple[str, ...]
    example: tuple[Any, ...]
    default: Any
    shared: str
    replaced: bool


def _keys() -> Iterator[Key]:
    for section, kind in SECTIONS.items():
        hints = get_type_hints(kind, include_extras=True)
        for name, default in zip(kind.__struct_fields__, kind.__struct_defaults__, strict=True):
            parts = list(members(hints[name]))
            choices = next((get_args(part) for part in parts if get_origin(part) is Literal), ())
            metas = (meta for part in parts for meta in getattr(part, "__metadata__", ()))
            meta = next(meta for meta in metas if meta.title is not None)
            yield Key(section, name, meta.title, choices, tuple(meta.examples), default, **meta.extra)


KEYS = tuple(_keys())
# Keys of a table that mean nothing beside the section's `factory`.
REPLACED = {key.name for key in KEYS if key.replaced} | SHAPE.keys()
# Sections and keys that an arm can't change, and why.
SHARED = {"data": "arms are compared on the same images"} | {
    f"{key.section}.{key.name}": key.shared for key in KEYS if key.shared
}
