"""The sentence that says what a comparison is worth. Pure words: every number is in the row that they are made from.

A difference is called established where its p, corrected for the number of comparisons, is below 0.05 and its 95 %
interval leaves 0 out. Two arms are never said to be the same: that a design does not show a difference shows nothing else.
"""

from collections.abc import Mapping
from typing import Any

from inittui.analysis.statistics import LEVEL, pairs_needed

ENOUGH_PAIRS = pairs_needed(1)  # 6: with fewer nothing can be established, however clear it looks
SHARED = "for this network, optimizer and learning rate"
OWN = "for these two, each with its own settings"


def established(row: Mapping[str, Any]) -> bool:
    """Whether the difference in a row of the document's comparisons is established."""
    if row["p_holm"] is None or row["ci95"] is None:
        return False
    low, high = row["ci95"]
    return bool(row["p_holm"] < LEVEL and (low > 0 or high < 0))


def sentence(row: Mapping[str, Any], *, scope: str = SHARED) -> str:
    """Which arm is higher, by how much, and whether that is established; or which does not learn at all.

    `row` is one of the document's comparisons by test accuracy. `scope` says what the sentence holds for.
    """
    if not row["n"]:
        return "not compared: no seed was trained to the end by both"
    of_a, of_b = row["at_chance"]["a"], row["at_chance"]["b"]
    if row["n"] in (of_a, of_b):
        return _stuck(row, of_a, of_b)
    return _mixed(row, of_a, of_b) + _learning(row, scope)


def _learning(row: Mapping[str, Any], scope: str) -> str:
    a, b, difference, count = row["a"], row["b"], row["difference"], row["n"]
    higher, lower = (b, a) if difference > 0 else (a, b)
    by = f"by {100 * abs(difference):.2f} points"
    if count == 1:
        ahead = f"{higher} is ahead of {lower} {by}" if difference else f"{a} and {b} come out level"
        return f"{ahead} on one seed, which proves nothing: add --seeds 10"
    if established(row):
        low, high = (abs(end) for end in (row["ci95"] if difference > 0 else row["ci95"][::-1]))
        inside = f"95 % interval {100 * low:.2f} to {100 * high:.2f}, {_pairs(row, higher)}, {_p(row)}"
        return f"{higher} is higher than {lower} {by}, {scope} ({inside})"
    interval = f", 95 % interval {points(row['ci95'][0])} to {points(row['ci95'][1])}" if row["ci95"] else ""
    numbers = f"{b} − {a} = {points(difference)} points{interval}, {_pairs(row, b)}, {_p(row)}"
    needed = pairs_needed(row["family"])
    if count < needed:
        why = f" with {row['family']} comparisons" if needed > ENOUGH_PAIRS else ""
        return f"indicative only, {needed} pairs or more are needed{why} ({numbers})"
    return f"no difference established ({numbers}{_detectable(row)})"


def _pairs(row: Mapping[str, Any], arm: str) -> str:
    wins = row["wins"] if arm == row["b"] else row["losses"]
    return f"{row['n']} paired seeds, {arm} ahead on {wins}"


def _p(row: Mapping[str, Any]) -> str:
    return f"p = {row['p']:.3g}" + (f", with Holm's correction {row['p_holm']:.3g}" if row["family"] > 1 else "")


def _detectable(row: Mapping[str, Any]) -> str:
    if row["detectable"] is None:
        return ""
    level = f" at a level of {LEVEL / row['family']:.3g}" if row["family"] > 1 else ""
    return f"; this design detects about {100 * row['detectable']:.2f}{level}"


def _stuck(row: Mapping[str, Any], of_a: int, of_b: int) -> str:
    """Where an arm is at chance on every seed: no test is needed to see that, and one seed is enough to show it."""
    a, b, count = row["a"], row["b"], row["n"]
    if of_a == of_b:
        return f"neither {a} nor {b} learns: both stay at chance"
    stuck, other, of_other = (a, b, of_b) if of_a == count else (b, a, of_a)
    seeds = "" if count == 1 else f" on each of {count} seeds"
    gap = f"{100 * abs(row['difference']):.2f} points below {other}"
    too = f", which stays there on {of_other} of them" if of_other else ""
    return f"{stuck} does not learn: it stays at chance{seeds}, {gap}{too}"


def _mixed(row: Mapping[str, Any], of_a: int, of_b: int) -> str:
    """Where some seeds of an arm learn and others do not, a mean hides both: that is said before it."""
    told = [f"{k} of {row['n']} seeds of {arm}" for arm, k in ((row["a"], of_a), (row["b"], of_b)) if k]
    if not told:
        return ""
    test = f" (McNemar's exact p over seeds {row['at_chance']['p']:.3g})" if row["at_chance"]["p"] is not None else ""
    verb = "stay" if max(of_a, of_b) > 1 or len(told) > 1 else "stays"
    return f"{' and '.join(told)} {verb} at chance{test}, and the means mix the two outcomes: "


def points(share: float) -> str:
    """A difference of accuracies in percentage points, with its sign: `+0.12`."""
    return f"{100 * share:+.2f}".replace("-", "−")


def faster(cost: Mapping[str, Any], epochs: Mapping[str, Any], target: float) -> str:
    """How fast two arms get down, from their rows of the document's `speed`: the cost of the first epoch, and the epochs to
    the target. Not corrected for their number, and so never called established."""
    told = []
    if cost["difference"] is not None:
        numbers = [f"{cost['b']} − {cost['a']} = {_signed(cost['difference'])}"]
        if cost["ci95"]:
            numbers.append(f"95 % interval {_signed(cost['ci95'][0])} to {_signed(cost['ci95'][1])}")
        told.append(f"training cost of the first epoch, {', '.join(numbers)}{_uncorrected(cost)}")
    a, b, count = epochs["a"], epochs["b"], epochs["n"]
    if count and epochs.get("of_a") and epochs.get("of_b"):
        of_a, of_b = (_reached(epochs[key], count) for key in ("of_a", "of_b"))
        told.append(f"epochs to a cost of {target:.4g}: {a} {of_a}, {b} {of_b}{_uncorrected(epochs)}")
    return "; ".join(told)


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−") if abs(value) < 1000 else f"{value:+.2e}".replace("-", "−")


def _uncorrected(row: Mapping[str, Any]) -> str:
    return "" if row["p"] is None else f", p = {row['p']:.3g}"


def _reached(of: Mapping[str, Any], count: int) -> str:
    """`2.4 on average`, or on how many seeds it was reached at all."""
    if not of["reached"] or of["mean"] is None:
        return f"on none of {count} seeds" if count > 1 else "never"
    mean = f"{of['mean']:.3g}"
    if of["reached"] == count:
        return mean
    return f"{mean} on {of['reached']} of {count} seeds, never on the others"
