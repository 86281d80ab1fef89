"""Replicas of a perceptron as one stack, with the backward pass written by hand into buffers that are made once.

Every parameter has a leading axis, one entry a replica, and all of them lie in one block of memory, so that the optimizer
makes one pass over it. On a GPU the whole step is captured once as a CUDA graph and replayed: gather, forward, backward,
optimizer, and the cost's place in a buffer on the device. On a CPU the same step runs as it is written, with a stack of one.

Mean cross-entropy by hand: the gradient with respect to the logits is (softmax(logits) - onehot(label)) / batch.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from inittui.engine.data.device_data import DeviceData
from inittui.engine.step.activation_kernels import ACTIVATION_KERNELS
from inittui.engine.step.flat_parameters import FlatParameters
from inittui.engine.step.optimizer_kernel import OptimizerKernel
from inittui.engine.step.optimizer_state import states_by_parameter
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Arm

WARM_STEPS = 3  # taken as they are written before one is captured: libraries set up what they need, the optimizer too


class BatchedMLP:
    """`replicas` in step, all at the same place. Raises KeyError or ValueError for state of another network."""

    @staticmethod
    def supports(arm: Arm) -> bool:
        """Whether an arm can be trained so: perceptrons without norms."""
        return arm.model.factory is None and arm.model.norm == "none"

    def __init__(self, replicas: list[Replica], arm: Arm, images: DeviceData) -> None:
        self.replicas = replicas
        self._images = images
        self._slope = ACTIVATION_KERNELS[arm.model.activation]
        self._half = arm.training.precision == "bf16"
        size, count = arm.training.batch_size, len(replicas)
        layers = [module for module in replicas[0].network.children() if isinstance(module, nn.Linear)]
        like = layers[0].weight
        self._device, kind = like.device, like.dtype

        def new(*shape: int, dtype: torch.dtype = kind) -> Tensor:
            return torch.zeros(count, *shape, dtype=dtype, device=self._device)

        self._layout = layout = FlatParameters([parameter.shape for parameter in replicas[0].network.parameters()])
        self._block, self._gradient = new(layout.total), new(layout.total)
        self._update = OptimizerKernel(self._block, self._gradient, arm.training)
        self._views, gradients = layout.views(self._block), layout.views(self._gradient)
        # Views cost a microsecond or two each, so all that a step needs are made here, and those of one replica are plain
        # matrices: torch multiplies them with less ado than a stack of one.
        share = Tensor.squeeze if count == 1 else lambda tensor, _: tensor
        self._weights = [share(weight, 0) for weight in self._views[0::2]]
        self._biases = [share(bias.unsqueeze(1), 0) for bias in self._views[1::2]]
        self._weight_gradients = [share(gradient, 0) for gradient in gradients[0::2]]
        self._bias_gradients = [share(gradient, 0) for gradient in gradients[1::2]]
        widths = [layer.out_features for layer in layers]
        self._pixels = torch.empty(count * size, images.train.shape[1], dtype=images.train.dtype, device=self._device)
        # Pixels are multiplied as they are: their scale is a factor of the two products that they are in, which is free.
        self._x, self._scale = share(new(size, images.train.shape[1]), 0), 1 / images.train_divisor
        self._z = [share(new(size, width), 0) for width in widths]
        last = len(widths) - 1
        self._a = [torch.zeros_like(z) if self._slope.keeps_z and i < last else z for i, z in enumerate(self._z)]
        self._gradients = [torch.zeros_like(z) for z in self._z]
        self._x_list = self._x.view(self._pixels.shape)
        self._weights_turned = [weight.mT for weight in self._weights]
        self._gradients_turned = [gradient.mT for gradient in self._gradients]
        self._log_p = torch.zeros_like(self._z[-1])
        self._log_p_list = self._log_p.view(count * size, -1)
        self._labels = share(new(size, 1, dtype=torch.int64), 0)
        self._label_list = self._labels.view(-1)
        self._minus_one = torch.full_like(self._labels, -1.0, dtype=kind)
        steps = len(replicas[0].costs)
        self._batches = new(steps, size, dtype=torch.int64)  # which images a step takes
        self._chosen = new(1, size, dtype=torch.int64)
        self._chosen_list = self._chosen.view(-1)
        self._step = torch.zeros(
            1, dtype=torch.int64, device=self._device
        )  # of the epoch; on the device, to be captured
        self._costs = new(steps, dtype=replicas[0].costs.dtype)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm = 0
        self._adopt_replicas()

    def _adopt_replicas(self) -> None:
        """The replicas' parameters, state and costs become views of the stack's."""
        state = [states_by_parameter(replica.optimizer_state()) for replica in self.replicas]
        for place, replica in enumerate(self.replicas):
            for number, parameter in enumerate(replica.network.parameters()):
                self._views[number][place].copy_(parameter.data)
            self._costs[place].copy_(replica.costs)
        self._update.load(self._joined_state(state))
        for place, replica in enumerate(self.replicas):
            for number, parameter in enumerate(replica.network.parameters()):
                parameter.data = self._views[number][place]
            replica.costs = self._costs[place]
            replica.optimizer_state = partial(self.optimizer_state, place)

    def _joined_state(self, state: Sequence[dict[int, dict[str, Tensor]]]) -> dict[str, Tensor]:
        """The replicas' states as the one state of the block. Raises KeyError or ValueError where one does not fit."""
        if not any(state):
            return {}
        joined: dict[str, Tensor] = {}
        for key, value in state[0][0].items():
            if value.dim() == 0:  # the steps taken so far, which all parameters of one stack have in common
                if any(states[number][key] != value for states in state for number in range(len(self._layout.shapes))):
                    raise ValueError(f"optimizer/…/{key} differs between parameters that took the same steps")
                joined[key] = value
                continue
            joined[key] = torch.zeros_like(self._block, dtype=value.dtype)
            for place, states in enumerate(state):
                for number, view in enumerate(self._layout.views(joined[key])):
                    found, wanted = states[number][key], self._layout.shapes[number]
                    if found.shape != wanted:
                        raise ValueError(f"optimizer/{number}/{key} is {list(found.shape)}; expected {list(wanted)}")
                    view[place].copy_(found)
        return joined

    def optimizer_state(self, place: int) -> dict[str, Tensor]:
        """One replica's share of what the optimizer remembers, under the names that the reference path gives it: views of
        the stack's."""
        found: dict[str, Tensor] = {}
        for key, value in self._update.state.items():
            if value.dim() == 0:
                found |= {f"{number}/{key}": value for number in range(len(self._layout.shapes))}
            else:
                for number, view in enumerate(self._layout.views(value)):
                    found[f"{number}/{key}"] = view[place]
        return found

    def begin_epoch(self, orders: Sequence[Tensor]) -> None:
        used = self._batches[0].numel()
        for place, shuffled in enumerate(orders):
            self._batches[place].copy_(shuffled[:used].view(self._batches.shape[1:]))
        self._step.fill_(self.replicas[0].step)

    def advance(self) -> None:
        if self._device.type != "cuda":
            self._take_step()
        elif self._graph is not None:
            self._graph.replay()
        elif self._warm < WARM_STEPS:
            self._warm += 1
            with self._beside():
                self._take_step()
        else:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._take_step()
            self._graph.replay()  # what is captured has only been noted down

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """On a stream of its own, as a capture asks of the steps before it."""
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            yield
        torch.cuda.current_stream(self._device).wait_stream(stream)

    @torch.no_grad()
    def _take_step(self) -> None:
        torch.index_select(self._batches, 1, self._step, out=self._chosen)
        torch.index_select(self._images.train, 0, self._chosen_list, out=self._pixels)
        torch.index_select(self._images.train_labels, 0, self._chosen_list, out=self._label_list)
        self._x_list.copy_(self._pixels)
        self._costs.index_copy_(1, self._step, self._forward())
        self._backward()
        self._update()
        self._step.add_(1)

    def _forward(self) -> Tensor:
        """The cost of each replica, [replicas, 1]."""
        a, last = self._x, len(self._weights) - 1
        for place, weight in enumerate(self._weights_turned):
            scale = 1.0 if place else self._scale
            self._product(a, weight, out=self._z[place], plus=self._biases[place], scale=scale)
            if place < last:
                self._slope.forward(self._z[place], self._a[place])
            a = self._a[place]
        torch.log_softmax(a, -1, out=self._log_p)
        if len(self.replicas) == 1:
            return nll_loss(self._log_p_list, self._label_list).view(1, 1)
        costs = nll_loss(self._log_p_list, self._label_list, reduction="none")
        return costs.view(len(self.replicas), -1).mean(1, keepdim=True)

    def _backward(self) -> None:
        """Fill the gradient of every parameter, the last layer's first."""
        last = len(self._weights) - 1
        above = torch.exp(self._log_p, out=self._gradients[last])
        above.scatter_add_(-1, self._labels, self._minus_one).mul_(1 / above.shape[-2])
        for place in range(last, -1, -1):
            below = self._a[place - 1] if place else self._x
            above = self._gradients[place]
            scale = 1.0 if place else self._scale
            self._product(self._gradients_turned[place], below, out=self._weight_gradients[place], scale=scale)
            torch.sum(above, -2, out=self._bias_gradients[place])
            if place:
                gradient = self._gradients[place - 1]
                self._product(above, self._weights[place], out=gradient)
                self._slope.backward(gradient, self._z[place - 1] if self._slope.keeps_z else below)

    def _product(self, a: Tensor, b: Tensor, *, out: Tensor, plus: Tensor | None = None, scale: float = 1.0) -> None:
        """out = scale·a·b (+ plus), matrix by matrix. With bf16 the factors are rounded to it; sums stay in 32 bits."""
        if self._half:
            out.copy_(torch.matmul(a.to(torch.bfloat16), b.to(torch.bfloat16)))
            if scale != 1.0:
                out.mul_(scale)
            if plus is not None:
                out.add_(plus)
        elif plus is not None or scale != 1.0:
            # Where nothing is added, what `out` holds counts 0 times.
            multiply = torch.addmm if a.dim() == 2 else torch.baddbmm
            multiply(out if plus is None else plus, a, b, beta=0 if plus is None else 1, alpha=scale, out=out)
        else:
            (torch.mm if a.dim() == 2 else torch.bmm)(a, b, out=out)

    def gradients(self) -> list[Tensor]:
        """Of each parameter [replicas, …], in the network's order, as the last step left them."""
        return self._layout.views(self._gradient)

    def move_to_cpu(self) -> None:
        """Leave the replicas with all that is theirs in the CPU's memory: where a stack did not fit on a device, there is no
        room for a second copy of it."""
        for replica in self.replicas:
            state = {name: value.to("cpu", copy=True) for name, value in replica.optimizer_state().items()}
            replica.optimizer_state = state.copy
            replica.costs = replica.costs.to("cpu", copy=True)
            for parameter in replica.network.parameters():
                parameter.data = parameter.data.to("cpu", copy=True)
