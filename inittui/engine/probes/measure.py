"""Probes: how signal and gradient pass through a network, layer by layer, on a fixed batch of training images.

They attach to any module by hooks on its Linear and Conv layers, in the order in which data reach them, and leave the network
as it was: no gradient, no running statistic and no random stream is changed by being looked at.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from inittui.engine.networks.layers import Layer, Shape, layers
from inittui.record import events

BATCH = (
    512  # images at most; a deep network is looked at with fewer, so that a probe stays within hundredths of a second
)
WORK = 300e6  # multiplications of a forward pass that a probe may take
JACOBIAN_IMAGES = 4
BINS = 24  # of a layer's histogram of weights
SATURATED = 0.05  # a unit counts as saturated where its slope is below this share of the largest one
JACOBIAN_NUMBERS = 16e6  # a Jacobian of more is left out: thousands of classes of large images


def batch_size(network: nn.Module, images: int) -> int:
    """How many images a probe takes."""
    weights = sum(layer.weight.numel() for _, layer in layers(network))
    return min(images, max(16, min(BATCH, int(WORK / max(1, weights)))))


@dataclass
class _Seen:
    """What one pass has shown of a layer."""

    name: str
    layer: Layer
    z: Tensor | None = None
    dead: float | None = None
    saturated: float | None = None


def measure(
    network: nn.Module, x: Tensor, labels: Tensor, before: Sequence[Tensor] | None = None
) -> tuple[events.LayerProbe, ...]:
    """One measurement per layer, the first layer first. `x` [n, …] are inputs as in training, `labels` [n] their classes;
    `before` are the layers' weights one step ago, for the update ratio ‖ΔW‖/‖W‖.

    Gradients are those of the mean cost; those with respect to pre-activations are given per image: n times as large.
    """
    seen = {layer: _Seen(name, layer) for name, layer in layers(network)}
    order: list[_Seen] = []
    with _undisturbed(network), torch.enable_grad():
        with _watching(network, seen, order):
            cost = cross_entropy(network(x), labels)
        # What is frozen, or lies before what is, has no gradient.
        asked = [t for one in order for t in (one.z, one.layer.weight) if t is not None and t.requires_grad]
        found = torch.autograd.grad(cost, asked, allow_unused=True) if asked and cost.requires_grad else ()
    gradients = dict(zip(map(id, asked), found, strict=False))
    places = {layer: place for place, layer in enumerate(seen)}
    return tuple(
        _measured(
            one,
            len(x),
            gradients.get(id(one.z)),
            gradients.get(id(one.layer.weight)),
            before[places[one.layer]] if before is not None else None,
        )
        for one in order
    )


@contextmanager
def _undisturbed(network: nn.Module) -> Iterator[None]:
    """Leave buffers (a batch norm's running statistics) and the random stream as they are. What the network draws in here
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
def _watching(network: nn.Module, seen: dict[Layer, _Seen], order: list[_Seen]) -> Iterator[None]:
    """Note each layer's output, and what the activation that runs next makes of it."""

    def of_layer(layer: nn.Module, _inputs: object, z: Tensor) -> Tensor | None:
        one = seen[layer]  # type: ignore[index]
        if one.z is not None:  # a layer that is used twice is measured the first time
            return None
        one.z = z
        order.append(one)
        return z.clone()  # an activation that works in place would write into what is measured

    def of_activation(module: nn.Module, _inputs: object, a: Tensor) -> None:
        if order and order[-1].dead is None and order[-1].saturated is None:
            _activated(order[-1], module, a.detach())

    handles = [layer.register_forward_hook(of_layer) for layer in seen]
    handles += [
        module.register_forward_hook(of_activation)
        for module in network.modules()
        if isinstance(module, (nn.ReLU, nn.Tanh, nn.Sigmoid))
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _activated(one: _Seen, module: nn.Module, a: Tensor) -> None:
    if not a.isfinite().all():
        return
    if isinstance(module, nn.ReLU):
        # A unit is dead when no image moves it; of a convolution a unit is a channel, and a dense layer's come last.
        if a.dim() > 2:
            a = a.flatten(0, -2) if isinstance(one.layer, nn.Linear) else a.flatten(2)
        units = a.amax(2) if a.dim() > 2 else a
        one.dead = float((units.amax(0) <= 0).double().mean())
        return
    # The slope from the activation's own output, as a share of its largest: 1 for tanh, 1/4 for a sigmoid.
    slope = 1 - a * a if isinstance(module, nn.Tanh) else 4 * a * (1 - a)
    one.saturated = float((slope < SATURATED).double().mean())


def _measured(
    one: _Seen, images: int, of_z: Tensor | None, of_w: Tensor | None, before: Tensor | None
) -> events.LayerProbe:
    assert one.z is not None
    z = one.z.detach().flatten(1).double()
    weight = one.layer.weight.detach()
    shape = Shape.of(one.layer)
    low, high, bins = _histogram(weight)
    return events.LayerProbe(
        name=one.name,
        fan_in=shape.fan_in,
        fan_out=shape.fan_out,
        rms=_finite(z.square().mean().sqrt()),
        spread=_finite(z.var(0, correction=0).mean().sqrt()),
        cosine=_mean_cosine(z),
        dead=one.dead,
        saturated=one.saturated,
        grad_z=_finite(images * of_z.double().square().mean().sqrt()) if of_z is not None else None,
        grad_w=_finite(of_w.double().norm()) if of_w is not None else None,
        update=_update(weight, before),
        low=low,
        high=high,
        bins=bins,
    )


def _mean_cosine(z: Tensor) -> float | None:
    """The mean cosine between the layer's answers to two different images: 1 where the input no longer matters."""
    count = len(z)
    unit = z / z.norm(dim=1, keepdim=True).clamp_min(1e-300)
    if count < 2:
        return None
    return _finite((unit.sum(0).square().sum() - unit.square().sum()) / (count * (count - 1)))


def _update(weight: Tensor, before: Tensor | None) -> float | None:
    if before is None:
        return None
    norm = float(before.double().norm())
    return events.finite(float((weight.double() - before.double()).norm()) / norm) if norm else None


def _histogram(weight: Tensor) -> tuple[float | None, float | None, tuple[int, ...]]:
    flat = weight.flatten().double().cpu()  # the range of floats may not fit into one
    low, high = float(flat.min()), float(flat.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        return None, None, ()
    if low == high:
        return low, high, (len(flat),)
    return low, high, tuple(int(n) for n in torch.histc(flat, BINS, low, high).tolist())


def _finite(value: Tensor) -> float | None:
    return events.finite(float(value))


def jacobian(network: nn.Module, x: Tensor) -> tuple[float, ...]:
    """Singular values of the Jacobian of the outputs with respect to the inputs, the largest first, each averaged (as a root
    mean square) over the first JACOBIAN_IMAGES images of `x`; empty where it is not finite, too large, or there is none. Saxe
    et al. 2014, section 3; Pennington et al. 2017. A batch norm's statistics are those of `x`, and held."""
    with _undisturbed(network), _separate(network, x), torch.enable_grad():
        inputs = x[:JACOBIAN_IMAGES].clone().requires_grad_()
        outputs = network(inputs)
        if not outputs.requires_grad or inputs.numel() * outputs.shape[1] > JACOBIAN_NUMBERS:
            return ()
        rows = [
            torch.autograd.grad(outputs[:, place].sum(), inputs, retain_graph=True, materialize_grads=True)[0].flatten(
                1
            )
            for place in range(outputs.shape[1])
        ]
    matrices = torch.stack(rows, 1).double()  # [images, outputs, inputs]
    if not matrices.isfinite().all():
        return ()
    return tuple(torch.linalg.svdvals(matrices).square().mean(0).sqrt().tolist())


@contextmanager
def _separate(network: nn.Module, x: Tensor) -> Iterator[None]:
    """No image's answer depends on the images beside it: batch norms keep to the statistics of `x`, dropout to nothing."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    held = [module for module in network.modules() if isinstance(module, (_BatchNorm, _DropoutNd))]
    modes, momenta = [module.training for module in held], [norm.momentum for norm in norms]
    try:
        if norms:
            for norm in norms:
                norm.momentum = 1.0
            with torch.no_grad():
                network(x)
        for module in held:
            module.eval()
        yield
    finally:
        for module, mode in zip(held, modes, strict=True):
            module.training = mode
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def epochs_of(last: int, most: int = 40) -> frozenset[int]:
    """Which epochs are probed, 0 being the initialisation: each while they are few, else about `most` of them, evenly spaced
    on a logarithmic scale, the first and the last among them."""
    if last <= most:
        return frozenset(range(last + 1))
    return frozenset({0, last, *(round(math.exp(i / (most - 1) * math.log(last))) for i in range(most))})
