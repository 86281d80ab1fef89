"""The layers that a scheme fills: every Linear and Conv layer of a module."""

import math
from dataclasses import dataclass

from torch import nn

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


def layers(network: nn.Module) -> list[tuple[str, Layer]]:
    """Name and layer, each layer once, in the module's order. The name is "" when the network itself is the layer."""
    return [(name, module) for name, module in network.named_modules() if isinstance(module, Layer)]


@dataclass(frozen=True)
class Shape:
    """The shape of a layer's weight as formulas need it: [groups · outputs, inputs, *kernel].

    A convolution with groups is several layers side by side: outputs and inputs are the channels of one group. A dense layer
    has one group and no kernel.
    """

    weight: tuple[int, ...]
    groups: int = 1

    @classmethod
    def of(cls, layer: Layer) -> "Shape":
        return cls(tuple(layer.weight.shape), 1 if isinstance(layer, nn.Linear) else layer.groups)

    @property
    def outputs(self) -> int:
        return self.weight[0] // self.groups

    @property
    def taps(self) -> int:
        """The number of elements of the kernel; 1 for a dense layer."""
        return math.prod(self.weight[2:])

    @property
    def fan_in(self) -> int:
        return math.prod(self.weight[1:])

    @property
    def fan_out(self) -> int:
        """The number of weights that one input feeds. torch.nn.init does not divide its fan_out by the groups."""
        return self.outputs * self.taps
