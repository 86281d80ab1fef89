"""Checks how the dashboard is shown here: terminal, colours, size, locale."""

from inittui.doctor.check import Check, System
from inittui.tui.draw.rows import SMALLEST
from inittui.tui.terminal.capabilities import background, colours, locale_of, shows_blocks


def screen(system: System) -> list[Check]:
    """The terminal; and its colours and size, if it can show the dashboard."""
    check = terminal(system)
    return [check, palette(system), size(*system.terminal)] if check.state == "ok" and system.terminal else [check]


def terminal(system: System) -> Check:
    """Whether there is a terminal for the dashboard, which one, and whether tmux, GNU screen or SSH are between."""
    environment = system.environment
    term = environment.get("TERM", "")
    ssh = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    if system.terminal is None:
        fix = "with a terminal: ssh -t HOST inittui" if ssh else ""
        return Check("terminal", "note", "none: inittui prints lines instead of the dashboard", fix)
    if term in ("", "dumb"):
        finding = f"{f'TERM={term}' if term else 'TERM is not set'}: inittui prints lines instead of the dashboard"
        return Check("terminal", "note", finding, "TERM=xterm-256color inittui, if the terminal is a real one")
    within = [name for name, sign in (("tmux", "TMUX"), ("GNU screen", "STY")) if environment.get(sign)]
    finding = ", ".join([term, *(f"in {name}" for name in within), *(["over SSH"] if ssh else [])])
    return Check("terminal", "ok", finding)


def palette(system: System) -> Check:
    """How many colours the dashboard uses, and on which background."""
    environment = system.environment
    count = colours(environment)
    theme = background(environment.get("INITTUI_THEME", "auto"), environment)
    on = f"{theme} theme (--theme dark or light)"
    if count == "grey":
        return Check("colours", "note", f"greys only, since NO_COLOR is set; {on}", "unset NO_COLOR")
    if count != "16":
        return Check("colours", "ok", f"{count}{' colours' if count == '256' else ''}; {on}")
    if environment.get("TMUX"):
        fix = "in ~/.tmux.conf: set -g default-terminal tmux-256color"
    elif environment.get("STY"):
        fix = "in ~/.screenrc: term screen-256color"
    else:
        fix = "TERM=xterm-256color or COLORTERM=truecolor, if the terminal has more"
    return Check("colours", "note", f"16, by TERM={environment.get('TERM', '')}; {on}", fix)


def size(columns: int, rows: int) -> Check:
    """Whether the dashboard fits."""
    least = f"{SMALLEST[0]}x{SMALLEST[1]}"
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        finding = f"{columns}x{rows}, and the dashboard needs {least}"
        return Check("size", "fault", finding, "a larger window, or inittui --plain")
    return Check("size", "ok", f"{columns}x{rows}; the dashboard needs {least}, and shows all at 120x40")


def locale(system: System) -> Check:
    """Whether the dashboard draws blocks and Braille, or ASCII only."""
    name, value = locale_of(system.environment)
    term = system.environment.get("TERM", "")
    blocks = shows_blocks(system.environment)
    if not name and blocks:
        finding = "none is set: draws blocks and Braille, which most such terminals show"
        fix = "if the characters are wrong: inittui --ascii; if they are right: export LANG=C.UTF-8"
        return Check("locale", "note", finding, fix)
    finding = f"{name}={value}" if name else "none is set"
    if blocks:
        return Check("locale", "ok", f"{finding}: blocks and Braille")
    if not shows_blocks({**system.environment, "TERM": ""}):
        fix = "export LANG=C.UTF-8 (locale -a lists others), or inittui --no-ascii if the terminal shows blocks nevertheless"
        return Check("locale", "note", f"{finding} is not UTF-8: draws ASCII only", fix)
    finding = f"{finding}, but TERM={term} has no Braille: draws ASCII only"
    return Check("locale", "note", finding, "inittui --no-ascii, if it has Braille")
