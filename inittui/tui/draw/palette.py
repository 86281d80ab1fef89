"""The dark and the light Textual theme, also for terminals with 16 colours, and the panels' colours in any theme."""

from collections.abc import Mapping
from typing import Any

from rich.style import Style
from textual.theme import Theme

from inittui.tui.draw.glyphs import COLOURS, ON_DARK, ON_LIGHT

# The 16 colours as Rich numbers them. Rich sends the number of the nearest colour; for these that is their own number.
_BLACK, _RED, _GREEN, _BROWN, _BLUE, _PURPLE, _CYAN, _GREY = (
    "#000000", "#AA0000", "#00AA00", "#AA5500", "#0000AA", "#AA00AA", "#00AAAA", "#AAAAAA"
)  # fmt: skip
_DARK_GREY, _BRIGHT_RED, _BRIGHT_GREEN, _YELLOW, _BRIGHT_BLUE, _PINK, _BRIGHT_CYAN, _WHITE = (
    "#555555", "#FF5555", "#55FF55", "#FFFF55", "#5555FF", "#FF55FF", "#55FFFF", "#FFFFFF"
)  # fmt: skip
# The full palette would map to three or four of the 16 colours, so that two arms share one. A terminal may show these colours
# in its own shades; marker and name distinguish arms then.
ON_DARK_16 = (_BRIGHT_CYAN, _YELLOW, _PINK, _BRIGHT_GREEN, _BRIGHT_RED, _GREY, _BROWN, _BRIGHT_BLUE)
ON_LIGHT_16 = (_BLUE, _RED, _PURPLE, _DARK_GREY, _BRIGHT_BLUE, _GREEN, _CYAN, _BROWN)

# A role's colour in the dark and the light theme, then in the same two for 16 colours.
_ROLES = {
    "primary": ("#56B4E9", "#0072B2", _BRIGHT_CYAN, _BLUE),
    "secondary": ("#E69F00", "#A86800", _YELLOW, _RED),
    "accent": ("#7FB4FF", "#0B5CAD", _CYAN, _BLUE),
    "warning": ("#F0C244", "#8A5A00", _YELLOW, _PURPLE),
    "error": ("#FF7B72", "#B3261E", _BRIGHT_RED, _RED),
    "success": ("#4FD6A5", "#006B4F", _BRIGHT_GREEN, _GREEN),
    "foreground": ("#D8DEE9", "#1B1F27", _WHITE, _BLACK),
    "background": ("#0D1017", "#FBFBF8", _BLACK, _WHITE),
    "surface": ("#151A23", "#F1F1EC", _BLACK, _WHITE),
    "panel": ("#1C2330", "#E6E6DF", _DARK_GREY, _GREY),
}
_DIM = ("#8792A6", "#5B6472", _GREY, _DARK_GREY)
_TRACK = ("#3A4457", "#B9BDC6", _DARK_GREY, _GREY)
_ARMS = (ON_DARK, ON_LIGHT, ON_DARK_16, ON_LIGHT_16)


def _column(*, dark: bool, few: bool) -> int:
    return 2 * few + (not dark)


def palette(*, dark: bool, few: bool) -> Theme:
    """The dark or the light theme. `few`: for a terminal with 16 colours."""
    column = _column(dark=dark, few=few)
    colours: dict[str, Any] = {role: choices[column] for role, choices in _ROLES.items()}
    return Theme(name="inittui-dark" if dark else "inittui-light", dark=dark, **colours)


def variables(theme: Theme, *, few: bool = False) -> dict[str, str]:
    """Hexadecimal colours for Rich styles, by variable name. Rich can't read a theme's own variables that are blends."""
    column = _column(dark=theme.dark, few=few)
    plain = palette(dark=theme.dark, few=few)
    return {
        "inittui-dim": _DIM[column],
        "inittui-track": _TRACK[column],
        "inittui-accent": _hex(theme.accent, plain.accent),
        "inittui-good": _hex(theme.success, plain.success),
        "inittui-warn": _hex(theme.warning, plain.warning),
        "inittui-bad": _hex(theme.error, plain.error),
        **{f"inittui-arm{arm}": colour for arm, colour in enumerate(_ARMS[column])},
    }


def _hex(colour: str | None, otherwise: str | None) -> str:
    """`colour` if it is hexadecimal, else `otherwise`."""
    return colour if colour and colour.startswith("#") and len(colour) == 7 else otherwise or ""


def style_of(key: str, theme: Mapping[str, str]) -> Style:
    """The Rich style for a span's style key; the keys are listed in `rows`. `theme` has the theme's variables, with those
    that `variables` returns."""
    styles = {
        "bold": Style(bold=True),
        "soft": Style(dim=True),
        "reverse": Style(reverse=True),
        "brand": Style(color=theme["inittui-accent"], bold=True, reverse=True),
        **{name: Style(color=theme[f"inittui-{name}"]) for name in ("dim", "good", "warn", "accent", "track")},
        "bad": Style(color=theme["inittui-bad"], bold=True),
        "cursor": Style(bgcolor=theme["inittui-track"]),
        **{f"arm{arm}": Style(color=theme[f"inittui-arm{arm}"]) for arm in range(COLOURS)},
    }
    names = key.split()
    if all(name in styles for name in names):
        return sum((styles[name] for name in names), Style())
    return Style.parse(key)
