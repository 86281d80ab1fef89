"""Fills a network's weights by a scheme. The one mathematics: unit draws, scaled by the rule of the catalogue's row.

Every layer has a stream of its own, seeded by the replica's seed and the layer's place, so two arms with one seed scale the
*same* draws (of the same family), and adding a layer behind changes none before it. Draws are made on the CPU: a GPU starts
from the same weights.
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
from inittui.schemes.catalogue import scheme
from inittui.schemes.rule import Rule
from inittui.schemes.spec import Init

BATCH = 1000  # training inputs that a data-driven scheme is fitted to


@torch.no_grad()
def initialise(
    network: nn.Module, init: Init, seed: int, *, batch: Tensor | None = None, exclude: Sequence[str] = ()
) -> list[float]:
    """Fill every Linear and Conv layer of `network` in place; returns the sample deviation of each layer's weights.

    Biases become zero, or what the scheme says of them. Layers whose name in the network matches a pattern of `exclude`
    ("head", "features.*") stay as they are, and so does everything that is no such layer. `batch` is a fixed batch of
    training inputs, for the schemes that are fitted to data. Raises SchemeError: a batch is missing or can't be fitted
    to, or a person's own scheme is at fault.
    """
    rule = scheme(init.name).rule_of(init.parameters)
    found = layers(network)
    chosen = []
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for name, _ in found):
            names = ", ".join(name for name, _ in found[:8]) + (", …" if len(found) > 8 else "")
            raise SchemeError(f'model.exclude: no layer is called "{pattern}"; this network has {names}')
    for place, (name, layer) in enumerate(found):
        if any(fnmatchcase(name, pattern) for pattern in exclude):
            continue
        chosen.append((name, layer))
        with torch.device("cpu"):  # also where a person has set another default: the generators are the CPU's
            if rule.distribution == "own":
                user_scheme.fill(init.name, name, layer, stream(seed, f"weights/{place}"))
            else:
                _fill(rule, layer, seed, place)
    if rule.target is not None:
        if batch is None:
            raise SchemeError(f"scheme '{init.name}' is fitted to training inputs, and there are none")
        lsuv.fit(network, chosen, batch, rule.target)
    return [float(layer.weight.std(correction=0)) for _, layer in found]


def _fill(rule: Rule, layer: Layer, seed: int, place: int) -> None:
    shape = Shape.of(layer)
    weight = draw(rule, shape, stream(seed, f"weights/{place}"), stream(seed, f"places/{place}"))
    layer.weight.copy_(weight.mul_(rule.factor(shape.fan_in, shape.fan_out)))
    if layer.bias is None:
        return
    std = rule.bias_std(shape.fan_in)
    biases = torch.zeros(len(layer.bias))
    if rule.bias == "uniform":
        bound = std * math.sqrt(3)
        biases.uniform_(-bound, bound, generator=stream(seed, f"biases/{place}"))
    elif rule.bias == "normal":
        biases.normal_(generator=stream(seed, f"biases/{place}")).mul_(std)
    layer.bias.copy_(biases)
