import itertools
import math
import re

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference

from inittui.stats import compare, points, summary
from tests.helpers import steady

accuracies = st.integers(0, 10_000).map(lambda n: n / 10_000)


def by_seed(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def row(differences: list[float], base: float = 0.9) -> dict[str, object]:
    return compare("xavier", "he", by_seed([base] * len(differences)), by_seed([base + d for d in differences]))


def exact_p(differences: list[float]) -> float:
    """The share of all sign flips whose mean lies as far out, two-sided."""
    observed = abs(math.fsum(differences))
    flips = [
        abs(math.fsum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(flip >= observed - 1e-12 for flip in flips) / len(flips)


@steady
@given(st.lists(accuracies, min_size=2, max_size=8))
def test_a_summary_is_scipys_mean_deviation_and_t_interval(values: list[float]) -> None:
    found = summary(values)
    assert found["mean"] == pytest.approx(numpy.mean(values))
    assert found["std"] == pytest.approx(numpy.std(values, ddof=1), abs=1e-12)
    low, high = found["ci95"]
    if found["std"] > 0:
        expected = reference.t.interval(0.95, len(values) - 1, loc=numpy.mean(values), scale=reference.sem(values))
        assert (low, high) == pytest.approx(expected)
    assert low <= found["mean"] <= high


def test_one_value_has_neither_deviation_nor_interval() -> None:
    assert summary([0.5]) == {"mean": 0.5, "std": None, "ci95": None}


def test_without_its_interval_a_summary_keeps_the_rest() -> None:
    assert summary([0.25, 0.75], interval=False) == {"mean": 0.5, "std": math.sqrt(0.125), "ci95": None}


@pytest.mark.parametrize(
    ("differences", "p"),
    [([0.01, 0.02, 0.03], 2 / 8), ([0.01, 0.01, 0.01], 2 / 8), ([0.03, -0.01, 0.02], 4 / 8), ([-0.01, 0.01, 0.0], 1.0)],
)
def test_p_is_of_the_exact_sign_flip_test(differences: list[float], p: float) -> None:
    assert row(differences)["p"] == pytest.approx(p)


@steady
@given(st.lists(st.integers(-50, 50).map(lambda n: n / 1024), min_size=2, max_size=7))
def test_p_counts_the_flips_as_far_out(differences: list[float]) -> None:
    found = row(differences, base=0.5)
    assert found["p"] == pytest.approx(exact_p(differences))
    assert found["wins"] == sum(d > 0 for d in differences)


def test_beyond_the_exact_flips_p_is_the_same_every_time() -> None:
    differences = [0.001 * (i % 5 - 1) for i in range(20)]
    found = row(differences)
    assert found["p"] == row(differences)["p"]
    assert 0.001 < found["p"] < 0.05  # type: ignore[operator]


def test_arms_are_paired_by_seed_and_lone_seeds_left_out() -> None:
    found = compare("a", "b", {1: 0.5, 2: 0.6, 9: 0.1}, {2: 0.7, 1: 0.6, 7: 0.9})
    assert (found["n"], found["wins"]) == (2, 2)
    assert found["difference"] == pytest.approx(0.1)


def test_without_a_common_seed_nothing_is_compared() -> None:
    found = compare("a", "b", {1: 0.5}, {2: 0.5})
    assert (found["n"], found["difference"], found["p"]) == (0, None, None)
    assert found["verdict"] == "not compared: no seed was trained to the end by both"


def test_one_seed_proves_nothing() -> None:
    found = row([0.0012])
    assert (found["n"], found["p"], found["ci95"]) == (1, None, None)
    assert found["verdict"] == "he is ahead of xavier by 0.12 points on one seed, which proves nothing: add --seeds 10"
    assert str(row([-0.0012])["verdict"]).startswith("xavier is ahead of he by 0.12 points on one seed")


def test_one_seed_that_comes_out_level_proves_nothing_either() -> None:
    assert row([0.0])["verdict"] == "xavier and he come out level on one seed, which proves nothing: add --seeds 10"


@pytest.mark.parametrize("count", [2, 5])
def test_few_pairs_are_indicative_only_however_clear(count: int) -> None:
    verdict = str(row([0.1 + 0.001 * i for i in range(count)])["verdict"])
    assert verdict.startswith("indicative only, 6 pairs or more are needed: he − xavier = +")
    assert "ahead" not in verdict


@pytest.mark.parametrize(("sign", "ahead"), [(1, "he is ahead of xavier"), (-1, "xavier is ahead of he")])
def test_a_difference_on_six_seeds_that_all_agree_is_established(sign: int, ahead: str) -> None:
    found = row([sign * (0.01 + 0.001 * i) for i in range(6)])
    assert found["p"] == pytest.approx(2 / 64)
    verdict = str(found["verdict"])
    assert verdict.startswith(f"{ahead} by 1.25 points, for this network, optimizer and learning rate: ")
    assert "6 paired seeds, p = 0.0312" in verdict
    assert f"he − xavier = {'+' if sign > 0 else '−'}1.25 points" in verdict


def test_a_difference_that_seeds_disagree_on_is_not_established() -> None:
    assert str(row([0.01, -0.01, 0.02, -0.02, 0.01, -0.005])["verdict"]).startswith(
        "no difference established: he − xavier = "
    )


def test_a_p_below_a_twentieth_is_not_enough_where_the_interval_holds_zero() -> None:
    found = row([0.001] * 5 + [0.09])  # one seed makes all of the difference
    assert found["p"] == pytest.approx(2 / 64)
    assert str(found["verdict"]).startswith("no difference established: ")


@pytest.mark.parametrize("count", [2, 6, 20])
def test_no_difference_at_all_is_not_established_and_breaks_nothing(count: int) -> None:
    found = row([0.0] * count)
    assert (found["p"], found["difference"], found["ci95"], found["wins"]) == (1.0, 0.0, [0.0, 0.0], 0)
    assert "is ahead of" not in str(found["verdict"])


@steady
@given(st.dictionaries(st.integers(0, 9), st.tuples(accuracies, accuracies), max_size=8), st.sampled_from([0.0, 0.1]))
def test_no_verdict_claims_that_two_arms_are_equal(pairs: dict[int, tuple[float, float]], chance: float) -> None:
    of_a, of_b = ({seed: pair[i] for seed, pair in pairs.items()} for i in (0, 1))
    verdict = str(compare("xavier", "he", of_a, of_b, chance=chance)["verdict"])
    assert verdict.isprintable()
    assert not re.search(r"\b(equal|equals|same|identical|equivalent|as good as|makes no difference)\b", verdict)
    if "is ahead of" in verdict and len(pairs) > 1:
        assert len(pairs) >= 6


# Stuck at chance


def test_an_arm_at_chance_does_not_learn_and_one_seed_is_enough_to_say_so() -> None:
    found = compare("zeros", "he", {1: 0.11}, {1: 0.97}, chance=0.1)
    assert found["verdict"] == "zeros does not learn: it stays at chance, 86.00 points below he"
    found = compare("he", "zeros", {1: 0.97, 2: 0.95}, {1: 0.1, 2: 0.1}, chance=0.1)
    assert found["verdict"] == "zeros does not learn: it stays at chance on each of 2 seeds, 86.00 points below he"


def test_two_arms_at_chance_are_said_not_to_learn() -> None:
    assert compare("a", "b", {1: 0.1}, {1: 0.12}, chance=0.1)["verdict"] == (
        "neither a nor b learns: both stay at chance"
    )


def test_an_arm_that_left_chance_on_one_seed_is_compared() -> None:
    verdict = compare("a", "b", {1: 0.1, 2: 0.9}, {1: 0.9, 2: 0.9}, chance=0.1)["verdict"]
    assert "does not learn" not in verdict


@pytest.mark.parametrize(("share", "words"), [(0.00123, "+0.12"), (-0.5, "−50.00"), (0.0, "+0.00")])
def test_points_have_a_sign(share: float, words: str) -> None:
    assert points(share) == words
