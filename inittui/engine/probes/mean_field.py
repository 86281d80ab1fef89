"""How large a signal is in each layer of a random network, by mean-field theory, to be drawn beside what is measured.

For weights that are independent with variance Var(w) and mean zero, and a wide layer, a pre-activation z is a Gaussian whose
mean square follows (Poole et al. 2016, eq. 3; He et al. 2015, eq. 8 for ReLU)

    q_1 = σ_b² + fan_in·Var(w)·E[x²],    q_{l+1} = σ_b² + fan_in·Var(w)·E[φ(√q_l·g)²],  g ~ N(0, 1)

and the gradient with respect to it, from the output back (Schoenholz et al. 2017, eq. 13),

    d_l = d_{l+1}·fan_out·Var(w)·E[φ'(√q_l·g)²].

The expectations have a closed form for ReLU and its leaky relative, and are Gaussian sums otherwise: of Gauss-Legendre on
panels that narrow towards 0. Gauss-Hermite agrees to ten digits where the activation is smooth and q is small; but its nodes
stand too far apart for SELU's kink (the slope is a tenth off at q = 1) and for a tanh that saturates (twice at q = 100).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy
import torch
from torch import Tensor

NODES = 16  # of a panel
FARTHEST = 12.0  # standard deviations; beyond them lies less than 1e-32 of a Gaussian
PANELS = 40  # on each side of 0, each half as wide as the next: the narrowest are 1e-11
LEAK = 0.01  # torch.nn.LeakyReLU's slope

Activation = Callable[[Tensor], Tensor]
SMOOTH: dict[str, Activation] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "selu": torch.nn.functional.selu,
}
# Of the piecewise linear ones, the slope below zero.
KINKED = {"relu": 0.0, "leaky_relu": LEAK, "linear": 1.0}


@dataclass(frozen=True)
class LayerLaw:
    """What the theory needs to know of a layer: its fans, the variance of a weight and of a bias."""

    fan_in: int
    fan_out: int
    weight: float
    bias: float = 0.0


def mean_square(activation: str, q: float) -> float:
    """E[φ(√q·g)²] for g ~ N(0, 1). Raises KeyError for an activation that it does not know."""
    if activation in KINKED:
        return q * (1 + KINKED[activation] ** 2) / 2
    return _expectation(lambda z: SMOOTH[activation](z) ** 2, q)


def mean_square_slope(activation: str, q: float) -> float:
    """E[φ'(√q·g)²] for g ~ N(0, 1)."""
    if activation in KINKED:
        return (1 + KINKED[activation] ** 2) / 2
    return _expectation(lambda z: _slope(SMOOTH[activation], z) ** 2, q)


def _slope(activation: Activation, z: Tensor) -> Tensor:
    with torch.enable_grad():
        z = z.clone().requires_grad_()
        (slope,) = torch.autograd.grad(activation(z).sum(), z)
    return slope


def _expectation(function: Activation, q: float) -> float:
    nodes, weights = _quadrature()
    return float((weights * function(nodes * math.sqrt(q)).detach()).sum())


@cache
def _quadrature() -> tuple[Tensor, Tensor]:
    """Nodes g and weights of a sum that is E[f(g)], g ~ N(0, 1)."""
    inside, shares = map(torch.from_numpy, numpy.polynomial.legendre.leggauss(NODES))  # on -1..1
    edges = FARTHEST * 2.0 ** -torch.arange(PANELS, dtype=torch.float64)
    edges = torch.cat([edges, torch.zeros(1, dtype=torch.float64)])
    middles, halves = (edges[:-1] + edges[1:]) / 2, (edges[:-1] - edges[1:]) / 2
    right = (middles.unsqueeze(1) + halves.unsqueeze(1) * inside).flatten()
    weights = (halves.unsqueeze(1) * shares).flatten() * (-right.square() / 2).exp() / math.sqrt(2 * math.pi)
    return torch.cat([right, -right]), torch.cat([weights, weights])


def signal(laws: Sequence[LayerLaw], activation: str, input_square: float, *, normed: bool = False) -> list[float]:
    """√q_l of every layer. `input_square` is E[x²] over the inputs and their components; `normed`: a norm layer between each
    layer and its activation brings q back to 1."""
    found: list[float] = []
    before = input_square
    for law in laws:
        q = law.bias + law.fan_in * law.weight * before
        found.append(math.sqrt(q))
        before = mean_square(activation, 1.0 if normed else q) if math.isfinite(q) else math.inf
    return found


def gradient(laws: Sequence[LayerLaw], activation: str, signals: Sequence[float]) -> list[float]:
    """Root mean square of the gradient with respect to each layer's pre-activations, the last layer's taken as 1."""
    square = 1.0
    found = [1.0]
    for place in range(len(laws) - 2, -1, -1):
        after = laws[place + 1]
        square *= after.fan_out * after.weight * mean_square_slope(activation, signals[place] * signals[place])
        found.append(math.sqrt(square))
    return found[::-1]
