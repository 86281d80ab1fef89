"""The verdict on simulated experiments, of which the truth is known: how often it claims what is not so, how often it finds
what is. Counts are held against binomial bounds that a correct rule passes in all but one of 10,000 tries."""

import gc
from functools import cache

import numpy
import pytest
from scipy import stats as reference
from statsmodels.stats.power import TTestPower

from inittui.analysis import statistics, verdict
from inittui.analysis.comparisons import compared
from inittui.record.result_schema import ArmResult
from tests.helpers import arm_result

MANY = 2000
SPREAD = 0.004  # of an arm's accuracy over seeds that no other arm shares
SURE = 1e-4


@pytest.fixture(autouse=True)
def no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """statsmodels collects garbage at every correction: once a run that is nothing, in thousands it is most of the time."""
    monkeypatch.setattr(gc, "collect", lambda *_: 0)


def experiment(rng: numpy.random.Generator, arms: int, seeds: int, gain: float = 0.0) -> list[ArmResult]:
    """Arms as a document has them. What a seed does to all arms alike is larger than what they differ by; the last arm is
    `gain` standard deviations of the paired differences better."""
    shared = rng.normal(0.9, 0.01, seeds)
    found = []
    for arm in range(arms):
        accuracies = shared + rng.normal(0, SPREAD, seeds)
        if arm == arms - 1:
            accuracies = accuracies + gain * SPREAD * 2**0.5
        found.append(arm_result(f"arm {arm}", dict(enumerate(map(float, accuracies)))))
    return found


@cache
def claims(arms: int, seeds: int, experiments: int, gain: float = 0.0, all_pairs: bool = False) -> tuple[int, int]:
    """In how many experiments a difference is called established: any one, and the one between the first and the last arm."""
    rng = numpy.random.default_rng(20260 + arms + seeds)
    any_one = last = 0
    for _ in range(experiments):
        found = compared(experiment(rng, arms, seeds, gain), chance=0.1, target=None, all_pairs=all_pairs)
        claimed = [verdict.outcome(row).established for row in found.comparisons]
        assert claimed == ["is higher than" in row.verdict for row in found.comparisons]
        any_one += any(claimed)
        last += claimed[arms - 2]
    return any_one, last


def at_most(share: float, count: int) -> int:
    return int(reference.binom.ppf(1 - SURE, count, share))


def around(share: float, count: int) -> tuple[int, int]:
    return int(reference.binom.ppf(SURE / 2, count, share)), int(reference.binom.ppf(1 - SURE / 2, count, share))


@pytest.mark.parametrize("arms", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_with_no_true_difference_few_claim_one(arms: int) -> None:
    wrong, _ = claims(arms, 10, 300)
    assert wrong <= at_most(statistics.LEVEL, 300)


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "all_pairs"), [(2, False), (5, False), (3, True)])
def test_with_no_true_difference_one_in_twenty_experiments_at_most_claims_one(arms: int, all_pairs: bool) -> None:
    wrong, _ = claims(arms, 10, MANY, all_pairs=all_pairs)
    print(f"{arms} arms, {'all pairs' if all_pairs else 'against the first'}: {wrong} of {MANY} claim a difference")
    assert wrong <= at_most(statistics.LEVEL, MANY)


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.5, 1.0, 1.3])
def test_a_known_difference_is_found_as_often_as_theory_predicts(gain: float) -> None:
    _, right = claims(2, 10, MANY, gain)
    theory = TTestPower().power(gain, nobs=10, alpha=statistics.LEVEL, alternative="two-sided")
    print(f"difference of {gain} deviations, 10 seeds: found {right} of {MANY}; theory {theory * MANY:.0f}")
    low, high = around(theory, MANY)
    assert low <= right <= high


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "seeds"), [(2, 6), (2, 7), (2, 8), (2, 10), (5, 8), (5, 9), (5, 10)])
def test_a_difference_that_a_design_detects_is_established_four_times_in_five(arms: int, seeds: int) -> None:
    effect = statistics.detectable_effect(seeds, statistics.LEVEL / (arms - 1))
    assert effect is not None
    _, right = claims(arms, seeds, MANY, effect)
    print(f"{arms} arms, {seeds} seeds: {effect:.3f} deviations found {right} of {MANY}")
    # The effect is the t test's; flipping the signs of few pairs costs a little of its power.
    assert around(statistics.POWER - 0.04, MANY)[0] <= right <= around(statistics.POWER, MANY)[1]


def test_a_difference_that_a_design_detects_is_established_most_of_the_time() -> None:
    effect = statistics.detectable_effect(10, statistics.LEVEL)
    assert effect is not None
    _, right = claims(2, 10, 300, effect)
    low, high = around(statistics.POWER, 300)
    assert low <= right <= high
