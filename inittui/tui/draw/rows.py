"""Rows of text: what everything on the screen is drawn as.

A row is a list of spans, each a text and the key of its style: `dim`, `bold`, `soft`, `good`, `warn`, `bad`, `accent`,
`track`, `cursor`, `arm0` … `arm7`, or a style that Rich reads, such as `#ffffff on #000000`. Keys are combined with spaces.
`palette.style_of` turns them into colours.
"""

from rich.cells import cell_len, set_cell_size

SMALLEST = (40, 10)  # columns and rows of the smallest terminal; here, because `inittui doctor` imports no Textual
Span = tuple[str, str]
Row = list[Span]


def fit(words: str, width: int) -> str:
    """`words` in exactly `width` cells: cut with an ellipsis, or padded with spaces."""
    if width <= 0:
        return ""
    if cell_len(words) <= width:
        return set_cell_size(words, width)
    return set_cell_size(set_cell_size(words, width - 1).rstrip() + "…", width)


def width_of(row: Row) -> int:
    """The width of a row in cells."""
    return sum(cell_len(text) for text, _ in row)


def pad(row: Row, width: int) -> Row:
    """The row in exactly `width` cells: cut, or padded with spaces."""
    padded: Row = []
    left = width
    for text, style in row:
        cells = cell_len(text)
        if cells > left:
            return [*padded, (fit(text, left), style)]
        padded.append((text, style))
        left -= cells
    return [*padded, (" " * left, "")] if left else padded


def spread(left: Row, right: Row, width: int) -> Row:
    """A row of `width` cells with `left` and `right` at its ends. `left` is cut if there is no room for both."""
    room = width - width_of(right)
    if room < 1:
        return pad(right, width)
    return [*pad(left, room - 1), (" ", ""), *right]


def wrap(words: str, width: int, most: int) -> list[str]:
    """`words` in at most `most` lines of `width` cells, broken at spaces; the last line ends in an ellipsis if it is cut."""
    if width < 1 or most < 1:
        return []
    lines: list[str] = []
    line = ""
    for word in words.split():
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width or not line:
            line = longer
        else:
            lines.append(line)
            line = word
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fit(line, width).rstrip() for line in lines]
