"""The installed Textual still has the parts that the dashboard uses beyond its documented interface."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import textual
from textual.app import App
from textual.driver import Driver
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver

from inittui.common.errors import RunError
from inittui.tui import run_app
from inittui.tui.terminal import textual_private
from inittui.tui.terminal.textual_private import FLOOD, MOST_PASTED, KeyboardDecoder, drawing_on, send, unsupported
from tests.helpers import running_board
from tests.tui.builders import dashboard

PASTE, PASTED = "\x1b[200~", "\x1b[201~"


class Screenless(HeadlessDriver):
    """A driver that says that it has a terminal, and keeps what is sent to it."""

    web = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = sys.__stderr__
        self.sent = ""

    @property
    def is_headless(self) -> bool:
        return False

    @property
    def is_web(self) -> bool:
        return self.web

    def write(self, data: str) -> None:
        self.sent += data


class DrawsElsewhere(Screenless):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = io.StringIO()  # type: ignore[assignment]


async def test_textuals_own_drivers_draw_on_the_stream_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the constructor of the terminal's driver sets handlers
    app: App[None] = App()
    reader, writer = os.pipe()
    with os.fdopen(reader) as keyboard, os.fdopen(writer, "w"), (tmp_path / "screen").open("w") as screen:
        monkeypatch.setattr(sys, "__stdin__", keyboard)
        for kind, web in ((LinuxDriver, False), (WebDriver, True)):
            with drawing_on(screen, web=web):
                app._driver = kind(app)
                assert unsupported(app) == ""
            assert textual.__version__ in unsupported(app), "the stream is no longer the given one"


@pytest.mark.parametrize(
    ("reads", "text"),
    [
        ((b"q",), "q"),
        ((b"\xff", b"q"), "\ufffdq"),
        (("é".encode()[:1], "é".encode()[1:] + b"q"), "éq"),
        ((b"x" * (FLOOD - 1),), "x" * (FLOOD - 1)),
        ((b"x" * FLOOD, b"q"), f"{PASTE}{'x' * FLOOD}{PASTED}q"),
        ((b"\x1b[A" * FLOOD,), "\x1b[A" * FLOOD),
        ((PASTE.encode() + b"x" * FLOOD, b"y" * FLOOD, b"z" + PASTED.encode(), b"q"),
         f"{PASTE}{'x' * FLOOD}{'y' * FLOOD}z{PASTED}q"),
        ((b"\x1b[20", b"0~" + b"x" * FLOOD, b"y" * FLOOD, b"\x1b[2", b"01~", b"q"),
         f"{PASTE}{'x' * FLOOD}{'y' * FLOOD}{PASTED}q"),
    ],
    ids=["key", "no UTF-8", "in two parts", "typed", "flood", "held key", "marked", "mark in parts"],
)  # fmt: skip
def test_bytes_of_a_keyboard_are_keys_or_pasted_text(reads: tuple[bytes, ...], text: str) -> None:
    decoder = KeyboardDecoder()
    assert "".join(map(decoder.decode, reads)) == text


@pytest.mark.parametrize(("begin", "end"), [(b"", b""), (PASTE.encode(), PASTED.encode())], ids=["bare", "marked"])
def test_a_megabyte_of_pasted_text_is_cut(begin: bytes, end: bytes) -> None:
    decoder = KeyboardDecoder()
    reads = (begin, *[b"x" * 4096] * 256, end, b"q")
    texts = [decoder.decode(read) for read in reads]
    assert sum(map(len, texts)) < 100_000
    assert all(len(text) <= max(MOST_PASTED, FLOOD + len(PASTE + PASTED)) for text in texts)
    assert texts[-1] == "q"


async def test_without_a_terminal_there_is_nothing_to_check_and_nothing_is_sent() -> None:
    app = dashboard(running_board())
    async with app.run_test():
        assert unsupported(app) == ""
        send(app, "\a")


@pytest.mark.parametrize(("web", "sent"), [(False, "\a"), (True, "")])
async def test_a_terminal_is_sent_a_control_sequence_and_a_browser_is_not(web: bool, sent: str) -> None:
    app: App[None] = App()
    driver = app._driver = Screenless(app)
    driver.web = web
    send(app, "\a")
    assert driver.sent == sent


@pytest.mark.parametrize("driver", [None, object()])
def test_a_textual_that_keeps_its_driver_elsewhere_is_named_with_its_version(driver: Driver | None) -> None:
    app: App[None] = App()
    app._driver = driver
    assert textual.__version__ in unsupported(app)
    assert textual_private.CHECKED in unsupported(app)
    send(app, "\a")


def test_a_textual_that_draws_elsewhere_shows_no_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    from inittui.board.source import StillSource

    monkeypatch.setattr("textual.app.App.get_driver_class", lambda _: DrawsElsewhere)
    with pytest.raises(
        RunError, match=f"textual {textual.__version__} can't show the dashboard .DrawsElsewhere.*--plain"
    ):
        run_app.show(StillSource(running_board(), None))
