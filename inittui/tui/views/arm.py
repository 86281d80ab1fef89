"""An arm: its state, progress, cost, accuracy and speed, and sparklines of its costs."""

import statistics

from rich.cells import cell_len

from inittui.board.state import ArmBoard, Board
from inittui.board.thinned_series import Number, Thinned
from inittui.common import formatting
from inittui.tui.draw.charts import bar, buckets, sparkline
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, fit, pad, spread, width_of
from inittui.tui.draw.scale import Scale, extremes
from inittui.tui.keys import Key
from inittui.tui.views.header import STATE_STYLES, loading
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

SAYS_WHY = ("failed", "stopped", "interrupted")
UNDER_WAY = ("training", "paused")
LABEL = 8  # the width of "epochs  " and "now     "


class OpenedArmPanel(BoardPanel):
    """The chosen arm alone: the cell of the matrix that was opened."""

    NAME = "arm"
    TAKES = ("board", "log_scale", "chosen")
    WHOLE = True
    KEYS = (
        Key("enter", "screen.show('matrix')", short="this arm", only_alone=True),
        Key("escape", "close_and_choose_none", only_alone=True),
    )
    log_scale = drawn(True)
    chosen: drawn[int | None] = drawn(None)

    def title(self, width: int) -> Row:
        return title(self.board.arms[self.chosen or 0], self.chosen or 0, self.glyphs, width)

    def paint(self, width: int, height: int) -> list[Row]:
        return panel(self.board, self.chosen or 0, width, height, self.glyphs, log=self.log_scale)

    async def action_close_and_choose_none(self) -> None:
        await self.screen.run_action("show('matrix')")
        await self.screen.run_action("choose(None)")


def title(arm: ArmBoard, arm_index: int, glyphs: Glyphs, width: int) -> Row:
    """The panel's title: the marker, the name, the changed settings and the formula."""
    style = arm_style(arm_index)
    row: Row = [(f"{glyphs.marker(arm_index)} ", style), (arm.name, f"{style} bold")]
    rest = [*arm.changes, arm.formula] if arm.scheme == arm.name else [arm.scheme, *arm.changes, arm.formula]
    rest += [] if arm.bias == "zero" or "bias" in arm.formula else [f"bias {arm.bias}"]
    for words in rest:
        if width_of(row) + len(glyphs.text(words)) + 4 > width:
            break
        row.append((f"  {glyphs.text(words)}", "dim"))
    return row


def panel(board: Board, arm_index: int, width: int, height: int, glyphs: Glyphs, *, log: bool) -> list[Row]:
    """The rows inside an arm's panel, for a height of one line or more."""
    arm = board.arms[arm_index]
    if _has_not_begun(arm):
        words = [] if _trains(board) else [loading(board, width, glyphs)]
        return [pad(row, width) for row in [[(_waiting(board, arm), "accent")], *words][:height]]
    rows = [_state_line(arm, arm_index, width, glyphs), _numbers(arm, width)]
    if arm.state in SAYS_WHY and arm.reason:
        rows.insert(1, [(fit(arm.reason, width), STATE_STYLES[arm.state])])
    left, room, style = height - len(rows), max(1, width - LABEL), arm_style(arm_index)
    if left == 1:
        rows += _labelled("costs", [_both(arm, room, glyphs, log=log)], style)
    elif left > 1:
        now = 0 if arm.state == "finished" else 1 if left < 6 else 2
        rows += _labelled("epochs", _epochs(board, arm, room, left - now, glyphs, log=log), style)
        rows += _labelled(_now_label(arm), _now(arm, room, now, glyphs, log=log), f"{style} soft")
    return [pad(row, width) for row in rows[:height]]


def line(board: Board, arm_index: int, width: int, glyphs: Glyphs, *, log: bool, chosen: bool = False) -> Row:
    """An arm in one line: marker, name, state, cost, accuracy, and a sparkline in the rest of the line."""
    arm = board.arms[arm_index]
    style = arm_style(arm_index)
    longest = min(max(cell_len(other.name) for other in board.arms), max(8, width // 3))
    name_style = f"{style} bold reverse" if chosen else f"{style} bold"
    row: Row = [(f"{glyphs.marker(arm_index)} ", style), (fit(arm.name, longest), name_style), (" ", "")]
    if arm.state in SAYS_WHY:
        return pad([*row, (f"{arm.state}: {arm.reason}", STATE_STYLES[arm.state])], width)
    if _has_not_begun(arm):
        return pad([*row, (_waiting(board, arm), "dim")], width)
    if arm.state not in ("training", "finished"):  # paused, or waiting to continue
        row.append((f"{arm.state} ", STATE_STYLES.get(arm.state, "accent")))
    row += [(f"{_epoch(arm, '/')} ", ""), (f"{formatting.cost(_last_cost(arm))} ", "bold")]
    accuracies = _accuracies(arm)
    row.append((f"{formatting.percent(statistics.fmean(accuracies))} " if accuracies else "      … ", ""))
    if arm.given_up:
        row.append((f"{arm.given_up} ", "warn"))
    room = width - width_of(row)
    return pad([*row, (_both(arm, room, glyphs, log=log), style)] if room > 3 else row, width)


def _has_not_begun(arm: ArmBoard) -> bool:
    """Whether there is nothing to show yet. An arm that continues from a checkpoint keeps its curves."""
    return arm.state in ("waiting", "starting", "paused") and not arm.replicas


def _trains(board: Board) -> bool:
    return any(arm.state != "waiting" for arm in board.arms)


def _waiting(board: Board, arm: ArmBoard) -> str:
    if arm.state == "paused":
        return "paused before it began"
    if arm.state == "waiting" and board.phase != "training":
        return board.phase
    return "waiting for a free core" if arm.state == "waiting" and _trains(board) else "starting"


def _epoch(arm: ArmBoard, of: str) -> str:
    """The present epoch, `of`, and the number of epochs."""
    epoch = min(arm.epochs_done + (arm.state in UNDER_WAY), arm.epochs)
    return f"{epoch:>{len(str(arm.epochs))}}{of}{arm.epochs}"


def _state_line(arm: ArmBoard, arm_index: int, width: int, glyphs: Glyphs) -> Row:
    """`training  epoch 7 of 15  ━━━━━╸────  46 %`"""
    row: Row = [(f"{arm.state:<9} ", STATE_STYLES.get(arm.state, "accent"))]
    if arm.steps:
        row.append((f"epoch {_epoch(arm, ' of ')}  ", ""))
        share = f" {100 * arm.progress:3.0f} %"
        room = width - width_of(row) - len(share)
        row += [*bar(arm.progress, room, glyphs, arm_style(arm_index)), (share, "")] if room > 5 else []
    return row


def _last_cost(arm: ArmBoard) -> float | None:
    """The running mean of the current epoch, or the last epoch's mean cost; of several seeds their mean."""
    active = arm.active
    if active is None:
        return None
    if len(arm.seeds) > 1 and (means := arm.curve("train_cost").mean):
        return means[-1]
    if active.running:
        return active.running[-1]
    return active.points[-1].train_cost if active.points else None


def _accuracies(arm: ArmBoard) -> list[float]:
    """The seeds' accuracies in the newest tested epoch; a stopped seed counts with its last one."""
    longest = max((len(replica.points) for replica in arm.replicas), default=0)
    return [r.points[-1].test_accuracy for r in arm.replicas if r.points and (r.given_up or len(r.points) == longest)]


def _numbers(arm: ArmBoard, width: int) -> Row:
    if not arm.replicas:
        return []
    accuracies = _accuracies(arm)
    started = arm.active is not None and (arm.active.running or arm.active.points)
    row: Row = [("cost ", "dim"), (formatting.cost(_last_cost(arm)) if started else "…", "bold")]
    row += [("   test ", "dim"), (formatting.percent(statistics.fmean(accuracies)) if accuracies else "…", "bold")]
    if len(accuracies) > 1:
        row.append((f" ± {100 * statistics.stdev(accuracies):.2f}", ""))
    if len(arm.seeds) > 1:
        seeds = formatting.count(sum(bool(replica.points) for replica in arm.replicas), "seed")
        row += [(f"   mean of {seeds}" if width >= 60 else f"   {seeds}", "dim")]
        if arm.together and arm.state in UNDER_WAY:
            row += [(f", {arm.together} at a time{': more do not fit' if width >= 90 else ''}", "warn")]
    if arm.given_up:
        row.append((f"   {arm.given_up}", "warn"))
    return spread(row, [(formatting.rate(arm.rate), "dim")], width) if width > width_of(row) + 18 else row


def _running(arm: ArmBoard) -> Thinned:
    """The costs reported in the current epoch."""
    return arm.active.running if arm.active and arm.state in UNDER_WAY else Thinned()


def _columns(arm: ArmBoard, width: int) -> list[Number]:
    """The epochs' costs as columns; all epochs of the run fill `width`."""
    costs = arm.curve("train_cost").mean
    return buckets(costs, width, round(width * costs.seen / max(1, arm.epochs)))


def _labelled(label: str, lines: list[str], style: str) -> list[Row]:
    return [[(fit("" if y else label, LABEL), "dim"), (line, style)] for y, line in enumerate(lines)]


def _epochs(board: Board, arm: ArmBoard, width: int, rows: int, glyphs: Glyphs, *, log: bool) -> list[str]:
    # All arms share one scale, so that their panels can be compared.
    scale = Scale.of([cost for other in board.arms for cost in extremes(other.curve("train_cost").mean)], log=log)
    return sparkline(_columns(arm, width), width, rows, glyphs, scale)


def _now(arm: ArmBoard, width: int, rows: int, glyphs: Glyphs, *, log: bool) -> list[str]:
    """The running cost of the current epoch; at the end of the epoch it fills the line."""
    share = arm.active.step / arm.steps if arm.active and arm.steps else 0.0
    columns = buckets(_running(arm), width, max(1, round(width * share)))
    return sparkline(columns, width, rows, glyphs, Scale.of(columns, log=log))


def _now_label(arm: ArmBoard) -> str:
    """`now`, or the seed whose cost it is."""
    if arm.active and len(arm.seeds) > 1 and _running(arm):
        return f"{arm.active.seed}"[: LABEL - 1]
    return "now" if arm.state in UNDER_WAY else ""


def _both(arm: ArmBoard, width: int, glyphs: Glyphs, *, log: bool) -> str:
    """The epochs' costs and then the reports of the current epoch, in one line."""
    running, epochs = _running(arm), _columns(arm, width)
    tail = buckets(running, max(1, min(width // 3, width - len(epochs), len(running))))
    columns = (epochs + tail)[:width]
    return sparkline(columns, width, 1, glyphs, Scale.of(columns, log=log))[0]
