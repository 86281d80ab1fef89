"""Where the parameters of a replica lie in one block of memory, so that the optimizer makes one pass over them."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

ALIGNMENT = 64  # elements, at least 64 bytes in every dtype: torch aligns what it allocates to 64 bytes


class FlatParameters:
    """The places of parameters of these `shapes` in a row of `total` elements.

    Each parameter is contiguous and begins at a multiple of ALIGNMENT, and so does each row: exactly as torch allocates the
    parameters of a network. A matrix product rounds differently for a transposed or an unaligned operand, so the same
    weights would otherwise give other figures after a restore.
    """

    def __init__(self, shapes: Sequence[torch.Size]) -> None:
        self.shapes = list(shapes)
        lengths = [math.ceil(shape.numel() / ALIGNMENT) * ALIGNMENT for shape in self.shapes]
        *self._starts, self.total = itertools.accumulate(lengths, initial=0)

    def views(self, block: Tensor) -> list[Tensor]:
        """The parameters [replicas, …] in a `block` [replicas, total]."""
        return [
            block[:, start : start + shape.numel()].view(len(block), *shape)
            for start, shape in zip(self._starts, self.shapes, strict=True)
        ]
