"""The first frame before Textual is there: it is the one that Textual draws then."""

import contextlib
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from fcntl import ioctl
from typing import Any

import pytest
from rich.style import Style
from textual.color import Color

from inittui.board import Board
from inittui.tui import still, terminal
from inittui.tui.feed import StillFeed
from inittui.tui.look import Look
from inittui.tui.still import First, rows
from tests.helpers import finished_board, running_board
from tests.system.conftest import until
from tests.tui.builders import dashboard, lines_of, many, screen_text, shown, states
from tests.tui.test_matrix import board as map_board
from tests.tui.test_matrix import swept

SIZES = ((120, 40), (80, 24), (60, 20), (40, 10), (161, 47))


def boards() -> dict[str, Board]:
    return {
        **states(),
        "running": running_board(),
        "finished": finished_board(),
        "seven arms": running_board(many(7)),
        "seventy arms": running_board(many(70)),
        "seventy arms, finished": finished_board(many(70)),
        "a map": map_board(swept({"model.depth": [2, 3, 4]})),
        "a map that trains": map_board(swept({"model.depth": [2, 3, 4]}), until=1.5),
    }


def first(board: Board, *, ascii_only: bool = False) -> First:
    return First(StillFeed(board), board, Look(ascii=ascii_only))


def colours_of(strips: Iterator[Any]) -> list[list[tuple[str, str, str, bool, bool]]]:
    """Of every cell of every line its sign, its colours, and whether it is bold or reversed."""

    def cell(sign: str, style: Style) -> tuple[str, str, str, bool, bool]:
        front, back = (Color.from_rich_color(one).hex for one in (style.color, style.bgcolor))
        return sign, front, back, bool(style.bold), bool(style.reverse)

    return [[cell(sign, style) for text, style in line for sign in text] for line in strips]


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("name", boards())
async def test_it_is_what_the_dashboard_shows_first(name: str, size: tuple[int, int]) -> None:
    board = boards()[name]
    found = rows(first(board), *size)
    assert found is not None
    app = dashboard(board)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        theirs = screen_text(app)
        assert [line[:-1] for line in lines_of(found)] == [line[:-1] for line in theirs]
        # Where not all arms can be seen the last column has Textual's scrollbar.
        assert sum(one != other for one, other in zip(lines_of(found), theirs, strict=True)) <= size[1] // 2
        if name in ("running", "finished"):
            assert lines_of(found) == theirs
            style = still.styles(dark=True, few=False)
            ours = ([(text, style(key)) for text, key in line] for line in found)
            drawn = ([(s.text, s.style) for s in strip] for strip in app.screen._compositor.render_strips())
            assert colours_of(ours) == colours_of(drawn)


async def test_it_is_what_the_dashboard_shows_first_in_ascii() -> None:
    board = running_board()
    found = rows(first(board, ascii_only=True), 120, 40)
    assert found is not None
    app = dashboard(board, ascii_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        final = [[(Look(ascii=True).final(text), key) for text, key in line] for line in found]
        assert lines_of(final) == screen_text(app)


def test_there_is_none_where_nothing_useful_fits() -> None:
    assert rows(first(running_board()), 39, 40) is None
    assert rows(first(running_board()), 120, 9) is None


# In a terminal


class Screen:
    """What has been written, read as it comes: a pty holds little."""

    def __init__(self, end: int) -> None:
        self._end, self._seen = end, b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while fresh := os.read(self._end, 1 << 16):
                self._seen += fresh

    def written(self, mark: bytes) -> bytes:
        """All since the last time, which ends with `mark`."""
        until(lambda: self._seen.endswith(mark), f"{mark!r} in the terminal")
        found, self._seen = self._seen, b""
        return found


def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 256 colours, in whose foreground we are."""
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A pty of 120x40 as our terminal: its other end."""
    here, there = pty.openpty()
    ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    end = os.fdopen(there, "r+b", buffering=0)
    monkeypatch.setattr(terminal, "drawn_on", end.fileno)
    monkeypatch.setattr(sys, "__stdin__", end)
    ordinary(monkeypatch)
    yield Screen(here)
    end.close()
    os.close(here)


def painted() -> Any:
    board = running_board()
    return still.painted(StillFeed(board), board, Look(), "dark")


RESTORED = b"\x1b[?25h\x1b[?1049l"


def test_who_takes_the_screen_over_leaves_it_too(screen: Screen) -> None:
    with painted() as first_frame:
        assert first_frame.up
        first_frame.taken_over()
    os.write(terminal.drawn_on() or 0, b"END")
    begun = screen.written(b"END")
    assert begun.startswith(b"\x1b[?1049h\x1b[?25l\x1b[1;1H")
    assert "╭─".encode() in begun
    assert b"xavier_normal" in begun
    assert RESTORED not in begun


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ImportError, None])
def test_where_nobody_takes_it_over_the_screen_is_as_it_was(screen: Screen, fault: type[BaseException] | None) -> None:
    def use() -> None:
        with painted():
            if fault is not None:
                raise fault

    if fault is None:
        use()
    else:
        with pytest.raises(fault):
            use()
    assert screen.written(RESTORED).count(b"\x1b[?1049") == 2


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "vt100")], ids=["no colour", "sixteen"])
def test_a_terminal_of_few_colours_gets_what_it_can_show(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with painted() as first_frame:
        assert first_frame.up == (name == "TERM")
        first_frame.taken_over()
    os.write(terminal.drawn_on() or 0, b"END")
    begun = screen.written(b"END")
    assert (b"xavier_normal" in begun) == (name == "TERM")
    assert b"38;5;" not in begun
    assert b"38;2;" not in begun


@pytest.mark.usefixtures("screen")
@pytest.mark.parametrize("name", ["COLUMNS", "LINES", "TEXTUAL_COLOR_SYSTEM"])
def test_where_textual_would_find_another_size_or_other_colours_there_is_none(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "100")
    with painted() as first_frame:
        assert not first_frame.up


@pytest.mark.usefixtures("screen")
@pytest.mark.parametrize("found", [1, OSError(25, "not a terminal of ours")])
def test_in_the_background_there_is_none(monkeypatch: pytest.MonkeyPatch, found: int | OSError) -> None:
    def foreground(_: int) -> int:
        if isinstance(found, OSError):
            raise found
        return found

    monkeypatch.setattr(os, "tcgetpgrp", foreground)
    with painted() as first_frame:
        assert not first_frame.up


def test_a_terminal_that_takes_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual will be stuck as well, but in a thread of its own, and a guard ends it."""
    here, there = pty.openpty()
    ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.set_blocking(there, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(there, b" " * 4096)
    os.set_blocking(there, True)
    monkeypatch.setattr(terminal, "drawn_on", lambda: there)
    ordinary(monkeypatch)
    monkeypatch.setattr(still, "PATIENCE", 0.01)
    with painted() as first_frame:
        assert first_frame.up
    os.close(here)
    os.close(there)


@pytest.mark.usefixtures("screen")
def test_keys_are_not_echoed_meanwhile_and_are_as_before_afterwards() -> None:
    assert sys.__stdin__ is not None
    keyboard = sys.__stdin__.fileno()
    before = termios.tcgetattr(keyboard)
    echoes = termios.ECHO | termios.ICANON
    with still.quiet():
        assert not termios.tcgetattr(keyboard)[3] & echoes
        assert termios.tcgetattr(keyboard)[3] & termios.ISIG
        assert termios.tcgetattr(keyboard)[6][termios.VSUSP] == b"\0"  # a shell would write over the still
    assert termios.tcgetattr(keyboard) == before
    assert before[3] & echoes == echoes


def test_without_a_terminal_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "drawn_on", lambda: None)
    with painted() as first_frame, still.quiet():
        assert not first_frame.up
