"""When an arm is probed, and what theory expects of it as initialised. The first replica stands for the others."""

import math
import time

from torch import Tensor

from inittui.engine.networks.layers import layers
from inittui.engine.probes import mean_field, measure
from inittui.engine.probes.mean_field import LayerLaw
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Arm
from inittui.record import events
from inittui.schemes.catalogue import scheme

MEANLESS = ("constant", "identity")  # distributions whose weights have a mean: mean-field theory is not about them
MEANS = 6.0  # standard errors from which on the weights of a scheme of one's own have a mean


class Prober:
    """Probes the first replica of an arm on a fixed batch: as initialised, and after epochs that are chosen beforehand."""

    def __init__(self, arm: Arm, first: Replica, x: Tensor, labels: Tensor) -> None:
        """`x` and `labels` are training images as the network is given them; the first few of them are used."""
        self._arm = arm
        self._seed = first.seed
        count = measure.batch_size(first.network, len(x))
        if arm.model.factory is not None:  # what a layer of one's own costs only its training tells
            count = min(count, arm.training.batch_size)
        self._x, self._labels = x[:count], labels[:count]
        self._epochs = measure.epochs_of(arm.training.epochs)
        self._before: list[Tensor] | None = None

    def keep_weights(self, replica: Replica) -> None:
        """Before the last step of an epoch: keep the weights, for the update ratio."""
        if replica.seed == self._seed and replica.epochs + 1 in self._epochs:
            self._before = [layer.weight.detach().clone() for _, layer in layers(replica.network)]

    def after(self, replica: Replica) -> events.Probe | None:
        """The probe that is due now that `replica` has ended an epoch, or None."""
        if replica.seed != self._seed or replica.epochs not in self._epochs:
            return None
        before, self._before = self._before, None
        return self._probe(replica, before)

    def at_start(self, replica: Replica) -> events.Probe:
        """The probe of the network as initialised, with theory beside it."""
        return self._probe(replica, None)

    def _probe(self, replica: Replica, before: list[Tensor] | None) -> events.Probe:
        began = time.perf_counter()
        measured = measure.measure(replica.network, self._x, self._labels, before)
        signal: list[float] = []
        gradient: list[float] = []
        jacobian: tuple[float, ...] = ()
        if replica.epochs == 0:
            signal, gradient = self._theory(replica)
            jacobian = measure.jacobian(replica.network, self._x)
        return events.Probe(
            seed=self._seed,
            epoch=replica.epochs,
            images=len(self._x),
            layers=measured,
            signal=tuple(map(events.finite, signal)),
            gradient=tuple(map(events.finite, gradient)),
            jacobian=jacobian,
            seconds=round(time.perf_counter() - began, 4),
        )

    def _theory(self, replica: Replica) -> tuple[list[float], list[float]]:
        """Root mean squares by layer, and the gradient's; nothing where the theory has nothing to say: of a network of one's
        own it does not know the activations."""
        model, init = self._arm.model, self._arm.init
        rule = scheme(init.name).rule_of(init.parameters)
        if model.factory is not None or model.exclude or rule.distribution in MEANLESS:
            return [], []
        laws = []
        for _, layer in layers(replica.network):
            fan_out, fan_in = layer.weight.shape[:2]
            std = rule.std(fan_in, fan_out)
            if std is not None:
                variance, bias = std * std, rule.bias_std(fan_in) * rule.bias_std(fan_in)
            else:  # of a scheme that is fitted to data, or of one's own, the weights themselves tell
                weight = layer.weight.detach().double()
                variance, mean = float(weight.var(correction=0)), float(weight.mean())
                if abs(mean) * math.sqrt(weight.numel()) > MEANS * math.sqrt(variance):
                    return [], []
                bias = float(layer.bias.detach().double().square().mean()) if layer.bias is not None else 0.0
            laws.append(LayerLaw(fan_in, fan_out, variance, bias))
        square = float(self._x.double().square().mean())
        signal = mean_field.signal(laws, model.activation, square, normed=model.norm != "none")
        if model.norm != "none" or not all(math.isfinite(value) for value in signal):
            return signal, []  # a norm's own gradient depends on the batch
        return signal, mean_field.gradient(laws, model.activation, signal)
