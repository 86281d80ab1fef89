"""An arm's confusion matrix or, if the matrix does not fit, a list of the most frequent confusions."""

from rich.cells import cell_len, set_cell_size

from inittui.board.state import Board
from inittui.common import formatting
from inittui.record.gallery import Confusions, Gallery, Matrix
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, fit, pad, wrap

LONGEST_NAME = 11
OTHER = "other"  # answers beyond the classes


def confusion(
    board: Board, gallery: Gallery | None, arm_index: int, width: int, height: int, glyphs: Glyphs
) -> list[Row]:
    """Rows are labels, columns are answers, summed over the replicas that count. The diagonal is green; a frequent
    confusion is yellow or red. Below are the most frequent confusions, if they fit."""
    known = gallery.confusions_of(arm_index) if gallery is not None else None
    if gallery is None or known is None:
        why = "no predictions of this arm" if gallery or board.ended else "confusions, as soon as the run is over"
        return [[(fit(why, width), "dim")]]
    matrix = gallery.confusion[arm_index] if gallery.confusion else ()
    names = [class_name(board, number) for number in range(len(matrix))]
    if matrix and len(matrix[0]) > len(matrix):
        names.append(OTHER)
    lines = 3 if height >= 14 else 1 if height >= 5 else 0
    footer = _summary(gallery, known, arm_index)
    label = min(LONGEST_NAME, max(map(cell_len, names), default=0))
    cells, unit = _cells(matrix, (width - label) // len(names)) if matrix else ([], "")
    if not cells or height <= len(matrix):
        rows = _list(board, known, width, height - lines, glyphs)
    else:
        footer += f"; rows are labels, columns answers{unit}"
        lines = min(lines, height - len(matrix) - 1)
        rows = _table(matrix, cells, names, label, arm_index, width, glyphs)
        if (spare := height - lines - len(rows) - 1) > 1:
            rows += [[], *_list(board, known, width, spare, glyphs)]
    footer_rows: list[Row] = [[(line, "dim")] for line in wrap(footer, width, lines)]
    room = height - len(footer_rows)
    return [pad(row, width) for row in rows[:room] + [[]] * (room - len(rows)) + footer_rows]


def class_name(board: Board, number: int) -> str:
    """The name of a class, or its number if the network has more outputs than there are classes."""
    classes = board.data.classes if board.data else ()
    return classes[number] if number < len(classes) else str(number)


def _cells(matrix: Matrix, room: int) -> tuple[list[list[str]], str]:
    """The matrix as texts for columns of `room` cells, and their unit: counts or, in narrow columns, shares of the label's
    images in whole percent, `<1` for less than a half. Nothing if shares do not fit."""
    counts = [[str(count) if count else "" for count in row] for row in matrix]
    if max(2, *(len(cell) for row in counts for cell in row)) < room:
        return counts, ""
    if room < 3:  # a share of 100 then touches its neighbour, which is small
        return [], ""
    shares = [[100 * count / (sum(row) or 1) for count in row] for row in matrix]
    texts = [["" if not share else f"{share:.0f}" if share >= 0.5 else "<1" for share in row] for row in shares]
    return texts, ", in % of a label's images"


def _table(
    matrix: Matrix, cells: list[list[str]], names: list[str], label: int, arm_index: int, width: int, glyphs: Glyphs
) -> list[Row]:
    # The spare width is shared, so that columns are about as far apart as rows and their heads are complete.
    longest = max(len(cell) for row in cells for cell in row)
    size = min(max(longest + 3, 5, max(map(cell_len, names)) + 1), (width - label) // len(names))
    heads = "".join(f" {set_cell_size(' ' * (size - 1 - cell_len(name)) + name, size - 1)}" for name in names)
    rows: list[Row] = [[(fit(glyphs.marker(arm_index), label), arm_style(arm_index)), (heads, "dim")]]
    for number, counts in enumerate(matrix):
        row: Row = [(fit(names[number], label), "bold")]
        for answer, (count, cell) in enumerate(zip(counts, cells[number], strict=True)):
            row.append((f"{cell or glyphs.dot:>{size}}", _style(count / (sum(counts) or 1), right=answer == number)))
        rows.append(row)
    return rows


def _style(share: float, *, right: bool) -> str:
    if right:
        return "good bold" if share >= 0.9 else "warn bold" if share >= 0.5 else "bad bold"
    return "dim" if not share else "" if share < 0.01 else "warn" if share < 0.05 else "bad"


def _list(board: Board, known: Confusions, width: int, room: int, glyphs: Glyphs) -> list[Row]:
    """`4 taken for 9   12 of 982`, the most frequent first."""
    if not known.kinds:
        return [[(fit("not one mistake", width), "good")]]
    rows: list[Row] = []
    classes = len(board.data.classes) if board.data else 0
    for label, answer, count, of in known.frequent[: max(1, room)]:
        names = class_name(board, label), OTHER if answer == classes else class_name(board, answer)
        words = " taken for ".join(fit(name, LONGEST_NAME).strip() for name in names)
        numbers = f"{count:,} of {of:,}"
        left = max(1, width - len(numbers) - 1)
        style = _style(count / of, right=False) or "bold"
        rows.append([(fit(glyphs.text(words), left), ""), (" ", ""), (numbers, style)])
    return rows


def _summary(gallery: Gallery, known: Confusions, arm_index: int) -> str:
    """`97.94 % right, 5 seeds, 1 at chance left out`; and which confusions are kept, if not all are."""
    seeds = formatting.count(gallery.replicas[arm_index] if gallery.replicas else 1, "seed")
    words = f"{formatting.percent(known.right / known.answers)} right, {seeds}"
    if left_out := gallery.left_out[arm_index] if gallery.left_out else 0:
        words += f", {left_out} at chance left out"
    if (kept := len(known.frequent)) < known.kinds:
        words += f"; the {kept} most frequent of {known.kinds:,} kinds of mistake are kept"
    return words
