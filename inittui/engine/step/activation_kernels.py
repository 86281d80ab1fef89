"""Forward and backward passes of the activations for the hand-written step, in place where torch can."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inittui.engine.step import torch_private

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, as torch has them
_LEAK = 0.01  # of nn.LeakyReLU


@dataclass(frozen=True)
class ActivationKernel:
    """One activation.

    `forward(z, a)` fills `a` from the pre-activations `z`; unless `keeps_z` they are one tensor. `backward(gradient, z)`
    turns the gradient with respect to `a` into that with respect to `z`, in place; unless `keeps_z`, `z` holds `a`.
    """

    forward: Callable[[Tensor, Tensor], object]
    backward: Callable[[Tensor, Tensor], object]
    keeps_z: bool = False


ACTIVATION_KERNELS: dict[str, ActivationKernel] = {
    "relu": ActivationKernel(
        lambda z, _a: torch.relu_(z),
        lambda g, a: torch_private.aten.threshold_backward.grad_input(g, a, 0, grad_input=g),
    ),
    "leaky_relu": ActivationKernel(
        lambda z, _a: torch.nn.functional.leaky_relu_(z, _LEAK),
        lambda g, a: torch_private.aten.leaky_relu_backward.grad_input(g, a, _LEAK, True, grad_input=g),
    ),
    "tanh": ActivationKernel(
        lambda z, _a: torch.tanh_(z),
        lambda g, a: torch_private.aten.tanh_backward.grad_input(g, a, grad_input=g),
    ),
    "sigmoid": ActivationKernel(
        lambda z, _a: torch.sigmoid_(z),
        lambda g, a: torch_private.aten.sigmoid_backward.grad_input(g, a, grad_input=g),
    ),
    "selu": ActivationKernel(
        lambda z, _a: torch.selu_(z),
        lambda g, a: torch_private.aten.elu_backward.grad_input(g, _SELU_ALPHA, _SELU_SCALE, 1, True, a, grad_input=g),
    ),
    "gelu": ActivationKernel(
        lambda z, a: torch_private.aten.gelu.out(z, out=a),
        lambda g, z: torch_private.aten.gelu_backward.grad_input(g, z, grad_input=g),
        keeps_z=True,
    ),
    "silu": ActivationKernel(
        lambda z, a: torch_private.aten.silu.out(z, out=a),
        lambda g, z: torch_private.aten.silu_backward.grad_input(g, z, grad_input=g),
        keeps_z=True,
    ),
    "linear": ActivationKernel(lambda _z, _a: None, lambda _g, _a: None),
}
