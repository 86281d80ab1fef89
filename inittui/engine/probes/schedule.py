"""When an arm is probed, and what mean-field theory predicts of it as initialised."""

import math
import time

from torch import Tensor

from inittui.common.failures import stack
from inittui.engine.networks.layers import layers
from inittui.engine.probes import mean_field
from inittui.engine.probes.jacobian import jacobian
from inittui.engine.probes.mean_field import LayerLaw
from inittui.engine.probes.measure import batch_size, measure
from inittui.engine.step.replica import Replica
from inittui.experiment.preset import Arm
from inittui.record import events

WITH_MEAN = ("constant", "identity")  # distributions whose weights have a mean; the theory assumes mean zero
MEAN_ERRORS = 6.0  # the weights of a user's own scheme have a mean when it is this many standard errors from 0
MOST_EPOCHS = 40  # that are probed


class Prober:
    """Probes the first replica of an arm, which stands for the others, on a fixed batch of training images."""

    def __init__(self, arm: Arm, first: Replica, x: Tensor, labels: Tensor) -> None:
        """`x` [n, …] and `labels` [n] are training images as the network gets them; the first few of them are used."""
        self._arm = arm
        self._seed = first.seed
        count = batch_size(first.network, len(x))
        # The memory that a user's own network needs is known for a step's batch only.
        if arm.model.factory is not None:
            count = min(count, arm.training.batch_size)
        self._x, self._labels = x[:count], labels[:count]
        self._epochs = epochs_of(arm.training.epochs)
        self._before: list[Tensor] | None = None

    def keep_weights(self, replica: Replica) -> None:
        """Called before the last step of an epoch: keep the weights for the update ratio."""
        if replica.seed == self._seed and replica.epochs + 1 in self._epochs:
            self._before = [layer.weight.detach().clone() for _, layer in layers(replica.network)]

    def after(self, replica: Replica) -> events.Probe | None:
        """Called when `replica` has ended an epoch: the probe, or None where none is due."""
        if replica.seed != self._seed or replica.epochs not in self._epochs:
            return None
        return self.attempt(replica)

    def attempt(self, replica: Replica) -> events.Probe | None:
        """The probe of the network as it is, or None where it can't be measured: training continues."""
        try:
            return self.probe(replica)
        except Exception as error:  # of any kind: a user's own layers may return anything
            print(f"no probe: {stack(error)}", flush=True)
            return None

    def probe(self, replica: Replica) -> events.Probe:
        """The probe of the network as it is. As initialised, it has the Jacobian and the prediction of the theory too."""
        began = time.perf_counter()
        before, self._before = self._before, None
        measured = measure(replica.network, self._x, self._labels, before)
        at_start = replica.epochs == 0
        signal, gradient = self._theory(replica) if at_start else ([], [])
        return events.Probe(
            seed=self._seed,
            epoch=replica.epochs,
            images=len(self._x),
            layers=measured,
            signal=tuple(map(events.finite, signal)),
            gradient=tuple(map(events.finite, gradient)),
            jacobian=jacobian(replica.network, self._x) if at_start else (),
            seconds=round(time.perf_counter() - began, 4),
        )

    def _theory(self, replica: Replica) -> tuple[list[float], list[float]]:
        """The predicted root mean square of signal and gradient by layer; empty where the theory does not apply. It does not
        apply to a user's own network, whose activations are unknown."""
        model, init = self._arm.model, self._arm.init
        rule = init.rule
        if model.factory is not None or model.exclude or rule.distribution in WITH_MEAN:
            return [], []
        laws = []
        for _, layer in layers(replica.network):
            fan_out, fan_in = layer.weight.shape[:2]
            std = rule.std(fan_in, fan_out)
            if std is not None:
                variance, bias = std * std, rule.bias_std(fan_in) * rule.bias_std(fan_in)
            else:  # a scheme that is fitted to data, or a user's own: the variance is that of the weights
                weight = layer.weight.detach().double()
                variance, mean = float(weight.var(correction=0)), float(weight.mean())
                if abs(mean) * math.sqrt(weight.numel()) > MEAN_ERRORS * math.sqrt(variance):
                    return [], []
                bias = float(layer.bias.detach().double().square().mean()) if layer.bias is not None else 0.0
            laws.append(LayerLaw(fan_in, fan_out, variance, bias))
        square = float(self._x.double().square().mean())
        signal = mean_field.signal(laws, model.activation, square, normed=model.norm != "none")
        if model.norm != "none" or not all(math.isfinite(value) for value in signal):
            return signal, []  # the gradient of a norm layer depends on the batch
        return signal, mean_field.gradient(laws, model.activation, signal)


def epochs_of(last: int, most: int = MOST_EPOCHS) -> frozenset[int]:
    """The epochs that are probed; 0 is the initialisation. All up to `most`; otherwise about `most` of them, evenly spaced on
    a logarithmic scale, with the first and the last."""
    if last <= most:
        return frozenset(range(last + 1))
    return frozenset({0, last, *(round(math.exp(i / (most - 1) * math.log(last))) for i in range(most))})
