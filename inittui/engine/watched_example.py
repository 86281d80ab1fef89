"""The test image that is watched while training."""

import math

import torch

from inittui.engine.data.dataset import Dataset
from inittui.engine.evaluation import Evaluation
from inittui.engine.networks.random_streams import stream
from inittui.record import events


def watched_image(seed: int, count: int) -> int:
    """The test image that is shown while training: drawn from the first seed, the same for every arm."""
    return int(torch.randint(count, (), generator=stream(seed, "sample")))


def sample_event(data: Dataset, index: int) -> events.Sample:
    """What a viewer is told of test image `index`."""
    return events.Sample(
        index=index,
        label=int(data.test_labels[index]),
        rows=data.rows,
        columns=data.columns,
        pixels=grey(data, index).hex(),
    )


def grey(data: Dataset, index: int) -> bytes:
    """Test image `index` as grey values 0..255, row by row."""
    image = data.test_images[index].float()
    image = image.mean(0) if image.dim() == 3 else image  # channels
    flat = image.flatten()
    if data.pixel_max == 1.0:  # a person's own values may lie anywhere
        flat = (flat - flat.min()) / (flat.max() - flat.min()).clamp_min(1e-30)
    picture = torch.zeros(data.rows * data.columns, dtype=torch.uint8)
    picture[: len(flat)] = (flat * (255 / data.pixel_max)).round().to(torch.uint8)
    return bytes(picture.tolist())


def prediction(tested: Evaluation, index: int) -> tuple[tuple[int, float], ...]:
    """The likeliest classes of test image `index` with their probabilities, those that are finite."""
    pairs = zip(tested.classes[index].tolist(), tested.probabilities[index].tolist(), strict=True)
    return tuple((number, round(share, 6)) for number, share in pairs if math.isfinite(share))
