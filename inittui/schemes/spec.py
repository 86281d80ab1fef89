"""What is typed for a scheme, as a name and checked parameters: `he_normal`, `normal(std=0.01)`, `./my_scheme.py:my_init`."""

import ast
import warnings
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from inittui.common import formatting
from inittui.common.errors import SchemeError, nearest
from inittui.common.user_code_refs import SCHEME, reference
from inittui.schemes import user_scheme
from inittui.schemes.catalogue import SCHEMES, scheme
from inittui.schemes.rule import Rule
from inittui.schemes.scheme import Value


class Init(Struct, frozen=True):
    """The scheme of an arm: its name in the catalogue, or the reference to a user's own, and all its parameters."""

    name: str
    parameters: dict[str, Value] = {}

    @classmethod
    def of(cls, given: str | Mapping[str, Any]) -> "Init":
        """From `"normal(std=0.01)"` or `{name = "normal", std = 0.01}`. Raises SchemeError."""
        if not isinstance(given, str):
            name, parameters = given["name"], {key: value for key, value in given.items() if key != "name"}
        elif own := reference(given.strip(), SCHEME):
            return cls(str(own))
        else:
            name, parameters = _call(given.strip())
        if name not in SCHEMES:  # an entry point is recorded as the reference to its function
            name = str(reference(name, SCHEME) or user_scheme.installed().get(name) or scheme(name).name)
        return cls(name, check_parameters(name, parameters))

    @property
    def rule(self) -> Rule:
        """How weights and biases are drawn, defaults filled in."""
        entry = scheme(self.name)
        return entry.rule(entry.complete(self.parameters))

    @property
    def label(self) -> str:
        """The scheme as it is typed, without parameters at their default: `he_normal`, `normal(std=0.01)`."""
        entry = scheme(self.name)
        changed = {
            key: value for key, value in sorted(self.parameters.items()) if value != entry.parameters[key].default
        }
        inside = ", ".join(f"{k}={v if isinstance(v, str) else formatting.number(v)}" for k, v in changed.items())
        return (entry.title or self.name) + (f"({inside})" if inside else "")

    @property
    def formula(self) -> str:
        """How the weights are drawn, short enough for a panel's title."""
        return scheme(self.name).formula or self.rule.formula()

    @property
    def variance(self) -> str:
        return scheme(self.name).variance or self.rule.variance()

    @property
    def bias(self) -> str:
        return scheme(self.name).bias or f"N(0, {self.rule.bias_scale:g})"


def check_parameters(name: str, given: Mapping[str, object]) -> dict[str, Value]:
    """The parameters of scheme `name`, defaults filled in. Raises SchemeError for an unknown, missing or wrong one."""
    entry = scheme(name)
    values: dict[str, Value] = {}
    for key, value in given.items():
        if key not in entry.parameters:
            takes = ", ".join(entry.parameters) or "no parameters"
            hint = nearest(key, entry.parameters) if len(entry.parameters) > 1 else ""
            raise SchemeError(
                f"scheme '{entry.title or name}' has no parameter '{key}'; it takes {takes}{hint and '.' + hint}"
            )
        parameter = entry.parameters[key]
        if (other := parameter.instead_of) in given:
            raise SchemeError(f"{name}: expected {other} or {key}, and not both; leave one out")
        if (read := parameter.read(value)) is None:
            shown = str(value) if isinstance(value, str | float | list) else f"a {type(value).__name__}"
            if isinstance(value, int):
                shown = "a huge number" if abs(value) > 10**30 else str(value)
            hint = nearest(value, parameter.words) if isinstance(value, str) else ""
            raise SchemeError(f"{name}({key}={shown[:40]}): expected {parameter.expected}{hint and '.' + hint}")
        values[key] = read
    complete = entry.complete(values)
    for key, parameter in entry.parameters.items():
        if key not in complete and parameter.default is None and not parameter.instead_of:
            raise SchemeError(f"scheme '{name}' needs {key} ({parameter.meaning}), as in '{entry.example}'")
    return {key: complete[key] for key in entry.parameters if key in complete}


def _call(text: str) -> tuple[str, dict[str, object]]:
    """`name` or `name(key=number, key=word)`, parsed as Python but never run. Raises SchemeError."""
    try:
        with warnings.catch_warnings(action="ignore"):  # Python warns of unknown escapes in the text
            node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            given = {
                key.arg or "**": key.value.id if isinstance(key.value, ast.Name) else ast.literal_eval(key.value)
                for key in node.keywords
            }
            if len(given) == len(node.keywords):  # no key is given twice
                return node.func.id, given
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # a NUL byte; nested too deeply
        pass
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    raise SchemeError(f"'{shown}' is no scheme: expected a name such as he_normal, or normal(std=0.01)")
