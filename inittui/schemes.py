"""The catalogue of initialisation schemes: one row a scheme, no torch.

A row says what a person wants to know (formula, variance, paper, what it was derived for) and what the engine needs
to draw it: a distribution with unit variance, and the factor that scales it. `inittui.engine.initialise` multiplies;
everything that tells two schemes apart is here. In the formulas `in` and `out` are fan_in and fan_out.
"""

import ast
import math
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from inittui.errors import SchemeError, nearest

Distribution = Literal["normal", "uniform", "orthogonal", "zeros"]
Scale = Callable[[int, int, Mapping[str, float]], float]

GLOROT = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"
HE = "He, Zhang, Ren and Sun 2015, Delving deep into rectifiers"
LECUN = "LeCun, Bottou, Orr and Müller 1998, Efficient backprop"
SAXE = "Saxe, McClelland and Ganguli 2014, Exact solutions to the nonlinear dynamics of learning"


@dataclass(frozen=True)
class Parameter:
    """A number that a scheme takes. `default` None means that it has to be given."""

    meaning: str
    default: float | None = None
    minimum: float = 0.0


@dataclass(frozen=True)
class Scheme:
    """One row of the catalogue.

    `std(fan_in, fan_out, parameters)` is the standard deviation of a weight; for the distributions `normal` and
    `uniform` the engine scales draws of unit variance by it, for `orthogonal` it is the gain of the orthonormal matrix.
    """

    name: str
    distribution: Distribution
    std: Scale
    formula: str  # as short as a panel's title needs it
    variance: str
    derived_for: str
    paper: str
    elsewhere: str  # the name in PyTorch, Keras, JAX
    bias: str = "zero"
    uniform_bias: bool = False  # biases from U(±1/√in) instead of zero
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def label(self, parameters: Mapping[str, float]) -> str:
        """The scheme as a person types it: `he_normal`, `normal(std=0.01)`; parameters at their default are left out."""
        told = {k: v for k, v in sorted(parameters.items()) if v != self.parameters[k].default}
        inside = ", ".join(f"{key}={value:g}" for key, value in told.items())
        return f"{self.name}({inside})" if inside else self.name


def _rows(*rows: Scheme) -> dict[str, Scheme]:
    return {row.name: row for row in rows}


SCHEMES: Mapping[str, Scheme] = _rows(
    Scheme(
        name="xavier_normal",
        distribution="normal",
        std=lambda fan_in, fan_out, p: math.sqrt(2 / (fan_in + fan_out)),
        formula="std √(2/(in+out))",
        variance="2 / (in + out)",
        derived_for="linear units and tanh near zero: a compromise between keeping the signal and keeping the gradient",
        paper=f"{GLOROT}, eq. 12",
        elsewhere="torch nn.init.xavier_normal_; Keras GlorotNormal (truncated); JAX glorot_normal (truncated)",
    ),
    Scheme(
        name="xavier_uniform",
        distribution="uniform",
        std=lambda fan_in, fan_out, p: math.sqrt(2 / (fan_in + fan_out)),
        formula="U ±√(6/(in+out))",
        variance="2 / (in + out)",
        derived_for="linear units and tanh near zero; the paper's own 'normalized initialization'",
        paper=f"{GLOROT}, eq. 16",
        elsewhere="torch nn.init.xavier_uniform_; Keras GlorotUniform (its default); JAX glorot_uniform",
    ),
    Scheme(
        name="he_normal",
        distribution="normal",
        std=lambda fan_in, fan_out, p: math.sqrt(2 / fan_in),
        formula="std √(2/in)",
        variance="2 / in",
        derived_for="ReLU: half of the units are silent, so the variance is doubled",
        paper=f"{HE}, eq. 10",
        elsewhere="torch nn.init.kaiming_normal_ (nonlinearity='relu'); Keras HeNormal (truncated); JAX he_normal",
    ),
    Scheme(
        name="he_uniform",
        distribution="uniform",
        std=lambda fan_in, fan_out, p: math.sqrt(2 / fan_in),
        formula="U ±√(6/in)",
        variance="2 / in",
        derived_for="ReLU, with bounded draws",
        paper=f"{HE}, eq. 10",
        elsewhere="torch nn.init.kaiming_uniform_ (nonlinearity='relu'); Keras HeUniform; JAX he_uniform",
    ),
    Scheme(
        name="lecun_normal",
        distribution="normal",
        std=lambda fan_in, fan_out, p: math.sqrt(1 / fan_in),
        formula="std √(1/in)",
        variance="1 / in",
        derived_for="linear units, scaled tanh, and SELU; on square layers it equals Xavier",
        paper=f"{LECUN}, eq. 16",
        elsewhere="torch has none; Keras LecunNormal (truncated); JAX lecun_normal (flax's default for Dense)",
    ),
    Scheme(
        name="lecun_uniform",
        distribution="uniform",
        std=lambda fan_in, fan_out, p: math.sqrt(1 / fan_in),
        formula="U ±√(3/in)",
        variance="1 / in",
        derived_for="linear units and scaled tanh, with bounded draws",
        paper=f"{LECUN}, eq. 16",
        elsewhere="torch has none; Keras LecunUniform; JAX lecun_uniform",
    ),
    Scheme(
        name="orthogonal",
        distribution="orthogonal",
        std=lambda fan_in, fan_out, p: p["gain"],
        formula="gain · orthonormal",
        variance="gain² / max(in, out)",
        derived_for="deep linear networks, and tanh at the edge of chaos: every singular value is the gain",
        paper=SAXE,
        elsewhere="torch nn.init.orthogonal_; Keras Orthogonal; JAX orthogonal",
        parameters={"gain": Parameter("factor on the orthonormal matrix", default=1.0)},
    ),
    Scheme(
        name="normal",
        distribution="normal",
        std=lambda fan_in, fan_out, p: p["std"],
        formula="std fixed",
        variance="std², whatever the layer's size",
        derived_for="nothing: the habit before 2010, kept here to show what a fixed scale does with depth and width",
        paper="Krizhevsky, Sutskever and Hinton 2012 used std=0.01 (ImageNet classification with deep CNNs, section 5)",
        elsewhere="torch nn.init.normal_; Keras RandomNormal; JAX normal",
        parameters={"std": Parameter("standard deviation of every weight")},
    ),
    Scheme(
        name="uniform",
        distribution="uniform",
        std=lambda fan_in, fan_out, p: p["bound"] / math.sqrt(3),
        formula="U ±bound",
        variance="bound² / 3, whatever the layer's size",
        derived_for="nothing: a fixed scale, as in many first networks",
        paper="common practice",
        elsewhere="torch nn.init.uniform_; Keras RandomUniform; JAX uniform (from 0)",
        parameters={"bound": Parameter("largest absolute weight")},
    ),
    Scheme(
        name="torch_default",
        distribution="uniform",
        std=lambda fan_in, fan_out, p: math.sqrt(1 / (3 * fan_in)),
        formula="U ±1/√in, biases too",
        variance="1 / (3 in)",
        derived_for="nothing in particular: what torch.nn.Linear does when nobody asks (kaiming_uniform_ with a=√5)",
        paper=f"the rule of {LECUN}, as Lua Torch 7 had it",
        elsewhere="torch nn.Linear.reset_parameters; no name in Keras or JAX",
        bias="U(±1/√in)",
        uniform_bias=True,
    ),
    Scheme(
        name="zeros",
        distribution="zeros",
        std=lambda fan_in, fan_out, p: 0.0,
        formula="all 0",
        variance="0",
        derived_for="nothing: all units of a layer stay equal, so the network cannot learn. The control to show it",
        paper="Rumelhart, Hinton and Williams 1986 name the symmetry that random weights break",
        elsewhere="torch nn.init.zeros_; Keras Zeros; JAX zeros",
    ),
)


def scheme(name: str) -> Scheme:
    """The row called `name`. Raises SchemeError, which names the nearest, when there is none."""
    try:
        return SCHEMES[name]
    except KeyError:
        known = ", ".join(SCHEMES)
        hint = nearest(name, SCHEMES) or f" Known: {known}."
        raise SchemeError(f"no scheme '{name}'.{hint} 'inittui schemes' lists them all") from None


def check_parameters(name: str, given: Mapping[str, object]) -> dict[str, float]:
    """The parameters of scheme `name`, defaults filled in. Raises SchemeError for an unknown, missing or wrong one."""
    row = scheme(name)
    for key in given:
        if key not in row.parameters:
            takes = ", ".join(row.parameters) or "no parameters"
            raise SchemeError(f"scheme '{name}' has no parameter '{key}'; it takes {takes}")
    values: dict[str, float] = {}
    for key, parameter in row.parameters.items():
        value = given.get(key, parameter.default)
        if value is None:
            raise SchemeError(f"scheme '{name}' needs {key} ({parameter.meaning}), as in '{name}({key}=0.01)'")
        if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value, parameter.minimum):
            shown = "a huge number" if isinstance(value, int) and abs(value) > 10**30 else str(value)
            raise SchemeError(f"{name}({key}={shown[:40]}): expected a finite number of at least {parameter.minimum:g}")
        values[key] = float(value)
    return values


def _fits(value: float, minimum: float) -> bool:
    # An integer may be too large to become a float; comparing does not need it to.
    return minimum <= value <= sys.float_info.max


def parse(text: str) -> tuple[str, dict[str, float]]:
    """`he_normal` or `normal(std=0.01)` as a name and checked parameters. Raises SchemeError."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what Python thinks of a typed escape is nobody's business
            node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # a NUL byte; nesting without an end
        node = None
    given: dict[str, object] = {}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        try:
            given = {keyword.arg or "**": ast.literal_eval(keyword.value) for keyword in node.keywords}
            node = node if len(given) == len(node.keywords) else None  # one given twice
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            node = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        name = node.func.id
    elif isinstance(node, ast.Name):
        name = node.id
    else:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise SchemeError(f"'{shown}' is no scheme: expected a name such as he_normal, or normal(std=0.01)")
    return name, check_parameters(name, given)
