import tracemalloc
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from msgspec.structs import replace

from inittui.common.errors import RunError
from inittui.engine.data.dataset import Dataset
from inittui.engine.watched_example import grey, picture_size, sample_event, watched_image
from inittui.experiment.preset_table import build
from inittui.record import gallery
from inittui.record.gallery import Confusions
from inittui.record.result_schema import ModelComparison
from inittui.record.run_directory import RunDir, arm_folders
from inittui.supervisor.workers import predictions
from inittui.supervisor.workers.predictions import model_comparisons, write_gallery
from tests.galleries import canned_gallery
from tests.helpers import empty_run, preset


def test_a_gallery_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    assert gallery.read(run) is None
    written = canned_gallery(preset())
    gallery.write(run, written)
    assert gallery.read(run) == written
    several = canned_gallery(preset(), seeds=3)
    gallery.write(run, several)
    assert gallery.read(run) == several


def test_a_gallery_is_asked_for_its_kinds() -> None:
    whole = canned_gallery(preset(), pictures=12, drawn=6)
    assert [p.index for p in whole.only("random")] == [0, 1, 2, 3, 4, 5]
    assert [p.index for p in whole.only("disputed")] == [0, 3, 6, 9]
    assert [p.index for p in whole.only("mistaken")] == [0, 3, 5, 6, 9, 10]


def test_pictures_come_in_the_order_of_their_ranks() -> None:
    whole = canned_gallery(preset(), pictures=12, drawn=6)
    assert [p.index for p in replace(whole, disputed=(3, 0)).only("disputed")] == [3, 0]
    without = replace(whole, disputed=None, mistaken=None)  # as the first versions wrote it
    assert without.only("disputed") == without.only("mistaken") == whole.pictures[6:]


@pytest.mark.parametrize(
    "change",
    [
        {"judges": (2,)},
        {"disputed": (12,)},
        {"mistaken": (-1,)},
        {"replicas": (1,)},
        {"left_out": (1, 2, 3)},
        {"confusion": (((1, 2), (3, 4)),)},
        {"confusion": (((1, 2), (3, 4)), ((1, 2), (3,)))},
        {"confusion": (((1, 2), (3, 4)), ((1, -2), (3, 4)))},
        {"confusion": (((1, 2), (3, 4)), ((1,),) * 2)},
        {"confusions": (Confusions(1, 1),)},
        {"confusions": (Confusions(-1, 1),) * 2},
        {"confusions": (Confusions(1, 1, ((0, 1, 1, 0),)),) * 2},
    ],
    ids=str,
)
def test_figures_that_can_t_be_are_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    run = empty_run(tmp_path)
    gallery.write(run, replace(canned_gallery(preset()), **change))
    with pytest.raises(RunError):
        gallery.read(run)


@pytest.mark.parametrize("tallies", [(((3, 1),),), (((3, 0),), ((3, 1),)), (((-1, 1),), ((3, 1),))], ids=str)
def test_answers_that_can_t_be_are_damage(tmp_path: Path, tallies: Any) -> None:
    run = empty_run(tmp_path)
    whole = canned_gallery(preset())
    gallery.write(run, replace(whole, pictures=(replace(whole.pictures[0], tallies=tallies), *whole.pictures[1:])))
    with pytest.raises(RunError):
        gallery.read(run)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b"{}", b'{"format": 1}'],
    ids=["empty", "torn", "not text", "list", "no keys", "few keys"],
)
def test_a_damaged_gallery_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    run = empty_run(tmp_path)
    (run.path / "gallery.json").write_bytes(content)
    with pytest.raises(RunError, match=rf"\Arun '{run.name}': gallery.json can't be read: [^\n]+\Z"):
        gallery.read(run)


@pytest.mark.parametrize("pixels", ["", "00", "zz" * 64, "0" * 127], ids=["none", "few", "no digits", "odd"])
def test_a_picture_of_the_wrong_size_is_damage(tmp_path: Path, pixels: str) -> None:
    run = empty_run(tmp_path)
    whole = canned_gallery(preset())
    gallery.write(run, replace(whole, pictures=(replace(whole.pictures[0], pixels=pixels), *whole.pictures[1:])))
    with pytest.raises(RunError):
        gallery.read(run)


def test_a_gallery_of_another_format_is_refused(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    gallery.write(run, replace(canned_gallery(preset()), format=2))
    with pytest.raises(RunError, match="format 1"):
        gallery.read(run)


# What the engine chooses

TESTED = 30


@pytest.fixture
def data() -> Dataset:
    """30 test images of 2x2 pixels in three classes; image n is n in every pixel."""
    images = torch.arange(TESTED, dtype=torch.uint8)[:, None, None].expand(TESTED, 2, 2).contiguous()
    labels = torch.arange(TESTED) % 3
    return Dataset("tiny", "Tiny", images, labels, images, labels, pixel_max=255.0, classes=("a", "b", "c"))


def write_predictions(run: RunDir, arm: str, *answers: numpy.ndarray) -> None:
    """What the replicas of an arm answer; the first one's seed is 777."""
    numpy.savez(
        run.arm(arm) / "predictions.npz",
        seeds=777 + numpy.arange(len(answers)),
        answers=numpy.stack(answers).astype(numpy.uint16),
        classes=numpy.stack([answers[0], (answers[0] + 1) % 3], axis=1).astype(numpy.uint16),
        probabilities=numpy.full((TESTED, 2), [0.75, 0.25], dtype=numpy.float16),
    )


RIGHT = (numpy.arange(TESTED) % 3).astype(numpy.int64)


def but(*wrong: int, by: int = 1) -> numpy.ndarray:
    """The right answers, but for these images."""
    answers = RIGHT.copy()
    answers[list(wrong)] = (answers[list(wrong)] + by) % 3
    return answers


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for five images drawn and three chosen."""
    monkeypatch.setattr(gallery, "DRAWN", 5)
    monkeypatch.setattr(gallery, "CHOSEN", 3)


@pytest.mark.usefixtures("few")
def test_the_gallery_draws_first_and_then_prefers_disputes(tmp_path: Path, data: Dataset) -> None:
    of = preset()
    run = empty_run(tmp_path, of)
    both_wrong = but(*range(10))  # both arms err on ten
    disputed = both_wrong.copy()
    disputed[28:] = but(28, 29, by=2)[28:]  # and disagree on two
    write_predictions(run, "xavier_normal", both_wrong)
    write_predictions(run, "he_normal", disputed)
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.test, found.mistaken_in_all, found.disputed_in_all) == (TESTED, 12, 2)
    assert (found.drawn, len(found.pictures), found.arms) == (5, 8, ("xavier_normal", "he_normal"))
    assert found.pictures[0].index == watched_image(777, TESTED)
    assert len({p.index for p in found.pictures}) == 8
    assert {28, 29} <= {p.index for p in found.pictures}
    chosen = found.pictures[5:]
    assert all(any(answer != p.label for tally in p.tallies for answer, _ in tally) for p in chosen)
    assert sorted(chosen, key=lambda p: p.index not in (28, 29)) == list(chosen)
    for p in found.pictures:
        assert (p.label, p.pixels) == (p.index % 3, f"{p.index:02x}" * 4)
        assert p.predictions[0] == ((int(both_wrong[p.index]), 0.75), (int(both_wrong[p.index] + 1) % 3, 0.25))
        assert p.tallies == (((int(both_wrong[p.index]), 1),), ((int(disputed[p.index]), 1),))


def test_an_arm_without_predictions_has_none_in_the_gallery(tmp_path: Path, data: Dataset) -> None:
    of = preset(3)
    run = empty_run(tmp_path, of)
    write_predictions(run, "he_normal", numpy.zeros(TESTED, dtype=numpy.int64))
    (run.arm("orthogonal") / "predictions.npz").write_bytes(b"PK\x03\x04 torn")
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.disputed_in_all, found.mistaken_in_all) == (0, 20)
    assert all(p.predictions[0] == p.predictions[2] == () for p in found.pictures)
    assert len(found.pictures) == TESTED


def test_an_arm_at_chance_makes_no_disputes_and_no_mistakes(tmp_path: Path, data: Dataset) -> None:
    of = preset(3)
    run = empty_run(tmp_path, of)
    write_predictions(run, "xavier_normal", RIGHT)
    write_predictions(run, "he_normal", but(4))
    write_predictions(run, "orthogonal", numpy.zeros(TESTED, dtype=numpy.int64))  # right on a third: chance
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.judges, found.disputed_in_all, found.mistaken_in_all) == ((0, 1), 1, 1)
    assert [p.index for p in found.only("disputed")] == [p.index for p in found.only("mistaken")] == [4]
    assert all(len(p.predictions) == 3 for p in found.pictures), "it is shown all the same"


def test_the_same_images_are_drawn_every_time_and_others_for_another_seed(tmp_path: Path, data: Dataset) -> None:
    def order(seed: int, folder: str) -> list[int]:
        of = preset(seeds=[seed])
        run = empty_run(tmp_path / folder, of)
        write_predictions(run, "he_normal", numpy.zeros(TESTED, dtype=numpy.int64))
        write_gallery(run, of, data)
        found = gallery.read(run)
        assert found is not None
        return [p.index for p in found.pictures]

    assert order(1, "a") == order(1, "b") != order(2, "c")


def test_without_any_prediction_there_is_no_gallery(tmp_path: Path, data: Dataset) -> None:
    run = empty_run(tmp_path)
    write_gallery(run, preset(), data)
    assert gallery.read(run) is None
    assert model_comparisons(run, preset(), data) == []


# Several seeds


def test_the_answers_of_every_replica_count_and_the_most_consistent_disputes_come_first(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "DRAWN", 1)
    monkeypatch.setattr(gallery, "CHOSEN", 4)
    of = preset(seeds=4)
    run = empty_run(tmp_path, of)
    write_predictions(run, "xavier_normal", *[RIGHT] * 4)
    # Of he_normal's replicas all err on image 3, three on 4, one on 5 to 9.
    write_predictions(run, "he_normal", but(3, 4), but(3, 4), but(3, 4, *range(5, 10)), but(3))
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.disputed_in_all, found.mistaken_in_all, found.split_in_all) == (7, 7, 2)
    assert (found.replicas, found.left_out, found.several) == ((4, 4), (0, 0), True)
    chosen = [p for p in found.only("disputed") if p.index != watched_image(777, TESTED)]
    assert [p.index for p in chosen[:2]] == [3, 4]
    assert [dict(p.tallies[1]).get(p.label, 0) for p in chosen] == [0, 1, 3, 3]
    assert chosen[1].tallies == (((1, 4),), ((2, 3), (1, 1)))
    assert found.only("disputed") == found.only("mistaken")


def test_mistakes_keep_their_room_beside_many_disputes(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "DRAWN", 0)
    monkeypatch.setattr(gallery, "CHOSEN", 6)
    of = preset(seeds=4)
    run = empty_run(tmp_path, of)
    # One replica of the one arm errs on ten images, and both arms err alike on two.
    write_predictions(run, "xavier_normal", but(0, 1, *range(10, 20)), *[but(0, 1)] * 3)
    write_predictions(run, "he_normal", *[but(0, 1)] * 4)
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert {0, 1} <= {p.index for p in found.pictures}
    assert len(found.pictures) == 6


def test_replicas_stuck_at_chance_are_left_out_where_others_learn(tmp_path: Path, data: Dataset) -> None:
    of = preset(seeds=3)
    run = empty_run(tmp_path, of)
    nothing = numpy.zeros(TESTED, dtype=numpy.int64)
    write_predictions(run, "xavier_normal", nothing, RIGHT, RIGHT)
    write_predictions(run, "he_normal", *[RIGHT] * 3)
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.replicas, found.left_out, found.disputed_in_all) == ((2, 3), (1, 0), 0)
    assert found.confusion[0] == ((20, 0, 0), (0, 20, 0), (0, 0, 20))


def test_an_arm_of_stuck_replicas_alone_is_shown_with_all_of_them(tmp_path: Path, data: Dataset) -> None:
    of = preset(seeds=2)
    run = empty_run(tmp_path, of)
    nothing = numpy.zeros(TESTED, dtype=numpy.int64)
    write_predictions(run, "xavier_normal", nothing, nothing + 1)
    write_predictions(run, "he_normal", RIGHT, RIGHT)
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.replicas, found.left_out, found.judges) == ((2, 2), (0, 0), (1,))
    assert found.confusion[0] == ((10, 10, 0),) * 3
    assert found.pictures[0].tallies[0] == ((0, 1), (1, 1))


def test_answers_beyond_the_classes_share_a_column_of_the_confusions(tmp_path: Path, data: Dataset) -> None:
    of = preset()
    run = empty_run(tmp_path, of)
    beyond = RIGHT.copy()
    beyond[:2] = (7, 511)
    write_predictions(run, "xavier_normal", beyond)
    write_predictions(run, "he_normal", but(0))
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert found.confusion == (((9, 0, 0, 1), (0, 9, 0, 1), (0, 0, 10, 0)), ((9, 1, 0), (0, 10, 0), (0, 0, 10)))


# Memory does not depend on the number of classes, the size of the images, or the number of seeds


def many_classes(classes: int, side: int = 2) -> Dataset:
    """As case 21: a class per word of a vocabulary, and 200 test images."""
    images = torch.zeros(200, side, side, dtype=torch.uint8)
    images[:, : side // 2] = 200
    labels = torch.arange(200) % 100
    return Dataset(
        "words", "Words", images, labels, images, labels, pixel_max=255.0, classes=(*map(str, range(classes)),)
    )


def answering(run: RunDir, arm: str, *answers: numpy.ndarray) -> None:
    shown = numpy.zeros((len(answers[0]), 1))
    seeds = numpy.arange(len(answers))
    numpy.savez(
        run.arm(arm) / "predictions.npz",
        seeds=seeds, answers=numpy.stack(answers).astype(numpy.uint16), classes=shown.astype(int), probabilities=shown,
    )  # fmt: skip


def test_ten_thousand_classes_make_a_small_gallery_of_the_most_frequent_confusions(tmp_path: Path) -> None:
    of, data = preset(), many_classes(10_000)
    run = empty_run(tmp_path, of)
    wrong = numpy.arange(200) % 100
    wrong[:100] = 9_999  # a hundred mistakes once each
    wrong[100] = 7  # and one of them again
    wrong[0] = 7
    wrong[199] = 65_535  # beyond the classes
    answering(run, "xavier_normal", wrong)
    answering(run, "he_normal", numpy.arange(200) % 100)
    tracemalloc.start()
    write_gallery(run, of, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert (run.path / "gallery.json").stat().st_size < 200e3
    stored = gallery.read(run)
    assert stored is not None
    assert stored.confusion == ()
    xavier, he = stored.confusions
    assert (xavier.answers, xavier.right, xavier.kinds, len(xavier.frequent)) == (200, 98, 101, 101)
    assert xavier.frequent[0] == (0, 7, 2, 2)
    assert (99, 10_000, 1, 2) in xavier.frequent
    assert he == gallery.Confusions(200, 200)
    assert stored.disputed_in_all == 102


def test_a_matrix_and_what_replaces_it_say_the_same(tmp_path: Path, data: Dataset, monkeypatch: Any) -> None:
    of = preset(3, seeds=2)
    run = empty_run(tmp_path, of)
    write_predictions(run, "xavier_normal", but(0, 1, 2), but(2, by=2))
    write_predictions(run, "he_normal", but(2, 3), numpy.full(TESTED, 5))
    write_gallery(run, of, data)
    with_matrices = gallery.read(run)
    monkeypatch.setattr(gallery, "MATRIX_CELLS", 35)
    write_gallery(run, of, data)
    without = gallery.read(run)
    assert with_matrices is not None
    assert without is not None
    assert (with_matrices.confusions, without.confusion) == ((), ())
    assert [with_matrices.confusions_of(arm) for arm in range(3)] == [without.confusions_of(arm) for arm in range(3)]
    assert without.confusions_of(2) is None
    monkeypatch.setattr(gallery, "FREQUENT", 1)
    write_gallery(run, of, data)
    few = gallery.read(run).confusions[0]
    assert (len(few.frequent), few.kinds) == (1, 4)


def test_large_images_are_stored_as_small_pictures(tmp_path: Path) -> None:
    of, data = preset(), many_classes(100, side=400)
    run = empty_run(tmp_path, of)
    answering(run, "he_normal", numpy.zeros(200))
    write_gallery(run, of, data)
    stored = gallery.read(run)
    assert stored is not None
    assert (stored.rows, stored.columns) == picture_size(data) == (80, 80)
    assert stored.pictures[0].pixels == "c8" * 3200 + "00" * 3200
    sample = sample_event(data, 3)
    assert (sample.rows, sample.columns, sample.pixels) == (80, 80, stored.pictures[0].pixels)


@pytest.mark.parametrize(
    ("shape", "size"), [((3, 100_000), (1, 80)), ((80, 80), (80, 80)), ((81, 20), (80, 20)), ((9,), (3, 3))]
)
def test_a_picture_keeps_the_proportions_of_its_image(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    images, labels = torch.rand(2, *shape), torch.zeros(2, dtype=torch.int64)
    data = Dataset("a", "A", images, labels, images, labels, pixel_max=1.0, classes=("a",))
    assert picture_size(data) == size
    assert len(grey(data, 0)) == size[0] * size[1]


def test_of_many_seeds_the_most_frequent_answers_are_kept(tmp_path: Path) -> None:
    of, data = preset(), many_classes(100)
    run = empty_run(tmp_path, of)
    answering(run, "he_normal", *[numpy.full(200, max(0, seed - 10)) for seed in range(50)])
    write_gallery(run, of, data)
    stored = gallery.read(run)
    assert stored is not None
    assert stored.replicas == (0, 50)
    assert stored.pictures[0].tallies[1] == ((0, 11), (1, 1), (2, 1), (3, 1), (4, 1))


def test_disputes_are_the_same_however_many_images_are_compared_at_a_time(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = preset(3, seeds=4)
    run = empty_run(tmp_path, of)
    draws = numpy.random.default_rng(0)
    answers = {folder: draws.integers(0, 4, (4, TESTED)) for folder in arm_folders(of)}
    for folder, given in answers.items():
        write_predictions(run, folder, *given)
    write_gallery(run, of, data)
    at_once = gallery.read(run)
    monkeypatch.setattr(predictions, "MOST_SHARES", 100)
    write_gallery(run, of, data)
    assert gallery.read(run) == at_once
    shares = [numpy.stack([(given == number).mean(0) for number in range(4)]) for given in answers.values()]
    largest = numpy.max([numpy.abs(a - b).sum(0) / 2 for a, b in combinations(shares, 2)], axis=0)
    assert at_once is not None
    assert (at_once.disputed_in_all, at_once.split_in_all) == ((largest > 0).sum(), (largest >= 0.5).sum())


# Models against models


def test_two_trained_models_of_a_seed_are_counted_against_each_other(tmp_path: Path, data: Dataset) -> None:
    of = preset(3, seeds=2)
    run = empty_run(tmp_path, of)
    write_predictions(run, "xavier_normal", but(0, 1, 2), RIGHT)
    write_predictions(run, "he_normal", but(2, 3), but(9, by=2))
    assert model_comparisons(run, of, data) == [
        ModelComparison("xavier_normal", "he_normal", (777, 778), (1, 1), (2, 0))
    ]
    write_predictions(run, "orthogonal", RIGHT)  # of the first seed alone
    found = model_comparisons(run, of, data)
    assert [(row.a, row.b, row.seeds) for row in found] == [
        ("xavier_normal", "he_normal", (777, 778)),
        ("xavier_normal", "orthogonal", (777,)),
        ("he_normal", "orthogonal", (777,)),
    ]
    assert (found[1].only_a, found[1].only_b) == ((0,), (3,))


def test_predictions_of_other_images_cost_the_duels_and_not_the_run(tmp_path: Path, data: Dataset) -> None:
    of = preset()
    run = empty_run(tmp_path, of)
    numpy.savez(
        run.arm("he_normal") / "predictions.npz",
        seeds=numpy.array([777]),
        answers=numpy.zeros((1, TESTED + 1), dtype=numpy.uint16),
        classes=numpy.zeros((TESTED + 1, 2)),
        probabilities=numpy.zeros((TESTED + 1, 2)),
    )
    assert model_comparisons(run, of, data) == []


def test_of_a_sweep_models_at_the_same_values_are_counted(tmp_path: Path, data: Dataset) -> None:
    table = {"data": {"name": "digits"}, "training": {"epochs": 1}, "sweep": {"model.width": [8, 9, 10]}}
    of = build({**table, "arms": [{"init": "he_normal"}, {"init": "zeros"}]}, name="s", source="s")
    run = empty_run(tmp_path, of)
    for folder in arm_folders(of):
        write_predictions(run, folder, RIGHT)
    assert [(row.a, row.b) for row in model_comparisons(run, of, data)] == [
        (f"he_normal, width {width}", f"zeros, width {width}") for width in (8, 9, 10)
    ]


@pytest.mark.parametrize(("arms", "images"), [(1, (200, 400)), (50, (200, 400)), (100, (100, 200)), (500, (20, 40))])
def test_of_many_arms_fewer_images_have_pictures(arms: int, images: tuple[int, int]) -> None:
    assert gallery.sizes(arms) == images
