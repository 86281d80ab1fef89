"""Terminal, colours, size, locale."""

import pytest

from inittui.doctor import terminal
from tests.unit.doctor.conftest import UTF8, MakeSystem


@pytest.mark.parametrize(
    ("environment", "size", "state", "words"),
    [
        (UTF8, (80, 24), "ok", "xterm-256color"),
        ({**UTF8, "TMUX": "x", "SSH_TTY": "/dev/pts/1"}, (80, 24), "ok", "xterm-256color, in tmux, over SSH"),
        ({**UTF8, "STY": "x"}, (80, 24), "ok", "in GNU screen"),
        (UTF8, None, "note", "none: inittui prints lines"),
        ({"TERM": "dumb"}, (80, 24), "note", "TERM=dumb: inittui prints lines"),
        ({}, (80, 24), "note", "TERM is not set: inittui prints lines"),
    ],
)
def test_the_terminal_and_what_lies_between(
    system: MakeSystem, environment: dict[str, str], size: tuple[int, int] | None, state: str, words: str
) -> None:
    check, *more = terminal.screen(system(environment=environment, terminal=size))
    assert check.state == state
    assert words in check.finding
    assert [check.name for check in more] == (["colours", "size"] if state == "ok" else [])


def test_a_terminal_over_ssh_has_to_be_asked_for(system: MakeSystem) -> None:
    assert "ssh -t" in terminal.terminal(system(environment={"SSH_CONNECTION": "x"}, terminal=None)).fix


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "ok", "24-bit; dark theme"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "ok", "256 colours; light theme"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15", "INITTUI_THEME": "dark"}, "ok", "dark theme"),
        ({"TERM": "screen", "TMUX": "x"}, "note", "16, by TERM=screen"),
        ({"TERM": "screen", "STY": "x"}, "note", "16, by TERM=screen"),
        ({"TERM": "xterm"}, "note", "16, by TERM=xterm"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "note", "greys only, since NO_COLOR is set"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "ok", "256 colours"),
    ],
)
def test_colours_are_told_with_what_gives_more(
    system: MakeSystem, environment: dict[str, str], state: str, words: str
) -> None:
    check = terminal.palette(system(environment=environment))
    assert check.state == state
    assert words in check.finding
    assert bool(check.fix) == (state != "ok")


def test_the_smallest_size_is_enough_and_a_smaller_one_a_fault() -> None:
    assert terminal.size(40, 10).state == "ok"
    assert terminal.size(39, 10).state == terminal.size(40, 9).state == "fault"


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({"LANG": "de_DE.UTF-8"}, "ok", "LANG=de_DE.UTF-8: blocks"),
        ({"LANG": "C.UTF-8", "LC_ALL": "C"}, "note", "LC_ALL=C is not UTF-8: draws ASCII"),
        ({}, "note", "none is set: draws blocks and Braille"),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, "note", "TERM=linux has no Braille"),
    ],
)
def test_the_locale_and_the_look_that_follows(
    system: MakeSystem, environment: dict[str, str], state: str, words: str
) -> None:
    check = terminal.locale(system(environment=environment))
    assert check.state == state
    assert words in check.finding
    assert bool(check.fix) == (state != "ok")
