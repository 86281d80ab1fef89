"""The characters to draw with, for terminals that show Unicode and for ASCII, and the arms' markers and colours."""

from rich.cells import cell_len

from inittui.common.errors import printable

# The palette of Okabe and Ito, which colour-blind people can distinguish; darker for light backgrounds.
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


class Glyphs:
    """The characters of Unicode or, with `ascii`, of ASCII."""

    def __init__(self, *, ascii: bool = False) -> None:
        self.ascii = ascii
        self.levels = "_.-=+*#@" if ascii else "▁▂▃▄▅▆▇█"  # a sparkline's bars, the lowest first, without the empty one
        self.markers = "ox#+%&$~" if ascii else "●▲■◆★▼✚○"
        self.bar = ("=", "-", ".") if ascii else ("━", "╸", "─")  # the full, half and empty parts
        self.star = "*" if ascii else "★"
        self.cross = "X" if ascii else "✗"  # marks a value that is not finite
        self.tick = "ok" if ascii else "✓"
        self.dot = "-" if ascii else "·"
        self.caps = ("_", "^") if ascii else ("┴", "┬")  # the ends of an interval, the lower one first

    def marker(self, arm: int) -> str:
        """The marker of the arm with this index."""
        return self.markers[arm % len(self.markers)]

    def text(self, words: str) -> str:
        """`words`; in ASCII with symbols spelled out, so that the width may change."""
        if not self.ascii:
            return words
        for symbol, spelled in _SPELLED.items():
            words = words.replace(symbol, spelled)
        return words

    def final(self, words: str) -> str:
        """`words` as they are sent to the terminal: printable, in ASCII if required, of the same width."""
        if not words.isprintable():  # a damaged or forged file must not send escape sequences
            words = printable(words)
        if not self.ascii or words.isascii():
            return words
        return self.spell(words)

    def spell(self, words: str) -> str:
        """`words` in ASCII, each character replaced by as many as it has cells."""
        words = words.translate(_SINGLE)
        return "".join(char if char.isascii() else "?" * cell_len(char) for char in words)


def spell_error(error: UnicodeError) -> tuple[str, int]:
    """What `codecs.register_error` takes: characters that can't be encoded are spelled in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return Glyphs(ascii=True).spell(error.object[error.start : error.end]), error.end


def arm_style(arm: int) -> str:
    """The style key of the arm with this index; it is the same in every panel."""
    return f"arm{arm % COLOURS}"
