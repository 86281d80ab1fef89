"""The test image whose prediction is shown during training."""

import math

import torch
from torch.nn.functional import adaptive_avg_pool2d

from inittui.engine.data.dataset import Dataset
from inittui.engine.evaluation import Evaluation
from inittui.engine.networks.random_streams import stream
from inittui.record import events

MOST_SIDE = 80  # pixels: a panel shows 40 at most


def watched_image(seed: int, count: int) -> int:
    """The index of that image among `count` test images. It is drawn from an arm's first seed, so arms show the same one."""
    return int(torch.randint(count, (), generator=stream(seed, "sample")))


def sample_event(data: Dataset, index: int) -> events.Sample:
    """Test image `index` as an event."""
    rows, columns = picture_size(data)
    pixels = grey(data, index).hex()
    return events.Sample(index=index, label=int(data.test_labels[index]), rows=rows, columns=columns, pixels=pixels)


def picture_size(data: Dataset) -> tuple[int, int]:
    """Rows and columns of the pictures that are shown and stored: those of the images, or in proportion with MOST_SIDE."""
    factor = min(1.0, MOST_SIDE / max(data.rows, data.columns))
    return max(1, round(data.rows * factor)), max(1, round(data.columns * factor))


def grey(data: Dataset, index: int) -> bytes:
    """Test image `index` as grey values 0..255, row by row, in its `picture_size`. Channels are averaged."""
    image = data.test_images[index].float()
    flat = (image.mean(0) if image.dim() == 3 else image).flatten()
    if data.pixel_max == 1.0:  # a user's own values may have any range
        flat = (flat - flat.min()) / (flat.max() - flat.min()).clamp_min(1e-30)
    picture = torch.zeros(data.rows * data.columns)
    picture[: len(flat)] = flat * (255 / data.pixel_max)
    means = adaptive_avg_pool2d(picture.view(1, data.rows, data.columns), picture_size(data))
    return bytes(means.flatten().round().to(torch.uint8).tolist())


def prediction(evaluation: Evaluation, index: int) -> tuple[tuple[int, float], ...]:
    """The most likely classes of test image `index` with their probabilities; those that are not finite are left out."""
    pairs = zip(evaluation.classes[index].tolist(), evaluation.probabilities[index].tolist(), strict=True)
    return tuple((number, round(share, 6)) for number, share in pairs if math.isfinite(share))
