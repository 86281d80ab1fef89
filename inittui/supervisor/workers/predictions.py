"""Summaries of the predictions at the end of a run: the gallery, confusion matrices, comparisons of trained models."""

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
    """An arm's predictions.npz: `answers` int64 [replicas, n]; of the first replica `classes` and `probabilities`, [n,
    shown]."""

    seeds: list[int]
    answers: Array
    classes: Array
    probabilities: Array
    counted: list[int]  # indexes of the replicas that are above chance; of all if none is
    learnt: bool  # whether a replica is above chance

    def shares(self, classes: Array) -> Array:
        """Per image the share of the counted replicas that answer each of `classes`, [n, classes]."""
        return numpy.stack([(self.answers[self.counted] == number).mean(0) for number in classes], axis=1)


def _predicted(run: RunDir, preset: Preset, data: Dataset) -> list[Predicted | None]:
    """The predictions of each arm, in order; None if the arm has none because it failed or was stopped."""
    labels = data.test_labels.cpu().numpy()
    return [_load(run, folder, labels, stuck_below(1 / len(data.classes))) for folder in arm_folders(preset)]


def _load(run: RunDir, folder: str, labels: Array, enough: float) -> Predicted | None:
    try:
        with numpy.load(run.arm(folder) / "predictions.npz", allow_pickle=False) as arrays:
            answers = arrays["answers"].astype(numpy.int64)
            learnt = [i for i, right in enumerate((answers == labels).mean(1)) if right >= enough]
            return Predicted(
                seeds=[int(seed) for seed in arrays["seeds"]],
                answers=answers,
                classes=arrays["classes"],
                probabilities=arrays["probabilities"],
                counted=learnt or list(range(len(answers))),
                learnt=bool(learnt),
            )
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def write_gallery(run: RunDir, preset: Preset, data: Dataset) -> None:
    """Write the gallery: images drawn at random, of which the first is the one shown while training, then those on which arms
    differ and err most consistently. Writes nothing if no arm has predictions."""
    predicted = _predicted(run, preset, data)
    known = {index: arm for index, arm in enumerate(predicted) if arm is not None}
    if not known:
        return
    labels = data.test_labels.cpu().numpy()
    # With an arm at chance nearly every image would be a dispute and a mistake.
    judges = {index: arm for index, arm in known.items() if arm.learnt} or known
    disputes, mistakes = _scores(judges, labels)
    order = _order(preset, len(labels))
    count, chosen = gallery.sizes(len(preset.arms))
    drawn = order[:count]
    shown = [*drawn, *_chosen(order[count:], disputes, mistakes, chosen)]
    pictures = tuple(
        gallery.Picture(
            index=i,
            label=int(labels[i]),
            pixels=grey(data, i).hex(),
            predictions=tuple(_prediction(arm, i) for arm in predicted),
            tallies=tuple(_tally(arm, i) for arm in predicted),
        )
        for i in shown
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
            replicas=tuple(len(arm.counted) if arm else 0 for arm in predicted),
            left_out=tuple(len(arm.answers) - len(arm.counted) if arm else 0 for arm in predicted),
            confusion=tuple(_confusion(arm, labels, len(data.classes)) for arm in predicted),
            disputed=_ranked(disputes[shown]),
            mistaken=_ranked(mistakes[shown]),
        ),
    )


def _scores(judges: Mapping[int, Predicted], labels: Array) -> tuple[Array, Array]:
    """Per image the largest dispute of two arms and the largest share of wrong replicas of an arm, as
    `gallery.Picture.dispute` and `mistake` compute them, rounded so that equal ones are equal."""
    classes = numpy.unique(numpy.concatenate([arm.answers.ravel() for arm in judges.values()]))
    shares = [arm.shares(classes) for arm in judges.values()]
    disputes = numpy.zeros(len(labels))
    for a, b in combinations(shares, 2):
        disputes = numpy.maximum(disputes, numpy.abs(a - b).sum(1) / 2)
    mistakes = [(arm.answers[arm.counted] != labels).mean(0) for arm in judges.values()]
    return disputes.round(6), numpy.max(mistakes, axis=0).round(6)


def _chosen(rest: Sequence[int], disputes: Array, mistakes: Array, room: int) -> list[int]:
    """At most `room` of the indexes `rest`: one half by dispute, one half by mistake; what one lacks goes to the other."""
    by_dispute = sorted((i for i in rest if disputes[i] > 0), key=lambda i: -disputes[i])
    by_mistake = sorted((i for i in rest if mistakes[i] > 0), key=lambda i: -mistakes[i])
    half = -(-room // 2)
    # Each index once, in the order of its first place.
    chosen = dict.fromkeys([*by_dispute[:half], *by_mistake[:half], *by_dispute[half:], *by_mistake[half:]])
    return list(chosen)[:room]


def _ranked(scores: Array) -> tuple[int, ...]:
    order: list[int] = numpy.argsort(-scores, kind="stable").tolist()
    return tuple(i for i in order if scores[i] > 0)


def _order(preset: Preset, count: int) -> list[int]:
    seed = preset.training.seeds[0]
    first = watched_image(seed, count)
    shuffled: list[int] = torch.randperm(count, generator=stream(seed, "gallery")).tolist()
    return [first, *(i for i in shuffled if i != first)]


def _prediction(arm: Predicted | None, index: int) -> gallery.Prediction:
    if arm is None:
        return ()
    pairs = zip(arm.classes[index].tolist(), arm.probabilities[index].tolist(), strict=True)
    return tuple((int(number), round(float(share), 4)) for number, share in pairs)


def _tally(arm: Predicted | None, index: int) -> gallery.Tally:
    if arm is None:
        return ()
    numbers, votes = numpy.unique(arm.answers[arm.counted, index], return_counts=True)
    pairs = zip(numbers.tolist(), votes.tolist(), strict=True)
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _confusion(arm: Predicted | None, labels: Array, classes: int) -> tuple[tuple[int, ...], ...]:
    """One matrix of `gallery.Gallery.confusion`."""
    if arm is None:
        return ()
    answers = numpy.minimum(arm.answers[arm.counted], classes)  # all outputs beyond the classes count in one column
    width = classes + bool((answers == classes).any())
    counts = numpy.bincount((labels * width + answers).ravel(), minlength=classes * width)
    return tuple(tuple(row) for row in counts.reshape(classes, width).tolist())


def model_comparisons(run: RunDir, preset: Preset, data: Dataset) -> list[ModelComparison]:
    """For every two arms and each seed of both, on how many test images only the one trained model is right. In a sweep only
    arms at the same values are compared: all of five hundred would be 124,750 pairs. On an error, which is printed, there are
    none: the result has to be written all the same.
    """
    try:
        return _model_comparisons(preset, data, _predicted(run, preset, data))
    except Exception:
        traceback.print_exc()
        return []


def _model_comparisons(preset: Preset, data: Dataset, predicted: Sequence[Predicted | None]) -> list[ModelComparison]:
    labels = data.test_labels.cpu().numpy()
    right = {
        of_preset.name: dict(zip(arm.seeds, arm.answers == labels, strict=True))
        for of_preset, arm in zip(preset.arms, predicted, strict=True)
        if arm is not None
    }
    same_values = {arm.name: index % (preset.block or 1) for index, arm in enumerate(preset.arms)}
    rows = []
    for (a, of_a), (b, of_b) in combinations(right.items(), 2):
        if same_values[a] != same_values[b]:
            continue
        seeds = [seed for seed in of_a if seed in of_b]
        only_a, only_b = ([int((x[seed] & ~y[seed]).sum()) for seed in seeds] for x, y in ((of_a, of_b), (of_b, of_a)))
        rows.append(ModelComparison(a, b, tuple(seeds), tuple(only_a), tuple(only_b)))
    return rows
