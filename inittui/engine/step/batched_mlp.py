"""The hand-written training step of perceptrons: one or several replicas as one batch of matrices, in reused buffers.

Every parameter has a leading axis with one entry per replica, and all parameters lie in one block of memory, so that the
optimizer makes one pass over it. On a GPU the whole step is captured once and then replayed (see `cuda_graph`). On a CPU the
same code runs directly, usually with one replica.

The gradient of the mean cross-entropy with respect to the logits is (softmax(logits) - onehot(label)) / batch.
"""

import warnings
from collections.abc import Sequence
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from inittui.common.atomic_files import one_line
from inittui.engine.data.device_data import DeviceData
from inittui.engine.step.activation_kernels import ACTIVATION_KERNELS
from inittui.engine.step.cuda_graph import CudaGraph
from inittui.engine.step.flat_parameters import FlatParameters
from inittui.engine.step.optimizer_kernel import optimizer_kernel
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Arm, Training


class BatchedMLP:
    """Takes the steps of replicas that are at the same step of the same epoch, as `AutogradStep` does of one."""

    @staticmethod
    def supports(arm: Arm) -> bool:
        """Whether the arm's network is a perceptron without norm layers, and this torch has what the step calls."""
        return arm.model.factory is None and arm.model.norm == "none" and torch_has_all_kernels()

    def __init__(self, replicas: list[Replica], arm: Arm, data: DeviceData) -> None:
        """Raises KeyError or ValueError when a replica's optimizer state does not fit its network."""
        self.replicas = replicas
        self._data = data
        self._activation = ACTIVATION_KERNELS[arm.model.activation]
        self._bf16 = arm.training.precision == "bf16"
        batch_size, count = arm.training.batch_size, len(replicas)
        layers = [module for module in replicas[0].network.children() if isinstance(module, nn.Linear)]
        self.device, float_type = layers[0].weight.device, layers[0].weight.dtype

        def zeros(*shape: int, dtype: torch.dtype = float_type) -> Tensor:
            return torch.zeros(count, *shape, dtype=dtype, device=self.device)

        # Parameters, gradients and the optimizer. A view costs one to two microseconds, so every view that a step needs is
        # made here. With one replica they are matrices, not batches of one: torch multiplies matrices with less overhead.
        flat = FlatParameters([parameter.shape for parameter in replicas[0].network.parameters()])
        block, gradient_block = zeros(flat.total), zeros(flat.total)
        self._parameters = flat.views(block)
        self.gradients = flat.views(gradient_block)  # of each parameter in the network's order, as of the last step
        squeeze = Tensor.squeeze if count == 1 else lambda tensor, _: tensor
        self._weights = [squeeze(weight, 0) for weight in self._parameters[0::2]]
        self._weights_transposed = [weight.mT for weight in self._weights]
        self._biases = [squeeze(bias.unsqueeze(1), 0) for bias in self._parameters[1::2]]
        self._weight_gradients = [squeeze(gradient, 0) for gradient in self.gradients[0::2]]
        self._bias_gradients = [squeeze(gradient, 0) for gradient in self.gradients[1::2]]

        # The batch, `_raw` as stored and `_x` as floats. Inputs are not scaled: the scale is a factor of the two products
        # with them, where it costs nothing.
        inputs = data.train.shape[1]
        self._raw = torch.empty(count * batch_size, inputs, dtype=data.train.dtype, device=self.device)
        self._x, self._scale = squeeze(zeros(batch_size, inputs), 0), 1 / data.train_divisor
        self._x_rows = self._x.view(self._raw.shape)
        self._labels = squeeze(zeros(batch_size, 1, dtype=torch.int64), 0)
        self._labels_flat = self._labels.view(-1)
        steps = len(replicas[0].costs)
        self._batches = zeros(steps, batch_size, dtype=torch.int64)  # the indices of each step's images
        self._indices = zeros(1, batch_size, dtype=torch.int64)
        self._indices_flat = self._indices.view(-1)
        # The index of the step lies on the device, where a captured step increments it.
        self._step = torch.zeros(1, dtype=torch.int64, device=self.device)

        # Pre-activations z, the input of each layer, and the gradients with respect to z.
        widths = [layer.out_features for layer in layers]
        self._z = [squeeze(zeros(batch_size, width), 0) for width in widths]
        self._inputs = [self._x, *(torch.zeros_like(z) if self._activation.keeps_z else z for z in self._z[:-1])]
        self._z_gradients = [torch.zeros_like(z) for z in self._z]
        self._z_gradients_transposed = [gradient.mT for gradient in self._z_gradients]
        self._log_p = torch.zeros_like(self._z[-1])
        self._log_p_rows = self._log_p.view(count * batch_size, -1)
        self._minus_one = torch.full_like(self._labels, -1.0, dtype=float_type)
        self._costs = zeros(steps, dtype=replicas[0].costs.dtype)

        self._cuda_graph = CudaGraph(self.device) if self.device.type == "cuda" else None
        state = flat.join([replica.optimizer_state() for replica in replicas], block)
        self._optimizer = optimizer_kernel(block, gradient_block, arm.training, state)

        # From here on nothing runs out of memory: the replicas' state moves into this object, and theirs are views of it.
        for row, replica in enumerate(replicas):
            for view, parameter in zip(self._parameters, replica.network.parameters(), strict=True):
                parameter.data = view[row].copy_(parameter.data)
            replica.costs = self._costs[row].copy_(replica.costs)
            # No reference to this step, which refers to the replicas: a cycle would keep its memory alive.
            replica.optimizer_state = partial(flat.split, state, row)

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        used = self._batches[0].numel()
        for row, order in enumerate(orders):
            self._batches[row].copy_(order[:used].view(self._batches.shape[1:]))
        self._step.fill_(self.replicas[0].step)

    def advance(self) -> None:
        if self._cuda_graph is None:
            self._take_step()
        else:
            self._cuda_graph.run(self._take_step)

    @torch.no_grad()
    def _take_step(self) -> None:
        torch.index_select(self._batches, 1, self._step, out=self._indices)
        torch.index_select(self._data.train, 0, self._indices_flat, out=self._raw)
        torch.index_select(self._data.train_labels, 0, self._indices_flat, out=self._labels_flat)
        self._x_rows.copy_(self._raw)
        self._costs.index_copy_(1, self._step, self._forward())
        self._backward()
        self._optimizer()
        self._step.add_(1)

    def _forward(self) -> Tensor:
        """The mean cost of each replica's batch, [replicas, 1]."""
        for layer, (weight, x, z) in enumerate(zip(self._weights_transposed, self._inputs, self._z, strict=True)):
            if layer:
                self._activation.forward(self._z[layer - 1], x)
            self._multiply(x, weight, out=z, plus=self._biases[layer], scale=1.0 if layer else self._scale)
        torch.log_softmax(self._z[-1], -1, out=self._log_p)
        if len(self.replicas) == 1:
            return nll_loss(self._log_p_rows, self._labels_flat).view(1, 1)
        costs = nll_loss(self._log_p_rows, self._labels_flat, reduction="none")
        return costs.view(len(self.replicas), -1).mean(1, keepdim=True)

    def _backward(self) -> None:
        """Fill the gradient of every parameter, the last layer's first."""
        logits = torch.exp(self._log_p, out=self._z_gradients[-1])
        logits.scatter_add_(-1, self._labels, self._minus_one).mul_(1 / logits.shape[-2])
        for layer, x in reversed(list(enumerate(self._inputs))):
            scale = 1.0 if layer else self._scale
            self._multiply(self._z_gradients_transposed[layer], x, out=self._weight_gradients[layer], scale=scale)
            torch.sum(self._z_gradients[layer], -2, out=self._bias_gradients[layer])
            if layer:
                gradient = self._z_gradients[layer - 1]
                self._multiply(self._z_gradients[layer], self._weights[layer], out=gradient)
                self._activation.backward(gradient, self._z[layer - 1])

    def _multiply(self, a: Tensor, b: Tensor, *, out: Tensor, plus: Tensor | None = None, scale: float = 1.0) -> None:
        """out = scale·a·b (+ plus), replica by replica. With bf16 the factors are rounded to it, and sums have 32 bits."""
        if self._bf16:
            out.copy_(torch.matmul(a.to(torch.bfloat16), b.to(torch.bfloat16)))
            if scale != 1.0:
                out.mul_(scale)
            if plus is not None:
                out.add_(plus)
        elif plus is not None or scale != 1.0:
            # Without `plus` the contents of `out` are added 0 times.
            multiply = torch.addmm if a.dim() == 2 else torch.baddbmm
            multiply(out if plus is None else plus, a, b, beta=0 if plus is None else 1, alpha=scale, out=out)
        else:
            (torch.mm if a.dim() == 2 else torch.bmm)(a, b, out=out)


@cache
def torch_has_all_kernels() -> bool:
    """Whether every kernel can be called here. Otherwise warns, once in a process, in a line that names torch's version."""
    try:
        for kernel in ACTIVATION_KERNELS.values():
            kernel.forward(torch.ones(1), a := torch.ones(1))
            kernel.backward(torch.ones(1), a)
        for optimizer in ("adam", "adamw", "sgd"):
            optimizer_kernel(torch.ones(1), torch.ones(1), Training(optimizer=optimizer), {})()
    except (ImportError, AttributeError, NotImplementedError, RuntimeError, TypeError) as error:
        warnings.warn(
            f"torch {torch.__version__}: the hand-written training step does not work ({type(error).__name__}: "
            f"{one_line(error)}); autograd trains every arm, which is slower",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
