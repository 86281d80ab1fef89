"""Measures how signal and gradient pass through a network, layer by layer, on a fixed batch of training images.

It works for any module, by hooks on its Linear and Conv layers. The network stays as it was: a measurement changes no
gradient, no running statistic and no random stream.

A quantity of a layer is one function here, marked with `@quantity`, or with `@activation_quantity` where it needs the output
of the activation. Its name is the name of a field of `LayerProbe`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.networks.layers import Layer, Shape, layers
from inittui.record import events
from inittui.record.layer_probe import LayerProbe

BATCH = 512  # images at most
# Multiplications of a forward pass at most, so that a probe of a deep network takes hundredths of a second.
WORK = 300e6
BINS = 24  # of a layer's histogram of weights
SATURATED = 0.05  # a unit is saturated where its slope is below this share of the largest slope

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Sigmoid)  # those with dead or saturated units


def batch_size(network: nn.Module, images: int) -> int:
    """How many of `images` images a probe of `network` takes."""
    weights = sum(layer.weight.numel() for _, layer in layers(network))
    return min(images, max(16, min(BATCH, int(WORK / max(1, weights)))))


@dataclass
class LayerPass:
    """What one forward and backward pass shows of a layer."""

    name: str
    layer: Layer
    before: Tensor | None  # the weights one step ago
    output: Tensor | None = None  # the pre-activations as the network computed them
    activated: dict[str, float | None] = field(default_factory=dict)  # the quantities of its activation
    images: int = 0
    z: Tensor = field(default_factory=lambda: torch.empty(0))  # pre-activations, float64 [rows, units]
    grad_output: Tensor | None = None  # of the mean cost, with respect to `output`
    grad_weight: Tensor | None = None

    @property
    def weight(self) -> Tensor:
        return self.layer.weight.detach()


Quantity = Callable[[LayerPass], float | None]
ActivationQuantity = Callable[[Layer, nn.Module, Tensor], float | None]
QUANTITIES: dict[str, Quantity] = {}
ACTIVATION_QUANTITIES: dict[str, ActivationQuantity] = {}


def quantity(function: Quantity) -> Quantity:
    QUANTITIES[function.__name__] = function
    return function


def activation_quantity(function: ActivationQuantity) -> ActivationQuantity:
    ACTIVATION_QUANTITIES[function.__name__] = function
    return function


@quantity
def rms(seen: LayerPass) -> float | None:
    """√E[z²]."""
    return _finite(seen.z.square().mean().sqrt())


@quantity
def spread(seen: LayerPass) -> float | None:
    """The standard deviation of a unit over the images, as a root mean square over the units."""
    return _finite(seen.z.var(0, correction=0).mean().sqrt())


@quantity
def cosine(seen: LayerPass) -> float | None:
    """The mean cosine between the pre-activations of two different images: 1 where the input no longer matters."""
    count = len(seen.z)
    unit = seen.z / seen.z.norm(dim=1, keepdim=True).clamp_min(1e-300)
    if count < 2:
        return None
    return _finite((unit.sum(0).square().sum() - unit.square().sum()) / (count * (count - 1)))


@quantity
def grad_z(seen: LayerPass) -> float | None:
    """Root mean square of the gradient with respect to z, per image: n times that of the mean cost."""
    gradient = seen.grad_output
    return _finite(seen.images * gradient.double().square().mean().sqrt()) if gradient is not None else None


@quantity
def grad_w(seen: LayerPass) -> float | None:
    """Norm of the gradient of the mean cost with respect to the weights."""
    return _finite(seen.grad_weight.double().norm()) if seen.grad_weight is not None else None


@quantity
def update(seen: LayerPass) -> float | None:
    """‖ΔW‖/‖W‖ of the last step."""
    if seen.before is None:
        return None
    norm = float(seen.before.double().norm())
    return events.finite(float((seen.weight.double() - seen.before.double()).norm()) / norm) if norm else None


@activation_quantity
def dead(layer: Layer, activation: nn.Module, a: Tensor) -> float | None:
    """The share of ReLU units that are 0 for every image. A unit of a convolution is a channel."""
    if not isinstance(activation, nn.ReLU):
        return None
    if a.dim() > 2:  # a dense layer has its units last, a convolution its channels first
        a = a.flatten(0, -2) if isinstance(layer, nn.Linear) else a.flatten(2)
    units = a.amax(2) if a.dim() > 2 else a
    return float((units.amax(0) <= 0).double().mean())


@activation_quantity
def saturated(_layer: Layer, activation: nn.Module, a: Tensor) -> float | None:
    """The share of tanh or sigmoid values where the slope is nearly zero."""
    if isinstance(activation, nn.ReLU):
        return None
    # The slope in terms of the output, over the largest slope: 1 for tanh, 1/4 for a sigmoid.
    slope = 1 - a * a if isinstance(activation, nn.Tanh) else 4 * a * (1 - a)
    return float((slope < SATURATED).double().mean())


def measure(
    network: nn.Module, x: Tensor, labels: Tensor, before: Sequence[Tensor] | None = None
) -> tuple[LayerProbe, ...]:
    """Every quantity of every layer that the data reach, in the order in which they reach them.

    `x` [n, …] are inputs as in training, `labels` int64 [n] their classes. `before` are the weights of all layers one step
    ago, in the network's order, for the update ratio.
    """
    named = layers(network)
    seen = {
        layer: LayerPass(name, layer, before[index] if before is not None else None)
        for index, (name, layer) in enumerate(named)
    }
    order: list[LayerPass] = []
    with undisturbed(network), torch.enable_grad():
        with _hooks(network, seen, order):
            cost = cross_entropy(network(x), labels)
        # Layers that are frozen, or that precede frozen ones, have no gradient.
        tensors = [t for one in order for t in (one.output, one.layer.weight) if t is not None and t.requires_grad]
        gradients = torch.autograd.grad(cost, tensors, allow_unused=True) if tensors and cost.requires_grad else ()
    by_id = dict(zip(map(id, tensors), gradients, strict=False))
    for layer_pass in order:
        assert layer_pass.output is not None
        layer_pass.images = len(x)
        layer_pass.grad_output = by_id.get(id(layer_pass.output))
        layer_pass.grad_weight = by_id.get(id(layer_pass.layer.weight))
    return tuple(map(_probe, order))


def _probe(seen: LayerPass) -> LayerProbe:
    assert seen.output is not None
    seen.z = seen.output.detach().flatten(1).double()
    shape = Shape.of(seen.layer)
    low, high, bins = _histogram(seen.weight)
    values = {name: function(seen) for name, function in QUANTITIES.items()}
    values |= {name: seen.activated.get(name) for name in ACTIVATION_QUANTITIES}
    return LayerProbe(
        name=seen.name, fan_in=shape.fan_in, fan_out=shape.fan_out, low=low, high=high, bins=bins, **values
    )


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Keep buffers (a batch norm's running statistics) and torch's random stream as they are. Inside, what the network draws
    (dropout) is the same every time, as the images are."""
    kept = [buffer.clone() for buffer in network.buffers()]
    devices = {parameter.device for parameter in network.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=list(devices)), torch.no_grad():
        try:
            torch.manual_seed(0)
            yield
        finally:
            for buffer, value in zip(network.buffers(), kept, strict=True):
                buffer.copy_(value)


@contextmanager
def _hooks(network: nn.Module, seen: dict[Layer, LayerPass], order: list[LayerPass]) -> Iterator[None]:
    """Record each layer's output, and the quantities of the activation that runs next."""

    def after_layer(layer: nn.Module, _inputs: object, z: Tensor) -> Tensor | None:
        layer_pass = seen[layer]  # type: ignore[index]
        if layer_pass.output is not None:  # a layer that is used twice is measured the first time
            return None
        layer_pass.output = z
        order.append(layer_pass)
        return z.clone()  # an activation that works in place would overwrite what is measured

    def after_activation(activation: nn.Module, _inputs: object, a: Tensor) -> None:
        if order and not order[-1].activated and a.isfinite().all():
            order[-1].activated = {
                name: function(order[-1].layer, activation, a.detach())
                for name, function in ACTIVATION_QUANTITIES.items()
            }

    handles = [layer.register_forward_hook(after_layer) for layer in seen]
    handles += [
        module.register_forward_hook(after_activation)
        for module in network.modules()
        if isinstance(module, ACTIVATIONS)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _histogram(weight: Tensor) -> tuple[float | None, float | None, tuple[int, ...]]:
    """The smallest and the largest weight, and the number of weights in each of BINS bins between them."""
    flat = weight.flatten().double().cpu()  # the difference of two float32 may not be one
    low, high = float(flat.min()), float(flat.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        return None, None, ()
    if low == high:
        return low, high, (len(flat),)
    return low, high, tuple(int(n) for n in torch.histc(flat, BINS, low, high).tolist())


def _finite(value: Tensor) -> float | None:
    return events.finite(float(value))
