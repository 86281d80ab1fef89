"""The outcome of a comparison of two arms, and the sentence that states it. Every number comes from the comparison itself.

A difference is called established if its p-value, corrected for the number of comparisons, is below 0.05 and its 95 %
interval excludes 0. No sentence says that two arms are equal: a design that shows no difference does not show equality.
"""

from enum import Enum, auto

from inittui.analysis.statistics import LEVEL, pairs_needed
from inittui.record.result_schema import Comparison, SpeedComparison, TargetReached

ENOUGH_PAIRS = pairs_needed(1)  # 6: fewer pairs establish nothing, however large the difference
SHARED = "for this network, optimizer and learning rate"
OWN = "for these two, each with its own settings"


class Outcome(Enum):
    """What a comparison of b with a shows."""

    NOT_COMPARED = auto()  # no seed was trained to the end by both
    BOTH_STUCK = auto()  # at chance on every seed
    A_STUCK = auto()
    B_STUCK = auto()
    B_AHEAD = auto()  # on a single seed
    A_AHEAD = auto()
    LEVEL = auto()
    TOO_FEW_SEEDS = auto()  # to establish anything
    NOT_ESTABLISHED = auto()
    B_HIGHER = auto()  # established
    A_HIGHER = auto()

    @property
    def stuck(self) -> bool:
        """Whether an arm stays at chance on every seed."""
        return self in (Outcome.BOTH_STUCK, Outcome.A_STUCK, Outcome.B_STUCK)

    @property
    def established(self) -> bool:
        return self in (Outcome.A_HIGHER, Outcome.B_HIGHER)


def outcome(comparison: Comparison) -> Outcome:
    """The outcome of a comparison by test accuracy."""
    count, difference, at_chance = comparison.n, comparison.difference or 0.0, comparison.at_chance
    if not count:
        return Outcome.NOT_COMPARED
    if count in (at_chance.a, at_chance.b):
        if at_chance.a == at_chance.b:
            return Outcome.BOTH_STUCK
        return Outcome.A_STUCK if at_chance.a == count else Outcome.B_STUCK
    if count == 1:
        return Outcome.B_AHEAD if difference > 0 else Outcome.A_AHEAD if difference < 0 else Outcome.LEVEL
    low, high = comparison.ci95 or (0.0, 0.0)
    if comparison.p_holm is not None and comparison.p_holm < LEVEL and (low > 0 or high < 0):
        return Outcome.B_HIGHER if difference > 0 else Outcome.A_HIGHER
    return Outcome.TOO_FEW_SEEDS if count < pairs_needed(comparison.family) else Outcome.NOT_ESTABLISHED


def sentence(comparison: Comparison, *, scope: str = SHARED) -> str:
    """Which arm is higher, by how much, and whether that is established; or which arm does not learn.

    `comparison` is by test accuracy. `scope` names the conditions under which the sentence holds.
    """
    kind = outcome(comparison)
    if kind is Outcome.NOT_COMPARED:
        return "not compared: no seed was trained to the end by both"
    if kind.stuck:
        return _stuck(comparison, kind)
    return _mixed(comparison) + _learning(comparison, kind, scope)


def _learning(comparison: Comparison, kind: Outcome, scope: str) -> str:
    a, b, difference, ci95 = comparison.a, comparison.b, comparison.difference or 0.0, comparison.ci95
    higher, lower = (b, a) if difference > 0 else (a, b)
    by = f"by {100 * abs(difference):.2f} points"
    if comparison.n == 1:
        ahead = f"{a} and {b} come out level" if kind is Outcome.LEVEL else f"{higher} is ahead of {lower} {by}"
        return f"{ahead} on one seed, which proves nothing: add --seeds 10"
    if kind.established and ci95:
        low, high = sorted(map(abs, ci95))
        numbers = f"95 % interval {100 * low:.2f} to {100 * high:.2f}, {_test(comparison, higher)}"
        return f"{higher} is higher than {lower} {by}, {scope} ({numbers})"
    interval = f", 95 % interval {points(ci95[0])} to {points(ci95[1])}" if ci95 else ""
    numbers = f"{b} − {a} = {points(difference)} points{interval}, {_test(comparison, b)}"
    if kind is Outcome.TOO_FEW_SEEDS:
        needed = pairs_needed(comparison.family)
        why = f" with {comparison.family} comparisons" if needed > ENOUGH_PAIRS else ""
        return f"indicative only, {needed} pairs or more are needed{why} ({numbers})"
    if comparison.detectable is not None:
        level = f" at a level of {LEVEL / comparison.family:.3g}" if comparison.family > 1 else ""
        numbers += f"; this design detects about {100 * comparison.detectable:.2f}{level}"
    return f"no difference established ({numbers})"


def _test(comparison: Comparison, arm: str) -> str:
    """`6 paired seeds, he ahead on 5, p = 0.0312`"""
    wins = comparison.wins if arm == comparison.b else comparison.losses
    corrected = f", with Holm's correction {comparison.p_holm:.3g}" if comparison.family > 1 else ""
    return f"{comparison.n} paired seeds, {arm} ahead on {wins}, p = {comparison.p:.3g}{corrected}"


def _stuck(comparison: Comparison, kind: Outcome) -> str:
    """One arm is at chance on every seed. That needs no test, and one seed shows it."""
    a, b, count, at_chance = comparison.a, comparison.b, comparison.n, comparison.at_chance
    if kind is Outcome.BOTH_STUCK:
        return f"neither {a} nor {b} learns: both stay at chance"
    stuck, other, of_other = (a, b, at_chance.b) if kind is Outcome.A_STUCK else (b, a, at_chance.a)
    seeds = "" if count == 1 else f" on each of {count} seeds"
    gap = f"{100 * abs(comparison.difference or 0.0):.2f} points below {other}"
    too = f", which stays there on {of_other} of them" if of_other else ""
    return f"{stuck} does not learn: it stays at chance{seeds}, {gap}{too}"


def _mixed(comparison: Comparison) -> str:
    """If some seeds of an arm learn and others do not, its mean hides both. The sentence says so first."""
    at_chance = comparison.at_chance
    counts = ((comparison.a, at_chance.a), (comparison.b, at_chance.b))
    arms = [f"{stuck} of {comparison.n} seeds of {arm}" for arm, stuck in counts if stuck]
    if not arms:
        return ""
    test = f" (McNemar's exact p over seeds {at_chance.p:.3g})" if at_chance.p is not None else ""
    verb = "stay" if at_chance.a + at_chance.b > 1 else "stays"
    return f"{' and '.join(arms)} {verb} at chance{test}, and the means mix the two outcomes: "


def points(share: float) -> str:
    """A difference of accuracies in percentage points, with its sign: `+0.12`."""
    return f"{100 * share:+.2f}".replace("-", "−")


def faster(cost: SpeedComparison, epochs: SpeedComparison, target: float) -> str:
    """How fast two arms learn: the training cost of the first epoch, and the epochs to the `target` cost. The p-values are
    not corrected for their number, so the sentence calls nothing established."""
    parts = []
    if cost.difference is not None:
        interval = f", 95 % interval {_signed(cost.ci95[0])} to {_signed(cost.ci95[1])}" if cost.ci95 else ""
        numbers = f"{cost.b} − {cost.a} = {_signed(cost.difference)}{interval}{_uncorrected(cost)}"
        parts.append(f"training cost of the first epoch, {numbers}")
    if epochs.n and epochs.of_a and epochs.of_b:
        of_a, of_b = _reached(epochs.of_a, epochs.n), _reached(epochs.of_b, epochs.n)
        by_arm = f"{epochs.a} {of_a}, {epochs.b} {of_b}"
        parts.append(f"epochs to a cost of {target:.4g}: {by_arm}{_uncorrected(epochs)}")
    return "; ".join(parts)


def _signed(value: float) -> str:
    return format(value, "+.4f" if abs(value) < 1000 else "+.2e").replace("-", "−")


def _uncorrected(comparison: SpeedComparison) -> str:
    return "" if comparison.p is None else f", p = {comparison.p:.3g}"


def _reached(target: TargetReached, count: int) -> str:
    """`2.4`, the mean number of epochs, or on how many seeds the arm reached the target at all."""
    if not target.reached or target.mean is None:
        return f"on none of {count} seeds" if count > 1 else "never"
    some = f" on {target.reached} of {count} seeds, never on the others" if target.reached < count else ""
    return f"{target.mean:.3g}{some}"
