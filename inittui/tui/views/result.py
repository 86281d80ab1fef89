"""The accuracy table, filling while it trains, and the sentences that say what it is worth."""

from rich.cells import cell_len

from inittui import report, result
from inittui.board import Board
from inittui.tui.look import Look, Row, arm_style, fit, wrap

# Column numbers of report.COLUMNS in the order in which a narrow screen gives them up.
SPARED = (5, 6, 1, 3, 2)
LONGEST_SENTENCE = 5  # lines
SHORTEST_NAME = 10
HEADS = tuple("accuracy" if column == "test accuracy" else column for column in report.COLUMNS)


def title(board: Board) -> str:
    return "accuracy" if board.ended else "accuracy so far"


def rows_needed(board: Board, width: int) -> int:
    """Lines for the whole table with its sentences."""
    return 1 + len(board.arms) + sum(len(wrap(words_, width, LONGEST_SENTENCE)) for words_ in _sentences(board))


def table(board: Board, width: int, height: int, look: Look) -> list[Row]:
    """Scheme, seed, costs, accuracy, seconds, speed; the best marked; then the verdicts."""
    cells = [tuple(cell.strip() for cell in row) for row in report.rows({"arms": _arms(board)})]
    shown = _columns(cells, width)
    widths = {i: max(len(HEADS[i]), *(cell_len(_plain(row[i], look)) for row in cells)) for i in shown}
    widths[0] = max(6, min(widths[0], width - 4 - sum(widths[i] + 2 for i in shown if i)))
    head = fit("  " + HEADS[0], widths[0] + 2)
    rows: list[Row] = [[(head + "".join(f"  {HEADS[i]:>{widths[i]}}" for i in shown if i), "dim")]]
    best = [cell.endswith("*") for cell in (row[4] for row in cells)]
    for place, row in enumerate(cells):
        arm = board.arms[place]
        one: Row = [(f"{look.marker(place)} ", arm_style(place)), (fit(row[0], widths[0]), f"{arm_style(place)} bold")]
        for i in (i for i in shown if i):
            text = f"  {_plain(row[i], look):>{widths[i]}}"
            style = ("good bold" if best[place] else "bold") if i == 4 else ""
            one.append((text, "bad" if i == 4 and arm.state == "failed" else style))
        rows.append(one)
    lines = [line for words in _sentences(board) for line in wrap(look.text(words), width, LONGEST_SENTENCE)]
    room = max(0, height - len(rows))
    if 0 < room < len(lines):
        lines = [*lines[: room - 1], fit("… key 2 shows the rest", width).rstrip()]
    return [*rows, *([(line, "accent" if board.ended else "dim")] for line in lines)][:height]


def _plain(cell: str, look: Look) -> str:
    return cell.removesuffix("*") + look.star if cell.endswith("*") else cell


def _arms(board: Board) -> list[dict[str, object]]:
    arms = board.result["arms"] if board.result else result.arms(board, interval=False)
    if board.ended:
        return list(arms)
    # While it trains an accuracy is shown as it stands, not as "training".
    return [
        arm | {"status": "finished"} if arm["test_accuracy"] and arm["status"] == "training" else arm for arm in arms
    ]


def _columns(cells: list[tuple[str, ...]], width: int) -> list[int]:
    shown = list(range(len(HEADS)))
    names = [row[0] for row in cells]
    # Names are cut before a column is given up, but never so far that two of them look alike.
    shortest = next((k for k in range(SHORTEST_NAME, 200) if len({fit(name, k) for name in names}) == len(names)), 200)
    for spare in SPARED:
        wide = {i: max(len(HEADS[i]), *(cell_len(row[i]) for row in cells)) for i in shown}
        needed = 2 + sum(min(wide[i], shortest) if i == 0 else wide[i] + 2 for i in shown)
        if needed <= width:
            break
        shown.remove(spare)
    return shown


def _sentences(board: Board) -> list[str]:
    if board.result:
        return report.verdicts(board.result) + report.notes(board.result)  # the header has the data's note as well
    if board.ended:
        return []
    if len(board.preset.training.seeds) == 1 and len(board.arms) > 1:
        return ["One seed proves nothing: --seeds 10 trains ten per scheme."]
    return ["The verdict comes at the end."]
