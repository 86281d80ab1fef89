"""The result document (`result.json`) as one typed structure: every table, sentence and figure is made from it.

The order of the fields is the order of the keys in the file. A field with a default is missing in documents of earlier
versions. Accuracies are shares of 1, costs are mean cross-entropies in nats per example, times are in seconds.
"""

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

Figure = float | None  # None: not finite, or not measured
Interval = tuple[float, float]


class DatasetInfo(Struct, frozen=True):
    name: str
    title: str
    train: int  # examples
    test: int
    note: str


class InitInfo(Struct, frozen=True):
    name: str
    parameters: dict[str, float | str]


class MeanEstimate(Struct, frozen=True):
    """A mean with its sample standard deviation and its 95 % t interval. Both are None for a single value."""

    mean: float
    std: float | None = None
    ci95: Interval | None = None


class ReplicaResult(Struct, frozen=True, kw_only=True):
    """One training of an arm, from one seed."""

    seed: int
    train_cost: tuple[Figure, ...]  # by epoch
    epochs_to_cost: int | None = None  # None: the training cost never reached the target
    at_chance: bool | None = None
    given_up: int | None = None  # stopped after so many epochs, because it was still at chance
    test_cost: Figure
    test_accuracy: Figure
    test_accuracies: tuple[float, ...]  # by epoch
    seconds: float
    samples_per_second: float | None


class ChanceCount(Struct, frozen=True):
    """How many of an arm's `n` seeds end at chance, and the mean accuracy of the others."""

    at_chance: int
    n: int
    others: MeanEstimate | None


class ArmResult(Struct, frozen=True, kw_only=True):
    name: str
    init: InitInfo
    precision: str = "float32"  # of the matrix products
    changes: tuple[str, ...]  # keys of the preset that this arm changes, as `model.activation = "tanh"`
    status: str
    reason: str
    parameters: int
    epochs: int
    replicas: tuple[ReplicaResult, ...]
    test_accuracy: MeanEstimate | None
    failures: ChanceCount | None = None


class Design(Struct, frozen=True):
    """What the comparisons fix in advance; see `analysis.comparisons`."""

    metric: str
    baseline: str | None  # None: all pairs, each arm with its counterpart of a sweep, or no comparison
    all_pairs: bool
    family: int
    correction: str
    level: float
    power: float
    pairs_needed: int
    chance: float
    target_cost: float | None


class StuckSeeds(Struct, frozen=True):
    """Of the paired seeds: how many of a and of b end at chance, how many of one arm alone, and McNemar's exact p of that."""

    a: int
    b: int
    only_a: int
    only_b: int
    p: float | None


NONE_STUCK = StuckSeeds(a=0, b=0, only_a=0, only_b=0, p=None)


class _Paired(Struct, frozen=True, kw_only=True):
    """Two arms by a metric, paired by seed. `difference` is b's mean minus a's."""

    a: str
    b: str
    metric: str
    n: int
    difference: float | None
    std: float | None = None  # of the differences
    ci95: Interval | None
    p: float | None
    wins: int  # seeds on which b is ahead


class Comparison(_Paired, frozen=True, kw_only=True):
    """Two arms by final test accuracy."""

    losses: int = 0
    at_chance: StuckSeeds = NONE_STUCK
    p_holm: float | None = None
    family: int = 0
    detectable: float | None = None
    verdict: str


class TargetReached(Struct, frozen=True):
    """On how many seeds an arm reaches the target cost, and after how many epochs on average."""

    reached: int
    mean: float | None


class SpeedComparison(_Paired, frozen=True, kw_only=True):
    """Two arms by `first_epoch_cost` or by `epochs_to_cost`; these fields belong to the latter."""

    of_a: TargetReached | UnsetType | None = UNSET
    of_b: TargetReached | UnsetType | None = UNSET
    test: str | UnsetType = UNSET  # sign_flip or sign


class ModelComparison(Struct, frozen=True):
    """The trained models of two arms, seed by seed: test examples on which only one of them is right, McNemar's exact p."""

    a: str
    b: str
    seeds: tuple[int, ...]
    only_a: tuple[int, ...]
    only_b: tuple[int, ...]
    p: tuple[float, ...] = ()


class SweepAxis(Struct, frozen=True):
    key: str
    words: str
    values: tuple[str, ...]


class SweepInfo(Struct, frozen=True):
    """What was swept. `rows` are the arms of the preset; the run has each of them once per combination of values."""

    rows: tuple[str, ...]
    axes: tuple[SweepAxis, ...]


class ResultDocument(Struct, frozen=True, kw_only=True):
    format: int
    run: str
    title: str
    status: str
    reason: str
    data: DatasetInfo
    device: str
    threads: int
    seconds: float
    resumed: str = ""
    arms: tuple[ArmResult, ...]
    design: Design | None = None
    comparisons: tuple[Comparison, ...]
    speed: tuple[SpeedComparison, ...] = ()
    models: tuple[ModelComparison, ...] = ()
    sweep: SweepInfo | UnsetType | None = UNSET


def decode(content: bytes) -> ResultDocument:
    """The document in the JSON object `content`. Raises msgspec.DecodeError."""
    document = msgspec.json.decode(content, type=ResultDocument)
    return replace(document, comparisons=tuple(map(_with_stuck_seeds, document.comparisons)))


def _with_stuck_seeds(comparison: Comparison) -> Comparison:
    """The first versions name an arm that stays at chance on every seed in the verdict alone."""
    if comparison.at_chance != NONE_STUCK:
        return comparison
    a, b, n = comparison.a, comparison.b, comparison.n
    if comparison.verdict == f"neither {a} nor {b} learns: both stay at chance":
        return replace(comparison, at_chance=StuckSeeds(a=n, b=n, only_a=0, only_b=0, p=None))
    on_a, on_b = (n * comparison.verdict.startswith(f"{arm} does not learn: it stays at chance") for arm in (a, b))
    return replace(comparison, at_chance=StuckSeeds(a=on_a, b=on_b, only_a=on_a, only_b=on_b, p=None))
