"""Mean-field theory: the predicted size of signal and gradient in each layer of a random network.

For weights that are independent with variance Var(w) and mean zero, and a wide layer, a pre-activation z is a Gaussian whose
mean square follows (Poole et al. 2016, eq. 3; He et al. 2015, eq. 8 for ReLU)

    q_1 = σ_b² + fan_in·Var(w)·E[x²],    q_{l+1} = σ_b² + fan_in·Var(w)·E[φ(√q_l·g)²],  g ~ N(0, 1)

and the gradient with respect to it, from the output back (Schoenholz et al. 2017, eq. 13),

    d_l = d_{l+1}·fan_out·Var(w)·E[φ'(√q_l·g)²].

The expectations have a closed form for ReLU and leaky ReLU. Otherwise they are Gauss-Legendre sums on panels that narrow
towards 0. Gauss-Hermite agrees to ten digits for a smooth activation and small q, but its nodes are too far apart for SELU's
kink (the slope is wrong by a tenth at q = 1) and for a saturated tanh (wrong by a factor of two at q = 100).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy
import torch
from torch import Tensor

from inittui.engine.networks.build import ACTIVATIONS

NODES = 16  # per panel
FARTHEST = 12.0  # standard deviations; less than 1e-32 of a Gaussian is beyond them
PANELS = 40  # on each side of 0; each is half as wide as the next, and the narrowest is 1e-11 wide
# The slope below zero of the piecewise linear activations. 0.01 is that of torch.nn.LeakyReLU.
KINKED = {"relu": 0.0, "leaky_relu": 0.01, "linear": 1.0}


@dataclass(frozen=True)
class LayerLaw:
    """What the theory needs of a layer: its fans, and the variance of a weight and of a bias."""

    fan_in: int
    fan_out: int
    weight: float
    bias: float = 0.0


def mean_square(activation: str, q: float) -> float:
    """E[φ(√q·g)²] for g ~ N(0, 1). Raises KeyError for an unknown activation."""
    if activation in KINKED:
        return q * (1 + KINKED[activation] ** 2) / 2
    nodes, weights = _quadrature()
    return float((weights * ACTIVATIONS[activation]()(nodes * math.sqrt(q)) ** 2).sum())


def mean_square_slope(activation: str, q: float) -> float:
    """E[φ'(√q·g)²] for g ~ N(0, 1)."""
    if activation in KINKED:
        return (1 + KINKED[activation] ** 2) / 2
    nodes, weights = _quadrature()
    z = (nodes * math.sqrt(q)).requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(ACTIVATIONS[activation]()(z).sum(), z)
    return float((weights * slope**2).sum())


@cache
def _quadrature() -> tuple[Tensor, Tensor]:
    """Nodes g and weights w such that Σ w·f(g) = E[f(g)], g ~ N(0, 1). Both float64."""
    inside, shares = map(torch.from_numpy, numpy.polynomial.legendre.leggauss(NODES))  # on -1..1
    edges = torch.tensor([*(FARTHEST * 2.0**-panel for panel in range(PANELS)), 0.0], dtype=torch.float64)
    middles, halves = (edges[:-1] + edges[1:]) / 2, (edges[:-1] - edges[1:]) / 2
    right = (middles.unsqueeze(1) + halves.unsqueeze(1) * inside).flatten()
    weights = (halves.unsqueeze(1) * shares).flatten() * (-right.square() / 2).exp() / math.sqrt(2 * math.pi)
    return torch.cat([right, -right]), torch.cat([weights, weights])


def signal(laws: Sequence[LayerLaw], activation: str, input_square: float, *, normed: bool = False) -> list[float]:
    """√q_l of every layer. `input_square` is E[x²] over images and pixels. `normed`: a norm layer before each activation
    sets q to 1."""
    sizes: list[float] = []
    before = input_square
    for law in laws:
        q = law.bias + law.fan_in * law.weight * before
        sizes.append(math.sqrt(q))
        before = mean_square(activation, 1.0 if normed else q) if math.isfinite(q) else math.inf
    return sizes


def gradient(laws: Sequence[LayerLaw], activation: str, signals: Sequence[float]) -> list[float]:
    """Root mean square of the gradient with respect to each layer's pre-activations, relative to the last layer's."""
    square = 1.0
    sizes = [1.0]
    for layer in range(len(laws) - 2, -1, -1):
        after = laws[layer + 1]
        square *= after.fan_out * after.weight * mean_square_slope(activation, signals[layer] * signals[layer])
        sizes.append(math.sqrt(square))
    return sizes[::-1]
