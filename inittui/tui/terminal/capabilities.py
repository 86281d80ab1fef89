"""What the terminal can show, from the environment variables: characters, colours, a dark or light background."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Literal

Colours = Literal["24-bit", "256", "16", "grey"]
Theme = Literal["auto", "dark", "light"]

# These terminals show 24-bit colours. SSH does not pass COLORTERM on, and their names do not end in a number of colours.
_DIRECT = ("alacritty", "contour", "foot", "ghostty", "kitty", "wezterm", "xterm-ghostty", "xterm-kitty")
_PLAIN_FONT = ("linux", "vt100", "vt102", "vt220")  # the fonts of the Linux console have no Braille


def given_environment(path: Path = Path("/proc/self/environ")) -> dict[str, str]:
    """The environment variables that this process was started with.

    Under LANG=C Python sets LC_CTYPE to UTF-8 in os.environ: that is no information about the terminal.
    """
    try:
        pairs = path.read_bytes().split(b"\0")
    except OSError:  # no /proc
        return dict(os.environ)
    return {
        os.fsdecode(name): os.fsdecode(value) for name, _, value in (pair.partition(b"=") for pair in pairs) if name
    }


def locale_of(environment: Mapping[str, str]) -> tuple[str, str]:
    """The variable that determines the terminal's encoding, and its value; two empty strings if none is set."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environment.get(name):
            return name, value
    return "", ""


def shows_blocks(environment: Mapping[str, str]) -> bool:
    """Whether the terminal can show blocks and Braille: not if the locale is not UTF-8, nor on the Linux console.

    If no locale is set (`docker exec`, cron), the terminal most likely uses UTF-8.
    """
    value = locale_of(environment)[1].lower()
    if environment.get("TERM", "") in _PLAIN_FONT:
        return False
    return not value or "utf-8" in value or "utf8" in value


def background(choice: str, environment: Mapping[str, str]) -> Literal["dark", "light"]:
    """The theme for `choice`. `auto` reads COLORFGBG, which some terminals set to the numbers of their colours."""
    if choice == "auto":
        choice = "light" if environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
    return "light" if choice == "light" else "dark"


def colours(environment: Mapping[str, str]) -> Colours:
    """How many colours the dashboard uses: as many as Textual finds in an environment after `prepare`."""
    if environment.get("NO_COLOR"):
        return "grey"
    term = environment.get("TERM", "").strip().lower()
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit") or _is_direct(environment):
        return "24-bit"
    return "256" if term.endswith(("-256color", "-kitty")) else "16"


def prepare(environment: MutableMapping[str, str]) -> None:
    """Correct the variables that Textual would misread."""
    if environment.get("NO_COLOR") == "":  # no-color.org: an empty value has no effect; Textual drops colours for it
        del environment["NO_COLOR"]
    if _is_direct(environment):
        environment["COLORTERM"] = "truecolor"


def _is_direct(environment: Mapping[str, str]) -> bool:
    return not environment.get("COLORTERM") and environment.get("TERM", "").lower() in _DIRECT
