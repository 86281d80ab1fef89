"""A data set in the memory of the device, and the batches of it that a network gets."""

import torch
from torch import Tensor

from inittui.engine.data.dataset import Dataset


class DeviceData:
    """`train` and `test` are flat inputs [n, inputs], labels are int64 [n].

    Bytes stay uint8 and are scaled batch by batch, which takes a quarter of the memory of float32.
    """

    def __init__(self, data: Dataset, device: torch.device, *, scale_test: bool, flat: bool) -> None:
        """`data` on `device`. A network gets inputs of `data.shape`, or flat ones, as a perceptron takes them. Without
        `scale_test` the test inputs are not divided by `pixel_max`."""
        self.train, self.train_labels = data.train_images.flatten(1).to(device), data.train_labels.to(device)
        self.test, self.test_labels = data.test_images.flatten(1).to(device), data.test_labels.to(device)
        self.train_divisor = data.pixel_max
        self.test_divisor = data.pixel_max if scale_test else 1.0
        self._shape = self.train.shape[1:] if flat else data.shape

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
        return x.view(-1, *self._shape)
