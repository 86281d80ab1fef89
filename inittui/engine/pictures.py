"""Chooses the gallery's images from what the arms predicted."""

from zipfile import BadZipFile

import numpy
import torch

from inittui import gallery
from inittui.engine.data import Dataset
from inittui.engine.initialise import stream
from inittui.engine.training import grey, watched_image
from inittui.preset import Preset
from inittui.rundir import FORMAT, RunDir, arm_folders
from inittui.stats import STUCK_TIMES

NumpyArray = numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.generic]]


def write_gallery(run: RunDir, preset: Preset, data: Dataset) -> None:
    """Images drawn at random (the one watched while training first), then those in dispute and those mistaken.

    Writes nothing when no arm has got as far as a prediction.
    """
    folders = arm_folders(preset)
    predicted = [_load(run, folder) for folder in folders]
    known = {place: found for place, found in enumerate(predicted) if found is not None}
    if not known:
        return
    labels = data.test_labels.cpu().numpy()
    enough = STUCK_TIMES / len(data.classes)
    learnt = {place: found for place, found in known.items() if (found[0][:, 0] == labels).mean() >= enough}
    judges = learnt or known  # an arm at chance would make nearly every image a dispute and a mistake
    answers = numpy.stack([classes[:, 0] for classes, _ in judges.values()])
    disputed = (answers != answers[0]).any(0)
    mistaken = (answers != labels).any(0)
    order = _order(preset, len(labels))
    drawn = order[: gallery.DRAWN]
    rest = [i for i in order[gallery.DRAWN :] if disputed[i] or mistaken[i]]
    # Disputes first: with schemes that learn little, mistakes alone would fill the room.
    rest.sort(key=lambda i: not disputed[i])
    pictures = tuple(
        gallery.Picture(
            index=i,
            label=int(labels[i]),
            pixels=grey(data, i).hex(),
            predictions=tuple(_prediction(found, i) for found in predicted),
        )
        for i in [*drawn, *rest[: gallery.CHOSEN]]
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
            disputed_in_all=int(disputed.sum()),
            mistaken_in_all=int(mistaken.sum()),
            test=len(labels),
            judges=tuple(judges),
        ),
    )


def _load(run: RunDir, folder: str) -> tuple[NumpyArray, NumpyArray] | None:
    try:
        with numpy.load(run.arm(folder) / "predictions.npz", allow_pickle=False) as found:
            return found["classes"], found["probabilities"]
    except (OSError, ValueError, KeyError, BadZipFile):
        return None  # the arm failed before its first prediction, and its log says so


def _order(preset: Preset, count: int) -> list[int]:
    seed = preset.training.seeds[0]
    first = watched_image(seed, count)
    shuffled: list[int] = torch.randperm(count, generator=stream(seed, "gallery")).tolist()
    return [first, *(i for i in shuffled if i != first)]


def _prediction(found: tuple[NumpyArray, NumpyArray] | None, index: int) -> gallery.Prediction:
    if found is None:
        return ()
    classes, probabilities = found
    pairs = zip(classes[index].tolist(), probabilities[index].tolist(), strict=True)
    return tuple((int(number), round(float(share), 4)) for number, share in pairs)
