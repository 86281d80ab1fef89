"""Fills a layer by a user's own scheme. docs/own-code.md says what such a function gets."""

import torch

from inittui.common.user_code_refs import SCHEME
from inittui.engine.networks.layers import Layer, Shape
from inittui.engine.networks.user_code import UserCode, repeatable


@torch.no_grad()
def fill(text: str, name: str, layer: Layer, generator: torch.Generator) -> None:
    """Fill `layer` by the function that `text` names. Raises SchemeError with one line that names file and function."""
    code = UserCode.of(text, SCHEME)
    shape = Shape.of(layer)
    weight = torch.full(shape.weight, torch.nan)
    bias = torch.zeros(shape.weight[0]) if layer.bias is not None else None
    # A function that draws from a global stream instead of `generator` is repeatable too, and does not change that stream.
    with repeatable(generator.initial_seed()):
        fans = {"fan_in": shape.fan_in, "fan_out": shape.fan_out}
        code.call(weight, bias, where=f"at layer '{name}' ", name=name, **fans, generator=generator)
    for what, filled in (("weight", weight), ("bias", bias)):
        if filled is not None and not filled.isfinite().all():
            hint = "; it has to fill it in place, as weight.normal_() does" if filled.isnan().all() else ""
            raise code.fault(f"at layer '{name}' it left a {what} that is not finite{hint}")
    layer.weight.copy_(weight)
    if layer.bias is not None and bias is not None:
        layer.bias.copy_(bias)
