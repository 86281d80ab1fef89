"""Activations by hand: what they make of z in place, and what they make of a gradient on its way back.

The backward ones are aten's own kernels, those that autograd calls: the hand-written step and the reference path agree to the
last bits of a product.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_aten = torch.ops.aten
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, as torch has them
_LEAK = 0.01  # of nn.LeakyReLU


@dataclass(frozen=True)
class ActivationKernel:
    """`forward(z, a)` fills a, which is z itself unless `keeps_z`; `backward(gradient, kept)` turns the cost's gradient with
    respect to a into that with respect to z, in place, from what was kept: z where `keeps_z`, else a."""

    forward: Callable[[Tensor, Tensor], object]
    backward: Callable[[Tensor, Tensor], object]
    keeps_z: bool = False


def _nothing(*_: Tensor) -> None:
    """Linear: the identity."""


ACTIVATION_KERNELS: dict[str, ActivationKernel] = {
    "relu": ActivationKernel(
        lambda z, _a: torch.relu_(z),
        lambda g, a: _aten.threshold_backward.grad_input(g, a, 0, grad_input=g),
    ),
    "leaky_relu": ActivationKernel(
        lambda z, _a: _aten.leaky_relu_(z, _LEAK),
        lambda g, a: _aten.leaky_relu_backward.grad_input(g, a, _LEAK, True, grad_input=g),
    ),
    "tanh": ActivationKernel(
        lambda z, _a: torch.tanh_(z),
        lambda g, a: _aten.tanh_backward.grad_input(g, a, grad_input=g),
    ),
    "sigmoid": ActivationKernel(
        lambda z, _a: torch.sigmoid_(z),
        lambda g, a: _aten.sigmoid_backward.grad_input(g, a, grad_input=g),
    ),
    "selu": ActivationKernel(
        lambda z, _a: torch.selu_(z),
        lambda g, a: _aten.elu_backward.grad_input(g, _SELU_ALPHA, _SELU_SCALE, 1, True, a, grad_input=g),
    ),
    "gelu": ActivationKernel(
        lambda z, a: _aten.gelu.out(z, out=a),
        lambda g, z: _aten.gelu_backward.grad_input(g, z, grad_input=g),
        keeps_z=True,
    ),
    "silu": ActivationKernel(
        lambda z, a: _aten.silu.out(z, out=a),
        lambda g, z: _aten.silu_backward.grad_input(g, z, grad_input=g),
        keeps_z=True,
    ),
    "linear": ActivationKernel(_nothing, _nothing),
}
