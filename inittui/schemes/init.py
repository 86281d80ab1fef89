"""A scheme as an arm has it: its name and its parameters."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from inittui.schemes.catalogue import scheme
from inittui.schemes.scheme import Value
from inittui.schemes.spec import canonical, check_parameters, parse


class Init(Struct, frozen=True):
    """A scheme of the catalogue, or an own one by its reference, with its parameters, defaults filled in."""

    name: str
    parameters: dict[str, Value] = {}

    @classmethod
    def of(cls, given: str | Mapping[str, Any]) -> "Init":
        """From `"normal(std=0.01)"` or `{name = "normal", std = 0.01}`. Raises SchemeError."""
        if isinstance(given, str):
            return cls(*parse(given))
        name = canonical(given["name"])
        return cls(name, check_parameters(name, {key: value for key, value in given.items() if key != "name"}))

    @property
    def label(self) -> str:
        return scheme(self.name).label(self.parameters)

    @property
    def formula(self) -> str:
        return scheme(self.name).formula_of(self.parameters)

    @property
    def bias(self) -> str:
        return scheme(self.name).bias_of(self.parameters)
