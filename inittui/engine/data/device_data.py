"""A data set in the memory of the device, and the batches of it that a network gets."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inittui.engine.data.dataset import Dataset


@dataclass(frozen=True)
class DeviceData:
    """`train` and `test` are flat inputs [n, inputs], labels are int64 [n].

    Bytes stay uint8 and are scaled batch by batch, which takes a quarter of the memory of float32. `shape` is the shape of
    one input as the network gets it; () means flat, as a perceptron takes it.
    """

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    train_divisor: float
    test_divisor: float
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, data: Dataset, device: torch.device, *, scale_test: bool, flat: bool) -> "DeviceData":
        """`data` on `device`. Without `scale_test` the test inputs are not divided by `pixel_max`."""
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
        """The training inputs [n, *shape], float32, and labels [n] at `indices` [n]."""
        x = self._inputs(self.train.index_select(0, indices), self.train_divisor)
        return x, self.train_labels.index_select(0, indices)

    def first(self, count: int) -> Tensor:
        """The first `count` training inputs [count, *shape], float32."""
        return self._inputs(self.train[:count], self.train_divisor)

    def test_batch(self, start: int, count: int) -> tuple[Tensor, Tensor]:
        """At most `count` test inputs and labels, from index `start` on."""
        end = start + count
        return self._inputs(self.test[start:end], self.test_divisor), self.test_labels[start:end]

    def _inputs(self, images: Tensor, divisor: float) -> Tensor:
        """`images` scaled and in the shape that the network takes. Returns a new tensor."""
        x = images.float()
        x = x.div_(divisor) if x is not images else x / divisor
        return x.view(-1, *self.shape) if self.shape else x
