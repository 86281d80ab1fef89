"""The state of an optimizer as named tensors, `PARAMETER/KEY`, the form in which checkpoints hold it.

PARAMETER is the index of the parameter in the network, KEY torch's name for what the optimizer keeps of it.
"""

from collections.abc import Mapping

import torch
from torch import Tensor


def named_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's own tensors, not copies. What is no tensor (SGD's momentum before the first step) is left out."""
    return {
        f"{parameter}/{key}": value
        for parameter, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def state_by_parameter(named: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Named state in the form of torch's `state_dict`, copied: an optimizer changes the tensors that it is given."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in named.items():
        parameter, _, key = name.partition("/")
        states.setdefault(int(parameter), {})[key] = value.clone()
    return states


def load_state(optimizer: torch.optim.Optimizer, named: Mapping[str, Tensor]) -> None:
    """Raises ValueError or KeyError when `named` is the state of another network's optimizer."""
    if named:
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state_by_parameter(named)})
