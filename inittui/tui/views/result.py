"""The accuracy table, and the sentences about its differences.

Beside other panels it shows what there is room for. Alone on the screen (`whole`) it has everything, each seed on request,
and scrolls.
"""

from collections.abc import Sequence

from msgspec.structs import replace
from rich.cells import cell_len

from inittui.analysis import accuracy_table, result_document, sentences
from inittui.analysis.accuracy_table import ACCURACY, SCHEME, SPARED
from inittui.board.state import Board
from inittui.common.errors import in_quotes
from inittui.record.result_schema import ArmResult
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.render_cache import epoch_key
from inittui.tui.draw.rows import Row, fit, wrap
from inittui.tui.keys import Key
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

LONGEST_SENTENCE = 5  # lines, beside other panels
SHORTEST_NAME = 10
HEADS = tuple("accuracy" if column == "test accuracy" else column for column in accuracy_table.COLUMNS)


class ResultPanel(BoardPanel):
    """Alone it scrolls and, on request, has a row for each seed."""

    NAME = "result"
    KEYS = (
        Key("2", "zoom", "the accuracy table alone, with speed; again: everything", "table", group="Layout"),
        Key("s", "each_seed", "the accuracy table alone with each seed; again: without", group="Layout"),
        Key("down,j", "scroll_table(1)", only_alone=True),
        Key("up,k", "scroll_table(-1)", only_alone=True),
        Key("pagedown", "page_table(1)", only_alone=True),
        Key("pageup", "page_table(-1)", only_alone=True),
    )
    each_seed = drawn(False)
    top = drawn(0)  # the line at which the table begins

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [("accuracy", "good bold") if self.board.ended else ("accuracy so far", "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        key = (width, height, self.alone, self.each_seed, self.top, *epoch_key(self.board))
        return self.cached(key, lambda: self._whole(width, height) if self.alone else self._beside(width, height))

    def watch_alone(self) -> None:
        self.top = 0

    async def action_each_seed(self) -> None:
        self.each_seed = not self.alone or not self.each_seed
        self.top = 0
        await self.come_forward()

    def action_scroll_table(self, by: int) -> None:
        lines = len(everything(self.board, self.inside.width, self.glyphs, each_seed=self.each_seed))
        furthest = max(0, lines - max(2, self.inside.height))
        self.top = max(0, min(self.top + by, furthest))

    def action_page_table(self, by: int) -> None:
        self.action_scroll_table(by * max(1, self.inside.height - 2))

    def _beside(self, width: int, height: int) -> list[Row]:
        """The table, with the best accuracy marked, and the sentences that fit."""
        rows, _ = _table(self.board, width, self.glyphs, each_seed=False)
        style = "accent" if self.board.ended else "dim"
        lines = _wrapped(_sentences(self.board), width, LONGEST_SENTENCE, self.glyphs, style)
        room = height - len(rows)
        if 0 < room < len(lines):
            lines = [*lines[: room - 1], [(fit("… key 2 shows the rest", width), style)]]
        return [*rows, *lines][:height]

    def _whole(self, width: int, height: int) -> list[Row]:
        """The heads, and the table with all sentences from line `top` on."""
        heads, *rest = everything(self.board, width, self.glyphs, each_seed=self.each_seed)
        top = min(self.top, max(0, 1 + len(rest) - max(2, height)))
        shown = rest[top : top + max(0, height - 1)]
        below = len(rest) - top - len(shown)
        if below and len(shown) > 1:
            shown[-1] = [(fit(f"… {below + 1} lines more: down, page down", width), "dim")]
        return [heads, *shown][:height]


def rows_needed(board: Board, width: int) -> int:
    """The number of lines of the table with its sentences, beside other panels."""
    return 1 + len(board.arms) + sum(len(wrap(words, width, LONGEST_SENTENCE)) for words in _sentences(board))


def everything(board: Board, width: int, glyphs: Glyphs, *, each_seed: bool) -> list[Row]:
    """All rows of the table alone, for any height."""
    rows, spared = _table(board, width, glyphs, each_seed=each_seed)
    texts = _sentences(board) + (sentences.asides(board.result) if board.result else [])
    rows += _wrapped(texts, width, 40, glyphs, "accent" if board.ended else "dim")
    if spared:
        words = (
            f"No room for: {', '.join(spared)}. {in_quotes('report', board.run, '--format', 'md')} has every column."
        )
        rows += _wrapped([words], width, 40, glyphs, "dim")
    return rows


def _wrapped(texts: Sequence[str], width: int, most: int, glyphs: Glyphs, style: str) -> list[Row]:
    """The texts, each in at most `most` lines."""
    return [[(line, style)] for words in texts for line in wrap(glyphs.text(words), width, most)]


def _table(board: Board, width: int, glyphs: Glyphs, *, each_seed: bool) -> tuple[list[Row], list[str]]:
    """The heads and rows, and the names of the columns that do not fit."""
    cells = [[cell.strip() for cell in row] for row in accuracy_table.rows(_arms(board), each_seed=each_seed)]
    columns = accuracy_table.columns(cells)
    widths = _widths(cells, columns, width)
    others = [i for i in widths if i != SCHEME]
    head = fit(f"  {HEADS[SCHEME]}", widths[SCHEME] + 2)
    rows: list[Row] = [[(head + "".join(f"  {HEADS[i]:>{widths[i]}}" for i in others), "dim")]]
    arm_index = -1
    for row in cells:
        of_arm = bool(row[SCHEME])  # else one of its seeds
        arm_index += of_arm
        failed, best = board.arms[arm_index].state == "failed", row[ACCURACY].endswith("*")
        row[ACCURACY] = row[ACCURACY].replace("*", glyphs.star)
        colour = arm_style(arm_index)
        marker = f"{glyphs.marker(arm_index)} " if of_arm else "  "
        spans: Row = [(marker, colour), (fit(row[SCHEME], widths[SCHEME]), f"{colour} bold")]
        for i in others:
            style = "" if of_arm else "dim"
            if i == ACCURACY and of_arm:
                style = "bad" if failed else "good bold" if best else "bold"
            spans.append((f"  {row[i]:>{widths[i]}}", style))
        rows.append(spans)
    return rows, [HEADS[i] for i in columns if i not in widths]


def _widths(cells: list[list[str]], columns: list[int], width: int) -> dict[int, int]:
    """The widths of the columns that fit. Names are cut before a column is left out, but no two names become equal."""
    widths = {i: max(len(HEADS[i]), *(cell_len(row[i]) for row in cells)) for i in columns}
    names = [row[SCHEME] for row in cells if row[SCHEME]]
    distinct = (k for k in range(SHORTEST_NAME, 200) if len({fit(name, k) for name in names}) == len(names))
    shortest = min(widths[SCHEME], next(distinct, 200))
    for spare in SPARED:
        if shortest + sum(widths[i] + 2 for i in widths if i != SCHEME) + 2 <= width:
            break
        widths.pop(spare, None)
    room = width - 4 - sum(widths[i] + 2 for i in widths if i != SCHEME)
    return widths | {SCHEME: max(6, min(widths[SCHEME], room))}


def _arms(board: Board) -> Sequence[ArmResult]:
    arms = board.result.arms if board.result else result_document.arms(board, interval=False)
    if board.ended:
        return arms
    # During training the table shows the accuracy so far, not the word "training".
    return [replace(arm, status="finished") if arm.test_accuracy and arm.status == "training" else arm for arm in arms]


def _columns(cells: list[tuple[str, ...]], width: int) -> list[int]:
    shown = accuracy_table.columns(cells)
    names = [row[0] for row in cells if row[0]]
    # Names are cut before a column is left out, but no two names become equal.
    shortest = next((k for k in range(SHORTEST_NAME, 200) if len({fit(name, k) for name in names}) == len(names)), 200)
    for spare in SPARED:
        wide = {i: max(len(HEADS[i]), *(cell_len(row[i]) for row in cells)) for i in shown}
        needed = 2 + sum(min(wide[i], shortest) if i == 0 else wide[i] + 2 for i in shown)
        if needed <= width:
            break
        if spare in shown:
            shown.remove(spare)
    return shown


def _sentences(board: Board) -> list[str]:
    if board.result:
        return sentences.verdicts(board.result) + sentences.notes(board.result)
    if board.ended:
        return []
    if len(board.preset.training.seeds) == 1 and len(board.arms) > 1:
        return ["One seed proves nothing: --seeds 10 trains ten per scheme."]
    return ["The verdict comes at the end."]
