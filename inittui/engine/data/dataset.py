"""A data set as tensors on the CPU, and the check whether a preset can be trained on it."""

import math
from dataclasses import dataclass

from torch import Tensor

from inittui.common.errors import DataError
from inittui.experiment.preset import Preset


@dataclass(frozen=True, eq=False)  # tensors have no equality that is true or false
class Dataset:
    """Images are uint8 [n, rows, columns] from 0 to `pixel_max`, labels int64 [n] from 0 to len(classes) - 1. A person's own
    may have channels or be mere features, and float32 values, which are taken as they are (`pixel_max` 1)."""

    name: str
    title: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    pixel_max: float  # the value that becomes 1.0
    classes: tuple[str, ...]
    note: str = ""  # in plain words, when it is not what one would expect

    @property
    def shape(self) -> tuple[int, ...]:
        """What a network is given of one image: (channels, rows, columns), or (features,)."""
        rest = tuple(self.train_images.shape[1:])
        return (1, *rest) if len(rest) == 2 else rest

    @property
    def inputs(self) -> int:
        """Numbers that one image has."""
        return math.prod(self.shape)

    @property
    def rows(self) -> int:
        """Of the picture that is drawn of an image. Features without a shape are drawn as a square."""
        return self.shape[-2] if len(self.shape) > 1 else -(-self.shape[0] // self.columns)

    @property
    def columns(self) -> int:
        return self.shape[-1] if len(self.shape) > 1 else math.isqrt(self.shape[0] - 1) + 1


def check_fit(preset: Preset, data: Dataset) -> None:
    """Raises DataError where an arm can't be trained on `data`: too few images for a batch, or outputs for the classes."""
    count, classes = len(data.train_images), len(data.classes)
    for arm in preset.arms:
        if arm.training.batch_size > count:
            raise DataError(
                f"training.batch_size = {arm.training.batch_size}: {data.title} has {count:,} training images here; "
                "expected no more than that"
            )
        if arm.model.factory is None and (arm.model.outputs or classes) < classes:
            raise DataError(
                f"model.outputs = {arm.model.outputs}: {data.title} has {classes} classes; expected at least as many"
            )
