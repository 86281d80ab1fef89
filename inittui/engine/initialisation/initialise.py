"""Fills the weights of a network by a scheme: draws of variance 1, scaled by the scheme's rule.

Every layer has its own random stream, from the replica's seed and the layer's index. Two arms with the same seed therefore
scale the *same* draws if their schemes are of one family, and an additional layer at the end changes no earlier one. The CPU
makes the draws, so that a GPU starts from the same weights.
"""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from inittui.common.errors import SchemeError
from inittui.engine.initialisation import lsuv, user_scheme
from inittui.engine.initialisation.distributions import draw
from inittui.engine.networks.layers import Layer, Shape, layers
from inittui.engine.networks.random_streams import stream
from inittui.schemes.rule import Rule
from inittui.schemes.spec import Init

BATCH = 1000  # training inputs that a data-dependent scheme is fitted to


@torch.no_grad()
def initialise(
    network: nn.Module, init: Init, seed: int, *, batch: Tensor | None = None, exclude: Sequence[str] = ()
) -> list[float]:
    """Fill every Linear and Conv layer of `network` in place. Returns the standard deviation of each layer's weights.

    Biases become zero, unless the scheme has a rule for them. Layers whose name matches a pattern of `exclude` ("head",
    "features.*") stay as they are, and so do all other parameters. `batch` is a batch of training inputs for the schemes that
    are fitted to data. Raises SchemeError when that batch is missing or can't be fitted to, when a pattern matches no layer,
    and when a user's own scheme fails.
    """
    rule = init.rule
    named_layers = layers(network)
    chosen = []
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for name, _ in named_layers):
            names = ", ".join(name for name, _ in named_layers[:8]) + (", …" if len(named_layers) > 8 else "")
            raise SchemeError(f'model.exclude: no layer is called "{pattern}"; this network has {names}')
    for index, (name, layer) in enumerate(named_layers):
        if any(fnmatchcase(name, pattern) for pattern in exclude):
            continue
        chosen.append((name, layer))
        with torch.device("cpu"):  # the generators are the CPU's; a user may have set another default device
            if rule.distribution == "own":
                user_scheme.fill(init.name, name, layer, stream(seed, f"weights/{index}"))
            else:
                _fill(rule, layer, seed, index)
    if rule.target is not None:
        if batch is None:
            raise SchemeError(f"scheme '{init.name}' is fitted to training inputs, and there are none")
        lsuv.fit(network, chosen, batch, rule.target)
    return [float(layer.weight.std(correction=0)) for _, layer in named_layers]


def _fill(rule: Rule, layer: Layer, seed: int, index: int) -> None:
    shape = Shape.of(layer)
    weight = draw(rule, shape, stream(seed, f"weights/{index}"), stream(seed, f"places/{index}"))
    layer.weight.copy_(weight.mul_(rule.factor(shape.fan_in, shape.fan_out)))
    if layer.bias is None:
        return
    std = rule.bias_std(shape.fan_in)
    biases = torch.zeros(len(layer.bias))
    if rule.bias == "uniform":
        bound = std * math.sqrt(3)
        biases.uniform_(-bound, bound, generator=stream(seed, f"biases/{index}"))
    elif rule.bias == "normal":
        biases.normal_(generator=stream(seed, f"biases/{index}")).mul_(std)
    layer.bias.copy_(biases)
