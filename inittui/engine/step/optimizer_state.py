"""The state of an optimizer as named tensors, `PARAMETER/KEY`, the form in which checkpoints hold it."""

from collections.abc import Mapping

import torch
from torch import Tensor


def state_of(of: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimizer remembers, as `NUMBER/KEY` by the parameter's number: its own tensors, not copies. What is no tensor
    is None, as SGD's momentum before the first step: absent is the same."""
    return {
        f"{number}/{key}": value
        for number, state in of.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def states_by_parameter(state: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """`NUMBER/KEY` as torch's optimizers hold it, in copies: an optimizer keeps what it is given, and would train in it."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in state.items():
        number, _, key = name.partition("/")
        states.setdefault(int(number), {})[key] = value.clone()
    return states


def load_state(into: torch.optim.Optimizer, states: dict[int, dict[str, Tensor]]) -> None:
    """Raises ValueError or KeyError when they are another network's."""
    if states:
        into.load_state_dict(into.state_dict() | {"state": states})
