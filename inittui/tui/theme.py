"""Two themes of our own, and the colours that the panels use in any theme."""

from textual.theme import Theme

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


def variables(theme: Theme) -> dict[str, str]:
    """Plain hexadecimal colours for Rich styles: a theme's own variables may be blends, which Rich can't read."""
    dark = theme.dark
    return {
        "inittui-dim": "#8792A6" if dark else "#5B6472",
        "inittui-track": "#3A4457" if dark else "#B9BDC6",
        "inittui-accent": _hex(theme.accent, "#7FB4FF" if dark else "#0B5CAD"),
        "inittui-good": _hex(theme.success, "#4FD6A5" if dark else "#006B4F"),
        "inittui-warn": _hex(theme.warning, "#F0C244" if dark else "#8A5A00"),
        "inittui-bad": _hex(theme.error, "#FF7B72" if dark else "#B3261E"),
    }


def _hex(colour: str | None, otherwise: str) -> str:
    return colour if colour and colour.startswith("#") and len(colour) == 7 else otherwise
