"""The predictions of an arm as a file, and their summaries: gallery, confusion matrices, comparisons of trained models."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy
import torch

from inittui.engine.data.dataset import Dataset
from inittui.engine.evaluation import Evaluation
from inittui.engine.networks.random_streams import stream
from inittui.engine.watched_example import grey, picture_size, watched_image
from inittui.experiment.chance import stuck_below
from inittui.experiment.preset import Preset
from inittui.record import gallery
from inittui.record.result_schema import ModelComparison
from inittui.record.run_directory import FORMAT, RunDir, arm_folders

Array = numpy.ndarray[tuple[int, ...], numpy.dtype[Any]]
HALF = 0.5
MOST_SHARES = 8_000_000  # numbers in memory at a time: 64 MB


@dataclass(frozen=True)
class Predicted:
    """An arm's predictions.npz: `answers` uint16 [replicas, n]; of the first replica `classes` and `probabilities`, [n,
    shown]."""

    seeds: list[int]
    answers: Array
    classes: Array
    probabilities: Array
    counted: list[int]  # indexes of the replicas that are above chance; of all if none is
    learnt: bool  # whether a replica is above chance

    def prediction(self, image: int) -> gallery.Prediction:
        pairs = zip(self.classes[image].tolist(), self.probabilities[image].tolist(), strict=True)
        return tuple((int(number), round(float(share), 4)) for number, share in pairs)

    def tally(self, image: int) -> gallery.Tally:
        votes = Counter(self.answers[self.counted, image].tolist())
        return tuple(sorted(votes.items(), key=lambda pair: (-pair[1], pair[0]))[: gallery.ANSWERS])

    def matrix(self, labels: Array, classes: int) -> gallery.Matrix:
        """One matrix of `gallery.Gallery.confusion`."""
        answers = self._within(classes)
        width = classes + bool((answers == classes).any())
        counts = numpy.bincount((labels * width + answers).ravel(), minlength=classes * width)
        return tuple(tuple(row) for row in counts.reshape(classes, width).tolist())

    def confusions(self, labels: Array, classes: int) -> gallery.Confusions:
        """The mistakes of the arm, without a matrix: the memory depends on the number of images only."""
        width = classes + 1
        pairs, counts = numpy.unique((labels * width + self._within(classes)).ravel(), return_counts=True)
        truths, answers = numpy.divmod(pairs, width)
        wrong = numpy.flatnonzero(truths != answers)
        first = wrong[numpy.argsort(-counts[wrong], kind="stable")][: gallery.FREQUENT]
        of = numpy.bincount(labels)[truths[first]] * len(self.counted)
        frequent = zip(
            truths[first].tolist(), answers[first].tolist(), counts[first].tolist(), of.tolist(), strict=True
        )
        every = int(counts.sum())
        return gallery.Confusions(every, every - int(counts[wrong].sum()), tuple(frequent), len(wrong))

    def _within(self, classes: int) -> Array:
        """The answers of the replicas that count; all answers beyond the classes are the number of classes."""
        return numpy.minimum(self.answers[self.counted].astype(numpy.int64), classes)


def _predicted(run: RunDir, preset: Preset, labels: Array, classes: int) -> list[Predicted | None]:
    """The predictions of each arm, in order; None if the arm has none because it failed or was stopped."""
    return [_load(run.arm(folder), labels, stuck_below(1 / classes)) for folder in arm_folders(preset)]


def _load(folder: Path, labels: Array, enough: float) -> Predicted | None:
    try:
        with numpy.load(folder / "predictions.npz", allow_pickle=False) as arrays:
            answers = arrays["answers"]
            learnt = numpy.flatnonzero((answers == labels).mean(1) >= enough).tolist()
            counted = learnt or list(range(len(answers)))
            seeds = arrays["seeds"].tolist()
            return Predicted(seeds, answers, arrays["classes"], arrays["probabilities"], counted, bool(learnt))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def write_gallery(run: RunDir, preset: Preset, data: Dataset) -> None:
    """Write the gallery: images drawn at random, of which the first is the one shown while training, then those on which arms
    differ and err most consistently. Writes nothing if no arm has predictions."""
    labels = data.test_labels.cpu().numpy()
    predicted = _predicted(run, preset, labels, len(data.classes))
    known = {index: arm for index, arm in enumerate(predicted) if arm is not None}
    if not known:
        return
    # With an arm at chance nearly every image would be a dispute and a mistake.
    judges = {index: arm for index, arm in known.items() if arm.learnt} or known
    disputes, mistakes = _scores(judges, labels)
    order = _order(preset, len(labels))
    count, chosen = gallery.sizes(len(preset.arms))
    drawn = order[:count]
    rows, columns = picture_size(data)
    classes, matrices = len(data.classes), gallery.keeps_matrices(len(predicted), len(data.classes))
    shown = [*drawn, *_chosen(order[count:], disputes, mistakes, chosen)]
    pictures = tuple(
        gallery.Picture(
            index=i,
            label=int(labels[i]),
            pixels=grey(data, i).hex(),
            predictions=tuple(arm.prediction(i) if arm else () for arm in predicted),
            tallies=tuple(arm.tally(i) if arm else () for arm in predicted),
        )
        for i in shown
    )
    gallery.write(
        run,
        gallery.Gallery(
            format=FORMAT,
            rows=rows,
            columns=columns,
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
            confusion=tuple(arm.matrix(labels, classes) if arm else () for arm in predicted if matrices),
            confusions=()
            if matrices
            else tuple(arm.confusions(labels, classes) if arm else gallery.Confusions(0, 0) for arm in predicted),
            disputed=_ranked(disputes[shown]),
            mistaken=_ranked(mistakes[shown]),
        ),
    )


def _scores(judges: Mapping[int, Predicted], labels: Array) -> tuple[Array, Array]:
    """Per image the largest dispute of two arms (see `record.gallery`) and the largest share of wrong replicas of an arm,
    rounded so that equal ones are equal."""
    votes = [arm.answers[arm.counted] for arm in judges.values()]
    replicas = sum(map(len, votes))
    kinds = min(replicas, len(numpy.unique(numpy.concatenate(votes))))
    step = max(1, MOST_SHARES // (len(votes) * kinds))
    parts = [[of_arm[:, first : first + step] for of_arm in votes] for first in range(0, len(labels), step)]
    disputes = numpy.concatenate([_disputes(part) for part in parts])
    mistakes = [(arm.answers[arm.counted] != labels).mean(0) for arm in judges.values()]
    return disputes.round(6), numpy.max(mistakes, axis=0).round(6)


def _disputes(votes: Sequence[Array]) -> Array:
    """Per image the largest dispute of two arms. `votes` are the answers of each arm's replicas, [replicas, n]."""
    every = numpy.concatenate(votes)
    # An image's different answers are numbered from 0, so that memory does not depend on the number of classes.
    order = every.argsort(axis=0)
    changes = numpy.diff(numpy.take_along_axis(every, order, 0), axis=0) != 0
    numbers = numpy.zeros(every.shape, numpy.int64)
    numpy.put_along_axis(numbers, order[1:], changes.cumsum(0), 0)
    kinds = numbers.max() + 1
    of_arms = numpy.split(numbers, numpy.cumsum([len(of_arm) for of_arm in votes])[:-1])
    shares = [numpy.stack([(of_arm == kind).mean(0) for kind in range(kinds)], axis=1) for of_arm in of_arms]
    disputes = numpy.zeros(every.shape[1])
    for a, b in combinations(shares, 2):
        disputes = numpy.maximum(disputes, numpy.abs(a - b).sum(1) / 2)
    return disputes


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


def model_comparisons(run: RunDir, preset: Preset, data: Dataset) -> list[ModelComparison]:
    """For every two arms and each seed of both, on how many test images only the one trained model is right. In a sweep only
    arms at the same values are compared: all of five hundred would be 124,750 pairs."""
    labels = data.test_labels.cpu().numpy()
    right = {
        index: dict(zip(arm.seeds, arm.answers == labels, strict=True))
        for index, arm in enumerate(_predicted(run, preset, labels, len(data.classes)))
        if arm is not None
    }
    rows = []
    for a, b in combinations(right, 2):
        if (b - a) % (preset.block or 1):  # at other values of the sweep
            continue
        pairs = {seed: (right[a][seed], right[b][seed]) for seed in right[a] if seed in right[b]}
        only_a = tuple(int((of_a & ~of_b).sum()) for of_a, of_b in pairs.values())
        only_b = tuple(int((of_b & ~of_a).sum()) for of_a, of_b in pairs.values())
        rows.append(ModelComparison(preset.arms[a].name, preset.arms[b].name, tuple(pairs), only_a, only_b))
    return rows


def encode(evaluations: dict[int, Evaluation]) -> bytes:
    """A file for numpy.load with the last test of every replica: `answers` uint16 [replicas, n]; of the first replica the
    most probable `classes` uint16 and their `probabilities` float16, both [n, shown]. Loading it executes nothing."""
    first = next(iter(evaluations.values()))
    answers = [tested.classes[:, 0].cpu().numpy() for tested in evaluations.values()]
    file = io.BytesIO()
    numpy.savez(
        file,
        seeds=numpy.asarray(list(evaluations), dtype=numpy.int64),
        answers=numpy.stack(answers).astype(numpy.uint16),
        classes=first.classes.cpu().numpy().astype(numpy.uint16),
        probabilities=first.probabilities.cpu().numpy().astype(numpy.float16),
    )
    return file.getvalue()
