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


def _backward(name: str, *constants: object) -> Callable[[Tensor, Tensor], object]:
    """The function `name` of aten, in place. It is looked up when it is called: a torch may not have it."""
    return lambda g, z: getattr(torch_private.aten, name).grad_input(g, z, *constants, grad_input=g)


ACTIVATION_KERNELS: dict[str, ActivationKernel] = {
    "relu": ActivationKernel(lambda z, _a: torch.relu_(z), _backward("threshold_backward", 0)),
    "leaky_relu": ActivationKernel(
        lambda z, _a: torch.nn.functional.leaky_relu_(z, _LEAK), _backward("leaky_relu_backward", _LEAK, True)
    ),
    "tanh": ActivationKernel(lambda z, _a: torch.tanh_(z), _backward("tanh_backward")),
    "sigmoid": ActivationKernel(lambda z, _a: torch.sigmoid_(z), _backward("sigmoid_backward")),
    "selu": ActivationKernel(
        lambda z, _a: torch.selu_(z),
        lambda g, a: torch_private.aten.elu_backward.grad_input(g, _SELU_ALPHA, _SELU_SCALE, 1, True, a, grad_input=g),
    ),
    "gelu": ActivationKernel(
        lambda z, a: torch_private.aten.gelu.out(z, out=a), _backward("gelu_backward"), keeps_z=True
    ),
    "silu": ActivationKernel(
        lambda z, a: torch_private.aten.silu.out(z, out=a), _backward("silu_backward"), keeps_z=True
    ),
    "linear": ActivationKernel(lambda _z, _a: None, lambda _g, _a: None),
}
