"""Measures how signal and gradient pass through a network, layer by layer, on a fixed batch of training images.

It works for any module, by hooks on its Linear and Conv layers. The network stays as it was: a measurement changes no
gradient, no running statistic and no random stream. `LayerProbe` says what each
quantity is.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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


def measure(
    network: nn.Module, x: Tensor, labels: Tensor, before: Sequence[Tensor] | None = None
) -> tuple[LayerProbe, ...]:
    """Every quantity of every layer that the data reach, in the order in which they reach them.

    `x` [n, …] are inputs as in training, `labels` int64 [n] their classes. `before` are the weights of all layers one step
    ago, in the network's order, for the update ratio.
    """
    outputs: dict[Layer, Tensor] = {}  # the pre-activations as the network computes them
    shares: dict[Layer, dict[str, float]] = {}  # of dead or saturated units
    with undisturbed(network), torch.enable_grad():
        with _hooks(network, outputs, shares):
            cost = cross_entropy(network(x), labels)
        # Layers that are frozen, or that precede frozen ones, have no gradient.
        tensors = [t for layer, z in outputs.items() for t in (z, layer.weight) if t.requires_grad]
        gradients = torch.autograd.grad(cost, tensors, allow_unused=True) if tensors and cost.requires_grad else ()
    by_tensor = dict(zip(tensors, gradients, strict=False))
    named = layers(network)
    names = {layer: name for name, layer in named}
    weights_before = {layer: weight for (_, layer), weight in zip(named, before or (), strict=False)}
    probes = []
    for layer, output in outputs.items():
        weight, shape = layer.weight.detach(), Shape.of(layer)
        z = output.detach().flatten(1).double()  # [rows, units]
        of_output, of_weight = by_tensor.get(output), by_tensor.get(layer.weight)
        low, high, bins = _histogram(weight)
        probe = LayerProbe(
            name=names[layer],
            fan_in=shape.fan_in,
            fan_out=shape.fan_out,
            rms=_finite(z.square().mean().sqrt()),
            spread=_finite(z.var(0, correction=0).mean().sqrt()),
            cosine=_cosine(z),
            # Per image: n times the gradient of the mean cost.
            grad_z=_finite(len(x) * of_output.double().square().mean().sqrt()) if of_output is not None else None,
            grad_w=_finite(of_weight.double().norm()) if of_weight is not None else None,
            update=_update(weight, weights_before.get(layer)),
            low=low,
            high=high,
            bins=bins,
            **shares.get(layer, {}),
        )
        probes.append(probe)
    return tuple(probes)


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Keep buffers (a batch norm's running statistics), training modes and torch's random stream as they are. Inside, what
    the network draws (dropout) is the same every time, as the images are."""
    buffers = [buffer.clone() for buffer in network.buffers()]
    modes = [module.training for module in network.modules()]
    devices = {parameter.device for parameter in network.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=list(devices)), torch.no_grad():
        try:
            torch.manual_seed(0)
            yield
        finally:
            for buffer, value in zip(network.buffers(), buffers, strict=True):
                buffer.copy_(value)
            for module, mode in zip(network.modules(), modes, strict=True):
                module.training = mode


@contextmanager
def _hooks(network: nn.Module, outputs: dict[Layer, Tensor], shares: dict[Layer, dict[str, float]]) -> Iterator[None]:
    """Record each layer's output, and what the activation that runs next shows."""

    def after_layer(layer: Layer, _inputs: object, z: Tensor) -> Tensor | None:
        if layer in outputs:  # a layer that is used twice is measured the first time
            return None
        outputs[layer] = z
        return z.clone()  # an activation that works in place would overwrite what is measured

    def after_activation(activation: nn.Module, _inputs: object, a: Tensor) -> None:
        layer = next(reversed(outputs), None)
        if layer is not None and layer not in shares and a.isfinite().all():
            shares[layer] = _dead_or_saturated(layer, activation, a.detach())

    hooks = [layer.register_forward_hook(after_layer) for _, layer in layers(network)]
    activations = [module for module in network.modules() if isinstance(module, ACTIVATIONS)]
    hooks += [activation.register_forward_hook(after_activation) for activation in activations]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _dead_or_saturated(layer: Layer, activation: nn.Module, a: Tensor) -> dict[str, float]:
    """The share of ReLU units that are 0 for every image, or of tanh or sigmoid values where the slope is nearly zero."""
    if isinstance(activation, nn.ReLU):
        if a.dim() > 2:  # a dense layer has its units last, a convolution its channels first, and a unit is a channel
            a = a.flatten(0, -2) if isinstance(layer, nn.Linear) else a.flatten(2).amax(2)
        return {"dead": float((a.amax(0) <= 0).double().mean())}
    # The slope in terms of the output, over the largest slope: 1 for tanh, 1/4 for a sigmoid.
    slope = 1 - a * a if isinstance(activation, nn.Tanh) else 4 * a * (1 - a)
    return {"saturated": float((slope < SATURATED).double().mean())}


def _cosine(z: Tensor) -> float | None:
    """The mean cosine between the pre-activations of two different images: 1 where the input no longer matters."""
    count = len(z)
    if count < 2:
        return None
    unit = z / z.norm(dim=1, keepdim=True).clamp_min(1e-300)
    return _finite((unit.sum(0).square().sum() - unit.square().sum()) / (count * (count - 1)))


def _update(weight: Tensor, before: Tensor | None) -> float | None:
    norm = float(before.double().norm()) if before is not None else 0.0
    if before is None or not norm:
        return None
    return events.finite(float((weight.double() - before.double()).norm()) / norm)


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
