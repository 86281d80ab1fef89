"""An optimizer's pass over one block of parameters, by torch's optimizers in their functional form.

Not by the classes around it: the first of them that is used imports torch.compile, 0.8 s that no step here needs, and what
they do around the pass takes a fifth of its time for a network of MNIST's size.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from inittui.experiment.preset import Training

# As torch's optimizers have them: Kingma and Ba 2015.
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
SGD = {"dampening": 0.0, "nesterov": False, "maximize": False}


class OptimizerKernel:
    """Calling it takes a step of the preset's optimizer: it changes `block` by its `gradient`, of the same shape. `state` is
    what the optimizer remembers, under torch's names; empty before the first step."""

    def __init__(self, block: Tensor, gradient: Tensor, training: Training) -> None:
        self.state: dict[str, Tensor] = {}
        self._block, self._gradient = block, gradient
        options: dict[str, Any] = {
            "lr": training.learning_rate,
            "weight_decay": training.weight_decay,
            "foreach": False,
        }
        if training.optimizer == "sgd":
            self._remembers = {"momentum_buffer"} if training.momentum else set()
            self._step = partial(self._sgd, **options, **SGD, momentum=training.momentum)
        else:
            self._remembers = {"step", "exp_avg", "exp_avg_sq"}
            kind = adam if training.optimizer == "adam" else adamw
            self._step = partial(self._adam, kind, **options, **ADAM, capturable=block.device.type == "cuda")
        if self._fuses():
            self._step = partial(self._step, fused=True)

    def __call__(self) -> None:
        self._step()

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what it remembered. Raises ValueError where that is another optimizer's."""
        if state and state.keys() != self._remembers:
            raise ValueError(f"the optimizer remembers {sorted(state)}; expected {sorted(self._remembers)}")
        # Steps are counted where the parameters lie: there a captured step can count on.
        self.state = {key: value.to(self._block.device) for key, value in state.items()}

    def _adam(self, kind: Callable[..., None], **options: Any) -> None:
        state = self.state
        if not state:
            state["step"] = torch.zeros((), device=self._block.device)
            state |= {key: torch.zeros_like(self._block) for key in ("exp_avg", "exp_avg_sq")}
        averages, squares, steps = [state["exp_avg"]], [state["exp_avg_sq"]], [state["step"]]
        kind([self._block], [self._gradient], averages, squares, [], steps, **options)

    def _sgd(self, **options: Any) -> None:
        buffers = [self.state.get("momentum_buffer")]
        sgd([self._block], [self._gradient], buffers, **options)
        if self._remembers and buffers[0] is not None:
            self.state["momentum_buffer"] = buffers[0]

    def _fuses(self) -> bool:
        """Whether one pass over the parameters does, instead of eight: this torch, or this device, may know none. Tried on
        a block of one number."""
        block, gradient = self._block, self._gradient
        self._block, self._gradient = block.new_zeros(1), gradient.new_zeros(1)
        try:
            self._step(fused=True)
        except (RuntimeError, TypeError):
            return False
        finally:
            self._block, self._gradient, self.state = block, gradient, {}
        return True
