"""The undocumented parts of torch that the hand-written step calls, and the check that this torch has them.

torch documents no backward function of an activation, and no GELU or SiLU with a given output. autograd calls those of
`torch.ops.aten`, so both ways to train agree to the last bits of a product. The functional optimizers replace the classes
around them: the first class that is used imports torch.compile (0.8 s), and its own work takes a fifth of an optimizer's
time for a network of MNIST's size.
"""

import warnings
from collections.abc import Callable
from importlib import import_module

import torch

from inittui.common.atomic_files import one_line

aten = torch.ops.aten


def functional_optimizer(name: str) -> Callable[..., None]:
    """`adam`, `adamw` or `sgd` as a function of lists of tensors. Raises ImportError or AttributeError without it."""
    function: Callable[..., None] = getattr(import_module(f"torch.optim.{name}"), name)
    return function


def works(trial: Callable[[], object]) -> bool:
    """Whether `trial` ends without an error of torch's. Otherwise warns in one line that names torch and its version."""
    try:
        trial()
    except (ImportError, AttributeError, NotImplementedError, RuntimeError, TypeError) as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        warnings.warn(
            f"torch {torch.__version__}: the hand-written training step does not work ({reason}); "
            "autograd trains every arm, which is slower",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
