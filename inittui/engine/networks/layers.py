"""The layers that a scheme fills: every Linear and Conv layer of any module, in the order in which it holds them."""

import math
from dataclasses import dataclass

from torch import nn

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


def layers(network: nn.Module) -> list[tuple[str, Layer]]:
    """Each layer once, with its name in the network ("" where the network itself is one). Norm layers are none."""
    return [(name, module) for name, module in network.named_modules() if isinstance(module, Layer)]


@dataclass(frozen=True)
class Shape:
    """A layer's weight as formulas see it. A convolution in groups is so many layers side by side, each of `outputs` and
    `inputs` channels, with a kernel of `kernel` places; a dense layer has one group and no kernel.

    fan_in = inputs · taps, fan_out = outputs · taps. torch.nn.init divides its fan_out by no groups; here it is the number of
    weights that one input feeds.
    """

    outputs: int
    inputs: int
    kernel: tuple[int, ...] = ()
    groups: int = 1

    @classmethod
    def of(cls, layer: Layer) -> "Shape":
        groups = 1 if isinstance(layer, nn.Linear) else layer.groups
        outputs, inputs, *kernel = layer.weight.shape
        return cls(outputs // groups, inputs, tuple(kernel), groups)

    @property
    def taps(self) -> int:
        return math.prod(self.kernel)

    @property
    def fan_in(self) -> int:
        return self.inputs * self.taps

    @property
    def fan_out(self) -> int:
        return self.outputs * self.taps

    @property
    def weight(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return (self.groups * self.outputs, self.inputs, *self.kernel)
