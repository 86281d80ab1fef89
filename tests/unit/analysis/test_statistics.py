import gc
import itertools
import math
import sys
from collections.abc import Iterator

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from inittui.analysis import statistics
from inittui.analysis.statistics import (
    PairedDifference,
    attainable,
    detectable,
    detectable_effect,
    discordant_p,
    holm,
    mean_estimate,
    paired,
    pairs_needed,
    smallest_p,
)
from inittui.experiment.chance import stuck_below
from inittui.record.result_schema import MeanEstimate
from tests.helpers import steady

LARGEST = sys.float_info.max
accuracies = st.integers(0, 10_000).map(lambda n: n / 10_000)
# Whatever a float can hold: huge, tiny, of both signs, and often the same value over and over.
extreme = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-310, 1.0, 1e308, -1e308, LARGEST, -LARGEST]),
)


def by_seed(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def of(differences: list[float], base: float = 0.9) -> PairedDifference:
    return paired(by_seed([base] * len(differences)), by_seed([base + d for d in differences]))


def exact_p(differences: list[float]) -> float:
    """The share of all sign flips whose mean lies as far out, two-sided."""
    observed = abs(math.fsum(differences))
    flips = [
        abs(math.fsum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(flip >= observed - 1e-12 for flip in flips) / len(flips)


# Summaries


@steady
@given(st.lists(accuracies, min_size=2, max_size=8))
def test_a_summary_is_scipys_mean_deviation_and_t_interval(values: list[float]) -> None:
    found = mean_estimate(values)
    assert found.mean == pytest.approx(numpy.mean(values))
    assert found.std == pytest.approx(numpy.std(values, ddof=1), abs=1e-12)
    assert found.ci95 is not None
    assert found.std is not None
    low, high = found.ci95
    if found.std > 0:
        expected = reference.t.interval(0.95, len(values) - 1, loc=numpy.mean(values), scale=reference.sem(values))
        assert (low, high) == pytest.approx(expected)
    assert low <= found.mean <= high


def test_one_value_has_neither_deviation_nor_interval() -> None:
    assert mean_estimate([0.5]) == MeanEstimate(0.5)


def test_without_its_interval_a_summary_keeps_the_rest() -> None:
    assert mean_estimate([0.25, 0.75], interval=False) == MeanEstimate(0.5, math.sqrt(0.125))


@steady
@given(st.lists(extreme, min_size=1, max_size=6), st.integers(1, 4))
def test_a_summary_of_whatever_a_float_can_hold_is_finite_or_none(values: list[float], times: int) -> None:
    found = mean_estimate(values * times)
    assert min(values) <= found.mean <= max(values)
    for figure in (found.std, *(found.ci95 or ())):
        assert figure is None or math.isfinite(figure)
    if found.std is not None:
        assert found.std >= 0
    if found.ci95:
        assert found.ci95[0] <= found.mean <= found.ci95[1]


@steady
@given(extreme, st.integers(2, 9))
def test_values_that_are_all_one_have_that_mean_and_no_deviation(value: float, count: int) -> None:
    assert mean_estimate([value] * count) == MeanEstimate(value, 0.0, (value, value))


# Pairs


@pytest.mark.parametrize(
    ("differences", "p"),
    [([0.01, 0.02, 0.03], 2 / 8), ([0.01, 0.01, 0.01], 2 / 8), ([0.03, -0.01, 0.02], 4 / 8), ([-0.01, 0.01, 0.0], 1.0)],
)
def test_p_is_of_the_exact_sign_flip_test(differences: list[float], p: float) -> None:
    assert of(differences).p == pytest.approx(p)


@steady
@given(st.lists(st.integers(-50, 50).map(lambda n: n / 1024), min_size=2, max_size=7))
def test_p_counts_the_flips_as_far_out(differences: list[float]) -> None:
    found = of(differences, base=0.5)
    assert found.p == pytest.approx(exact_p(differences))
    assert found.wins == sum(d > 0 for d in differences)


def test_beyond_the_exact_flips_p_is_the_same_every_time() -> None:
    differences = [0.001 * (i % 5 - 1) for i in range(20)]
    found = of(differences)
    assert found.p == of(differences).p
    assert found.p is not None
    assert 0.001 < found.p < 0.05


def test_arms_are_paired_by_seed_and_lone_seeds_left_out() -> None:
    found = paired({1: 0.5, 2: 0.6, 9: 0.1}, {2: 0.7, 1: 0.6, 7: 0.9})
    assert (found.n, found.wins) == (2, 2)
    assert found.difference == pytest.approx(0.1)


def test_where_less_is_better_a_win_is_the_other_way_round() -> None:
    assert paired({1: 0.5, 2: 0.5}, {1: 0.4, 2: 0.6}, more_is_better=False).wins == 1
    assert paired({1: 0.5, 2: 0.5}, {1: 0.4, 2: 0.3}, more_is_better=False).wins == 2


def test_without_a_common_seed_there_is_nothing() -> None:
    found = paired({1: 0.5}, {2: 0.5})
    assert (found.n, found.difference, found.ci95, found.p, found.wins) == (0, None, None, None, 0)


def test_one_pair_has_a_difference_and_no_p() -> None:
    found = paired({1: 0.5}, {1: 0.75})
    assert (found.n, found.difference, found.ci95, found.p) == (1, 0.25, None, None)


@pytest.mark.parametrize("count", [2, 6, 20])
def test_no_difference_at_all_has_p_one(count: int) -> None:
    found = of([0.0] * count)
    assert (found.p, found.difference, found.ci95, found.std) == (1.0, 0.0, (0.0, 0.0), 0.0)


@steady
@given(st.dictionaries(st.integers(0, 9), st.tuples(extreme, extreme), max_size=7))
def test_pairs_of_whatever_a_float_can_hold_have_figures_that_json_can_hold(
    pairs: dict[int, tuple[float, float]],
) -> None:
    of_a, of_b = ({seed: pair[i] for seed, pair in pairs.items()} for i in (0, 1))
    found = paired(of_a, of_b)
    assert 0 <= found.wins <= found.n <= len(pairs)
    for figure in (found.difference, found.std, found.p, *(found.ci95 or ())):
        assert figure is None or math.isfinite(figure)
    assert (found.p is None) == (found.n < 2)
    if found.p is not None:
        assert 2 / 2**found.n - 1e-12 <= found.p <= 1


@steady
@given(st.lists(st.integers(-40, 40).map(float), min_size=2, max_size=7), st.integers(-900, 900))
def test_p_does_not_depend_on_the_scale(differences: list[float], power: int) -> None:
    scaled = [math.ldexp(difference, power) for difference in differences]
    assert statistics.sign_flip_p(scaled) == statistics.sign_flip_p(differences)


# Holm, and what a design can do


@pytest.fixture(scope="module")
def little_garbage() -> Iterator[None]:
    """statsmodels collects garbage at each call, and in a whole suite's process there is much to look through."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("little_garbage")
@steady
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_of_none_and_of_ties() -> None:
    assert holm([]) == []
    assert holm([0.01, 0.01, 0.04]) == [0.03, 0.03, 0.04]


@pytest.mark.parametrize(
    ("family", "pairs"), [(1, 6), (2, 7), (3, 7), (4, 8), (5, 8), (6, 8), (7, 9), (10, 9), (45, 11)]
)
def test_so_many_pairs_are_needed_and_one_fewer_can_establish_nothing(family: int, pairs: int) -> None:
    assert pairs_needed(family) == pairs
    assert max(holm([2 / 2**pairs] * family)) < statistics.LEVEL
    assert min(holm([2 / 2 ** (pairs - 1)] + [1.0] * (family - 1))) >= statistics.LEVEL
    assert detectable_effect(pairs - 1, statistics.LEVEL / family) is None
    assert detectable_effect(pairs, statistics.LEVEL / family) is not None


@pytest.mark.parametrize(
    ("pairs", "family"),
    [
        (pairs, family)
        for pairs in (7, 8, 10, 16, 17, 30, 1000)  # beyond 16 the flips are drawn
        for family in (1, 4, 190)
        if attainable(pairs, statistics.LEVEL / family)
        > smallest_p(pairs)  # with fewer pairs all signs have to agree, see below
    ],
)
def test_what_is_detected_has_the_power_of_the_paired_t_test(pairs: int, family: int) -> None:
    effect = detectable_effect(pairs, statistics.LEVEL / family)
    level = attainable(pairs, statistics.LEVEL / family)
    assert effect is not None
    assert level < statistics.LEVEL / family <= level + smallest_p(pairs)
    # One-sided at half the level: of both sides together statsmodels gives NaN where one side is very unlikely.
    power = TTestPower().power(effect, nobs=pairs, alpha=level / 2, alternative="larger")
    assert power == pytest.approx(statistics.POWER, abs=2e-6)


@pytest.mark.parametrize(
    ("pairs", "alpha", "level"),
    [
        (5, 0.05, 0.0),
        (6, 0.05, 2 / 64),
        (7, 0.05, 6 / 128),
        (8, 0.05, 12 / 256),
        (8, 0.0125, 2 / 256),
        (10, 0.05, 50 / 1024),
    ],
)
def test_the_sign_flip_test_attains_but_some_levels(pairs: int, alpha: float, level: float) -> None:
    assert attainable(pairs, alpha) == level
    assert attainable(4, 2 / 16) == 0.0, "p has to be below the level"


@pytest.mark.parametrize(("pairs", "family"), [(6, 1), (7, 2), (8, 4), (9, 10)])
def test_where_every_sign_has_to_agree_that_is_what_is_detected(pairs: int, family: int) -> None:
    effect = detectable_effect(pairs, statistics.LEVEL / family)
    assert effect is not None
    assert reference.norm.cdf(effect) ** pairs == pytest.approx(statistics.POWER)
    assert TTestPower().power(effect, nobs=pairs, alpha=statistics.LEVEL / family) > statistics.POWER


def test_what_is_detected_grows_with_the_deviation_and_with_the_comparisons_and_falls_with_pairs() -> None:
    base = detectable(0.01, 10, 1)
    assert base == pytest.approx(0.01000, abs=1e-5)
    assert detectable(0.02, 10, 1) == pytest.approx(2 * base)  # type: ignore[operator]
    assert detectable(0.01, 10, 4) > base > detectable(0.01, 30, 1)  # type: ignore[operator]
    assert detectable(0.0, 10, 1) == 0.0
    assert detectable(None, 10, 1) is None
    assert detectable(0.01, 5, 1) is None
    assert detectable(LARGEST, 6, 1) is None


# Counts


@steady
@given(st.integers(0, 300), st.integers(0, 300))
def test_counts_of_pairs_that_differ_are_tested_as_by_mcnemar(only_a: int, only_b: int) -> None:
    expected = mcnemar([[50, only_a], [only_b, 50]], exact=True).pvalue if only_a or only_b else 1.0
    assert discordant_p(only_a, only_b) == pytest.approx(min(1.0, expected))
    assert discordant_p(only_a, only_b) == discordant_p(only_b, only_a)


@pytest.mark.parametrize(("classes", "below"), [(2, 0.6), (3, 1 / 3 + 0.1), (5, 0.3), (10, 0.15), (100, 0.015)])
def test_stuck_is_little_above_guessing(classes: int, below: float) -> None:
    assert stuck_below(1 / classes) == pytest.approx(below)
    assert stuck_below(0.0) == 0.0
