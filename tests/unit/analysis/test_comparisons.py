import json
import math
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis import sentences, statistics
from inittui.analysis.comparisons import Compared, again, compared, epochs_to, of_models, target_cost
from inittui.common.errors import RunError, UsageError
from inittui.record.result_schema import (
    ArmResult,
    Design,
    ModelComparison,
    ResultDocument,
    StuckSeeds,
    TargetReached,
    decode,
)
from tests.helpers import arm_result, finished_board, steady

costs = st.lists(st.one_of(st.none(), st.floats(0, 1e308)), max_size=3)
accuracies = st.one_of(st.none(), st.floats(0, 1))


def arm(
    name: str, accuracies: Sequence[float | None], costs: Sequence[Sequence[float | None]] | None = None, **of_arm: str
) -> ArmResult:
    of_seeds = costs if costs is not None else [[0.5, 0.1]] * len(accuracies)
    return arm_result(name, dict(enumerate(accuracies)), dict(enumerate(of_seeds)), **of_arm)


def many(*names: str, seeds: int = 8) -> list[ArmResult]:
    return [arm(name, [0.9 + 0.001 * (i * seed % 7) for seed in range(seeds)]) for i, name in enumerate(names)]


def pairs_of(found: Compared | ResultDocument) -> list[tuple[str, str]]:
    return [(row.a, row.b) for row in found.comparisons]


# What is compared


def test_every_arm_is_compared_with_the_first_unless_another_baseline_or_all_pairs_are_asked_for() -> None:
    arms = many("a", "b", "c")
    assert pairs_of(compared(arms, chance=0.1, target=None)) == [("a", "b"), ("a", "c")]
    assert pairs_of(compared(arms, chance=0.1, target=None, baseline="b")) == [("b", "a"), ("b", "c")]
    assert pairs_of(compared(arms, chance=0.1, target=None, all_pairs=True)) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_the_design_is_written_down() -> None:
    found = compared(many("a", "b", "c", "d", "e"), chance=0.1, target=0.23)
    assert found.design == Design(
        metric="test_accuracy", baseline="a", all_pairs=False, family=4, correction="holm", level=0.05,
        power=0.8, pairs_needed=8, chance=0.1, target_cost=0.23,
    )  # fmt: skip
    everything = compared(many("a", "b", "c", "d", "e"), chance=0.1, target=0.23, all_pairs=True).design
    assert (everything.baseline, everything.all_pairs, everything.family) == (None, True, 10)


def test_each_comparison_has_its_p_corrected_within_its_family() -> None:
    rows = compared(many("a", "b", "c", "d"), chance=0.1, target=None).comparisons
    assert [row.p_holm for row in rows] == statistics.holm([row.p for row in rows if row.p is not None])
    assert {row.family for row in rows} == {3}
    for row in rows:
        assert row.detectable == statistics.detectable(row.std, 8, 3)
        assert row.wins + row.losses <= row.n == 8


def test_arms_that_do_not_learn_count_in_the_family() -> None:
    arms = [arm("a", [0.9] * 8), arm("b", [0.91] * 8), arm("zeros", [0.1] * 8)]
    found = compared(arms, chance=0.1, target=None)
    assert found.design.family == 2
    assert found.comparisons[0].p_holm == pytest.approx(2 * 2 / 256)


def test_arms_that_did_not_finish_are_left_out() -> None:
    arms = many("a", "b", "c")
    arms[0] = replace(arms[0], status="failed")
    assert pairs_of(compared(arms, chance=0.1, target=None)) == [("b", "c")]
    found = compared([replace(arm, status="stopped") for arm in arms], chance=0.1, target=None)
    assert (found.comparisons, found.speed, found.design.baseline) == ((), (), None)


def test_a_baseline_that_is_none_is_refused_with_the_nearest() -> None:
    arms = many("xavier_normal", "he_normal")
    with pytest.raises(UsageError, match=r"--baseline he_norma: no such arm. Did you mean 'he_normal'\?"):
        compared(arms, chance=0.1, target=None, baseline="he_norma")
    arms[1] = replace(arms[1], status="failed")
    with pytest.raises(
        RunError, match="--baseline he_normal: this arm did not finish, so nothing can be compared with it"
    ):
        compared(arms, chance=0.1, target=None, baseline="he_normal")


def test_with_one_seed_there_is_no_family_and_nothing_to_correct() -> None:
    found = compared(many("a", "b", "c", seeds=1), chance=0.1, target=None)
    assert found.design.family == 0
    assert [(row.p, row.p_holm, row.detectable) for row in found.comparisons] == [(None, None, None)] * 2


def test_seeds_at_chance_are_counted_in_pairs() -> None:
    arms = [arm("a", [0.1, 0.1, 0.9, 0.1]), arm("b", [0.9, 0.9, 0.9, 0.12])]
    (row,) = compared(arms, chance=0.1, target=None).comparisons
    assert row.at_chance == StuckSeeds(a=3, b=1, only_a=2, only_b=0, p=0.5)


# Speed


def test_the_target_is_given_or_a_tenth_of_the_cost_of_guessing() -> None:
    assert target_cost(0.02, 10) == 0.02
    assert target_cost(None, 10) == pytest.approx(0.1 * math.log(10))
    assert target_cost(None, 0) is None


@pytest.mark.parametrize(
    ("of", "epochs"), [([0.5, 0.2, 0.1], 2), ([0.2, 0.5], 1), ([0.5, None, 0.2], 3), ([0.5], None), ([], None)]
)
def test_epochs_to_a_cost_are_counted_from_one(of: list[float | None], epochs: int | None) -> None:
    assert epochs_to(of, 0.2) == epochs
    assert epochs_to(of, None) is None


def test_speed_is_compared_by_the_first_epoch_and_by_the_epochs_to_the_target() -> None:
    arms = [
        arm("a", [0.9] * 3, [[0.5, 0.2], [0.6, 0.1], [0.5, 0.2]]),
        arm("b", [0.9] * 3, [[0.2], [0.3, 0.1], [0.4, 0.2]]),
    ]
    first, epochs = compared(arms, chance=0.1, target=0.2).speed
    assert (first.metric, first.n, first.wins) == ("first_epoch_cost", 3, 3)
    assert first.difference == pytest.approx(-0.7 / 3)
    assert (epochs.metric, epochs.test, epochs.wins) == ("epochs_to_cost", "sign_flip", 1)
    assert epochs.difference == pytest.approx(-1 / 3)
    assert epochs.of_a == TargetReached(3, 2.0)
    assert isinstance(epochs.of_b, TargetReached)
    assert epochs.of_b.mean == pytest.approx(5 / 3)


def test_where_a_seed_never_reaches_the_target_it_is_known_who_was_first_and_not_by_how_much() -> None:
    arms = [arm("a", [0.9] * 4, [[0.5], [0.5], [0.1], [0.5]]), arm("b", [0.9] * 4, [[0.1], [0.1], [0.5], [0.5]])]
    _, epochs = compared(arms, chance=0.1, target=0.2).speed
    assert (epochs.test, epochs.n, epochs.wins) == ("sign", 4, 2)
    assert (epochs.difference, epochs.ci95) == (None, None)
    assert epochs.p == statistics.discordant_p(2, 1) == 1.0
    assert (epochs.of_a, epochs.of_b) == (TargetReached(1, 1.0), TargetReached(2, 1.0))


def test_without_a_target_only_the_first_epoch_is_compared() -> None:
    (row,) = compared(many("a", "b"), chance=0.1, target=None).speed
    assert row.metric == "first_epoch_cost"


# Trained models


def test_models_are_compared_by_mcnemar_s_exact_p() -> None:
    (row,) = of_models([ModelComparison("x", "y", (1, 2), (3, 0), (1, 9))])
    assert row.p == (statistics.discordant_p(3, 1), statistics.discordant_p(0, 9))


# The document


def test_a_document_is_judged_again_against_another_baseline() -> None:
    document = finished_board(3, seeds=4).result
    assert document is not None
    found = again(document, baseline="he_normal")
    assert pairs_of(found) == [("he_normal", "xavier_normal"), ("he_normal", "orthogonal")]
    assert found.arms == document.arms
    assert again(document) == document
    assert pairs_of(again(document, all_pairs=True))[-1] == ("he_normal", "orthogonal")


def test_a_document_of_the_first_version_can_be_judged_again() -> None:
    document = finished_board(2, seeds=4).result
    assert document is not None
    new = msgspec.to_builtins(document)
    old = decode(msgspec.json.encode({key: new[key] for key in new if key not in ("design", "speed", "models")}))
    judged = again(old)
    assert judged.design is not None
    assert judged.design.target_cost is None
    assert sentences.sentences(old)


def test_an_arm_that_only_the_verdict_of_the_first_versions_calls_stuck_is_stuck() -> None:
    document = finished_board(3, accuracies=lambda arm, *_: 0.1 if arm else 0.95).result
    assert document is not None
    new = msgspec.to_builtins(document)
    for row in new["comparisons"]:
        del row["at_chance"]
    old = decode(msgspec.json.encode(new))
    assert [(row.at_chance.a, row.at_chance.b) for row in old.comparisons] == [(0, 1), (0, 1)]
    assert sentences.sentences(old) == sentences.sentences(document)


@steady
@given(
    st.lists(
        st.tuples(
            st.lists(accuracies, min_size=1, max_size=5),
            st.lists(costs, min_size=5, max_size=5),
            st.sampled_from(["finished", "finished", "failed"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([None, 0.2]),
)
def test_whatever_arms_came_to_the_comparisons_are_json_and_have_their_shape(
    given_arms: list[tuple[list[float | None], list[list[float | None]], str]],
    all_pairs: bool,
    chance: float,
    target: float | None,
) -> None:
    arms = [arm(f"arm {index}", values, of, status=status) for index, (values, of, status) in enumerate(given_arms)]
    found = compared(arms, chance=chance, target=target, all_pairs=all_pairs)
    document = finished_board(1).result
    assert document is not None
    whole = replace(document, comparisons=found.comparisons, speed=found.speed, design=found.design)
    json.dumps(msgspec.to_builtins(whole), allow_nan=False)
    assert decode(msgspec.json.encode(whole)) == whole
    assert all(words.isprintable() for words in sentences.asides(whole))
    for row in found.comparisons:
        assert row.verdict
        assert (row.p is None) == (row.p_holm is None)
        if row.p is not None:
            assert row.p_holm is not None
            assert row.p <= row.p_holm <= 1
