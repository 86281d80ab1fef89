"""Paired comparison of two arms, and the sentence that says what it is worth.

scipy does the statistics. It is imported where it is used: with one seed there is nothing to compute.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

ENOUGH_PAIRS = 6  # below that the exact sign-flip test can't reach p < 0.05 two-sided (2 / 2**5 = 0.0625)
STUCK_TIMES = 1.5  # below that many times chance on every seed, an arm has learnt nothing
EXACT_PAIRS = 16  # up to that every sign flip is tried (65,536); beyond, 99,999 random ones


def summary(values: Sequence[float], *, interval: bool = True) -> dict[str, Any]:
    """Mean, sample deviation and the 95 % t interval of the mean; deviation and interval are None for one value.

    `interval` False leaves the interval out, and scipy unimported.
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return {"mean": mean, "std": None, "ci95": None}
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    return {"mean": mean, "std": std, "ci95": _t_interval(mean, std, count) if interval else None}


def _t_interval(mean: float, std: float, count: int) -> list[float]:
    from scipy import stats

    half = float(stats.t.ppf(0.975, count - 1)) * std / math.sqrt(count)
    return [mean - half, mean + half]


def compare(
    a: str, b: str, of_a: Mapping[int, float], of_b: Mapping[int, float], *, chance: float = 0.0
) -> dict[str, Any]:
    """Arm `b` against arm `a`, paired by seed: `of_a` and `of_b` map seed to test accuracy, 0 to 1.

    `chance` is the accuracy of guessing. The difference is b - a. `p` is of the exact sign-flip permutation
    test, two-sided, of the mean paired difference.
    """
    seeds = sorted(of_a.keys() & of_b.keys())
    differences = [of_b[seed] - of_a[seed] for seed in seeds]
    row: dict[str, Any] = {"a": a, "b": b, "metric": "test_accuracy", "n": len(seeds)}
    if not seeds:
        words = "not compared: no seed was trained to the end by both"
        return row | {"difference": None, "ci95": None, "p": None, "wins": 0, "verdict": words}
    of_differences = summary(differences)
    row["difference"] = of_differences["mean"]
    row["ci95"] = of_differences["ci95"]
    row["p"] = _sign_flip_p(differences) if len(seeds) > 1 else None
    row["wins"] = sum(difference > 0 for difference in differences)
    stuck = [name for name, of in ((a, of_a), (b, of_b)) if max(of[seed] for seed in seeds) < STUCK_TIMES * chance]
    return row | {"verdict": _stuck(row, stuck) if stuck else verdict(row)}


def _sign_flip_p(differences: Sequence[float]) -> float:
    import numpy
    from scipy import stats

    if not any(differences):
        return 1.0
    exact = len(differences) <= EXACT_PAIRS
    outcome = stats.permutation_test(
        (numpy.asarray(differences),),
        lambda x, axis: numpy.mean(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=numpy.inf if exact else 99_999,
        rng=numpy.random.default_rng(0),
    )
    return float(outcome.pvalue)


def points(share: float) -> str:
    """A difference of accuracies in percentage points, with its sign: `+0.12`."""
    return f"{100 * share:+.2f}".replace("-", "−")


def _stuck(row: Mapping[str, Any], stuck: Sequence[str]) -> str:
    """The sentence where an arm is at chance: no test is needed to see that, and one seed is enough to show it."""
    if len(stuck) == 2:
        return f"neither {row['a']} nor {row['b']} learns: both stay at chance"
    other = row["b"] if stuck[0] == row["a"] else row["a"]
    seeds = "" if row["n"] == 1 else f" on each of {row['n']} seeds"
    gap = 100 * abs(row["difference"])
    return f"{stuck[0]} does not learn: it stays at chance{seeds}, {gap:.2f} points below {other}"


def verdict(row: Mapping[str, Any]) -> str:
    """One sentence: which arm is ahead, by how much, and whether that is established."""
    a, b, difference, count = row["a"], row["b"], row["difference"], row["n"]
    if difference == 0:
        ahead = f"{a} and {b} come out level"
    else:
        higher, lower = (b, a) if difference > 0 else (a, b)
        ahead = f"{higher} is ahead of {lower} by {100 * abs(difference):.2f} points"
    if count == 1:
        return f"{ahead} on one seed, which proves nothing: add --seeds 10"
    low, high = row["ci95"]
    numbers = (
        f"{b} − {a} = {points(difference)} points, 95 % interval {points(low)} to {points(high)}, "
        f"{count} paired seeds, p = {row['p']:.3g}"
    )
    if count < ENOUGH_PAIRS:
        return f"indicative only, {ENOUGH_PAIRS} pairs or more are needed: {numbers}"
    if row["p"] < 0.05 and (low > 0 or high < 0):
        return f"{ahead}, for this network, optimizer and learning rate: {numbers}"
    return f"no difference established: {numbers}"
