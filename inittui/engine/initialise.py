"""Draws a scheme's weights. The one mathematics: draws of unit variance, scaled by the catalogue's row.

Every layer has a stream of its own, seeded by the replica's seed, so two arms with one seed scale the *same* draws (of the
same distribution), and adding a layer changes no other. Draws are made on the CPU: a GPU starts from the same weights.
"""

import hashlib
import math

import torch
from torch import Tensor, nn

from inittui.preset import Init
from inittui.schemes import Scheme, scheme


def stream(seed: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose of a seed: `batches`, `weights/0`, `biases/0`, …"""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.no_grad()
def initialise(network: nn.Module, init: Init, seed: int) -> list[float]:
    """Fill every Linear layer of `network` in place; returns the sample deviation of each layer's weights.

    Biases become zero, or U(±1/√fan_in) where the scheme says so.
    """
    row = scheme(init.name)
    deviations = []
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    for place, layer in enumerate(layers):
        fan_out, fan_in = layer.weight.shape
        scale = row.std(fan_in, fan_out, init.parameters)
        weight = draw(row, fan_out, fan_in, stream(seed, f"weights/{place}")).mul_(scale)
        layer.weight.copy_(weight)
        if row.uniform_bias:
            bound = 1 / math.sqrt(fan_in)
            layer.bias.copy_(torch.empty(fan_out).uniform_(-bound, bound, generator=stream(seed, f"biases/{place}")))
        else:
            layer.bias.zero_()
        deviations.append(float(weight.std(correction=0)))
    return deviations


def draw(row: Scheme, fan_out: int, fan_in: int, generator: torch.Generator) -> Tensor:
    """A [fan_out, fan_in] matrix of the row's distribution before scaling.

    Normal and uniform draws have variance 1; an orthogonal matrix has orthonormal rows or columns, whichever are fewer,
    from the QR decomposition of normal draws with the signs fixed (Mezzadri 2007), so that it is Haar-distributed.
    """
    match row.distribution:
        case "normal":
            return torch.empty(fan_out, fan_in).normal_(generator=generator)
        case "uniform":
            return torch.empty(fan_out, fan_in).uniform_(-math.sqrt(3), math.sqrt(3), generator=generator)
        case "orthogonal":
            tall, thin = max(fan_out, fan_in), min(fan_out, fan_in)
            q: Tensor
            q, r = torch.linalg.qr(torch.empty(tall, thin).normal_(generator=generator))
            q *= r.diagonal().sign()
            return q if fan_out >= fan_in else q.T.contiguous()
        case "zeros":
            return torch.zeros(fan_out, fan_in)
