"""`inittui.init_`: any scheme for any network, in a user's own training code."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from inittui.common import user_code_refs
from inittui.common.errors import SchemeError, UsageError
from inittui.engine.initialisation.initialise import initialise
from inittui.engine.networks.layers import layers
from inittui.experiment.preset import LARGEST_SEED
from inittui.experiment.python_values import plain, shown
from inittui.schemes.spec import Init

M = TypeVar("M", bound=nn.Module)


def init_(
    module: M,
    scheme: str | Mapping[str, Any] | Callable[..., Any],
    *,
    seed: int = 0,
    inputs: Tensor | None = None,
    exclude: Sequence[str] = (),
) -> M:
    """Fill every Linear and Conv layer of `module` in place by `scheme`, and return the module.

    scheme: as on the command line, "he_normal", "normal(std=0.01)" or "./mine.py:my_init"; {"name": "normal", "std": 0.01};
        or your own function from a Python file
    seed: the same seed gives the same weights on any device; torch's own generators are neither used nor changed
    inputs: a batch of training inputs, which lsuv needs
    exclude: patterns of the names of layers that stay as they are, such as "head" or "features.*"

    Biases become zero, unless the scheme has a rule for them. All other parameters (norms, embeddings, attention's packed
    weights) stay as they are. Raises SchemeError or UsageError with one line that says what was expected.
    """
    if not isinstance(module, nn.Module):
        raise UsageError(f"module: a {type(module).__name__}; expected a torch.nn.Module")
    seed, given = plain(seed, "seed"), plain(scheme, "scheme")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"seed {shown(seed)}: expected a whole number from 0 to {LARGEST_SEED}")
    if not isinstance(given, str) and not (isinstance(given, Mapping) and "name" in given):
        raise SchemeError(f"scheme {shown(scheme)}: expected 'he_normal' or {{'name': 'normal', 'std': 0.01}}")
    init = Init.of(given)
    if own := user_code_refs.named(init.name):
        own = user_code_refs.absolute(own, Path.cwd(), user_code_refs.SCHEME)
        user_code_refs.check(own, user_code_refs.SCHEME)
        init = Init(str(own))
    named_layers = layers(module)
    if not named_layers:
        raise SchemeError(f"module {type(module).__name__} has no Linear or Conv layer that a scheme could fill")
    for name, layer in named_layers:
        if is_lazy(layer.weight):
            raise SchemeError(f"layer '{name}' has no shape yet; expected a module that has seen one batch")
    initialise(module, init, seed, batch=inputs, exclude=exclude)
    return module
