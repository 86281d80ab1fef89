"""A first layer without the inputs that are 0 in all images of a batch: of 100 MNIST digits a third of the pixels.

Such an input adds nothing to a product, and the gradient of its weights is 0, both exactly. The layer's weights lie input by
input, those of inputs that few batches have first and those that nearly every batch has behind them; a step copies the rows
of the few that its batch has behind those, so that one product reads them all, and their gradients back. What no training
image has is not stored at all where nothing but its gradient could change it. The optimizer sees every weight as before.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from inittui.engine.images import Images

COMMON = 0.8  # of the batches: an input that so many have is multiplied in all of them
SAMPLE = 6_000  # images that tell how many have an input
# Nanoseconds of one core with AVX-512; where products are slower, leaving inputs out earns more.
PRODUCT = 0.021  # a weight and image, forward and back
COPY = 0.31  # a weight of a rare input: gathered before, its gradient spread afterwards
CALLS = 80_000  # a step: a dozen calls of torch


class Order(NamedTuple):
    """The inputs that are stored, by number: those that few batches have, and those that are always multiplied."""

    rare: Tensor
    common: Tensor

    @property
    def stored(self) -> Tensor:
        return torch.cat(self)


def order_of(images: Images, size: int, width: int, *, decays: bool) -> Order | None:
    """How a layer of `width` units lies best for batches of `size`; None where it is best left as it is. With `decays`,
    weights change without a gradient too, so all are stored."""
    inputs = images.train.shape[1]
    sample = images.train[:: max(1, len(images.train) // SAMPLE)]
    often = 1 - (1 - (sample != 0).float().mean(0)) ** size  # the share of batches that have an input
    is_common = often > COMMON
    is_rare = ~is_common & (torch.ones_like(is_common) if decays else images.train.any(0).bool())
    expected = float(often[is_rare].sum())  # rare inputs of a batch
    saved = inputs - int(is_common.sum()) - expected
    if width * (saved * PRODUCT * size - expected * COPY) < CALLS:
        return None
    return Order(is_rare.nonzero().view(-1), is_common.nonzero().view(-1))


class Parts(NamedTuple):
    """What a batch with some number of rare inputs uses, all of them views: of the stores below, and of the numbers of its
    inputs the rare ones' part."""

    numbers: Tensor
    rare_numbers: Tensor
    x: Tensor  # [size, n]
    rare_weights: Tensor
    rare_gradients: Tensor
    weight_turned: Tensor  # [n, width]
    weight_gradient: Tensor  # [width, n]


class Narrow:
    """The first layer's products for one replica on a CPU. `weights` and `gradients` are its stores, [rare + common + rare,
    width], of which the last are the copies."""

    def __init__(self, order: Order, weights: Tensor, gradients: Tensor, inputs: int, size: int) -> None:
        self.order = order
        self._weights, self._gradients = weights, gradients
        self._size = size
        self._rare_weights, self._rare_gradients = weights[: len(order.rare)], gradients[: len(order.rare)]
        self._all = weights.new_empty(size, inputs)
        self._x = weights.new_empty(size * len(weights))
        self._numbers = torch.cat([order.common, order.rare])
        self._parts: dict[int, Parts] = {}  # by the number of rare inputs: views cost a microsecond each
        self._before = self._rare = order.rare[:0]  # those of the last batch and of this one, by their place among all

    def take(self, pixels: Tensor) -> Parts:
        """Of a batch [size, inputs], whose scale is left alone."""
        self._before, self._rare = self._rare, pixels.any(0).index_select(0, self.order.rare).nonzero().view(-1)
        count = len(self._rare)
        parts = self._parts.get(count) or self._parts.setdefault(count, self._views(count))
        torch.index_select(self.order.rare, 0, self._rare, out=parts.rare_numbers)
        torch.index_select(self._all.copy_(pixels), 1, parts.numbers, out=parts.x)
        torch.index_select(self._rare_weights, 0, self._rare, out=parts.rare_weights)
        return parts

    def spread(self) -> None:
        """Put the gradients of the batch's rare inputs in their places, and 0 in those of all others, which is there but for
        what the batch before has left."""
        self._rare_gradients.index_fill_(0, self._before, 0)
        self._rare_gradients.index_copy_(0, self._rare, self._parts[len(self._rare)].rare_gradients)

    def _views(self, count: int) -> Parts:
        rare, common = len(self.order.rare), len(self.order.common)
        n, copies = common + count, slice(rare + common, rare + common + count)
        return Parts(
            numbers=self._numbers[:n],
            rare_numbers=self._numbers[common:n],
            x=self._x[: self._size * n].view(self._size, n),
            rare_weights=self._weights[copies],
            rare_gradients=self._gradients[copies],
            weight_turned=self._weights[rare : rare + n],
            weight_gradient=self._gradients[rare : rare + n].mT,
        )
