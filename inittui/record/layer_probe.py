"""What a probe measures of a layer: the record in the log, and the table of its quantities that views and diagnosis read.

A new quantity is a field of `LayerProbe` with a default, a row of `QUANTITIES`, and its measurement in
engine/probes/measure.py.
"""

from dataclasses import dataclass

from msgspec import Struct


class LayerProbe(Struct, frozen=True):
    """One layer, measured over a batch of examples: pre-activations z, gradients of the mean cost.

    `rms` is √E[z²]. `spread` is the standard deviation of a unit's z over the examples, as root mean square over the units:
    what is left of the signal without the biases' share. `cosine` is the mean cosine between the z of two examples. `dead` is
    the share of ReLU units that are 0 for every example, `saturated` the share of tanh or sigmoid values whose slope is
    nearly 0. `grad_z` is the root mean square of the gradient per example with respect to z, `grad_w` the norm of the
    weights' gradient, `update` the last step's ‖ΔW‖/‖W‖. `bins` count the weights between `low` and `high`. A quantity is
    None if it does not apply to the layer or is not finite.
    """

    name: str
    fan_in: int
    fan_out: int
    rms: float | None = None
    spread: float | None = None
    cosine: float | None = None
    dead: float | None = None
    saturated: float | None = None
    grad_z: float | None = None
    grad_w: float | None = None
    update: float | None = None
    low: float | None = None
    high: float | None = None
    bins: tuple[int, ...] = ()


@dataclass(frozen=True)
class Quantity:
    """A field of `LayerProbe` as people see it."""

    field: str
    key: str  # its name on the screen
    title: str
    log: bool = True  # drawn on a logarithmic scale; shares and cosines are not
    partial: bool = False  # not every layer has it, so that None is no fault
    excess: str = ""  # of a share of units: the end of the sentence that says that it is large

    def value(self, layer: LayerProbe) -> float | None:
        value: float | None = getattr(layer, self.field)
        return value


QUANTITIES = (
    Quantity("rms", "signal", "signal: rms of z"),
    Quantity("grad_z", "gradient", "gradient: rms of dL/dz per image"),
    Quantity("spread", "spread", "spread of z over the images"),
    Quantity("cosine", "cosine", "mean cosine between two images", log=False),
    Quantity("dead", "dead", "share of dead ReLU units", log=False, partial=True, excess="of the ReLU units are dead"),
    Quantity(
        "saturated",
        "saturated",
        "share of saturated units",
        log=False,
        partial=True,
        excess="of the units are saturated",
    ),
    Quantity("grad_w", "weight gradient", "norm of dL/dW"),
    Quantity("update", "update", "last step's |dW| / |W|", partial=True),
)
