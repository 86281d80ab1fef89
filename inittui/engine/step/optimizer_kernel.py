"""One step of an optimizer over one block of parameters, by torch's optimizers in their functional form."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from inittui.engine.step.torch_private import functional_optimizer
from inittui.experiment.preset import Training

# The defaults of torch's optimizers; Kingma and Ba 2015.
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
SGD = {"dampening": 0.0, "nesterov": False, "maximize": False}


class OptimizerKernel:
    """The optimizer of `training`. A call takes one step: it changes `block` by `gradient`, of the same shape.

    `state` has torch's names for what the optimizer keeps between steps. It is empty before the first step.
    """

    def __init__(self, block: Tensor, gradient: Tensor, training: Training) -> None:
        self.state: dict[str, Tensor] = {}
        self._block, self._gradient = block, gradient
        function = functional_optimizer(training.optimizer)
        options: dict[str, Any] = {
            "lr": training.learning_rate,
            "weight_decay": training.weight_decay,
            "foreach": False,
        }
        if training.optimizer == "sgd":
            self._state_keys = {"momentum_buffer"} if training.momentum else set()
            self._step = partial(self._sgd, function, **options, **SGD, momentum=training.momentum)
        else:
            self._state_keys = {"step", "exp_avg", "exp_avg_sq"}
            self._step = partial(self._adam, function, **options, **ADAM, capturable=block.device.type == "cuda")
        if self._can_fuse():
            self._step = partial(self._step, fused=True)

    def __call__(self) -> None:
        self._step()

    def load(self, state: dict[str, Tensor]) -> None:
        """Continue from `state`. Raises ValueError when it is the state of another optimizer."""
        if state and state.keys() != self._state_keys:
            raise ValueError(f"the optimizer remembers {sorted(state)}; expected {sorted(self._state_keys)}")
        # The step count lies on the parameters' device too: a captured step increments it there.
        self.state = {key: value.to(self._block.device) for key, value in state.items()}

    def _adam(self, function: Callable[..., None], **options: Any) -> None:
        state = self.state
        if not state:
            state["step"] = torch.zeros((), device=self._block.device)
            state |= {key: torch.zeros_like(self._block) for key in ("exp_avg", "exp_avg_sq")}
        averages, squares, steps = [state["exp_avg"]], [state["exp_avg_sq"]], [state["step"]]
        function([self._block], [self._gradient], averages, squares, [], steps, **options)

    def _sgd(self, function: Callable[..., None], **options: Any) -> None:
        buffers = [self.state.get("momentum_buffer")]
        function([self._block], [self._gradient], buffers, **options)
        if self._state_keys and buffers[0] is not None:
            self.state["momentum_buffer"] = buffers[0]

    def _can_fuse(self) -> bool:
        """Whether the fused kernel works here: one pass over the parameters instead of eight. Tried on one element."""
        block, gradient = self._block, self._gradient
        self._block, self._gradient = block.new_zeros(1), gradient.new_zeros(1)
        try:
            self._step(fused=True)
        except (RuntimeError, TypeError):  # fused kernels depend on the version of torch and on the device
            return False
        finally:
            self._block, self._gradient, self.state = block, gradient, {}
        return True
