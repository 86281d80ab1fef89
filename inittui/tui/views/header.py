"""The top of the screen: the network, the data, the training, and the time so far and left. A replay's keys belong to it."""

import math
from functools import partial

from inittui.board import state as boards
from inittui.board.source import BoardSource, ReplaySource
from inittui.board.state import Board
from inittui.common import formatting
from inittui.experiment.preset import Preset
from inittui.tui.draw.charts import bar
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, fit, pad, spread, width_of
from inittui.tui.keys import Key
from inittui.tui.widgets.board_view import BoardPanel

STATE_STYLES = {
    "finished": "good",
    "failed": "bad",
    "stopped": "warn",
    "paused": "warn",
    "interrupted": "bad",
    "refused": "bad",
}

_replay_key = partial(Key, group="Replay", replay=True, rank=20, rank_ended=50)


class HeaderPanel(BoardPanel):
    """Without a border. Its clock goes on between two boards."""

    NAME = "header"
    TAKES = ("board", "source")
    BORDERED = False
    KEYS = (
        _replay_key("space", "pause", "pause or continue the replay", "pause"),
        _replay_key("plus,equals_sign", "speed(2)", "replay twice as fast", "faster", shown="+"),
        _replay_key("minus", "speed(0.5)", "replay half as fast", "slower", shown="-"),
        _replay_key("end", "to_end", "to the end of the replay", "to end"),
    )
    source: BoardSource

    def paint(self, width: int, height: int) -> list[Row]:
        return header(self.board, self.source.now(self.board), width, height, self.glyphs, self.source.tag)

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if not self.board.ended or self.source.tag:
            self.repaint()

    def action_pause(self) -> None:
        if isinstance(self.source, ReplaySource):
            self.source.paused = not self.source.paused
            self.repaint()

    def action_speed(self, factor: float) -> None:
        if isinstance(self.source, ReplaySource):
            self.source.speed = min(10_000.0, max(0.01, self.source.speed * factor))
            self.repaint()

    def action_to_end(self) -> None:
        if isinstance(self.source, ReplaySource):
            self.source.to_end()


def header(board: Board, now: float, width: int, height: int, glyphs: Glyphs, tag: str = "") -> list[Row]:
    """Facts on the left, time on the right, on one line or two. `tag` is a word such as `replay`."""
    name: Row = [(" inittui ", "brand"), (" ", ""), (board.preset.name, "bold")]
    facts = _facts(board)
    if height < 2 or sum(len(fact) + 3 for fact in facts) + width_of(name) + 30 <= width:
        rows = [spread(name + _joined(facts, width - width_of(name) - 32, glyphs), _time(board, now, tag), width)]
    else:
        rows = [
            spread([*name, ("  ", ""), (board.preset.title, "dim")], _time(board, now, tag), width),
            pad([(" ", ""), *_joined(facts, width, glyphs)[1:]], width),
        ]
    if words := note(board):
        # The note changes what the numbers mean, so it replaces facts where lines are few.
        rows = [*rows[: max(1, height - 1)], [(fit(f" {glyphs.text(words)}", width), "warn")]]
    return rows[:height]


def _facts(board: Board) -> list[str]:
    preset = board.preset
    training = preset.training
    data, seeds = board.data, training.seeds
    facts = [
        f"{data.title} {data.train:,}/{data.test:,}" if data else preset.data.name,
        network(preset, board),
        f"{training.optimizer} {training.learning_rate:g}",
        f"batch {training.batch_size}",
        f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds from {seeds[0]}",
    ]
    if training.precision != "float32":
        facts.insert(0, training.precision)  # the numbers depend on it
    return [*facts, board.device.label] if board.device else facts


def network(preset: Preset, board: Board) -> str:
    """784-512-512-10 relu, as far as it is known: the inputs come with the data."""
    if any(arm.model != preset.model for arm in preset.arms):
        return "arms differ in the network"
    model = preset.model
    if model.factory:
        return model.factory.rpartition("/")[2]
    shape = board.data and (board.data.shape or (board.data.rows, board.data.columns))
    inputs = str(math.prod(shape)) if shape else "?"
    outputs = model.outputs or (len(board.data.classes) if board.data else "?")
    hidden = "-".join(map(str, model.hidden))
    if len(model.hidden) > 6 and len(set(model.hidden)) == 1:
        hidden = f"{len(model.hidden)}x{model.hidden[0]}"
    norm = "" if model.norm == "none" else f", {model.norm} norm"
    return f"{inputs}-{hidden}-{outputs} {model.activation}{norm}" if hidden else f"{inputs}-{outputs}"


def _joined(facts: list[str], room: int, glyphs: Glyphs) -> Row:
    """The facts that fit, the most important first."""
    row: Row = []
    for fact in facts:
        if width_of(row) + len(fact) + 3 > room:
            break
        row += [(f" {glyphs.dot} ", "dim"), (fact, "")]
    return row or [("", "")]


def _time(board: Board, now: float, tag: str) -> Row:
    row: Row = [(f"{tag}  ", "accent")] if tag else []
    phase = "paused" if board.paused else board.phase
    row.append((phase, STATE_STYLES.get(phase, "accent")))
    if board.ended:
        return [*row, (f" in {formatting.clock(board.t)} ", "")]
    row.append((f"  {formatting.clock(now)}", ""))
    left = boards.remaining(board, now)
    return [*row, (f", {formatting.clock(left)} left " if left is not None else " ", "")]


def note(board: Board) -> str:
    """A note that changes what the numbers mean, or an error; empty if there is none."""
    if board.waiting_for:
        return (
            f"{board.waiting_for.capitalize()}: training continues; its events stay in memory until they can be written"
        )
    if board.data and board.data.note:
        return f"Note: {board.data.note}"
    if board.preset.data.scale_test is False:
        return "Note: test pixels are left at 0 to 255, as in the notebook; training saw 0 to 1"
    if board.phase in ("failed", "interrupted", "refused") and board.detail:
        return board.detail
    if board.faults:
        return f"{len(board.faults)} damaged record(s) passed over; the newest: {board.faults[-1]}"
    if board.resumed and board.resumed.note and not board.ended:
        return f"Resumed, {board.resumed.note}"
    return ""


def loading(board: Board, width: int, glyphs: Glyphs) -> Row:
    """What the run waits for before it trains, in one line."""
    if board.download:
        done, total = board.download.done, max(1, board.download.total)
        head = f"downloading {board.download.name}  {done / 1e6:.1f} of {total / 1e6:.1f} MB  "
        return [(head, ""), *bar(done / total, max(4, min(40, width - len(head) - 1)), glyphs, "accent")]
    return [(board.detail or board.phase, "dim")]
