"""Numbers and times as people read them."""

import math

from inittui.board.state import Board
from inittui.experiment.preset import Preset


def cost(value: float | None, digits: int = 4) -> str:
    """A cost to `digits` places; shorter when it is huge; `not finite` when it is none."""
    if value is None or not math.isfinite(value):
        return "not finite"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2e}"


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def clock(seconds: float) -> str:
    """0:42, 12:05, 1:02:03."""
    whole = max(0, int(seconds)) if math.isfinite(seconds) else 0
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def size(count: float) -> str:
    """Bytes as GB, one digit below ten."""
    return f"{count / 1e9:.1f}" if count < 1e10 else f"{count / 1e9:.0f}"


def rate(value: float) -> str:
    return f"{value:,.0f} images/s" if value > 0 else ""


def network(preset: Preset, board: Board) -> str:
    """784-512-512-10 relu, as far as it is known: the inputs come with the data."""
    if any(arm.model != preset.model for arm in preset.arms):
        return "arms differ in the network"
    model = preset.model
    if model.factory:
        return model.factory.rpartition("/")[2]
    shape = board.data and (board.data.shape or (board.data.rows, board.data.columns))
    inputs = str(math.prod(shape)) if shape else "?"
    outputs = preset.model.outputs or (len(board.data.classes) if board.data else "?")
    hidden = "-".join(map(str, preset.model.hidden))
    if len(preset.model.hidden) > 6 and len(set(preset.model.hidden)) == 1:
        hidden = f"{len(preset.model.hidden)}x{preset.model.hidden[0]}"
    norm = "" if model.norm == "none" else f", {model.norm} norm"
    return f"{inputs}-{hidden}-{outputs} {model.activation}{norm}" if hidden else f"{inputs}-{outputs}"


def seeds(preset: Preset) -> str:
    given = preset.training.seeds
    return f"seed {given[0]}" if len(given) == 1 else f"{len(given)} seeds from {given[0]}"


def data(board: Board) -> str:
    if board.data is None:
        return board.preset.data.name
    return f"{board.data.title} {board.data.train:,}/{board.data.test:,}"
