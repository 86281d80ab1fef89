"""The dark and the light Textual theme, also for terminals with 16 colours, and the panels' colours in any theme."""

from collections.abc import Mapping

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

DARK = Theme(
    name="inittui-dark",
    primary="#56B4E9",
    secondary="#E69F00",
    accent="#7FB4FF",
    warning="#F0C244",
    error="#FF7B72",
    success="#4FD6A5",
    foreground="#D8DEE9",
    background="#0D1017",
    surface="#151A23",
    panel="#1C2330",
    dark=True,
)
LIGHT = Theme(
    name="inittui-light",
    primary="#0072B2",
    secondary="#A86800",
    accent="#0B5CAD",
    warning="#8A5A00",
    error="#B3261E",
    success="#006B4F",
    foreground="#1B1F27",
    background="#FBFBF8",
    surface="#F1F1EC",
    panel="#E6E6DF",
    dark=False,
)

DARK_16 = Theme(
    name=DARK.name,
    primary=_BRIGHT_CYAN,
    secondary=_YELLOW,
    accent=_CYAN,
    warning=_YELLOW,
    error=_BRIGHT_RED,
    success=_BRIGHT_GREEN,
    foreground=_WHITE,
    background=_BLACK,
    surface=_BLACK,
    panel=_DARK_GREY,
    dark=True,
)
LIGHT_16 = Theme(
    name=LIGHT.name,
    primary=_BLUE,
    secondary=_RED,
    accent=_BLUE,
    warning=_PURPLE,
    error=_RED,
    success=_GREEN,
    foreground=_BLACK,
    background=_WHITE,
    surface=_WHITE,
    panel=_GREY,
    dark=False,
)


def palette(*, dark: bool, few: bool) -> Theme:
    """The dark or the light theme. `few`: for a terminal with 16 colours."""
    return (DARK_16 if few else DARK) if dark else (LIGHT_16 if few else LIGHT)


def variables(theme: Theme, *, few: bool = False) -> dict[str, str]:
    """Hexadecimal colours for Rich styles, by variable name. Rich can't read a theme's own variables that are blends."""
    dark = theme.dark
    plain = palette(dark=dark, few=few)
    arms = (ON_DARK_16 if dark else ON_LIGHT_16) if few else (ON_DARK if dark else ON_LIGHT)
    dim, track = ("#8792A6", "#3A4457") if dark else ("#5B6472", "#B9BDC6")
    if few:
        dim, track = (_GREY, _DARK_GREY) if dark else (_DARK_GREY, _GREY)
    return {
        "inittui-dim": dim,
        "inittui-track": track,
        "inittui-accent": _hex(theme.accent, plain.accent),
        "inittui-good": _hex(theme.success, plain.success),
        "inittui-warn": _hex(theme.warning, plain.warning),
        "inittui-bad": _hex(theme.error, plain.error),
        **{f"inittui-arm{arm}": colour for arm, colour in enumerate(arms)},
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
    if not names:
        return Style()
    if all(name in styles for name in names):
        return Style.combine(styles[name] for name in names)
    return Style.parse(key)
