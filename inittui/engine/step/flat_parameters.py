"""The parameters of several replicas in one block of memory, so that the optimizer makes one pass over all of them."""

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

ALIGNMENT = 64  # elements, at least 64 bytes in every dtype: torch aligns what it allocates to 64 bytes


class FlatParameters:
    """The layout of parameters of these `shapes` in a row of `total` elements; a block has one row per replica.

    Each parameter is contiguous and begins at a multiple of ALIGNMENT, and so does each row, exactly as torch allocates the
    parameters of a network. A matrix product rounds differently for a transposed or an unaligned operand: in another layout
    the same weights would give other figures after a restore.
    """

    def __init__(self, shapes: Sequence[torch.Size]) -> None:
        self.shapes = list(shapes)
        lengths = [math.ceil(shape.numel() / ALIGNMENT) * ALIGNMENT for shape in self.shapes]
        *self._starts, self.total = itertools.accumulate(lengths, initial=0)

    def views(self, block: Tensor) -> list[Tensor]:
        """Each parameter [replicas, …] as a view of `block` [replicas, total]."""
        return [
            block[:, start : start + shape.numel()].view(len(block), *shape)
            for start, shape in zip(self._starts, self.shapes, strict=True)
        ]

    def join(self, states: Sequence[Mapping[str, Tensor]], block: Tensor) -> dict[str, Tensor]:
        """Copies of the replicas' optimizer states, `PARAMETER/KEY`, as the state of one parameter that lies like `block`.

        Raises KeyError or ValueError when a state does not fit these parameters.
        """
        joined: dict[str, Tensor] = {}
        for key in dict.fromkeys(name.partition("/")[2] for state in states for name in state):
            given = [[state[f"{parameter}/{key}"] for parameter in range(len(self.shapes))] for state in states]
            first = given[0][0]
            if first.dim() == 0:  # the number of steps taken
                if any(value != first for values in given for value in values):
                    raise ValueError(f"optimizer/…/{key} differs between parameters that took the same steps")
                joined[key] = first.to(block.device, copy=True)  # a captured step increments it there
                continue
            joined[key] = torch.zeros_like(block, dtype=first.dtype)
            for parameter, view in enumerate(self.views(joined[key])):
                for row, values in zip(view, given, strict=True):
                    if (actual := values[parameter].shape) != row.shape:
                        raise ValueError(f"optimizer/{parameter}/{key} is {list(actual)}; expected {list(row.shape)}")
                    row.copy_(values[parameter])
        return joined

    def split(self, state: Mapping[str, Tensor], row: int) -> dict[str, Tensor]:
        """The part of a joined state that belongs to the replica in `row`, as `PARAMETER/KEY`: views, not copies."""
        return {
            f"{parameter}/{key}": tensor
            for key, value in state.items()
            for parameter, tensor in enumerate(
                [value] * len(self.shapes) if value.dim() == 0 else [view[row] for view in self.views(value)]
            )
        }
