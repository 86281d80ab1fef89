"""A data set on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inittui.engine.data.dataset import Dataset


@dataclass(frozen=True)
class Images:
    """Images flat, [n, inputs], uint8 where pixels are bytes, and scaled batch by batch: a quarter of the memory. Labels are
    int64 [n]. `shape` is what a network is given an input in; a perceptron takes them flat, () here."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    train_divisor: float
    test_divisor: float
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, data: Dataset, device: torch.device, *, scale_test: bool, flat: bool) -> "Images":
        return cls(
            train=data.train_images.flatten(1).to(device),
            train_labels=data.train_labels.to(device),
            test=data.test_images.flatten(1).to(device),
            test_labels=data.test_labels.to(device),
            train_divisor=data.pixel_max,
            test_divisor=data.pixel_max if scale_test else 1.0,
            shape=() if flat else data.shape,
        )

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Training inputs and labels [n] of `indices` [n]."""
        x = self._inputs(self.train.index_select(0, indices), self.train_divisor)
        return x, self.train_labels.index_select(0, indices)

    def first(self, count: int) -> Tensor:
        """The first training inputs."""
        return self._inputs(self.train[:count], self.train_divisor)

    def tests(self, start: int, count: int) -> tuple[Tensor, Tensor]:
        """Test inputs and labels from `start` on, `count` at most."""
        end = start + count
        return self._inputs(self.test[start:end], self.test_divisor), self.test_labels[start:end]

    def _inputs(self, images: Tensor, divisor: float) -> Tensor:
        """Scaled, and in the shape that the network takes. `images` is not changed."""
        x = images.float()
        x = x.div_(divisor) if x is not images else x / divisor
        return x.view(-1, *self.shape) if self.shape else x
