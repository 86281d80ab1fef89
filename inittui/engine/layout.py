"""Where the parameters of a replica lie in one block of memory, so that the optimizer makes one pass over them."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from inittui.engine.narrow import Order

ALIGNMENT = 64  # elements that a parameter begins at a multiple of: aligned loads, whatever lies before it


class Layout:
    """Of parameters of these `shapes`, the first being the first layer's weights [width, inputs]. Those come last and lie
    input by input, which their product reads a tenth faster; a later layer would lose on the way back what it gains
    forward. With an `order` of the inputs they lie in it, and `spare` numbers more are wanted behind the block's `total`."""

    def __init__(self, shapes: Sequence[torch.Size], order: Order | None) -> None:
        self.shapes = list(shapes)  # in the network
        self._stored = list(shapes)
        self._order = order.stored if order else None
        self.width = shapes[0][0]
        if order:
            self._stored[0] = torch.Size([self.width, len(order.stored)])
        lengths = [math.ceil(shape.numel() / ALIGNMENT) * ALIGNMENT for shape in [*self._stored[1:], self._stored[0]]]
        *others, self.first, end = itertools.accumulate(lengths, initial=0)
        self._starts = [self.first, *others]
        self.total = self.first + self._stored[0].numel() if order else end
        self.spare = len(order.rare) * self.width if order else 0

    def views(self, block: Tensor) -> list[Tensor]:
        """The parameters [replicas, …], as they are stored, in a `block` [replicas, total]."""
        found = []
        for number, (start, shape) in enumerate(zip(self._starts, self._stored, strict=True)):
            share = block[:, start : start + shape.numel()]
            found.append(share.view(len(block), *shape) if number else share.view(len(block), *reversed(shape)).mT)
        return found

    def is_view(self, number: int) -> bool:
        """Whether this parameter is stored as the network has it."""
        return number > 0 or self._order is None

    def to_stored(self, number: int, value: Tensor) -> Tensor:
        """A parameter [width, inputs], or what has its shape, with the inputs that are stored and in their order."""
        return value if number or self._order is None else value.index_select(-1, self._order)

    def to_whole(self, number: int, stored: Tensor, into: Tensor | None = None) -> Tensor:
        """The reverse, `into` a tensor that keeps what is not stored, or one where that is 0."""
        if number or self._order is None:
            return stored
        whole = stored.new_zeros(*stored.shape[:-1], self.shapes[0][1]) if into is None else into
        return whole.index_copy_(-1, self._order, stored)
