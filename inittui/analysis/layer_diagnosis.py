"""Sentences about a probe: how signal and gradient change from layer to layer of an arm. Every threshold is a constant here.

A layer is healthy if its signal and its gradient are within a factor of ten of the first ones, since networks train easily
through such changes; beyond it they vanish or explode. The last layer has another width and no activation after it, so the
signal is followed up to the layer before it.
"""

import math
from collections.abc import Sequence
from typing import Literal

from inittui.record.events import Probe
from inittui.record.layer_probe import QUANTITIES, LayerProbe

Health = Literal["healthy", "vanishing", "exploding", "unknown"]

FACTOR = 10.0  # the largest change of a healthy layer
SAME = 0.99  # mean cosine from which a layer does not distinguish images
CARRIED = 0.1  # spread over rms below which the biases, not the input, determine the signal
MOST = 0.5  # share of a layer's units that are dead or saturated, above which a sentence says so


def health(value: float | None, start: float | None) -> Health:
    """The health of a layer's signal or gradient `value`, compared with the one at the `start`."""
    if value is None or start is None or not math.isfinite(value) or not math.isfinite(start):
        return "exploding" if value is None and start is not None else "unknown"
    if value == 0 or start == 0 or value * FACTOR < start:
        return "vanishing"
    return "exploding" if value > FACTOR * start else "healthy"


def sentences(probe: Probe) -> list[str]:
    """The faults, the worst first; without a fault one sentence that says so."""
    layers = probe.layers
    if not layers:
        return ["no layer was reached, so that nothing is known of signal and gradient"]
    lost = [number for number, layer in enumerate(layers, 1) if not _is_size(layer.rms)]
    if lost:
        return [f"the signal is not finite from layer {lost[0]} of {len(layers)} on"]
    if all(layer.rms == 0 for layer in layers):
        return ["there is no signal: every layer answers 0 to every image"]
    faults = [_signal(probe), _gradient(layers), _inputs(layers), _units(layers)]
    return [fault for fault in faults if fault] or [_healthy(probe)]


def _signal(probe: Probe) -> str:
    """`signal halves every 2.0 layers; 0.4 % of it is left at layer 20, theory says 0.5 %`"""
    hidden = probe.layers[:-1]
    start, end = (hidden[0].rms, hidden[-1].rms) if hidden else (None, None)
    if start == 0:
        return f"layer 1 of {len(probe.layers)} answers 0 to every image"
    if len(hidden) < 2 or not start or end is None or health(end, start) == "healthy":
        return ""
    share = end / start
    last = len(hidden)
    left = f"{_share(share)} of the signal is left" if share < 1 else f"it is {_times(share)}"
    words = f"{left} at layer {last}"
    expected = probe.signal
    if len(expected) == len(probe.layers) and expected[0] and expected[last - 1] is not None:
        theory = (expected[last - 1] or 0.0) / expected[0]
        words += f", theory says {_share(theory) if theory < 1 else _times(theory)}"
    return f"signal {_pace(share, last - 1)}; {words}"


def _pace(share: float, layers: int) -> str:
    """How fast a signal shrinks or grows that has this `share` of its size left after so many layers."""
    if share == 0:
        return "dies out"
    verb, every = "halves" if share < 1 else "doubles", layers * math.log(2) / abs(math.log(share))
    return f"{verb} every {every:.1f} layers" if every > 1.25 else f"{verb} with every layer, or faster"


def _gradient(layers: Sequence[LayerProbe]) -> str:
    # From the last hidden layer to the first: the output layer has another width. By ∂L/∂z, since the ratio of the weights'
    # gradients does not show that Xavier's vanish: there a small signal meets a large gradient, and the other way round.
    inner = layers[:-1]
    if len(inner) < 2:
        return ""
    start, end = inner[-1].grad_z, inner[0].grad_z
    if not _is_size(start) or not _is_size(end) or health(end, start) == "healthy":
        return ""
    if not start or not end:
        return "no gradient reaches the first layer"
    share = end / start
    way = "vanishes" if share < 1 else "explodes"
    amount = f"{_share(share)} of what it is" if share < 1 else f"{_times(share)} as"
    return f"gradient {way} on its way back: at layer 1 it is {amount} at layer {len(inner)}"


def _inputs(layers: Sequence[LayerProbe]) -> str:
    """A signal that comes from the biases has a healthy size and still depends on no input."""
    for number, layer in enumerate(layers[:-1] or layers, 1):
        cosine, spread, rms = layer.cosine, layer.spread, layer.rms
        if cosine is not None and cosine >= SAME and spread is not None and rms and spread < CARRIED * rms:
            return (
                f"from layer {number} on all images look alike (mean cosine {cosine:.3f}): "
                f"only {_share(spread / rms)} of what it carries depends on the image"
            )
    return ""


def _units(layers: Sequence[LayerProbe]) -> str:
    for quantity in QUANTITIES:
        if not quantity.excess:
            continue
        shares = [quantity.value(layer) or 0.0 for layer in layers]
        worst = max(shares)
        if worst > MOST:
            count = sum(share > MOST for share in shares)
            more = f", and more than half in {count} layers" if count > 1 else ""
            return f"{100 * worst:.0f} % {quantity.excess} in layer {shares.index(worst) + 1}{more}"
    return ""


def jacobian(probe: Probe) -> list[str]:
    """The range of the singular values of ∂outputs/∂inputs at initialisation. If it is wide, some directions of the input
    are lost and others grow (Saxe et al. 2014, Pennington et al. 2017). Empty if the probe has no singular values."""
    if not probe.jacobian:
        return []
    largest, smallest = max(probe.jacobian), min(probe.jacobian)
    return [f"singular values of the outputs by the inputs from {largest:.2g} to {smallest:.2g}"]


def _healthy(probe: Probe) -> str:
    layers = probe.layers
    measured = {
        "gradient": [_is_size(layer.grad_z) for layer in layers],
        "deviation over the images": [_is_size(layer.spread) for layer in layers],
        "cosine": [layer.cosine is not None and math.isfinite(layer.cosine) for layer in layers],
    }
    for what, known in measured.items():
        if not all(known):
            number = f"{known.index(False) + 1} of {len(layers)}"
            return f"nothing amiss is seen, but the {what} of layer {number} could not be measured"
    if len(layers) < 3:
        return "too few layers for signal or gradient to go astray"
    start, end = layers[0].rms, layers[-2].rms
    left = f" ({_share(end / start)} of it at layer {len(layers) - 1})" if start and end is not None else ""
    return f"signal{left} and gradient keep their size"


def _is_size(value: float | None) -> bool:
    """Whether the value is known and not negative, as in a forged log."""
    return value is not None and math.isfinite(value) and value >= 0


def _share(share: float) -> str:
    if share == 0:
        return "nothing"
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.2g} %" if percent >= 1e-3 else f"{percent:.0e} %"


def _times(factor: float) -> str:
    return f"{factor:.3g} times as large" if factor < 1e6 else f"{factor:.0e} times as large"
