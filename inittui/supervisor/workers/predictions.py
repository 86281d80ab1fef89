"""What the arms predicted, summed up at the end of a run: the gallery, confusion matrices, and models against models."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from zipfile import BadZipFile

import numpy
import torch

from inittui.engine.data.dataset import Dataset
from inittui.engine.networks.random_streams import stream
from inittui.engine.watched_example import grey, watched_image
from inittui.experiment.chance import stuck_below
from inittui.experiment.preset import Preset
from inittui.record import gallery
from inittui.record.result_schema import ModelComparison
from inittui.record.run_directory import FORMAT, RunDir, arm_folders

Array = numpy.ndarray[tuple[int, ...], numpy.dtype[Any]]
HALF = 0.5


@dataclass(frozen=True)
class Predicted:
    """An arm's predictions.npz. `answers` [replicas, n]; of the first replica `classes` and `probabilities`, [n, shown]."""

    seeds: list[int]
    answers: Array
    classes: Array
    probabilities: Array
    counted: list[int]  # replicas that have learnt something, by place; all of them where none has
    learnt: bool

    def shares(self, classes: Array) -> Array:
        """For each image the share of the replicas that count that answers each of `classes`, [n, classes]."""
        return numpy.stack([(self.answers[self.counted] == number).mean(0) for number in classes], axis=1)


def _predicted(run: RunDir, preset: Preset, data: Dataset) -> list[Predicted | None]:
    """What each arm predicted, in their order; None for one that failed before it predicted anything, as its log says."""
    labels = data.test_labels.cpu().numpy()
    return [_load(run, folder, labels, stuck_below(1 / len(data.classes))) for folder in arm_folders(preset)]


def _load(run: RunDir, folder: str, labels: Array, enough: float) -> Predicted | None:
    try:
        with numpy.load(run.arm(folder) / "predictions.npz", allow_pickle=False) as found:
            answers = found["answers"].astype(numpy.int64)
            learnt = [i for i, right in enumerate((answers == labels).mean(1)) if right >= enough]
            return Predicted(
                seeds=[int(seed) for seed in found["seeds"]],
                answers=answers,
                classes=found["classes"],
                probabilities=found["probabilities"],
                counted=learnt or list(range(len(answers))),
                learnt=bool(learnt),
            )
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def write_gallery(run: RunDir, preset: Preset, data: Dataset) -> None:
    """Images drawn at random (the one watched while training first), then those on which arms differ and err most
    consistently. Writes nothing when no arm has got as far as a prediction."""
    predicted = _predicted(run, preset, data)
    known = {place: found for place, found in enumerate(predicted) if found is not None}
    if not known:
        return
    labels = data.test_labels.cpu().numpy()
    # An arm at chance would make nearly every image a dispute and a mistake.
    judges = {place: found for place, found in known.items() if found.learnt} or known
    disputes, mistakes = _scores(judges, labels)
    order = _order(preset, len(labels))
    count, chosen = gallery.sizes(len(preset.arms))
    drawn = order[:count]
    places = [*drawn, *_chosen(order[count:], disputes, mistakes, chosen)]
    pictures = tuple(
        gallery.Picture(
            index=i,
            label=int(labels[i]),
            pixels=grey(data, i).hex(),
            predictions=tuple(_prediction(found, i) for found in predicted),
            tallies=tuple(_tally(found, i) for found in predicted),
        )
        for i in places
    )
    gallery.write(
        run,
        gallery.Gallery(
            format=FORMAT,
            rows=data.rows,
            columns=data.columns,
            arms=tuple(arm.name for arm in preset.arms),
            pictures=pictures,
            drawn=len(drawn),
            disputed_in_all=int((disputes > 0).sum()),
            mistaken_in_all=int((mistakes > 0).sum()),
            split_in_all=int((disputes >= HALF).sum()),
            test=len(labels),
            judges=tuple(judges),
            replicas=tuple(len(found.counted) if found else 0 for found in predicted),
            left_out=tuple(len(found.answers) - len(found.counted) if found else 0 for found in predicted),
            confusion=tuple(_confusion(found, labels, len(data.classes)) for found in predicted),
            disputed=_ranked(disputes[places]),
            mistaken=_ranked(mistakes[places]),
        ),
    )


def _scores(judges: Mapping[int, Predicted], labels: Array) -> tuple[Array, Array]:
    """Of each image, how far the two arms differ that differ most, and how much of the arm errs that errs most; as
    `gallery.Picture.dispute` and `mistake` have it, rounded so that equal ones are equal."""
    classes = numpy.unique(numpy.concatenate([found.answers.ravel() for found in judges.values()]))
    shares = [found.shares(classes) for found in judges.values()]
    disputes = numpy.zeros(len(labels))
    for a, b in combinations(shares, 2):
        disputes = numpy.maximum(disputes, numpy.abs(a - b).sum(1) / 2)
    mistakes = [(found.answers[found.counted] != labels).mean(0) for found in judges.values()]
    return disputes.round(6), numpy.max(mistakes, axis=0).round(6)


def _chosen(rest: Sequence[int], disputes: Array, mistakes: Array, room: int) -> list[int]:
    """Of the images that were not drawn, disputes first, but half of the room for mistakes as far as there are any."""
    by_dispute = sorted((i for i in rest if disputes[i] > 0), key=lambda i: -disputes[i])
    by_mistake = sorted((i for i in rest if mistakes[i] > 0), key=lambda i: -mistakes[i])
    half = -(-room // 2)
    # Each once, where it comes first; a dict keeps the order.
    every = dict.fromkeys([*by_dispute[:half], *by_mistake[:half], *by_dispute[half:], *by_mistake[half:]])
    return list(every)[:room]


def _ranked(scores: Array) -> tuple[int, ...]:
    order: list[int] = numpy.argsort(-scores, kind="stable").tolist()
    return tuple(i for i in order if scores[i] > 0)


def _order(preset: Preset, count: int) -> list[int]:
    seed = preset.training.seeds[0]
    first = watched_image(seed, count)
    shuffled: list[int] = torch.randperm(count, generator=stream(seed, "gallery")).tolist()
    return [first, *(i for i in shuffled if i != first)]


def _prediction(found: Predicted | None, index: int) -> gallery.Prediction:
    if found is None:
        return ()
    pairs = zip(found.classes[index].tolist(), found.probabilities[index].tolist(), strict=True)
    return tuple((int(number), round(float(share), 4)) for number, share in pairs)


def _tally(found: Predicted | None, index: int) -> gallery.Tally:
    if found is None:
        return ()
    numbers, votes = numpy.unique(found.answers[found.counted, index], return_counts=True)
    pairs = zip(numbers.tolist(), votes.tolist(), strict=True)
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _confusion(found: Predicted | None, labels: Array, classes: int) -> tuple[tuple[int, ...], ...]:
    """As `gallery.Gallery.confusion` has it."""
    if found is None:
        return ()
    answers = numpy.minimum(found.answers[found.counted], classes)  # outputs beyond the classes, all in one column
    width = classes + bool((answers == classes).any())
    counts = numpy.bincount((labels * width + answers).ravel(), minlength=classes * width)
    return tuple(tuple(row) for row in counts.reshape(classes, width).tolist())


def duels(run: RunDir, preset: Preset, data: Dataset) -> list[ModelComparison]:
    """For every two arms and each seed of both, on how many test images the one trained model is right and the other is not.
    Of a sweep the arms at the same values are counted against each other: all of five hundred would be 124,750 pairs.

    None of them where that can't be told: the result has to be written all the same.
    """
    try:
        return _duels(preset, data, _predicted(run, preset, data))
    except Exception:
        traceback.print_exc()
        return []


def _duels(preset: Preset, data: Dataset, predicted: Sequence[Predicted | None]) -> list[ModelComparison]:
    labels = data.test_labels.cpu().numpy()
    right = {
        arm.name: dict(zip(found.seeds, found.answers == labels, strict=True))
        for arm, found in zip(preset.arms, predicted, strict=True)
        if found is not None
    }
    alike = {arm.name: place % (preset.block or 1) for place, arm in enumerate(preset.arms)}
    rows = []
    for (a, of_a), (b, of_b) in combinations(right.items(), 2):
        if alike[a] != alike[b]:
            continue
        seeds = [seed for seed in of_a if seed in of_b]
        only_a, only_b = ([int((x[seed] & ~y[seed]).sum()) for seed in seeds] for x, y in ((of_a, of_b), (of_b, of_a)))
        rows.append(ModelComparison(a, b, tuple(seeds), tuple(only_a), tuple(only_b)))
    return rows
