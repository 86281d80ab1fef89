"""How things are drawn: glyphs for terminals that have them and for those that do not, and the arms' markers and colours.

A row of a picture is a list of spans (text, style). A style is a key that a widget turns into colours: `dim`, `bold`,
`soft`, `good`, `warn`, `bad`, `accent`, `track`, `cursor`, `arm0` … `arm7`, or anything that Rich reads, such as
`#ffffff on #000000`. Keys combine with spaces.
"""

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from inittui.common.errors import printable

Span = tuple[str, str]
Row = list[Span]

# Okabe and Ito's palette, safe for colour-blind eyes; the light one darkened until it reads on white.
ON_DARK = ("#56B4E9", "#E69F00", "#2FBF94", "#DB8FB8", "#F0E442", "#E8743B", "#9AA8F0", "#B8B8B8")
ON_LIGHT = ("#0072B2", "#A86800", "#00735A", "#9B4F7E", "#7A7000", "#B84A00", "#4A55C0", "#5A5A5A")
COLOURS = len(ON_DARK)

_SPELLED = {"√": "sqrt", "±": "+-", "²": "^2", "·": "*", "−": "-", "…": "...", "×": "x", "→": "->", "—": "-", "≥": ">="}
_SINGLE = str.maketrans(
    {"·": "-", "−": "-", "…": ".", "×": "x", "√": "V", "±": "~", "°": " ", "→": ">", "—": "-", "≥": ">"}
    | dict.fromkeys("─━═╸╺▔▁▂▃▄▀", "-")
    | dict.fromkeys("│┃║▌▐▎▍▊▉", "|")
    | dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛", "+")
    | dict.fromkeys("█▓▅▆▇", "#")
    | dict.fromkeys("▒░", ":")
    | dict.fromkeys("•●○◉", "o")
)


@dataclass(frozen=True)
class Look:
    """The glyphs of one way to draw."""

    ascii: bool = False

    @property
    def levels(self) -> str:
        """Of a sparkline, lowest first, without the empty one."""
        return "_.-=+*#@" if self.ascii else "▁▂▃▄▅▆▇█"

    @property
    def markers(self) -> str:
        return "ox#+%&$~" if self.ascii else "●▲■◆★▼✚○"

    @property
    def bar(self) -> tuple[str, str, str]:
        """Full, half and empty parts of a bar."""
        return ("=", "-", ".") if self.ascii else ("━", "╸", "─")

    @property
    def star(self) -> str:
        return "*" if self.ascii else "★"

    @property
    def cross(self) -> str:
        """Marks what is not finite."""
        return "X" if self.ascii else "✗"

    @property
    def tick(self) -> str:
        return "ok" if self.ascii else "✓"

    @property
    def dot(self) -> str:
        return "-" if self.ascii else "·"

    @property
    def caps(self) -> tuple[str, str]:
        """The ends of an interval, the lower one first."""
        return ("_", "^") if self.ascii else ("┴", "┬")

    def marker(self, place: int) -> str:
        return self.markers[place % len(self.markers)]

    def text(self, words: str) -> str:
        """`words` with signs spelled out where only ASCII can be shown."""
        if not self.ascii:
            return words
        for sign, spelled in _SPELLED.items():
            words = words.replace(sign, spelled)
        return words

    def final(self, words: str) -> str:
        """The last resort before the terminal: whatever is still not ASCII, sign for sign, the width kept."""
        if not words.isprintable():  # a damaged or forged file must not send escape sequences
            words = printable(words)
        if not self.ascii or words.isascii():
            return words
        return self.spell(words)

    def spell(self, words: str) -> str:
        """`words` in ASCII, sign for sign, the width kept."""
        words = words.translate(_SINGLE)
        return "".join(char if char.isascii() else "?" * cell_len(char) for char in words)


def arm_style(place: int) -> str:
    """The style key of an arm: it keeps its colour everywhere."""
    return f"arm{place % COLOURS}"


def fit(words: str, width: int) -> str:
    """`words` in exactly `width` cells: cut with an ellipsis, or filled with spaces."""
    if width <= 0:
        return ""
    if cell_len(words) <= width:
        return set_cell_size(words, width)
    return set_cell_size(set_cell_size(words, width - 1).rstrip() + "…", width)


def width_of(row: Row) -> int:
    """The cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def pad(row: Row, width: int) -> Row:
    """The row in exactly `width` cells; what is too long is cut."""
    out: Row = []
    left = width
    for text, style in row:
        size = cell_len(text)
        if size > left:
            out.append((fit(text, left), style))
            left = 0
            break
        out.append((text, style))
        left -= size
    if left:
        out.append((" " * left, ""))
    return out


def spread(left: Row, right: Row, width: int) -> Row:
    """`left` and `right` at the two ends; the left one gives way."""
    room = width - width_of(right)
    if room < 1:
        return pad(right, width)
    return [*pad(left, room - 1), (" ", ""), *right]


def wrap(words: str, width: int, most: int) -> list[str]:
    """`words` in at most `most` lines of `width` cells, broken at spaces."""
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
    return [fit(one, width).rstrip() for one in lines]
