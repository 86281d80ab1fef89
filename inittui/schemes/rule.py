"""The formula that all schemes share, in numbers and as text: how weights and biases are drawn, and activations' gains.

    weight = factor · draw        factor = gain · √(scale / fan)

`fan` is fan_in, fan_out, their mean (fan_avg), or 1. A draw has mean 0 and variance 1 for the distributions normal,
truncated_normal and uniform. `sparse` keeps a few normal draws per unit and sets the others to 0. `orthogonal` has
orthonormal rows or columns, `identity` has ones on its diagonal, `constant` is 1 everywhere. `own` calls a user's function.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Distribution = Literal["normal", "truncated_normal", "uniform", "orthogonal", "identity", "sparse", "constant", "own"]
Fan = Literal["fan_in", "fan_out", "fan_avg"]

CUT = 2.0  # where Keras and JAX cut a normal's tails, in its standard deviations


def rectifier_scale(slope: float) -> float:
    """2 / (1 + slope²): the gain squared of a ReLU with that slope below zero, 0 for ReLU (He et al. 2015, eq. 15)."""
    return 2 / (1 + slope * slope)


# The values of torch.nn.init.calculate_gain. A parameter called `gain` is a number or one of these names.
GAINS: Mapping[str, float] = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "relu": math.sqrt(rectifier_scale(0)),
    "leaky_relu": math.sqrt(rectifier_scale(0.01)),  # the default slope of torch.nn.LeakyReLU
    "tanh": 5 / 3,
    "selu": 3 / 4,
}


def gain(value: float | str) -> float:
    """The number that `gain=1.5` or `gain=tanh` means."""
    return GAINS[value] if isinstance(value, str) else value


def truncated_deviation(cut: float) -> float:
    """The standard deviation of a standard normal cut at ±cut: √(1 − 2 cut φ(cut) / (2 Φ(cut) − 1)), 0.8796 at 2."""
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


@dataclass(frozen=True)
class UnitVariance:
    """Each drawn layer is scaled, at most `rounds` times, until the variance of its output over a batch is within
    `tolerance` of 1 (Mishkin and Matas 2015, algorithm 1)."""

    tolerance: float
    rounds: int


@dataclass(frozen=True)
class Rule:
    """How weights and biases are drawn. Biases have variance `bias_scale`, divided by fan_in if `bias_fan_in` is true."""

    distribution: Distribution
    gain: float = 1.0
    scale: float = 1.0
    fan: Fan | None = None
    cut: float = CUT  # of truncated_normal, in standard deviations of the normal before it is cut
    kept: int | None = None  # of sparse: the number of drawn weights per unit; None: use `share`
    share: float = 1.0  # of sparse: the share of drawn weights per unit
    bias: Literal["zero", "normal", "uniform"] = "zero"
    bias_scale: float = 0.0
    bias_fan_in: bool = False
    target: UnitVariance | None = None

    def factor(self, fan_in: int, fan_out: int) -> float:
        """The factor on the draws: gain · √(scale / fan)."""
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2, None: 1}[self.fan]
        return self.gain * math.sqrt(self.scale / fan)

    def formula(self) -> str:
        """How the weights are drawn, in a few words. `in` and `out` are fan_in and fan_out."""
        if self.distribution == "sparse":
            kept = f"{100 * self.share:.4g} %" if self.kept is None else f"{self.kept}"
            return f"{kept} of a unit's, std {self.gain:g}"
        if self.distribution == "truncated_normal" and self.fan is None:
            return f"std fixed, cut at {self.cut:g} std"
        if self.distribution == "uniform":
            return f"U ±√({self._over_fan(3)})"
        return f"std √({self._over_fan()})" + (", truncated" if self.distribution == "truncated_normal" else "")

    def variance(self) -> str:
        """The variance of a weight: `2 / (in + out)`."""
        return self._over_fan().replace("/", " / ").replace("+", " + ")

    def _over_fan(self, factor: float = 1) -> str:
        """`factor` times the variance, as a quotient: `2/(in+out)`."""
        numerator = factor * self.gain * self.gain * self.scale * (2 if self.fan == "fan_avg" else 1)
        denominator = {None: "1", "fan_in": "in", "fan_out": "out", "fan_avg": "(in+out)"}[self.fan]
        return f"{numerator:.4g}/{denominator}"

    def std(self, fan_in: int, fan_out: int, taps: int = 1) -> float | None:
        """The standard deviation of a weight, over its draws and over the layer; None where it depends on the data or on a
        user's function. `taps` is the number of positions of a convolution's kernel, 1 for a dense layer."""
        if self.distribution == "own" or self.target is not None:
            return None
        unit_variance = 1.0
        match self.distribution:
            case "orthogonal":  # the squares of the matrix [fan_out / taps, fan_in] sum to the shorter side
                unit_variance = 1 / max(fan_in, fan_out // taps)
            case "identity":  # this share is 1, the rest 0
                share = 1 / max(fan_in, fan_out)
                unit_variance = share * (1 - share)
            case "sparse":
                unit_variance = self.connections(fan_in) / fan_in
            case "constant":
                unit_variance = 0.0
        return abs(self.factor(fan_in, fan_out)) * math.sqrt(unit_variance)

    def connections(self, fan_in: int) -> int:
        """The number of drawn weights per unit of a sparse layer, at least 1; the others are 0."""
        kept = round(self.share * fan_in) if self.kept is None else self.kept
        return min(max(kept, 1), fan_in)

    def bias_std(self, fan_in: int) -> float:
        """The standard deviation of a bias."""
        return math.sqrt(self.bias_scale / (fan_in if self.bias_fan_in else 1))
