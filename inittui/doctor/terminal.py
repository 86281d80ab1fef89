"""What the dashboard will look like here: terminal, colours, size, locale."""

from inittui.doctor.check import Check, System
from inittui.tui.draw.layout import SMALLEST
from inittui.tui.terminal.capabilities import background, colours, locale_of, shows_blocks


def screen(system: System) -> list[Check]:
    """The terminal, and where the dashboard can be shown its colours and its size."""
    found = terminal(system)
    return [found, palette(system), size(*system.terminal)] if found.state == "ok" and system.terminal else [found]


def terminal(system: System) -> Check:
    """Whether there is a terminal for the dashboard, which one, and what lies between it and the person."""
    environment = system.environment
    term = environment.get("TERM", "")
    ssh = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    if system.terminal is None:
        mend = "ssh -t HOST inittui gives it one" if ssh else ""
        return Check("terminal", "note", "none: lines are printed instead of the dashboard", mend)
    if term in ("", "dumb"):
        said = f"TERM={term}" if term else "TERM is not set"
        return Check(
            "terminal",
            "note",
            f"{said}: lines are printed instead of the dashboard",
            "TERM=xterm-256color inittui, if the terminal is a real one",
        )
    within = [name for name, sign in (("tmux", "TMUX"), ("GNU screen", "STY")) if environment.get(sign)]
    said = ", ".join([term, *(f"in {name}" for name in within), *(["over SSH"] if ssh else [])])
    return Check("terminal", "ok", said)


def palette(system: System) -> Check:
    """How many colours the dashboard uses, and on which background."""
    environment = system.environment
    count = colours(environment)
    theme = background(environment.get("INITTUI_THEME", "auto"), environment)
    on = f"{theme} theme (--theme dark or light)"
    if count == "grey":
        return Check("colours", "note", f"greys alone, since NO_COLOR is set; {on}", "unset NO_COLOR")
    if count != "16":
        return Check("colours", "ok", f"{count}{' colours' if count == '256' else ''}; {on}")
    if environment.get("TMUX"):
        mend = "in ~/.tmux.conf: set -g default-terminal tmux-256color"
    elif environment.get("STY"):
        mend = "in ~/.screenrc: term screen-256color"
    else:
        mend = "TERM=xterm-256color or COLORTERM=truecolor, if the terminal can"
    return Check("colours", "note", f"16, by TERM={environment.get('TERM', '')}; {on}", mend)


def size(columns: int, rows: int) -> Check:
    """Whether the dashboard fits."""
    least = f"{SMALLEST[0]}x{SMALLEST[1]}"
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        return Check(
            "size", "fault", f"{columns}x{rows}, and the dashboard needs {least}", "a larger window, or inittui --plain"
        )
    return Check("size", "ok", f"{columns}x{rows}; the dashboard needs {least}, and shows all at 120x40")


def locale(system: System) -> Check:
    """Blocks and Braille, or ASCII alone."""
    name, value = locale_of(system.environment)
    term = system.environment.get("TERM", "")
    blocks = shows_blocks(system.environment)
    if not name and blocks:
        return Check(
            "locale",
            "note",
            "none is set: blocks and Braille are drawn, as most such terminals can",
            "if you see rubbish: inittui --ascii; if not: export LANG=C.UTF-8",
        )
    said = f"{name}={value}" if name else "none is set"
    if blocks:
        return Check("locale", "ok", f"{said}: blocks and Braille")
    if not shows_blocks({**system.environment, "TERM": ""}):
        mend = "export LANG=C.UTF-8 (locale -a lists others), or inittui --no-ascii where the terminal can anyhow"
        return Check("locale", "note", f"{said} is not UTF-8: drawn in ASCII alone", mend)
    return Check(
        "locale",
        "note",
        f"{said}, but TERM={term} has no Braille: drawn in ASCII alone",
        "inittui --no-ascii, if it has",
    )
