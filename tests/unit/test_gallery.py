from pathlib import Path

import numpy
import pytest
import torch
from msgspec.structs import replace

from inittui import gallery
from inittui.engine.data import Dataset
from inittui.engine.pictures import write_gallery
from inittui.engine.training import watched_image
from inittui.errors import RunError
from inittui.gallery import Picture
from inittui.rundir import RunDir
from tests.helpers import canned_gallery, empty_run, preset


def picture(label: int, *answers: int | None) -> Picture:
    predictions = tuple(() if answer is None else ((answer, 0.8), (9, 0.2)) for answer in answers)
    return Picture(index=0, label=label, pixels="00", predictions=predictions)


@pytest.mark.parametrize(
    ("of", "answers", "disputed", "mistaken"),
    [
        (picture(3, 3, 3), (3, 3), False, False),
        (picture(3, 3, 5), (3, 5), True, True),
        (picture(3, 5, 5), (5, 5), False, True),
        (picture(3, 3, None), (3,), False, False),
        (picture(3, None, None), (), False, False),
    ],
)
def test_a_picture_knows_whether_arms_disagree_or_err(
    of: Picture, answers: tuple[int, ...], disputed: bool, mistaken: bool
) -> None:
    assert (of.answers, of.disputed, of.mistaken) == (answers, disputed, mistaken)


def test_a_gallery_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    assert gallery.read(run) is None
    written = canned_gallery(preset())
    gallery.write(run, written)
    assert gallery.read(run) == written


def test_a_gallery_is_asked_for_its_kinds() -> None:
    whole = canned_gallery(preset(), pictures=12, drawn=6)
    assert [p.index for p in whole.only("random")] == [0, 1, 2, 3, 4, 5]
    assert [p.index for p in whole.only("disputed")] == [0, 3, 6, 9]
    assert [p.index for p in whole.only("mistaken")] == [0, 3, 5, 6, 9, 10]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b"{}", b'{"format": 1}'],
    ids=["empty", "torn", "not text", "list", "no keys", "few keys"],
)
def test_a_damaged_gallery_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    run = empty_run(tmp_path)
    run.gallery.write_bytes(content)
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


def write_predictions(run: RunDir, arm: str, answers: numpy.ndarray) -> None:
    others = (answers + 1) % 3
    numpy.savez(
        run.arm(arm) / "predictions.npz",
        classes=numpy.stack([answers, others], axis=1).astype(numpy.uint16),
        probabilities=numpy.full((TESTED, 2), [0.75, 0.25], dtype=numpy.float16),
    )


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for five images drawn and three chosen."""
    monkeypatch.setattr(gallery, "DRAWN", 5)
    monkeypatch.setattr(gallery, "CHOSEN", 3)


@pytest.mark.usefixtures("few")
def test_the_gallery_draws_first_and_then_prefers_disputes(tmp_path: Path, data: Dataset) -> None:
    of = preset()
    run = empty_run(tmp_path, of)
    right = (numpy.arange(TESTED) % 3).astype(numpy.int64)
    both_wrong = right.copy()
    both_wrong[:20] = (right[:20] + 1) % 3  # both arms err on twenty
    disputed = both_wrong.copy()
    disputed[28:] = (right[28:] + 2) % 3  # and disagree on two
    write_predictions(run, "xavier_normal", both_wrong)
    write_predictions(run, "he_normal", disputed)
    write_gallery(run, of, data)
    found = gallery.read(run)
    assert found is not None
    assert (found.test, found.mistaken_in_all, found.disputed_in_all) == (TESTED, 22, 2)
    assert (found.drawn, len(found.pictures), found.arms) == (5, 8, ("xavier_normal", "he_normal"))
    assert found.pictures[0].index == watched_image(777, TESTED)
    assert len({p.index for p in found.pictures}) == 8
    assert {28, 29} <= {p.index for p in found.pictures}
    chosen = found.pictures[5:]
    assert all(p.mistaken for p in chosen)
    assert [p.disputed for p in chosen] == sorted((p.disputed for p in chosen), reverse=True)
    for p in found.pictures:
        assert (p.label, p.pixels) == (p.index % 3, f"{p.index:02x}" * 4)
        assert p.predictions[0] == ((int(both_wrong[p.index]), 0.75), (int(both_wrong[p.index] + 1) % 3, 0.25))
        assert p.answers[1] == disputed[p.index]


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
    right = (numpy.arange(TESTED) % 3).astype(numpy.int64)
    almost = right.copy()
    almost[4] = (right[4] + 1) % 3
    write_predictions(run, "xavier_normal", right)
    write_predictions(run, "he_normal", almost)
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
