"""Which arms are compared, by which metric, and with what result: `design`, `comparisons` and `speed` of the result document.

The rules are fixed before training and recorded in `design`:

- The metric is the final test accuracy. Each arm is compared with one baseline, paired by seed. The baseline is the first
  arm that finished, unless the user names another arm or asks for all pairs. Holm's method corrects the p-values for the
  number of these comparisons, their *family*. Arms that do not learn count as well.
- Two further metrics are reported without correction and never called established: the mean training cost of the first
  epoch, and the first epoch whose mean training cost is at or below a target. The target is the preset's
  `training.target_cost`, else a tenth of the cost of guessing, ln(classes): 0.2303 for ten classes. It depends on no result.
- A seed is stuck at chance if its final test accuracy is below `experiment.chance.stuck_below`.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from msgspec import Struct
from msgspec.structs import asdict, replace

from inittui.analysis import statistics, verdict
from inittui.common.errors import RunError, UsageError, nearest
from inittui.experiment.chance import stuck_below
from inittui.record.result_schema import (
    ArmResult,
    Comparison,
    Design,
    ModelComparison,
    ResultDocument,
    SpeedComparison,
    StuckSeeds,
    TargetReached,
)

METRIC = "test_accuracy"
TARGET_SHARE = 0.1  # of the cost of guessing


class Compared(Struct, frozen=True):
    """The fields of a result document that hold comparisons."""

    design: Design
    comparisons: tuple[Comparison, ...]
    speed: tuple[SpeedComparison, ...]


def target_cost(given: float | None, classes: int) -> float | None:
    """The cost that arms are timed to; None if it is not `given` and there are fewer than two classes to guess from."""
    return given if given is not None else TARGET_SHARE * math.log(classes) if classes > 1 else None


def epochs_to(costs: Sequence[float | None], target: float | None) -> int | None:
    """The first epoch, counted from 1, whose mean training cost is at or below `target`; None if no epoch is."""
    if target is None:
        return None
    return next((epoch for epoch, cost in enumerate(costs, 1) if cost is not None and cost <= target), None)


def compared(
    arms: Sequence[ArmResult],
    *,
    chance: float,
    target: float | None,
    baseline: str | None = None,
    all_pairs: bool = False,
    block: int = 0,
) -> Compared:
    """The comparisons between `arms`. Arms that did not finish are left out.

    `chance` is the accuracy of guessing, `target` a cost from `target_cost`, `block` the number of arms per row of a sweep,
    in which without a baseline an arm is compared with the first row's arm at the same values.
    Raises UsageError if `baseline` is no arm, RunError if it did not finish.
    """
    finished = {arm.name: arm for arm in arms if arm.status == "finished"}
    names = [arm.name for arm in arms]
    if baseline is not None and baseline not in names:
        known = nearest(baseline, names) or f" Known: {', '.join(names)}."
        raise UsageError(f"--baseline {baseline}: no such arm.{known}")
    if baseline is not None and baseline not in finished:
        raise RunError(f"--baseline {baseline}: this arm did not finish, so nothing can be compared with it")
    base: str | None = None
    if all_pairs:
        pairs = list(combinations(finished, 2))
    elif block and baseline is None:
        counterparts = [(names[index % block], name) for index, name in enumerate(names) if index >= block]
        pairs = [(a, b) for a, b in counterparts if a in finished and b in finished]
    else:
        base = baseline or next(iter(finished), None)
        pairs = [(base, name) for name in finished if name != base] if base is not None else []
    comparisons = [_by_accuracy(finished[a], finished[b], chance) for a, b in pairs]
    family = sum(comparison.p is not None for comparison in comparisons)
    return Compared(
        design=Design(
            metric=METRIC,
            baseline=base,
            all_pairs=all_pairs,
            family=family,
            correction="holm",
            level=statistics.LEVEL,
            power=statistics.POWER,
            pairs_needed=statistics.pairs_needed(max(1, family)),
            chance=chance,
            target_cost=target,
        ),
        comparisons=_judged(comparisons, finished, family),
        speed=tuple(row for a, b in pairs for row in _by_speed(finished[a], finished[b], target)),
    )


def again(document: ResultDocument, *, baseline: str | None = None, all_pairs: bool = False) -> ResultDocument:
    """The document with other comparisons: against `baseline`, or of all pairs. Raises as `compared` does."""
    result = compared(
        document.arms,
        chance=document.design.chance if document.design else 0.0,
        target=document.design.target_cost if document.design else None,
        baseline=baseline,
        all_pairs=all_pairs,
        block=len(document.arms) // len(document.sweep.rows) if document.sweep and document.sweep.rows else 0,
    )
    return replace(document, **asdict(result))


def _judged(comparisons: Sequence[Comparison], arms: Mapping[str, ArmResult], family: int) -> tuple[Comparison, ...]:
    """With what depends on the other comparisons, and with verdicts."""
    corrected = iter(statistics.holm([comparison.p for comparison in comparisons if comparison.p is not None]))
    judged = []
    for comparison in comparisons:
        tested = comparison.p is not None
        row = replace(
            comparison,
            p_holm=next(corrected) if tested else None,
            family=family,
            detectable=statistics.detectable(comparison.std, comparison.n, family) if tested else None,
        )
        shared = arms[row.a].changes == arms[row.b].changes
        scope = verdict.SHARED if shared else verdict.OWN
        judged.append(replace(row, verdict=verdict.sentence(row, scope=scope)))
    return tuple(judged)


def _by_accuracy(a: ArmResult, b: ArmResult, chance: float) -> Comparison:
    of_a, of_b = (
        {replica.seed: replica.test_accuracy for replica in arm.replicas if replica.test_accuracy is not None}
        for arm in (a, b)
    )
    below = stuck_below(chance)
    seeds = of_a.keys() & of_b.keys()
    stuck = [(of_a[seed] < below, of_b[seed] < below) for seed in seeds]
    only_a, only_b = stuck.count((True, False)), stuck.count((False, True))
    return Comparison(
        a=a.name,
        b=b.name,
        metric=METRIC,
        **asdict(statistics.paired(of_a, of_b)),
        losses=sum(of_b[seed] < of_a[seed] for seed in seeds),
        at_chance=StuckSeeds(
            a=sum(is_a for is_a, _ in stuck),
            b=sum(is_b for _, is_b in stuck),
            only_a=only_a,
            only_b=only_b,
            p=statistics.discordant_p(only_a, only_b) if len(stuck) > 1 and (only_a or only_b) else None,
        ),
        verdict="",
    )


def _by_speed(a: ArmResult, b: ArmResult, target: float | None) -> list[SpeedComparison]:
    of_a, of_b = (
        {r.seed: r.train_cost[0] for r in arm.replicas if r.train_cost and r.train_cost[0] is not None}
        for arm in (a, b)
    )
    first_epoch = statistics.paired(of_a, of_b, more_is_better=False)
    by_cost = SpeedComparison(a=a.name, b=b.name, metric="first_epoch_cost", **asdict(first_epoch))
    return [by_cost] if target is None else [by_cost, _by_epochs(a, b, target)]


def _by_epochs(a: ArmResult, b: ArmResult, target: float) -> SpeedComparison:
    """By the epochs to the target. If a seed never reaches it the mean difference is unknown, but the seed still shows which
    arm is first: p is then of the exact sign test, without the seeds on which neither is first."""
    seeds = {r.seed for r in a.replicas} & {r.seed for r in b.replicas}
    of_a, of_b = (
        {r.seed: float(epochs_to(r.train_cost, target) or math.inf) for r in arm.replicas if r.seed in seeds}
        for arm in (a, b)
    )
    if math.inf in (*of_a.values(), *of_b.values()):
        wins, losses = (sum(x[seed] < y[seed] for seed in seeds) for x, y in ((of_b, of_a), (of_a, of_b)))
        p = statistics.discordant_p(wins, losses) if len(seeds) > 1 else None
        difference = statistics.PairedDifference(n=len(seeds), difference=None, std=None, ci95=None, p=p, wins=wins)
        test = "sign"
    else:
        difference, test = statistics.paired(of_a, of_b, more_is_better=False), "sign_flip"
    return SpeedComparison(
        a=a.name,
        b=b.name,
        metric="epochs_to_cost",
        **asdict(difference),
        of_a=_reached(of_a),
        of_b=_reached(of_b),
        test=test,
    )


def _reached(epochs: Mapping[int, float]) -> TargetReached:
    finite = [epoch for epoch in epochs.values() if epoch < math.inf]
    return TargetReached(len(finite), math.fsum(finite) / len(finite) if finite else None)


def of_models(counts: Sequence[ModelComparison]) -> tuple[ModelComparison, ...]:
    """`counts` with McNemar's exact p for each seed's two models. It is about these models alone, not about the schemes."""
    return tuple(
        replace(row, p=tuple(statistics.discordant_p(*pair) for pair in zip(row.only_a, row.only_b, strict=True)))
        for row in counts
    )
