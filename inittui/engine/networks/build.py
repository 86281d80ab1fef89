"""Builds the network of a preset: a perceptron, or a user's own module."""

import itertools
import math
from weakref import WeakSet

import torch
from torch import Tensor, nn

from inittui.common.failures import describe
from inittui.common.user_code_refs import NETWORK
from inittui.engine.networks.layers import layers
from inittui.engine.networks.random_streams import stream
from inittui.engine.networks.user_code import UserCode, repeatable
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
_handed_out: WeakSet[nn.Module] = WeakSet()  # the layers of users' own networks


def build(model: Model, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """The network of `model`, not yet initialised by a scheme: from inputs [batch, *shape] to logits [batch, outputs].

    A perceptron takes flat inputs. Parameters that no scheme fills are drawn from `seed`. Raises UserCodeError for a user's
    own network that can't be used.
    """
    with repeatable(stream(seed, "module").initial_seed()):
        if model.factory is None:
            return mlp(model, math.prod(shape), classes)
        return _own(UserCode.of(model.factory, NETWORK), shape, classes)


def mlp(model: Model, inputs: int, classes: int) -> nn.Sequential:
    """Linear layers with norms and activations between them: [batch, inputs] to logits [batch, outputs].

    `model.outputs` may exceed `classes`, as in the notebook; the other outputs then learn to be small.
    """
    widths = [inputs, *model.hidden, model.outputs or classes]
    made: list[nn.Module] = []
    for number, (fan_in, fan_out) in enumerate(itertools.pairwise(widths), 1):
        made.append(nn.Linear(fan_in, fan_out) if model.exclude else _undrawn(fan_in, fan_out))
        if number < len(widths) - 1:
            if model.norm != "none":
                made.append(NORMS[model.norm](fan_out))
            made.append(ACTIVATIONS[model.activation]())
    return nn.Sequential(*made)


def _undrawn(fan_in: int, fan_out: int) -> nn.Linear:
    """A layer with empty parameters, which `initialise` fills. `nn.utils.skip_init` does the same, but imports sympy, which
    takes 0.3 s in every worker."""
    layer = nn.Linear(fan_in, fan_out, device="meta")
    layer.weight = nn.Parameter(torch.empty(fan_out, fan_in))
    layer.bias = nn.Parameter(torch.empty(fan_out))
    return layer


def _own(code: UserCode, shape: tuple[int, ...], classes: int) -> nn.Module:
    network = code.call(inputs=shape, classes=classes)
    if not isinstance(network, nn.Module):
        raise code.fault(f"it returned a {type(network).__name__}; expected a torch.nn.Module")
    own_layers = [layer for _, layer in layers(network)]
    if not own_layers:
        raise code.fault("its network has no Linear or Conv layer for a scheme to fill")
    if not _handed_out.isdisjoint(own_layers):  # the seeds would train the same parameters
        raise code.fault("it returned a layer for the second time; expected new ones at every call")
    _handed_out.update(own_layers)
    network.eval()
    check_logits(code, network, torch.zeros(2, *shape), classes)
    network.train()
    return network


def check_logits(code: UserCode, network: nn.Module, x: Tensor, classes: int) -> None:
    """Raises the error of `code`, which made `network`, unless the network in its present mode maps `x` [n, …] to logits
    [n, classes or more]."""
    mode, shape = "in training mode, " if network.training else "", list(x.shape)
    try:
        with torch.set_grad_enabled(network.training):
            logits = network(x)
    except (Exception, SystemExit) as error:
        raise code.fault(f"{mode}given inputs of shape {shape}, its network raised {describe(error)}") from error
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(x) or logits.shape[1] < classes:
        got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        expected = f"expected logits {[len(x), classes]}"
        raise code.fault(f"{mode}its network made {got} of inputs of shape {shape}; {expected}")
