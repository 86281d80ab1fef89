"""Gains: what an activation takes from the signal, a scheme may give back as a factor.

The values are those of `torch.nn.init.calculate_gain`. A parameter called `gain` is a number or one of these names.
"""

import math
from collections.abc import Mapping

SLOPE = 0.01  # of leaky ReLU, where nobody says otherwise: that of torch.nn.LeakyReLU


def rectifier_gain(slope: float) -> float:
    """√(2 / (1 + slope²)): the gain of a ReLU with that slope below zero, 0 for ReLU itself (He et al. 2015, eq. 15)."""
    return math.sqrt(rectifier_scale(slope))


def rectifier_scale(slope: float) -> float:
    """2 / (1 + slope²), the square of the gain."""
    return 2 / (1 + slope * slope)


GAINS: Mapping[str, float] = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "relu": rectifier_gain(0),
    "leaky_relu": rectifier_gain(SLOPE),
    "tanh": 5 / 3,
    "selu": 3 / 4,
}


def gain(value: float | str) -> float:
    """The number that `gain=1.5` or `gain=tanh` means."""
    return GAINS[value] if isinstance(value, str) else value
