"""The networks: the perceptron of a preset, or a person's own module."""

import itertools
import math
from weakref import WeakSet

import torch
from torch import Tensor, nn

from inittui.common.user_code_refs import NETWORK, UserFunction, reference
from inittui.engine.networks import user_code
from inittui.engine.networks.layers import layers
from inittui.engine.networks.random_streams import stream
from inittui.experiment.preset import Model

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "linear": nn.Identity,
}
NORMS: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
_handed_out: WeakSet[nn.Module] = WeakSet()  # the layers of a person's own networks


def build(model: Model, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """The network of `model`, before its scheme: from inputs of `shape` to logits [batch, outputs]. A perceptron takes them
    flat. What the network itself draws, if anything, follows from `seed`. Raises UserCodeError."""
    with user_code.repeatable(stream(seed, "module").initial_seed()):
        if model.factory is None:
            return mlp(model, math.prod(shape), classes)
        found = reference(model.factory, NETWORK)
        assert found is not None
        return _own(found, shape, classes)


def mlp(model: Model, inputs: int, classes: int) -> nn.Sequential:
    """Linear layers with norms and activations between them: [batch, inputs] to logits [batch, outputs].

    `model.outputs` may be larger than `classes` (the notebook's slip): cross-entropy then learns to leave the rest alone.
    """
    widths = [inputs, *model.hidden, model.outputs or classes]
    made: list[nn.Module] = []
    for place, (fan_in, fan_out) in enumerate(itertools.pairwise(widths), 1):
        made.append(nn.Linear(fan_in, fan_out) if model.exclude else _undrawn(fan_in, fan_out))
        if place < len(widths) - 1:
            if model.norm != "none":
                made.append(NORMS[model.norm](fan_out))
            made.append(ACTIVATIONS[model.activation]())
    return nn.Sequential(*made)


def _undrawn(fan_in: int, fan_out: int) -> nn.Linear:
    """A layer without a draw of torch's own: `initialise` fills every parameter. `nn.utils.skip_init` would do, but imports
    sympy on its way, 0.3 s in every worker."""
    layer = nn.Linear(fan_in, fan_out, device="meta")
    layer.weight = nn.Parameter(torch.empty(fan_out, fan_in))
    layer.bias = nn.Parameter(torch.empty(fan_out))
    return layer


def _own(found: UserFunction, shape: tuple[int, ...], classes: int) -> nn.Module:
    made = user_code.call(found, NETWORK, inputs=shape, classes=classes)
    if not isinstance(made, nn.Module):
        raise user_code.fault(found, NETWORK, f"it returned a {type(made).__name__}; expected a torch.nn.Module")
    own = [layer for _, layer in layers(made)]
    if not own:
        raise user_code.fault(found, NETWORK, "its network has no Linear or Conv layer for a scheme to fill")
    if any(layer in _handed_out for layer in own):  # each seed would train on with what another one has learnt
        raise user_code.fault(
            found, NETWORK, "it returned a layer for the second time; expected new ones at every call"
        )
    _handed_out.update(own)
    made.eval()
    try:
        with torch.no_grad():
            logits = made(torch.zeros(2, *shape))
    except Exception as error:
        raise user_code.fault(
            found, NETWORK, f"given inputs of shape {[2, *shape]}, its network raised {user_code.named(error)}"
        ) from error
    made.train()
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != 2 or logits.shape[1] < classes:
        got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise user_code.fault(
            found, NETWORK, f"its network made {got} of inputs of shape {[2, *shape]}; expected logits [2, {classes}]"
        )
    return made
