"""Our palettes as Textual's themes."""

from dataclasses import asdict

from textual.theme import Theme

from inittui.tui.palette import palette


def ours(*, few: bool) -> tuple[Theme, Theme]:
    """The dark theme and the light one. `few`: for a terminal of 16 colours."""
    return Theme(**asdict(palette(dark=True, few=few))), Theme(**asdict(palette(dark=False, few=few)))
