"""The catalogue of initialisation schemes: one row a scheme, no torch.

A row says what a person wants to know (formula, biases, paper, what it was derived for, gains, its names elsewhere, its
traps) and has the rule that the engine draws by: a distribution of unit draws, and the factor that scales them.
`inittui.engine.initialise` multiplies; everything that tells two schemes apart is here.
"""

from inittui.schemes.catalogue import SCHEMES, scheme
from inittui.schemes.gains import GAINS, gain
from inittui.schemes.init import Init
from inittui.schemes.parsing import canonical, check_parameters, parse
from inittui.schemes.row import Parameter, Parameters, Scheme, Value
from inittui.schemes.rule import Distribution, Fan, Rule, UnitVariance

__all__ = [
    "GAINS",
    "SCHEMES",
    "Distribution",
    "Fan",
    "Init",
    "Parameter",
    "Parameters",
    "Rule",
    "Scheme",
    "UnitVariance",
    "Value",
    "canonical",
    "check_parameters",
    "gain",
    "parse",
    "scheme",
]
