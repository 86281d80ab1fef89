"""The networks."""

import itertools

from torch import nn

from inittui.preset import Model

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "linear": nn.Identity,
}


def mlp(model: Model, inputs: int, classes: int) -> nn.Sequential:
    """Linear layers with activations between them: [batch, inputs] to logits [batch, outputs].

    `model.outputs` may be larger than `classes` (the notebook's slip): cross-entropy then learns to leave the rest alone.
    """
    widths = [inputs, *model.hidden, model.outputs or classes]
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(widths):
        if layers:
            layers.append(ACTIVATIONS[model.activation]())
        # No draw of torch's own: `initialise` fills every parameter.
        layers.append(nn.utils.skip_init(nn.Linear, fan_in, fan_out))  # type: ignore[no-untyped-call]
    return nn.Sequential(*layers)
