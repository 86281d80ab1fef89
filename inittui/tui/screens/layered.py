"""The keys of the layer view: which quantity, which moment, which layer. The arm is the chosen one."""

from dataclasses import replace

from textual.screen import Screen

from inittui.board.state import Board
from inittui.tui.draw.layout import Zoom
from inittui.tui.views.layers import QUANTITIES, Looking, probe_of
from inittui.tui.widgets.panel import Panel


class LayeredScreen(Screen[None]):
    """A screen with a layer view, which it shows alone."""

    board: Board
    zoom: Zoom
    chosen: int | None
    _looking = Looking()
    _layers: Panel

    def _lay_out(self) -> None:
        raise NotImplementedError

    @property
    def looking(self) -> Looking:
        """What the view is turned to; without a chosen arm it is the first one's."""
        return replace(self._looking, arm=self.chosen or 0)

    def _look(self, looking: Looking) -> None:
        self._looking = looking
        if self.zoom != "layers":
            self.zoom = "layers"
            self._lay_out()
        self._layers.repaint()

    def action_quantity(self, by: int) -> None:
        self._look(replace(self._looking, quantity=(self._looking.quantity + by) % len(QUANTITIES)))

    def action_at_start(self) -> None:
        self._look(replace(self._looking, at_start=not self._looking.at_start))

    def action_layer(self, by: int) -> None:
        probe = probe_of(self.board.arms[self.looking.arm], self.looking)
        last = max(1, len(probe.layers)) if probe is not None else 1
        self._look(replace(self._looking, layer=min(last, max(1, self._looking.layer_of(probe) + by))))
