"""Draws of variance 1 from each distribution, which a rule's factor multiplies.

Schemes of one family share their draws: truncated normals are the normals of the same stream, moved inwards, and sparse and
orthogonal weights are made from the same normals.
"""

import math

import torch
from torch import Tensor, nn

from inittui.engine.networks.layers import Shape
from inittui.schemes.rule import Rule, truncated_deviation


def draw(rule: Rule, shape: Shape, generator: torch.Generator, places: torch.Generator) -> Tensor:
    """A weight of `shape` before it is scaled, float32. `places` chooses the weights of a sparse layer that are not zero."""
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
            weight = torch.empty(shape.weight)
            return nn.init.dirac_(weight, shape.groups) if len(shape.weight) > 2 else nn.init.eye_(weight)
        case "sparse":
            keys = torch.rand(shape.weight, generator=places).flatten(1)
            zeros = keys.argsort(1)[:, rule.connections(shape.fan_in) :]
            return _normal(shape, generator).flatten(1).scatter_(1, zeros, 0.0).view(shape.weight)
        case "constant":
            return torch.ones(shape.weight)
        case "own":
            raise ValueError("a user's own scheme makes its own draws")


def _normal(shape: Shape, generator: torch.Generator) -> Tensor:
    return torch.empty(shape.weight).normal_(generator=generator)


def truncate(normals: Tensor, cut: float) -> Tensor:
    """Standard normals as draws from a normal truncated at ±cut, scaled to variance 1.

    x = Φ⁻¹(Φ(−cut) + Φ(z) (Φ(cut) − Φ(−cut))) has the truncated distribution and keeps the order and the signs of z. It is
    then divided by the standard deviation of that distribution, 0.8796 at cut = 2.
    """
    below = 0.5 * math.erfc(cut / math.sqrt(2))
    shares = torch.special.ndtr(normals.double()).mul_(1 - 2 * below).add_(below)
    inside: Tensor = torch.special.ndtri(shares).clamp_(-cut, cut)
    return inside.div_(truncated_deviation(cut)).to(normals.dtype)


def orthonormal(shape: Shape, generator: torch.Generator) -> Tensor:
    """A weight whose matrix [outputs, fan_in] has orthonormal rows or columns, whichever are fewer, in each group.

    It is the Q of a QR decomposition of normal draws. The signs of R's diagonal are made positive, so that Q is
    Haar-distributed (Mezzadri 2007).
    """
    rows, columns = shape.outputs, shape.fan_in
    normals = torch.empty(shape.groups, max(rows, columns), min(rows, columns)).normal_(generator=generator)
    q: Tensor
    q, r = torch.linalg.qr(normals)
    q = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    return (q if rows >= columns else q.mT).reshape(shape.weight)
