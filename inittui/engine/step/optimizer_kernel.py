"""One step of an optimizer over one block of parameters, by torch's optimizers in their functional form."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor

from inittui.engine.step.torch_private import functional_optimizer
from inittui.experiment.preset import Training

State = dict[str, Tensor]  # what an optimizer keeps between steps, under torch's names; empty before the first step

# The defaults of torch's optimizers; Kingma and Ba 2015.
ADAM: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
SGD: dict[str, Any] = {"dampening": 0.0, "nesterov": False, "maximize": False}


def optimizer_kernel(block: Tensor, gradient: Tensor, training: Training, state: State) -> Callable[[], None]:
    """A function that takes one step of the optimizer of `training`: it changes `block` by `gradient`, of the same shape.

    It continues from `state`, and keeps it up to date. Raises ValueError when it is the state of another optimizer.
    """
    options: dict[str, Any] = {"lr": training.learning_rate, "weight_decay": training.weight_decay, "foreach": False}
    if training.optimizer == "sgd":
        expected = {"momentum_buffer"} if training.momentum else set()
        options |= SGD | {"momentum": training.momentum}
    else:
        expected = {"step", "exp_avg", "exp_avg_sq"}
        options |= ADAM | {"capturable": block.device.type == "cuda"}
    if state and state.keys() != expected:
        raise ValueError(f"the optimizer remembers {sorted(state)}; expected {sorted(expected)}")
    run, function = _sgd if training.optimizer == "sgd" else _adam, functional_optimizer(training.optimizer)
    # A fused kernel passes over the parameters once, not eight times. Not every torch and device has one: it is tried.
    with suppress(RuntimeError, TypeError):
        run(function, block.new_zeros(1), gradient.new_zeros(1), {}, **options, fused=True)
        options["fused"] = True
    return partial(run, function, block, gradient, state, **options)


def _adam(function: Callable[..., None], block: Tensor, gradient: Tensor, state: State, **options: Any) -> None:
    if not state:
        state["step"] = torch.zeros((), device=block.device)
        state |= {key: torch.zeros_like(block) for key in ("exp_avg", "exp_avg_sq")}
    function([block], [gradient], [state["exp_avg"]], [state["exp_avg_sq"]], [], [state["step"]], **options)


def _sgd(function: Callable[..., None], block: Tensor, gradient: Tensor, state: State, **options: Any) -> None:
    buffers = [state.get("momentum_buffer")]
    function([block], [gradient], buffers, **options)
    if options["momentum"] and buffers[0] is not None:
        state["momentum_buffer"] = buffers[0]
