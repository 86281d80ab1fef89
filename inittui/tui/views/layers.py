"""The layer view: it shows by depth why an arm trains or does not train."""

from dataclasses import replace
from functools import partial

from inittui.record.layer_probe import QUANTITIES
from inittui.tui.draw.rows import Row
from inittui.tui.keys import Key
from inittui.tui.views import layers_drawing
from inittui.tui.views.layers_drawing import LayerViewState, probe_of
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

_layers_key = partial(Key, group="Layers")


class LayersPanel(BoardPanel):
    """Shown alone only. Its keys bring it forward."""

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
    selection = drawn(LayerViewState())

    @property
    def state(self) -> LayerViewState:
        """What is shown, of the chosen arm; if none is chosen, of the first arm."""
        return replace(self.selection, arm=self.chosen or 0)

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [(layers_drawing.title(self.board, self.state), "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        return layers_drawing.layers(self.board, self.state, width, height, self.glyphs)

    async def action_quantity(self, by: int) -> None:
        await self._select(replace(self.selection, quantity=(self.selection.quantity + by) % len(QUANTITIES)))

    async def action_at_start(self) -> None:
        await self._select(replace(self.selection, at_start=not self.selection.at_start))

    async def action_layer(self, by: int) -> None:
        probe = probe_of(self.board.arms[self.state.arm], self.state)
        last = max(1, len(probe.layers)) if probe is not None else 1
        layer = min(last, max(1, self.selection.layer_of(probe) + by))
        await self._select(replace(self.selection, layer=layer))

    async def _select(self, selection: LayerViewState) -> None:
        self.selection = selection
        if not self.alone:
            await self.come_forward()
