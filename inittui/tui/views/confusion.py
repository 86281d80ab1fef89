"""An arm's confusion matrix or, if the matrix does not fit, a list of the most frequent confusions."""

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from inittui.board.state import Board
from inittui.common import formatting
from inittui.record.gallery import Gallery
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.rows import Row, fit, pad, wrap

LONGEST_NAME = 11
SHARES = ", in % of a label's images"
Matrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Form:
    """A matrix as texts, and the width of a text in cells."""

    texts: list[list[str]]
    cell: int
    unit: str = ""


def title(board: Board, arm_index: int) -> str:
    """`confusions of he_normal`"""
    return f"confusions of {board.arms[arm_index].name}"


def confusion(
    board: Board, gallery: Gallery | None, arm_index: int, width: int, height: int, glyphs: Glyphs
) -> list[Row]:
    """Rows are labels, columns are answers, summed over the replicas that count. The diagonal is green; a frequent
    confusion is yellow or red. Below are the most frequent confusions, if they fit."""
    matrix = gallery.confusion[arm_index] if gallery is not None and arm_index < len(gallery.confusion) else ()
    if gallery is None or not matrix or not any(map(sum, matrix)):
        return [[(fit(_nothing(board, gallery), width), "dim")]]
    names = _names(board, matrix)
    form = next((form for form in _forms(matrix) if _label(names) + form.cell * len(names) <= width), None)
    lines = 3 if height >= 14 else 1 if height >= 5 else 0
    if form is None or height <= len(matrix):
        form = None
        rows = _list(matrix, names, width, height - lines, glyphs)
    else:
        lines = min(lines, height - len(matrix) - 1)
        rows = _matrix(matrix, form, names, arm_index, width, glyphs)
        if (spare := height - lines - len(rows) - 1) > 1:
            rows += [[], *_list(matrix, names, width, spare, glyphs)]
    footer: list[Row] = [[(line, "dim")] for line in wrap(_footer(gallery, matrix, arm_index, form), width, lines)]
    room = height - len(footer)
    return [pad(row, width) for row in rows[:room] + [[]] * (room - len(rows)) + footer]


def _nothing(board: Board, gallery: Gallery | None) -> str:
    if gallery is None and not board.ended:
        return "confusions, as soon as the run is over"
    return "no predictions of this arm"


def _names(board: Board, matrix: Matrix) -> list[str]:
    """The names of the classes, and `other` if there are answers beyond the classes."""
    classes = board.data.classes if board.data else ()
    known = [classes[i] if i < len(classes) else str(i) for i in range(len(matrix))]
    return [*known, "other"] if matrix[0][len(matrix) :] else known


def _counts(matrix: Matrix) -> list[list[str]]:
    return [[str(count) if count else "" for count in row] for row in matrix]


def _shares(matrix: Matrix) -> list[list[str]]:
    """The share of the label's images in whole percent; `<1` for less than a half."""
    shares = [[100 * count / (sum(row) or 1) for count in row] for row in matrix]
    return [["" if not share else f"{share:.0f}" if share >= 0.5 else "<1" for share in row] for row in shares]


def _forms(matrix: Matrix) -> list[Form]:
    """The matrix as counts, as shares, and as narrow shares. In the last, a share of 100 touches its neighbour, which is then
    small."""
    counts, shares = _counts(matrix), _shares(matrix)
    wide = max(2, *(len(cell) for row in counts for cell in row))
    return [Form(counts, wide + 1), Form(shares, 4, unit=SHARES), Form(shares, 3, unit=SHARES)]


def _label(names: list[str]) -> int:
    return min(LONGEST_NAME, max(cell_len(name) for name in names))


def _matrix(matrix: Matrix, form: Form, names: list[str], arm_index: int, width: int, glyphs: Glyphs) -> list[Row]:
    # The spare width is shared, so that columns are about as far apart as rows and their heads are complete.
    label, longest = _label(names), max(cell_len(name) for name in names)
    size = min(max(form.cell + 2, longest + 1), (width - label) // len(names))
    heads = "".join(" " + " " * (size - 1 - cell_len(name)) + name for name in (_cut(name, size - 1) for name in names))
    rows: list[Row] = [[(fit(glyphs.marker(arm_index), label), arm_style(arm_index)), (heads, "dim")]]
    for number, counts in enumerate(matrix):
        row: Row = [(fit(names[number], label), "bold")]
        for answer, (count, cell) in enumerate(zip(counts, form.texts[number], strict=True)):
            row.append((f"{cell or glyphs.dot:>{size}}", _style(count / (sum(counts) or 1), right=answer == number)))
        rows.append(row)
    return rows


def _cut(name: str, width: int) -> str:
    return name if cell_len(name) <= width else set_cell_size(name, width)


def _style(share: float, *, right: bool) -> str:
    if right:
        return "good bold" if share >= 0.9 else "warn bold" if share >= 0.5 else "bad bold"
    return "dim" if not share else "" if share < 0.01 else "warn" if share < 0.05 else "bad"


def _list(matrix: Matrix, names: list[str], width: int, room: int, glyphs: Glyphs) -> list[Row]:
    """`4 taken for 9   12 of 982`, the most frequent first."""
    wrong = sorted(
        ((count, label, answer) for label, row in enumerate(matrix) for answer, count in enumerate(row) if count),
        key=lambda confusion: -confusion[0],
    )
    wrong = [(count, label, answer) for count, label, answer in wrong if label != answer]
    if not wrong:
        return [[(fit("not one mistake", width), "good")]]
    rows: list[Row] = []
    for count, label, answer in wrong[: max(1, room)]:
        words = f"{fit(names[label], LONGEST_NAME).strip()} taken for {fit(names[answer], LONGEST_NAME).strip()}"
        share = count / sum(matrix[label])
        numbers = f"{count:,} of {sum(matrix[label]):,}"
        left = max(1, width - len(numbers) - 1)
        rows.append([(fit(glyphs.text(words), left), ""), (" ", ""), (numbers, _style(share, right=False) or "bold")])
    return rows


def _footer(gallery: Gallery, matrix: Matrix, arm_index: int, form: Form | None) -> str:
    images, right = sum(map(sum, matrix)), sum(row[i] for i, row in enumerate(matrix))
    count = gallery.replicas[arm_index] if gallery.replicas else 1
    out = gallery.left_out[arm_index] if gallery.left_out else 0
    seeds = f"{formatting.count(count, 'seed')}" + (f", {out} at chance left out" if out else "")
    right_seeds = f"{formatting.percent(right / images)} right, {seeds}"
    if form is None:
        return right_seeds
    return f"{right_seeds}; rows are labels, columns answers{form.unit}"
