"""The sentences under a table."""

import pytest
from msgspec.structs import replace

from inittui.analysis.comparisons import again, of_models
from inittui.analysis.sentences import sentences, verdicts
from inittui.output.tables import markdown, text
from inittui.record.result_schema import (
    ChanceCount,
    MeanEstimate,
    ModelComparison,
    ResultDocument,
)
from tests.helpers import finished_document


def test_the_datas_note_comes_before_the_verdicts() -> None:
    found = finished_document(2, note="MNIST could not be downloaded, so these are digits")
    assert sentences(found)[0] == "Data: MNIST could not be downloaded, so these are digits."
    for shown in (text(found), markdown(found)):
        assert "Data: MNIST could not be downloaded, so these are digits." in shown
    assert not any(sentence.startswith("Data:") for sentence in sentences(finished_document(2)))


def test_an_arms_name_keeps_its_case_at_the_head_of_a_sentence() -> None:
    (sentence,) = sentences(finished_document(2))
    assert sentence.startswith("he_normal is ahead of xavier_normal")
    assert sentences(finished_document(2, seeds=2))[0].startswith("Indicative only")


@pytest.mark.parametrize("name", ["no norm", "not scaled", "neither", "indicative", "é", "no"])
def test_an_arms_name_keeps_its_case_also_if_it_begins_as_a_sentence_of_ours(name: str) -> None:
    rows = [{"name": "he_normal", "init": "he_normal"}, {"name": name, "init": "he_normal"}]
    higher = sentences(finished_document(rows, seeds=8))[0]
    assert higher.startswith(f"{name} is higher than he_normal by ")
    stuck = sentences(finished_document(rows, seeds=8, accuracies=lambda arm, *_: 0.1 if arm else 0.95))
    assert f"{name} does not learn: it stays at chance on each of 8 seeds" in " ".join(stuck)
    one_seed = sentences(finished_document(rows))[0]
    assert one_seed.startswith(f"{name} is ahead of he_normal")


def test_where_some_seeds_of_an_arm_are_stuck_the_others_mean_is_told() -> None:
    found = finished_document(2, seeds=4, accuracies=lambda arm, number, _: 0.1 if arm and number < 3 else 0.95)
    assert found.arms[1].failures == ChanceCount(at_chance=3, n=4, others=MeanEstimate(0.95))
    assert "he_normal: 3 of 4 seeds stay at chance; the other (1): 95.00 %." in sentences(found)
    one = finished_document(2, seeds=4, accuracies=lambda arm, number, _: 0.1 if arm and number < 1 else 0.95)
    assert "he_normal: 1 of 4 seeds stays at chance; the others (3): 95.00 % ± 0.00." in sentences(one)
    whole = finished_document(2, seeds=4, accuracies=lambda arm, _, __: 0.1 if arm else 0.95)
    assert not any("seeds stay" in sentence for sentence in sentences(whole))


def test_all_pairs_are_said_to_be_that() -> None:
    found = again(finished_document(3, seeds=8), all_pairs=True)
    assert "All pairs of 3 arms; p corrected for 3 comparisons (Holm)." in sentences(found)


def test_p_values_that_an_earlier_version_did_not_correct_are_said_to_be_that() -> None:
    found = finished_document(3, seeds=8)
    old = replace(found, comparisons=tuple(replace(row, p_holm=None) for row in found.comparisons))
    assert "All against xavier_normal; 2 p-values, not corrected for their number." in sentences(old)


def models(found: ResultDocument, only_a: list[int], only_b: list[int], a: str = "", b: str = "") -> ResultDocument:
    first, second, *_ = (arm.name for arm in found.arms)
    seeds = tuple(777 + i for i in range(len(only_a)))
    counts = ModelComparison(a or first, b or second, seeds, tuple(only_a), tuple(only_b))
    return replace(found, models=of_models([counts]))


def test_of_one_seed_the_two_trained_models_stand_beside_the_verdict() -> None:
    verdict, aside = verdicts(models(finished_document(2), [9], [12]))
    assert verdict.endswith("which proves nothing: add --seeds 10.")
    assert aside == (
        "As two trained models, not as schemes: he_normal alone is right on 12 test images, xavier_normal alone on 9 "
        "(McNemar's exact p = 0.664)."
    )


def test_of_many_arms_on_one_seed_the_best_two_models_are_told() -> None:
    found = models(finished_document(3), [9], [30], "he_normal", "orthogonal")
    assert verdicts(found)[1] == (
        "As two trained models, not as schemes: orthogonal alone is right on 30 test images, he_normal alone on 9 "
        "(McNemar's exact p = 0.00107)."
    )
    swapped = models(finished_document(3), [30], [9], "orthogonal", "he_normal")
    assert verdicts(swapped)[1] == verdicts(found)[1]


def test_of_several_seeds_it_is_counted_how_often_the_models_differ() -> None:
    found = models(finished_document(2, seeds=3), [0, 30, 5], [20, 9, 5])
    assert sentences(found)[-1] == (
        "As trained models, seed by seed, not as schemes: xavier_normal and he_normal differ on 2 of 3 seeds "
        "(McNemar's exact p < 0.05), he_normal ahead on 1 of those."
    )


def test_models_that_differ_on_no_seed_are_ahead_on_none() -> None:
    found = models(finished_document(2, seeds=3), [5, 9, 5], [5, 9, 6])
    assert sentences(found)[-1] == (
        "As trained models, seed by seed, not as schemes: xavier_normal and he_normal differ on none of 3 seeds "
        "(McNemar's exact p < 0.05)."
    )


def test_an_arm_at_chance_needs_no_mcnemar() -> None:
    found = models(finished_document(2, accuracies=lambda arm, _, __: 0.1 if arm else 0.95), [800], [0])
    assert not any("McNemar" in sentence for sentence in sentences(found))
