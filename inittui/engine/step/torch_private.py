"""The undocumented parts of torch that the hand-written step calls; `batched_mlp` checks that this torch has them.

torch documents no backward function of an activation, and no GELU or SiLU with a given output. autograd calls those of
`torch.ops.aten`, so both ways to train agree to the last bits of a product. The functional optimizers replace the classes
around them: the first class that is used imports torch.compile (0.8 s), and its own work takes a fifth of an optimizer's
time for a network of MNIST's size.
"""

from collections.abc import Callable
from importlib import import_module

import torch

aten = torch.ops.aten


def functional_optimizer(name: str) -> Callable[..., None]:
    """`adam`, `adamw` or `sgd` as a function of lists of tensors. Raises ImportError or AttributeError without it."""
    function: Callable[..., None] = getattr(import_module(f"torch.optim.{name}"), name)
    return function
