"""A data set as tensors on the CPU, and the check whether a preset can be trained on it."""

import hashlib
import math
from dataclasses import dataclass

from torch import Tensor

from inittui.common import formatting
from inittui.common.errors import DataError
from inittui.experiment.preset import Preset


@dataclass(frozen=True, eq=False)  # tensors have no equality that is true or false
class Dataset:
    """Inputs and labels for training and for the test.

    Images are uint8 [n, rows, columns] from 0 to `pixel_max`. A user's own data may also have channels,
    [n, channels, rows, columns], or be features, [n, features], and may be float32, which is not scaled (`pixel_max` is 1).
    Labels are int64 [n], from 0 to len(classes) - 1.
    """

    name: str
    title: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    pixel_max: float  # the value that becomes 1.0
    classes: tuple[str, ...]
    note: str = ""  # why these data are not the ones that were asked for

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one network input: (channels, rows, columns), or (features,)."""
        rest = tuple(self.train_images.shape[1:])
        return (1, *rest) if len(rest) == 2 else rest

    @property
    def rows(self) -> int:
        """Rows of the picture that is drawn of one input. Features are drawn as a square."""
        return self.shape[-2] if len(self.shape) > 1 else -(-self.shape[0] // self.columns)

    @property
    def columns(self) -> int:
        """Columns of that picture."""
        return self.shape[-1] if len(self.shape) > 1 else math.isqrt(self.shape[0] - 1) + 1

    def digest(self) -> str:
        """The SHA-256 of everything that training and tests see."""
        digest = hashlib.sha256(repr((self.pixel_max, self.classes)).encode())
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(repr((tensor.dtype, tensor.shape)).encode())
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


def check_fit(preset: Preset, data: Dataset) -> None:
    """Raises DataError when `data` has fewer training images than an arm's batch, or more classes than its outputs."""
    count, classes = len(data.train_images), len(data.classes)
    for arm in preset.arms:
        if arm.training.batch_size > count:
            images = formatting.count(count, "training image")
            raise DataError(
                f"training.batch_size = {arm.training.batch_size}: {data.title} has {images} here; "
                "expected no more than that"
            )
        if arm.model.factory is None and (arm.model.outputs or classes) < classes:
            raise DataError(
                f"model.outputs = {arm.model.outputs}: {data.title} has {classes} classes; expected at least as many"
            )
