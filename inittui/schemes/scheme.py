"""The entry of a scheme in the catalogue, and of its parameters."""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from inittui.schemes.rule import GAINS, Rule

Value = float | str  # a number, or a word such as fan_out
Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a scheme: a number from `minimum` to `maximum`, or one of `words`. With a word as its default, it is no
    number.

    `default` None means that it is required, unless it replaces another one (`instead_of`): only one of the two can be given.
    """

    meaning: str
    default: Value | None = None
    minimum: float = 0.0
    maximum: float = math.inf
    whole: bool = False
    words: tuple[str, ...] = ()
    instead_of: str = ""
    example: str = "0.01"

    @property
    def expected(self) -> str:
        """The values that are allowed, for messages."""
        if isinstance(self.default, str):
            return f"one of {', '.join(self.words)}"
        kind = "a whole number" if self.whole else "a finite number"
        if math.isfinite(self.maximum):
            kind += f" from {self.minimum:g} to {self.maximum:,.9g}"
        elif math.isfinite(self.minimum):
            kind += f" of at least {self.minimum:g}"
        return f"{kind}, or one of {', '.join(self.words)}" if self.words else kind

    def read(self, value: object) -> Value | None:
        """`value` as this parameter has it, or None if it is not allowed."""
        if isinstance(value, str):
            return value if value in self.words else None
        if isinstance(self.default, str) or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # Compared as they are: a large integer may not fit into a float.
        largest = min(self.maximum, sys.float_info.max)
        fits = max(self.minimum, -sys.float_info.max) <= value <= largest and not (self.whole and value % 1)
        return float(value) if fits else None


GAIN = Parameter("factor on the weights", 1.0, words=tuple(GAINS), example="tanh")
GAIN_NAMES = (
    "linear and sigmoid 1, relu √2, leaky_relu √(2/(1+0.01²)), tanh 5/3, selu 3/4 (torch.nn.init.calculate_gain)"
)


@dataclass(frozen=True)
class Scheme:
    """One entry of the catalogue: what is shown of a scheme, and the rule that the engine draws by.

    `short` is `derived_for` in a few words, for lists. `torch`, `keras` and `jax` are the names of the same scheme there.
    `formula`, `variance` and `bias` are empty if the text follows from the rule; `spec.Init` has the text in both cases.
    `notes` are traps.
    """

    name: str
    rule: Callable[[Parameters], Rule]
    short: str
    derived_for: str
    paper: str
    gains: str
    formula: str = ""
    variance: str = ""
    bias: str = "zero"
    torch: str = "none"
    keras: str = "none"
    jax: str = "none"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    title: str = ""  # of a user's scheme: its function's name

    @property
    def example(self) -> str:
        """The scheme as it is typed, with example values of the parameters that are required: `normal(std=0.01)`."""
        required = [
            f"{key}={p.example}" for key, p in self.parameters.items() if p.default is None and not p.instead_of
        ]
        return f"{self.name}({', '.join(required)})" if required else self.name

    def complete(self, parameters: Parameters) -> dict[str, Value]:
        """`parameters`, and the defaults of those that are not given."""
        replaced = {self.parameters[key].instead_of for key in parameters if key in self.parameters}
        defaults = {
            key: parameter.default
            for key, parameter in self.parameters.items()
            if parameter.default is not None and key not in replaced
        }
        return defaults | dict(parameters)
