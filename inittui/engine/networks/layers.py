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
    """The shape of a layer's weight as formulas need it.

    A convolution with groups is several layers side by side: `outputs` and `inputs` are the channels of one group. A dense
    layer has one group and no kernel.

    fan_in = inputs · taps, fan_out = outputs · taps: the number of weights that one input feeds. torch.nn.init does not
    divide its fan_out by the groups.
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
        """The number of elements of the kernel; 1 for a dense layer."""
        return math.prod(self.kernel)

    @property
    def fan_in(self) -> int:
        return self.inputs * self.taps

    @property
    def fan_out(self) -> int:
        return self.outputs * self.taps

    @property
    def weight(self) -> tuple[int, ...]:
        """The shape of the weight tensor."""
        return (self.groups * self.outputs, self.inputs, *self.kernel)
