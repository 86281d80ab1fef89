"""Canned pictures, and galleries of them, as a run on the digits has them. Imports no torch."""

from inittui.experiment.preset import Preset
from inittui.record import run_directory
from inittui.record.gallery import Gallery, Picture

CLASSES = tuple("0123456789")
ROWS = COLUMNS = 8
TRAIN, TEST = 1500, 297


def pixels(number: int) -> str:
    """A picture that is different for every number: a bright square that moves over a slope."""
    at = number % (ROWS * COLUMNS)
    return bytes(255 if i == at else 2 * i for i in range(ROWS * COLUMNS)).hex()


def canned_gallery(of: Preset, pictures: int = 12, drawn: int = 6, seeds: int = 1) -> Gallery:
    """Image n has label n % 10. The arms predict it, except for every third image, where the last arm errs (a dispute), and
    every fifth, where all err. Of several seeds the first predicts the label of every image."""
    made = []
    answers: list[dict[tuple[int, int], int]] = [{} for _ in of.arms]
    for index in range(pictures):
        label = index % len(CLASSES)
        wrong = (label + 1) % len(CLASSES)
        says = [wrong if index % 5 == 0 else label] * len(of.arms)
        if index % 3 == 0:
            says[-1] = (label + 2) % len(CLASSES)
        votes = [{said: seeds - 1, label: 1} if seeds > 1 and said != label else {said: seeds} for said in says]
        for of_arm, counts in zip(answers, votes, strict=True):
            for answer, replicas in counts.items():
                of_arm[label, answer] = of_arm.get((label, answer), 0) + replicas
        predictions = tuple(((said, 0.75), ((said + 5) % len(CLASSES), 0.25)) for said in says)
        tallies = tuple(tuple(counts.items()) for counts in votes) if seeds > 1 else ()
        made.append(Picture(index, label, pixels(index), predictions, tallies))
    several = (seeds,) * len(of.arms) if seeds > 1 else ()
    classes = range(len(CLASSES))
    disputed = tuple(i for i in range(pictures) if i % 3 == 0 and len(of.arms) > 1)
    mistaken = tuple(i for i in range(pictures) if i % 3 == 0 or i % 5 == 0)
    return Gallery(
        format=run_directory.FORMAT,
        rows=ROWS,
        columns=COLUMNS,
        arms=tuple(arm.name for arm in of.arms),
        pictures=tuple(made),
        drawn=min(drawn, pictures),
        disputed_in_all=len(disputed),
        mistaken_in_all=len(mistaken),
        split_in_all=len(disputed),
        test=TEST,
        replicas=several,
        left_out=(0,) * len(several),
        confusion=tuple(tuple(tuple(of_arm.get((i, j), 0) for j in classes) for i in classes) for of_arm in answers),
        disputed=disputed,
        mistaken=mistaken,
    )
