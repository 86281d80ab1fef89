"""The layer view shows by depth why an arm trains or does not train.

It has a chart of a quantity with its theory, a heat map of layers and epochs, a histogram of a layer's weights, and a
sentence per arm.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from typing import TypeVar

from inittui.analysis import layer_diagnosis
from inittui.board.state import ArmBoard
from inittui.record.events import Probe
from inittui.record.layer_probe import QUANTITIES, Quantity
from inittui.tui.draw.charts import Series, line_chart, sparkline
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, Span, fit, pad, wrap
from inittui.tui.draw.scale import Scale, finite
from inittui.tui.keys import Key
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

T = TypeVar("T")

LEAST = 7  # lines; a view with fewer has sentences and no chart
HEALTH_STYLES = {"healthy": "good", "vanishing": "warn", "exploding": "bad", "unknown": "dim"}

_layers_key = partial(Key, group="Layers")


class LayersPanel(BoardPanel):
    """Shown alone only. Its keys bring it forward. It shows the chosen arm; if none is chosen, the first arm."""

    NAME = "layers"
    TAKES = ("board", "chosen")
    KEYS = (
        _layers_key("4", "zoom", "the layers: signal, gradient and theory by depth; again: everything", "layers"),
        _layers_key(
            "v",
            "quantity(1)",
            "the next quantity: signal, gradient, spread, cosine, dead units, …",
            "quantity",
            named_alone=True,
        ),
        _layers_key("V", "quantity(-1)", "the quantity before"),
        _layers_key("i", "at_start", "as initialised, or as it is now", "start/now", named_alone=True),
        _layers_key(
            "full_stop", "layer(1)", "the next layer, for its weights", "next layer", shown=".", named_alone=True
        ),
        _layers_key("comma", "layer(-1)", "the layer before", shown=","),
    )
    chosen: drawn[int | None] = drawn(None)
    quantity_number = drawn(0)  # in QUANTITIES
    at_start = drawn(False)  # at the initialisation, not now
    layer_number = drawn(1)  # from 1; an arm with fewer layers shows its last one

    @property
    def quantity(self) -> Quantity:
        return QUANTITIES[self.quantity_number % len(QUANTITIES)]

    @property
    def arm_index(self) -> int:
        return self.chosen or 0

    def title(self, width: int) -> Row:  # noqa: ARG002
        probe = self._probe(self.board.arms[self.arm_index])
        when = "" if probe is None else ", as initialised" if probe.epoch == 0 else f", after epoch {probe.epoch}"
        return [(f"layers, {self.quantity.title}{when}", "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Parts that do not fit are left out, the sentences last."""
        if not any(arm.probes for arm in self.board.arms):
            words = "no layer was probed" if self.board.ended else "no layer has been probed yet"
            return [[(fit(words, width), "dim")]]
        if height < LEAST:
            return [pad(row, width) for row in self._sentences(width, height)]
        sentences = self._sentences(width, height // 4)
        room = height - len(sentences)
        if width >= 92 and room >= 8:
            left, none = width * 55 // 100, list[Span]()
            pairs = zip_longest(self._chart(left - 2, room), self._side(width - left, room), fillvalue=none)
            rows = [[*pad(chart_row, left), *side_row] for chart_row, side_row in pairs]
        else:
            rows = self._chart(width, room)
        return [pad(row, width) for row in [*_filled(rows, room), *sentences]]

    async def action_quantity(self, by: int) -> None:
        self.quantity_number = (self.quantity_number + by) % len(QUANTITIES)
        await self.come_forward()

    async def action_at_start(self) -> None:
        self.at_start = not self.at_start
        await self.come_forward()

    async def action_layer(self, by: int) -> None:
        probe = self._probe(self.board.arms[self.arm_index])
        last = len(probe.layers) if probe is not None else 1
        self.layer_number = max(1, min(last, min(last, self.layer_number) + by))
        await self.come_forward()

    def _probe(self, arm: ArmBoard) -> Probe | None:
        """The first probe or the newest one; None if there is none."""
        return arm.probes[0 if self.at_start else -1] if arm.probes else None

    def _sentences(self, width: int, most: int) -> list[Row]:
        """A line per arm; first the chosen arm's sentences, in full."""
        rows: list[Row] = []
        for arm_index in sorted(range(len(self.board.arms)), key=lambda arm_index: arm_index != self.arm_index):
            arm, chosen = self.board.arms[arm_index], arm_index == self.arm_index
            probe = self._probe(arm)
            if probe is None or len(rows) >= most:
                continue
            words = "; ".join([*layer_diagnosis.sentences(probe), *layer_diagnosis.jacobian(probe)])
            lines = wrap(self.glyphs.text(f"{arm.name}: {words}."), width - 2, most if chosen else 1)
            for number, line in enumerate(lines[: most - len(rows)]):
                head = "  " if number else f"{self.glyphs.marker(arm_index)} "
                rows.append([(head, arm_style(arm_index)), (line, "" if chosen else "dim")])
        return rows

    def _chart(self, width: int, height: int) -> list[Row]:
        """Measured values as marks over the layers, theory as lines below the marks."""
        quantity = self.quantity
        theories: list[Series] = []
        measured: list[Series] = []
        deepest = 1
        for arm_index, arm in enumerate(self.board.arms):
            probe = self._probe(arm)
            if probe is None:
                continue
            marker, style = self.glyphs.marker(arm_index), arm_style(arm_index)
            if expected := theory(arm, quantity):
                theories.append(Series(expected, "." if self.glyphs.ascii else marker, f"{style} soft", "bare"))
            values = [quantity.value(layer) for layer in probe.layers]
            deepest = max(deepest, len(values))
            if any(value is not None for value in values):
                numbers = [value or None for value in values] if quantity.log else values  # 0 has no logarithm
                measured.append(Series(numbers, marker, style, "some" if quantity.partial else "points"))
        legend = "marks: measured; lines: theory at initialisation" if theories else ""
        rows = line_chart(
            [*theories, *measured],
            width,
            height - bool(legend),
            self.glyphs,
            last_x=deepest,
            log=quantity.log,
            empty=f"no {quantity.key} in these layers",
        )
        return [*rows, [(fit(legend, width), "dim")]] if legend else rows

    def _side(self, width: int, height: int) -> list[Row]:
        """For the chosen arm: the heat map of layer and epoch, and the weights of the chosen layer."""
        arm = self.board.arms[self.arm_index]
        probe = self._probe(arm)
        if probe is None:
            return [[(fit(f"{arm.name} has not been probed yet", width), "dim")]]
        if height < 14:
            return self.heat_map(arm, width, height)
        rows = _filled(self.heat_map(arm, width, height - 5), height - 5)
        return rows + histogram(probe, self.layer_number, self.arm_index, width, 5, self.glyphs)

    def heat_map(self, arm: ArmBoard, width: int, height: int) -> list[Row]:
        """A row per layer, a column per probe, evenly spaced where there is no room for all. The shade is the quantity's
        logarithm, the colour compares the layer with the first one."""
        quantity, count = self.quantity, len(arm.probes[-1].layers)
        gutter = len(str(count)) + 1
        probes = _spread_out(arm.probes, max(1, (width - gutter) // 2))
        values = finite([quantity.value(layer) for probe in probes for layer in probe.layers])
        scale = Scale.of([value for value in values if value > 0 or not quantity.log], log=quantity.log)
        shown = self._probe(arm)
        chosen = min(self.layer_number, len(shown.layers)) if shown else 0
        rows: list[Row] = [[(fit(f"{arm.name}: layer by epoch", width), "dim")]]
        for layer_index in _spread_out(range(count), max(1, height - 2)):
            row: Row = [(f"{layer_index + 1:>{gutter - 1}} ", "accent bold" if layer_index + 1 == chosen else "dim")]
            for probe in probes:
                value = quantity.value(probe.layers[layer_index]) if layer_index < len(probe.layers) else None
                row.append(self._cell(value, _start(probe, quantity), scale))
            rows.append(row)
        foot = str(probes[0].epoch)
        if len(probes) > 1:
            foot = _ends(foot, str(probes[-1].epoch), 2 * len(probes))
        rows.append([(" " * gutter, ""), (foot, "dim")])
        return [pad(row, width) for row in rows[:height]]

    def _cell(self, value: float | None, start: float | None, scale: Scale) -> Span:
        quantity, glyphs = self.quantity, self.glyphs
        if value is None and quantity.partial:
            return ("  ", "")
        if value is None or not math.isfinite(value):
            return (glyphs.cross * 2, "bad")
        if quantity.log and value <= 0:
            return (f"{glyphs.dot} ", "warn")
        style = HEALTH_STYLES[layer_diagnosis.health(value, start)] if quantity.log else "accent"
        shades = ".:-=+*#" if glyphs.ascii else "░▒▓█"
        return (shades[min(len(shades) - 1, int(scale.share(value) * len(shades)))] * 2, style)


def theory(arm: ArmBoard, quantity: Quantity) -> Sequence[float | None]:
    """The expected signal or gradient of each layer at initialisation. Theory gives the gradient up to a factor, which is
    taken from the measurement at the last layer."""
    first = arm.probes[0]
    if quantity.key == "signal":
        return first.signal
    if quantity.key == "gradient" and first.gradient and first.layers:
        last = first.layers[-1].grad_z
        return [None if value is None or last is None else value * last for value in first.gradient]
    return ()


def _start(probe: Probe, quantity: Quantity) -> float | None:
    """The value that the layers are compared with: the last hidden layer's gradient, or the first layer's value."""
    layers = probe.layers
    if not layers:
        return None
    return quantity.value(layers[-2] if quantity.key == "gradient" and len(layers) > 1 else layers[0])


def histogram(probe: Probe, layer: int, arm_index: int, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """A histogram of a layer's weights; of the last layer if there are fewer."""
    if not probe.layers:
        return []
    layer = min(layer, len(probe.layers))
    weights = probe.layers[layer - 1]
    head = f"weights of layer {layer}, {weights.fan_in} to {weights.fan_out}"
    rows: list[Row] = [[(fit(glyphs.text(head), width), "dim")]]
    if weights.low is None or weights.high is None or not weights.bins:
        return [*rows, [(fit("not finite", width), "bad")]]
    if len(weights.bins) == 1:
        return [*rows, [(fit(f"all of them are {weights.low:.3g}", width), "")]]
    counts = [float(count) for count in weights.bins]
    bars = sparkline(counts, len(counts), max(1, height - 2), glyphs, Scale(0.0, max(counts), False))
    rows += [[(line, arm_style(arm_index))] for line in bars]
    rows.append([(_ends(f"{weights.low:.3g}", f"{weights.high:.3g}", len(counts)), "dim")])
    return [pad(row, width) for row in rows[:height]]


def _filled(rows: Sequence[Row], height: int) -> list[Row]:
    return [*rows[:height], *([] for _ in range(height - len(rows)))]


def _ends(first: str, last: str, width: int) -> str:
    """Both texts at the ends of `width` cells; of more cells if they would touch."""
    return first + last.rjust(max(len(last) + 1, width - len(first)))


def _spread_out(things: Sequence[T], most: int) -> list[T]:
    """At most `most` of `things`, evenly spaced, with the first and the last."""
    count = len(things)
    if count <= most:
        return list(things)
    return [things[round(i * (count - 1) / max(1, most - 1))] for i in range(most)]
