"""Layer-sequential unit variance (LSUV; Mishkin and Matas 2015, algorithm 1), in one pass over a batch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from inittui.common.errors import SchemeError
from inittui.engine.networks.layers import Layer
from inittui.schemes.rule import UnitVariance


@torch.no_grad()
def fit(network: nn.Module, chosen: Sequence[tuple[str, Layer]], batch: Tensor, target: UnitVariance) -> None:
    """Scale the weights of `chosen` in place, until the variance of each layer's output over `batch` is 1.

    Layer after layer in the order of the forward pass, and at most `rounds` times each:

        while |Var(z) − 1| ≥ tolerance:  W ← W / √Var(z)

    The variance is taken over inputs and units. One pass is enough, since the next layer gets the corrected output. The
    network runs in evaluation mode: dropout is off, and an untrained batch norm is the identity. Raises SchemeError for a
    layer whose output is constant or not finite.
    """
    names = {layer: name for name, layer in chosen}

    def scale(layer: nn.Module, inputs: tuple[Any, ...], keywords: Mapping[str, Any], output: Tensor) -> Tensor:
        if layer not in names:  # a layer that is used twice is fitted at its first use
            return output
        name = names.pop(layer)
        for _ in range(target.rounds):
            variance = float(output.double().var(correction=0))
            if not math.isfinite(variance) or variance <= 0:
                raise SchemeError(
                    f"lsuv: the output of layer '{name}' has variance {variance:g} over {len(batch)} training inputs; "
                    "expected one above 0, which can be scaled to 1"
                )
            if abs(variance - 1) < target.tolerance:
                break
            layer.weight.div_(math.sqrt(variance))
            output = layer.forward(*inputs, **keywords)
        return output

    hooks = [layer.register_forward_hook(scale, with_kwargs=True) for layer in names]
    modes = {module: module.training for module in network.modules()}
    try:
        network.eval()
        network(batch)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
