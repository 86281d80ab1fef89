"""A row of the catalogue, and what it takes."""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from inittui.common import formatting
from inittui.schemes import formulas
from inittui.schemes.rule import Rule

Value = float | str  # a number, or a word such as fan_out
Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Parameter:
    """What a scheme takes: a number from `minimum` to `maximum`, or one of `words`, or either.

    `default` None means that it has to be given, unless it stands `instead_of` another: of the two only one can be given.
    """

    meaning: str
    default: Value | None = None
    minimum: float = 0.0
    maximum: float = math.inf
    whole: bool = False
    number: bool = True
    words: tuple[str, ...] = ()
    instead_of: str = ""
    example: str = "0.01"

    @property
    def expected(self) -> str:
        """What it may be, as a person reads it."""
        if not self.number:
            return f"one of {', '.join(self.words)}"
        kind = "a whole number" if self.whole else "a finite number"
        if math.isfinite(self.maximum):
            kind += f" from {self.minimum:g} to {formatting.grouped(self.maximum)}"
        elif math.isfinite(self.minimum):
            kind += f" of at least {self.minimum:g}"
        return f"{kind}, or one of {', '.join(self.words)}" if self.words else kind

    def read(self, value: object) -> Value | None:
        """`value` as this parameter, or None where it can't be."""
        if isinstance(value, str):
            return value if value in self.words else None
        if not self.number or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # An integer may be too large to become a float; comparing does not need it to.
        largest = min(self.maximum, sys.float_info.max)
        fits = max(self.minimum, -sys.float_info.max) <= value <= largest and not (self.whole and value % 1)
        return float(value) if fits else None


@dataclass(frozen=True)
class Scheme:
    """One row of the catalogue: what a person wants to know, and the rule that the engine draws by.

    `formula`, `variance` and `bias` are the words for the parameters' defaults; `formula_of` and its like are those for
    given parameters. `short` is `derived_for` in a list.
    """

    name: str
    rule: Callable[[Parameters], Rule]
    formula: str
    variance: str
    short: str
    derived_for: str
    paper: str
    torch: str
    keras: str
    jax: str
    gains: str
    bias: str = "zero"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    title: str = ""  # what an own scheme is called

    def complete(self, parameters: Parameters) -> dict[str, Value]:
        """`parameters` with the defaults of those that are not given."""
        replaced = {self.parameters[key].instead_of for key in parameters if key in self.parameters}
        defaults = {
            key: parameter.default
            for key, parameter in self.parameters.items()
            if parameter.default is not None and key not in replaced
        }
        return defaults | dict(parameters)

    def rule_of(self, parameters: Parameters) -> Rule:
        """The rule for `parameters`, defaults filled in."""
        return self.rule(self.complete(parameters))

    def std(self, fan_in: int, fan_out: int, parameters: Parameters, taps: int = 1) -> float | None:
        """The standard deviation of a weight; None where only the data or a person's function can tell."""
        return self.rule_of(parameters).std(fan_in, fan_out, taps)

    def bias_std(self, fan_in: int, parameters: Parameters) -> float:
        """The standard deviation of a bias."""
        return self.rule_of(parameters).bias_std(fan_in)

    def label(self, parameters: Parameters) -> str:
        """The scheme as a person types it: `he_normal`, `normal(std=0.01)`; parameters at their default are left out."""
        told = {k: v for k, v in sorted(parameters.items()) if v != self.parameters[k].default}
        inside = ", ".join(f"{k}={v if isinstance(v, str) else formatting.number(v)}" for k, v in told.items())
        return f"{self.title or self.name}({inside})" if inside else self.title or self.name

    def formula_of(self, parameters: Parameters) -> str:
        """How the weights are drawn, as short as a panel's title needs it."""
        return (formulas.formula(self.rule_of(parameters)) if self.parameters else "") or self.formula

    def variance_of(self, parameters: Parameters) -> str:
        return (formulas.variance(self.rule_of(parameters)) if self.parameters else "") or self.variance

    def bias_of(self, parameters: Parameters) -> str:
        return (formulas.bias(self.rule_of(parameters)) if self.parameters else "") or self.bias
