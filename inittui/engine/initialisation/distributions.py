"""Unit draws of each distribution: what a rule's factor multiplies.

Schemes of one family share their draws: truncated normals are the normals of the same stream moved inwards, and sparse
weights and orthogonal matrices are made from them too.
"""

import math

import torch
from torch import Tensor

from inittui.engine.networks.layers import Shape
from inittui.schemes.rule import Rule, truncated_deviation


def draw(rule: Rule, shape: Shape, generator: torch.Generator, places: torch.Generator) -> Tensor:
    """A weight of `shape` before it is scaled. `places` says which weights of a sparse layer are kept. See `schemes.rule`."""
    match rule.distribution:
        case "normal":
            return _normal(shape, generator)
        case "truncated_normal":
            return truncate(_normal(shape, generator), rule.cut)
        case "uniform":
            return torch.empty(shape.weight).uniform_(-math.sqrt(3), math.sqrt(3), generator=generator)
        case "orthogonal":
            return orthonormal(shape, generator)
        case "identity":
            return identity(shape)
        case "sparse":
            keys = torch.rand(shape.weight, generator=places).flatten(1)
            zeros = keys.argsort(1)[:, rule.connections(shape.fan_in) :]
            return _normal(shape, generator).flatten(1).scatter_(1, zeros, 0.0).view(shape.weight)
        case "constant":
            return torch.ones(shape.weight)
        case "own":
            raise ValueError("an own scheme draws for itself")


def _normal(shape: Shape, generator: torch.Generator) -> Tensor:
    return torch.empty(shape.weight).normal_(generator=generator)


def truncate(normals: Tensor, cut: float) -> Tensor:
    """Standard normals as draws from a normal cut at ±cut, scaled to variance 1.

    x = Φ⁻¹(Φ(−cut) + Φ(z) (Φ(cut) − Φ(−cut))) has that law, and keeps the order and the signs of the draws z. After that they
    are divided by the law's deviation, 0.8796 at cut = 2.
    """
    below = 0.5 * math.erfc(cut / math.sqrt(2))
    shares = torch.special.ndtr(normals.double()).mul_(1 - 2 * below).add_(below)
    inside: Tensor = torch.special.ndtri(shares).clamp_(-cut, cut)
    return inside.div_(truncated_deviation(cut)).to(normals.dtype)


def orthonormal(shape: Shape, generator: torch.Generator) -> Tensor:
    """Orthonormal rows or columns, whichever are fewer, of each group's matrix [outputs, fan_in].

    From the QR decomposition of normal draws with the signs fixed (Mezzadri 2007), so that it is Haar-distributed.
    """
    rows, columns = shape.outputs, shape.fan_in
    normals = torch.empty(shape.groups, max(rows, columns), min(rows, columns)).normal_(generator=generator)
    q: Tensor
    q, r = torch.linalg.qr(normals)
    q = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    return (q if rows >= columns else q.mT).reshape(shape.weight)


def identity(shape: Shape) -> Tensor:
    """Ones from input i to output i of each group, in the middle of a kernel (Dirac); zeros elsewhere."""
    middle = 0
    for size in shape.kernel:
        middle = middle * size + size // 2
    weight = torch.zeros(shape.groups, shape.outputs, shape.inputs, shape.taps)
    diagonal = torch.arange(min(shape.outputs, shape.inputs))
    weight[:, diagonal, diagonal, middle] = 1.0
    return weight.view(shape.weight)
