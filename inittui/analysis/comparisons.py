"""Which arms are compared, by what, and what comes of it: the rows `comparisons` and `speed` of the result document.

Fixed before anything is trained, and written down in the document's `design`:

- The metric is the final test accuracy. Each arm is compared with one baseline, the first arm that finished (or, on request,
  another one, or all pairs), paired by seed. Its p-values are corrected by Holm for the number of these comparisons, its
  *family*; arms that do not learn count among them.
- Beside it, not corrected and never called established: the mean training cost of the first epoch, and the first epoch whose
  mean training cost is at or below a target. The target is the preset's `training.target_cost`, else a tenth of the cost of
  guessing, ln(classes): 0.2303 for ten classes. No arm's outcome has a part in it.
- A seed is stuck at chance where its final test accuracy is below `experiment.chance.stuck_below`.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from inittui.analysis import statistics, verdict
from inittui.common.errors import RunError, UsageError, nearest
from inittui.experiment.chance import stuck_below

METRIC = "test_accuracy"
TARGET_SHARE = 0.1  # of the cost of guessing


def target_cost(given: float | None, classes: int) -> float | None:
    """The cost that arms are timed to; None where it is not `given` and there are fewer than two classes to guess from."""
    return given if given is not None else TARGET_SHARE * math.log(classes) if classes > 1 else None


def epochs_to(costs: Sequence[float | None], target: float | None) -> int | None:
    """The first epoch, counted from 1, whose mean training cost is at or below `target`; None where none is."""
    if target is None:
        return None
    return next((epoch for epoch, cost in enumerate(costs, 1) if cost is not None and cost <= target), None)


def compared(
    arms: Sequence[Mapping[str, Any]],
    *,
    chance: float,
    target: float | None,
    baseline: str | None = None,
    all_pairs: bool = False,
    block: int = 0,
) -> dict[str, Any]:
    """`design`, `comparisons` and `speed` of a document with these `arms`.

    `chance` is the accuracy of guessing, `target` a cost as `target_cost` gives it. Arms that did not finish are left out.
    Of a sweep `block` is the number of arms a row: without a baseline an arm is compared with the first row's at its values.
    Raises UsageError for a baseline that is no arm, RunError for one that did not finish.
    """
    over = {arm["name"]: arm for arm in arms if arm["status"] == "finished"}
    if baseline is not None:
        _check(baseline, arms, over)
    alike = block and baseline is None and not all_pairs
    base = None if all_pairs or alike else baseline or next(iter(over), None)
    pairs = list(combinations(over, 2)) if all_pairs else [(base, name) for name in over if base not in (None, name)]
    if alike:
        named = [(arms[place % block]["name"], arm["name"]) for place, arm in enumerate(arms) if place >= block]
        pairs = [(a, b) for a, b in named if a in over and b in over]
    rows = [_by_accuracy(over[a], over[b], chance) for a, b in pairs if a is not None]
    family = sum(row["p"] is not None for row in rows)
    _correct(rows, family)
    for row in rows:
        differ = over[row["a"]]["changes"] != over[row["b"]]["changes"]
        row["verdict"] = verdict.sentence(row, scope=verdict.OWN if differ else verdict.SHARED)
    design = {
        "metric": METRIC,
        "baseline": base,
        "all_pairs": all_pairs,
        "family": family,
        "correction": "holm",
        "level": statistics.LEVEL,
        "power": statistics.POWER,
        "pairs_needed": statistics.pairs_needed(max(1, family)),
        "chance": chance,
        "target_cost": target,
    }
    speed = [row for a, b in pairs if a is not None for row in _by_speed(over[a], over[b], target)]
    return {"design": design, "comparisons": rows, "speed": speed}


def again(document: Mapping[str, Any], *, baseline: str | None = None, all_pairs: bool = False) -> dict[str, Any]:
    """The document with other comparisons: against `baseline`, or of all pairs. Raises as `compared` does."""
    design = document.get("design") or {"chance": 0.0, "target_cost": None}
    found = compared(
        document["arms"],
        chance=design["chance"],
        target=design["target_cost"],
        baseline=baseline,
        all_pairs=all_pairs,
        block=block_of(document),
    )
    return {**document, **found}


def block_of(document: Mapping[str, Any]) -> int:
    """The arms a row of the document's sweep; 0 where nothing was swept."""
    sweep = document.get("sweep")
    return len(document["arms"]) // len(sweep["rows"]) if sweep and sweep["rows"] else 0


def _check(baseline: str, arms: Sequence[Mapping[str, Any]], over: Mapping[str, Any]) -> None:
    names = [arm["name"] for arm in arms]
    if baseline not in names:
        known = nearest(baseline, names) or f" Known: {', '.join(names)}."
        raise UsageError(f"--baseline {baseline}: no such arm.{known}")
    if baseline not in over:
        raise RunError(f"--baseline {baseline}: this arm did not finish, so nothing can be compared with it")


def _correct(rows: Sequence[dict[str, Any]], family: int) -> None:
    """Fill in what a row owes to there being others."""
    tested = [row for row in rows if row["p"] is not None]
    corrected = statistics.holm([row["p"] for row in tested])
    for row in rows:
        row |= {"p_holm": None, "family": family, "detectable": None}
    for row, p_holm in zip(tested, corrected, strict=True):
        row["p_holm"] = p_holm
        row["detectable"] = statistics.detectable(row["std"], row["n"], family)


def _by_accuracy(a: Mapping[str, Any], b: Mapping[str, Any], chance: float) -> dict[str, Any]:
    of_a, of_b = ({r["seed"]: r["test_accuracy"] for r in arm["replicas"]} for arm in (a, b))
    of_a, of_b = ({seed: value for seed, value in of.items() if value is not None} for of in (of_a, of_b))
    found = statistics.paired(of_a, of_b)
    below = stuck_below(chance)
    stuck = [(of_a[seed] < below, of_b[seed] < below) for seed in of_a.keys() & of_b.keys()]
    only_a, only_b = stuck.count((True, False)), stuck.count((False, True))
    at_chance = {
        "a": sum(is_a for is_a, _ in stuck),
        "b": sum(is_b for _, is_b in stuck),
        "only_a": only_a,
        "only_b": only_b,
        "p": statistics.discordant_p(only_a, only_b) if len(stuck) > 1 and (only_a or only_b) else None,
    }
    losses = sum(of_b[seed] < of_a[seed] for seed in of_a.keys() & of_b.keys())
    return {"a": a["name"], "b": b["name"], "metric": METRIC, **found, "losses": losses, "at_chance": at_chance}


def _by_speed(a: Mapping[str, Any], b: Mapping[str, Any], target: float | None) -> list[dict[str, Any]]:
    head = {"a": a["name"], "b": b["name"]}
    first = [{r["seed"]: r["train_cost"][0] for r in arm["replicas"] if r["train_cost"]} for arm in (a, b)]
    of_a, of_b = ({seed: cost for seed, cost in of.items() if cost is not None} for of in first)
    rows = [{**head, "metric": "first_epoch_cost", **statistics.paired(of_a, of_b, more_is_better=False)}]
    return [*rows, {**head, "metric": "epochs_to_cost", **_epochs(a, b, target)}] if target is not None else rows


def _epochs(a: Mapping[str, Any], b: Mapping[str, Any], target: float | None) -> dict[str, Any]:
    """Where every seed reaches the target, as any other figure. Else the mean difference can't be known, but on each seed it
    is known who was first: p is of the exact sign test, in which seeds without a first do not count."""
    of_a, of_b = ({r["seed"]: epochs_to(r["train_cost"], target) for r in arm["replicas"]} for arm in (a, b))
    seeds = sorted(of_a.keys() & of_b.keys())
    times = [(of_a[seed], of_b[seed]) for seed in seeds]
    reached = [[time for time in of if time is not None] for of in zip(*times, strict=True)] if times else [[], []]
    means = [{"reached": len(of), "mean": math.fsum(of) / len(of) if of else None} for of in reached]
    both = {"of_a": means[0], "of_b": means[1]}
    if all(len(of) == len(seeds) for of in reached):
        known_a, known_b = (dict(zip(seeds, map(float, of), strict=True)) for of in reached)
        return {**statistics.paired(known_a, known_b, more_is_better=False), **both, "test": "sign_flip"}
    first = [_sign(math.inf if x is None else x, math.inf if y is None else y) for x, y in times]
    wins, losses = first.count(-1), first.count(1)
    p = statistics.discordant_p(wins, losses) if len(seeds) > 1 else None
    unknown = {"difference": None, "std": None, "ci95": None}
    return {"n": len(seeds), **unknown, "p": p, "wins": wins, **both, "test": "sign"}


def _sign(a: float, b: float) -> int:
    """-1 where b is the smaller, 1 where a is."""
    return (b > a) - (b < a)


def of_models(duels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The document's `models`: McNemar's exact p for every two trained models of one seed, from how many test images only
    the one, and only the other, is right on. About these models alone: another seed would have made others."""
    return [
        {**duel, "p": [statistics.discordant_p(*counts) for counts in zip(duel["only_a"], duel["only_b"], strict=True)]}
        for duel in duels
    ]
