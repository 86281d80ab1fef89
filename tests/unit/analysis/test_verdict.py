import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inittui.analysis import verdict
from inittui.analysis.comparisons import compared
from tests.helpers import arm_result, steady

accuracies = st.integers(0, 10_000).map(lambda n: n / 10_000)
SAME = re.compile(r"\b(equal|equals|equally|same|identical|equivalent|as good as|makes no difference)\b")


def words(*of: dict[int, float], chance: float = 0.0) -> list[str]:
    """The verdicts on arms xavier, he, lecun, … with these accuracies by seed."""
    names = ("xavier", "he", "lecun", "orthogonal", "sparse")
    arms = [arm_result(name, values) for name, values in zip(names, of, strict=False)]
    return [row.verdict for row in compared(arms, chance=chance, target=None).comparisons]


def by(differences: list[float], base: float = 0.9) -> dict[int, float]:
    return {seed: base + difference for seed, difference in enumerate(differences)}


def level(count: int) -> dict[int, float]:
    return by([0.0] * count)


# Two arms


def test_one_seed_proves_nothing() -> None:
    assert words(level(1), by([0.0012])) == [
        "he is ahead of xavier by 0.12 points on one seed, which proves nothing: add --seeds 10"
    ]
    assert words(level(1), by([-0.0012]))[0].startswith("xavier is ahead of he by 0.12 points on one seed")
    assert words(level(1), level(1)) == [
        "xavier and he come out level on one seed, which proves nothing: add --seeds 10"
    ]


@pytest.mark.parametrize("count", [2, 5])
def test_few_pairs_are_indicative_only_however_clear(count: int) -> None:
    (told,) = words(level(count), by([0.1 + 0.001 * i for i in range(count)]))
    assert told.startswith("indicative only, 6 pairs or more are needed (he − xavier = +10.")
    assert f"{count} paired seeds, he ahead on {count}, p = " in told
    assert "is higher" not in told
    assert "detects" not in told


def test_a_difference_on_six_seeds_that_all_agree_is_established() -> None:
    numbers = "(95 % interval 1.05 to 1.45, 6 paired seeds, {} ahead on 6, p = 0.0312)"
    scope = ", for this network, optimizer and learning rate "
    gains = [0.01 + 0.001 * i for i in range(6)]
    assert words(level(6), by(gains)) == ["he is higher than xavier by 1.25 points" + scope + numbers.format("he")]
    assert words(level(6), by([-g for g in gains])) == [
        "xavier is higher than he by 1.25 points" + scope + numbers.format("xavier")
    ]


def test_a_difference_that_seeds_disagree_on_is_not_established_and_what_would_have_been_is_told() -> None:
    (told,) = words(level(6), by([0.01, -0.01, 0.02, -0.02, 0.01, -0.005]))
    assert told == (
        "no difference established (he − xavier = +0.08 points, 95 % interval −1.49 to +1.65, 6 paired seeds, "
        "he ahead on 3, p = 1; this design detects about 2.68)"
    )


def test_a_p_below_a_twentieth_is_not_enough_where_the_interval_holds_zero() -> None:
    (told,) = words(level(6), by([0.001] * 5 + [0.09]))  # one seed makes all of the difference
    assert told.startswith("no difference established (")
    assert "p = 0.0312" in told


@pytest.mark.parametrize("count", [2, 6, 20])
def test_no_difference_at_all_is_not_established(count: int) -> None:
    (told,) = words(level(count), level(count))
    assert "higher" not in told
    assert "he − xavier = +0.00 points, 95 % interval +0.00 to +0.00" in told


def test_without_a_common_seed_nothing_is_compared() -> None:
    assert words({1: 0.5}, {2: 0.5}) == ["not compared: no seed was trained to the end by both"]


def test_arms_with_settings_of_their_own_are_no_verdict_on_one_network() -> None:
    arms = [arm_result("a", level(6)), arm_result("b", by([0.01] * 6), changes=('training.optimizer = "sgd"',))]
    (row,) = compared(arms, chance=0.1, target=None).comparisons
    assert ", for these two, each with its own settings (" in row.verdict
    assert "this network" not in row.verdict


# More than two


def test_of_several_comparisons_p_is_told_before_and_after_holm() -> None:
    clear, unclear = words(level(10), by([0.01 + 0.001 * i for i in range(10)]), by([0.01, -0.01] * 5))
    assert "p = 0.00195, with Holm's correction 0.00391)" in clear
    assert clear.startswith("he is higher than xavier")
    assert unclear.startswith("no difference established (lecun − xavier = ")
    assert "; this design detects about 1.21 at a level of 0.025)" in unclear


def test_holm_takes_back_what_one_comparison_alone_would_claim() -> None:
    found = by([0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, -0.004])  # p = 4/256
    assert words(level(8), found)[0].startswith("he is higher")
    others = [by([0.01, -0.01] * 4)] * 3
    told = words(level(8), found, *others)[0]
    assert told.startswith("no difference established (he − xavier = ")
    assert "p = 0.0156, with Holm's correction 0.0625" in told


def test_where_no_pairs_could_establish_anything_that_is_said() -> None:
    agree = by([0.01 + 0.001 * i for i in range(7)])
    others = [by([0.01, -0.01, 0.01, -0.01, 0.01, -0.01, 0.0])] * 3
    told = words(level(7), agree, *others)
    assert told[0].startswith(
        "indicative only, 8 pairs or more are needed with 4 comparisons (he − xavier = +1.30 points"
    )
    assert all(one.startswith("indicative only, 8 pairs or more are needed with 4 comparisons (") for one in told)


# Stuck at chance


def test_an_arm_at_chance_does_not_learn_and_one_seed_is_enough_to_say_so() -> None:
    assert words({1: 0.11}, {1: 0.97}, chance=0.1) == [
        "xavier does not learn: it stays at chance, 86.00 points below he"
    ]
    assert words({1: 0.97, 2: 0.95}, {1: 0.1, 2: 0.1}, chance=0.1) == [
        "he does not learn: it stays at chance on each of 2 seeds, 86.00 points below xavier"
    ]


def test_two_arms_at_chance_are_said_not_to_learn() -> None:
    assert words({1: 0.1}, {1: 0.12}, chance=0.1) == ["neither xavier nor he learns: both stay at chance"]


def test_an_arm_at_chance_below_one_that_learns_from_some_seeds() -> None:
    assert words({1: 0.1, 2: 0.1}, {1: 0.1, 2: 0.9}, chance=0.1) == [
        "xavier does not learn: it stays at chance on each of 2 seeds, 40.00 points below he, "
        "which stays there on 1 of them"
    ]


def test_where_some_seeds_are_stuck_it_is_said_before_any_mean() -> None:
    some = {seed: 0.1 if seed < 7 else 0.97 for seed in range(10)}
    (told,) = words(some, level(10), chance=0.1)
    assert told.startswith(
        "7 of 10 seeds of xavier stay at chance (McNemar's exact p over seeds 0.0156), and the means mix the two "
        "outcomes: "
    )
    (told,) = words({**some, 8: 0.1, 9: 0.1}, {**level(10), 3: 0.1}, chance=0.1)
    assert told.startswith("9 of 10 seeds of xavier and 1 of 10 seeds of he stay at chance (McNemar's")
    (told,) = words({**level(10), 3: 0.1}, level(10), chance=0.1)
    assert told.startswith("1 of 10 seeds of xavier stays at chance (McNemar's exact p over seeds 1), and")
    (told,) = words({**level(10), 3: 0.1}, {**level(10), 3: 0.1}, chance=0.1)
    assert told.startswith("1 of 10 seeds of xavier and 1 of 10 seeds of he stay at chance, and the means")


# All of them


@steady
@given(
    st.dictionaries(st.integers(0, 9), st.tuples(accuracies, accuracies, accuracies), max_size=9),
    st.sampled_from([0.0, 0.1]),
    st.integers(2, 3),
)
def test_no_verdict_says_that_two_arms_are_the_same(
    pairs: dict[int, tuple[float, ...]], chance: float, arms: int
) -> None:
    told = words(*({seed: pair[i] for seed, pair in pairs.items()} for i in range(arms)), chance=chance)
    assert len(told) == arms - 1
    for one in told:
        assert one.isprintable()
        assert not SAME.search(one)
        if "is higher than" in one:
            assert len(pairs) >= (6 if arms == 2 else 7)


@pytest.mark.parametrize(("share", "told"), [(0.00123, "+0.12"), (-0.5, "−50.00"), (0.0, "+0.00")])
def test_points_have_a_sign(share: float, told: str) -> None:
    assert verdict.points(share) == told


# Speed


def faster(costs_a: list[list[float]], costs_b: list[list[float]], target: float = 0.25) -> str:
    arms = [
        arm_result(name, level(len(costs)), dict(enumerate(costs)))
        for name, costs in (("xavier", costs_a), ("he", costs_b))
    ]
    first, epochs = compared(arms, chance=0.1, target=target).speed
    return verdict.faster(first, epochs, target)


def test_speed_is_the_first_epoch_s_cost_and_the_epochs_to_the_target() -> None:
    assert faster([[0.5, 0.2]] * 3, [[0.25, 0.1]] * 3) == (
        "training cost of the first epoch, he − xavier = −0.2500, 95 % interval −0.2500 to −0.2500, p = 0.25; "
        "epochs to a cost of 0.25: xavier 2, he 1, p = 0.25"
    )


def test_a_target_that_seeds_did_not_reach_is_told_as_such() -> None:
    told = faster([[0.5, 0.4], [0.5, 0.2]], [[0.5, 0.1], [0.5, 0.1]])
    assert told.endswith("epochs to a cost of 0.25: xavier 2 on 1 of 2 seeds, never on the others, he 2, p = 1")
    told = faster([[0.5, 0.4], [0.5, 0.4]], [[0.5, 0.1], [0.5, 0.1]])
    assert told.endswith("epochs to a cost of 0.25: xavier on none of 2 seeds, he 2, p = 0.5")


def test_on_one_seed_speed_has_no_p() -> None:
    assert faster([[0.5, 0.4]], [[0.3, 0.1]]) == (
        "training cost of the first epoch, he − xavier = −0.2000; epochs to a cost of 0.25: xavier never, he 2"
    )


def test_a_huge_cost_is_short() -> None:
    assert "= +1.00e+30," in faster([[0.0, 0.1]] * 2, [[1e30, 0.1]] * 2)
