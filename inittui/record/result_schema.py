"""The shape of the result document: what every table is made from, whoever wrote the file.

A file is checked against it once, when it is read; from there on the document is a plain dict.
"""

from msgspec import Struct

Cost = float | None  # None where it was not finite, or not measured


class DataOf(Struct, frozen=True):
    name: str
    title: str
    train: int
    test: int
    note: str


class InitOf(Struct, frozen=True):
    name: str
    parameters: dict[str, float | str]


class ReplicaOf(Struct, frozen=True):
    seed: int
    train_cost: tuple[Cost, ...]
    test_cost: Cost
    test_accuracy: Cost
    test_accuracies: tuple[float, ...]
    seconds: float
    samples_per_second: float | None
    epochs_to_cost: int | None = None  # None: the target was never reached
    at_chance: bool | None = None
    given_up: int | None = None  # at chance after so many epochs, and trained no further


class SummaryOf(Struct, frozen=True):
    mean: float
    std: float | None
    ci95: tuple[float, float] | None


class FailuresOf(Struct, frozen=True):
    """How many of an arm's seeds are stuck at chance, and the summary of the others."""

    at_chance: int
    n: int
    others: SummaryOf | None


class ArmOf(Struct, frozen=True):
    name: str
    init: InitOf
    changes: tuple[str, ...]
    status: str
    reason: str
    parameters: int
    epochs: int
    replicas: tuple[ReplicaOf, ...]
    test_accuracy: SummaryOf | None
    failures: FailuresOf | None = None
    precision: str = "float32"  # of its matrix products


class DesignOf(Struct, frozen=True):
    """What was fixed in advance; see `comparisons`."""

    metric: str
    baseline: str | None  # None where all pairs are compared, or there is nothing to compare
    all_pairs: bool
    family: int
    correction: str
    level: float
    power: float
    pairs_needed: int
    chance: float
    target_cost: float | None


class AtChanceOf(Struct, frozen=True):
    """Of the paired seeds: how many of a and of b are stuck, of a alone and of b alone, and McNemar's exact p of that."""

    a: int
    b: int
    only_a: int
    only_b: int
    p: float | None


class ComparisonOf(Struct, frozen=True):
    a: str
    b: str
    metric: str
    n: int
    difference: float | None
    ci95: tuple[float, float] | None
    p: float | None
    wins: int
    verdict: str
    std: float | None = None  # of the differences
    losses: int = 0
    p_holm: float | None = None
    family: int = 0
    detectable: float | None = None
    at_chance: AtChanceOf | None = None


class ReachedOf(Struct, frozen=True):
    """On how many seeds an arm reached the target cost, and after how many epochs on average."""

    reached: int
    mean: float | None


class SpeedOf(Struct, frozen=True):
    """A comparison by first_epoch_cost or epochs_to_cost; `test` and what follows it are of the latter."""

    a: str
    b: str
    metric: str
    n: int
    difference: float | None
    ci95: tuple[float, float] | None
    p: float | None
    wins: int
    std: float | None = None
    test: str = ""  # sign_flip or sign
    of_a: ReachedOf | None = None
    of_b: ReachedOf | None = None


class ModelsOf(Struct, frozen=True):
    """Two arms' trained models of each seed: test images on which the one alone is right, and McNemar's exact p."""

    a: str
    b: str
    seeds: tuple[int, ...]
    only_a: tuple[int, ...]
    only_b: tuple[int, ...]
    p: tuple[float, ...]


class AxisOf(Struct, frozen=True):
    key: str
    words: str
    values: tuple[str, ...]


class SweepOf(Struct, frozen=True):
    """What was swept: `rows` are the arms as the preset has them; every arm's place follows (see `matrix`)."""

    rows: tuple[str, ...]
    axes: tuple[AxisOf, ...]


class Document(Struct, frozen=True):
    format: int
    run: str
    title: str
    status: str
    reason: str
    data: DataOf
    device: str
    threads: int
    seconds: float
    arms: tuple[ArmOf, ...]
    comparisons: tuple[ComparisonOf, ...]
    resumed: str = ""
    # What follows is not in the documents of the first versions.
    design: DesignOf | None = None
    speed: tuple[SpeedOf, ...] = ()
    models: tuple[ModelsOf, ...] = ()
    sweep: SweepOf | None = None
