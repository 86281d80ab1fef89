"""The drawing of the layer view: a chart of a quantity by depth with the theory beside it, a heat map of layers and epochs, a
histogram of a layer's weights, and a sentence per arm."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from inittui.analysis import layer_diagnosis
from inittui.board.state import ArmBoard, Board
from inittui.record.events import Probe
from inittui.record.layer_probe import QUANTITIES, Quantity
from inittui.tui.draw.charts import Series, line_chart, sparkline
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, fit, pad, wrap
from inittui.tui.draw.scale import Scale, finite

T = TypeVar("T")

LEAST = 7  # lines; a view with fewer has sentences and no chart
HEALTH_STYLES = {"healthy": "good", "vanishing": "warn", "exploding": "bad", "unknown": "dim"}


@dataclass(frozen=True)
class LayerViewState:
    """What the layer view shows: a quantity, at the initialisation or now, of an arm and its layer (counted from 1)."""

    quantity: int = 0
    at_start: bool = False
    arm: int = 0
    layer: int = 1

    @property
    def shown(self) -> Quantity:
        return QUANTITIES[self.quantity % len(QUANTITIES)]

    def layer_of(self, probe: Probe | None) -> int:
        """The chosen layer, or the last layer if the arm has fewer."""
        return min(self.layer, max(1, len(probe.layers))) if probe is not None else 1


def probe_of(arm: ArmBoard, state: LayerViewState) -> Probe | None:
    """The first probe or the newest one; None if there is none."""
    return (arm.probes[0] if state.at_start else arm.probes[-1]) if arm.probes else None


def title(board: Board, state: LayerViewState) -> str:
    """`layers: signal: rms of z, epoch 7`"""
    probe = probe_of(board.arms[state.arm], state)
    when = "" if probe is None else ", as initialised" if probe.epoch == 0 else f", after epoch {probe.epoch}"
    return f"layers, {state.shown.title}{when}"


def layers(board: Board, state: LayerViewState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The whole view. Parts that do not fit are left out, the sentences last."""
    if not any(arm.probes for arm in board.arms):
        words = "no layer has been probed yet" if not board.ended else "no layer was probed"
        return [[(fit(words, width), "dim")]]
    if height < LEAST:
        return [pad(row, width) for row in _sentences(board, state, width, glyphs, most=height)]
    sentences = _sentences(board, state, width, glyphs, most=height // 4)
    room = height - len(sentences)
    if width >= 92 and room >= 8:
        left = width * 55 // 100
        chart = _chart(board, state, left - 2, room, glyphs)
        side = _side(board, state, width - left, room, glyphs)
        rows = [[*pad(a, left), *b] for a, b in zip(_filled(chart, room), _filled(side, room), strict=True)]
    else:
        rows = _filled(_chart(board, state, width, room, glyphs), room)
    return [pad(row, width) for row in [*rows, *sentences]][:height]


def _filled(rows: Sequence[Row], height: int) -> list[Row]:
    return [*rows[:height], *([] for _ in range(height - len(rows)))]


def _sentences(board: Board, state: LayerViewState, width: int, glyphs: Glyphs, *, most: int) -> list[Row]:
    """A line per arm; first the chosen arm's sentences, in full."""
    rows: list[Row] = []
    arm_indices = [state.arm, *(arm_index for arm_index in range(len(board.arms)) if arm_index != state.arm)]
    for arm_index in arm_indices:
        probe = probe_of(board.arms[arm_index], state)
        if probe is None or len(rows) >= most:
            continue
        sentences = [*layer_diagnosis.sentences(probe), *layer_diagnosis.jacobian(probe)]
        words = glyphs.text("; ".join(sentences))
        head: Row = [(f"{glyphs.marker(arm_index)} ", arm_style(arm_index))]
        lines = wrap(f"{board.arms[arm_index].name}: {words}.", width - 2, most if arm_index == state.arm else 1)
        for number, line in enumerate(lines[: most - len(rows)]):
            rows.append([*(head if number == 0 else [("  ", "")]), (line, "" if arm_index == state.arm else "dim")])
    return rows


def _chart(board: Board, state: LayerViewState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Measured values as marks over the layers, theory as lines below the marks."""
    quantity = state.shown
    theories: list[Series] = []
    measured: list[Series] = []
    deepest = 1
    for arm_index, arm in enumerate(board.arms):
        probe = probe_of(arm, state)
        if probe is None:
            continue
        values = [quantity.value(layer) for layer in probe.layers]
        deepest = max(deepest, len(values))
        expected = theory(arm, state)
        if expected:
            theories.append(
                Series(
                    expected, "." if glyphs.ascii else glyphs.marker(arm_index), f"{arm_style(arm_index)} soft", "bare"
                )
            )
        if any(value is not None for value in values):
            drawn = [value or None for value in values] if quantity.log else values  # 0 has no logarithm
            kind: Literal["points", "some"] = "some" if quantity.partial else "points"
            measured.append(Series(drawn, glyphs.marker(arm_index), arm_style(arm_index), kind))
    legend = "marks: measured; lines: theory at initialisation" if theories else ""
    rows = line_chart(
        [*theories, *measured],
        width,
        height - bool(legend),
        glyphs,
        last_x=deepest,
        log=quantity.log,
        empty=f"no {quantity.key} in these layers",
    )
    return [*rows, [(fit(legend, width), "dim")]] if legend else rows


def theory(arm: ArmBoard, state: LayerViewState) -> Sequence[float | None]:
    """The expected signal or gradient of each layer at initialisation. Theory gives the gradient up to a factor, which is
    taken from the measurement at the last layer."""
    first = arm.probes[0]
    if state.shown.key == "signal":
        return first.signal
    if state.shown.key == "gradient" and first.gradient and first.layers:
        last = first.layers[-1].grad_z
        return [None if value is None or last is None else value * last for value in first.gradient]
    return ()


def _side(board: Board, state: LayerViewState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """For the chosen arm: the heat map of layer and epoch, and the weights of the chosen layer."""
    arm = board.arms[state.arm]
    probe = probe_of(arm, state)
    if probe is None:
        return [[(fit(f"{arm.name} has not been probed yet", width), "dim")]]
    histogram_rows = 5 if height >= 14 else 0
    rows = heat_map(arm, state, width, height - histogram_rows, glyphs)
    if histogram_rows:
        rows = _filled(rows, height - histogram_rows)
        rows += histogram(probe, state.layer_of(probe), state.arm, width, histogram_rows, glyphs)
    return rows


def heat_map(arm: ArmBoard, state: LayerViewState, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """A row per layer, a column per probe, evenly spaced where there is no room for all. The shade is the quantity's
    logarithm, the colour compares the layer with the first one."""
    quantity = state.shown
    shades = " .:-=+*#" if glyphs.ascii else " ░▒▓█"
    gutter = len(str(len(arm.probes[-1].layers))) + 1
    room = max(1, (width - gutter) // 2)
    probes = _spread_out(arm.probes, room)
    count = len(arm.probes[-1].layers)
    shown = _spread_out(range(count), max(1, height - 2))
    values = [quantity.value(layer) for probe in probes for layer in probe.layers]
    scale = Scale.of(
        [value for value in finite(values) if value > 0] if quantity.log else finite(values), log=quantity.log
    )
    chosen = state.layer_of(probe_of(arm, state))
    rows: list[Row] = [[(fit(f"{arm.name}: layer by epoch", width), "dim")]]
    for layer_index in shown:
        row: Row = [(f"{layer_index + 1:>{gutter - 1}} ", "accent bold" if layer_index + 1 == chosen else "dim")]
        for probe in probes:
            value = quantity.value(probe.layers[layer_index]) if layer_index < len(probe.layers) else None
            row.append(_cell(value, _start(probe, quantity), quantity, scale, shades, glyphs))
        rows.append(row)
    foot = str(probes[0].epoch)
    if len(probes) > 1:
        foot = _ends(foot, str(probes[-1].epoch), 2 * len(probes))
    rows.append([(" " * gutter, ""), (foot, "dim")])
    return [pad(row, width) for row in rows[:height]]


def _start(probe: Probe, quantity: Quantity) -> float | None:
    """The value that the layers are compared with: the last hidden layer's gradient, or the first layer's value."""
    layers = probe.layers
    if not layers:
        return None
    return quantity.value(layers[-2] if quantity.key == "gradient" and len(layers) > 1 else layers[0])


def _cell(
    value: float | None, start: float | None, quantity: Quantity, scale: Scale, shades: str, glyphs: Glyphs
) -> tuple[str, str]:
    if value is None and quantity.partial:
        return ("  ", "")
    if value is None or not math.isfinite(value):
        return (glyphs.cross * 2, "bad")
    if quantity.log and value <= 0:
        return (f"{glyphs.dot} ", "warn")
    style = HEALTH_STYLES[layer_diagnosis.health(value, start)] if quantity.log else "accent"
    level = 1 + min(len(shades) - 2, int(scale.share(value) * (len(shades) - 1)))
    return (shades[level] * 2, style)


def histogram(probe: Probe, layer: int, arm_index: int, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """A histogram of a layer's weights."""
    if not probe.layers:
        return []
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


def _ends(first: str, last: str, width: int) -> str:
    """Both texts at the ends of `width` cells; of more cells if they would touch."""
    return first + last.rjust(max(len(last) + 1, width - len(first)))


def _spread_out(things: Sequence[T], most: int) -> list[T]:
    """At most `most` of `things`, evenly spaced, with the first and the last."""
    count = len(things)
    if count <= most:
        return list(things)
    return [things[round(i * (count - 1) / max(1, most - 1))] for i in range(most)]
