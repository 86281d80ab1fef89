"""What reaches the terminal while the dashboard is on it, in a real pseudo-terminal."""

import os
import sys
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from inittui.tui.terminal.exclusive_output import REPORTED_BYTES, exclusive_output


class PseudoTerminal:
    """A terminal that stands for standard output and standard error."""

    def __init__(self) -> None:
        self._reader, slave = os.openpty()
        tty.setraw(slave)
        self.stream = os.fdopen(slave, "w", encoding="utf-8")

    def shown(self) -> bytes:
        """What has been written to the terminal since the last call."""
        os.set_blocking(self._reader, False)
        try:
            return os.read(self._reader, 65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.stream.close()
        os.close(self._reader)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[PseudoTerminal]:
    terminal = PseudoTerminal()
    monkeypatch.setattr(sys, "__stdout__", terminal.stream)
    monkeypatch.setattr(sys, "__stderr__", terminal.stream)
    yield terminal
    terminal.close()


def draw(text: str) -> None:
    """As Textual draws."""
    assert sys.__stderr__ is not None
    sys.__stderr__.write(text)
    sys.__stderr__.flush()


def test_without_a_terminal_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sys.__stdout__, sys.__stderr__
    with exclusive_output():
        assert (sys.__stdout__, sys.__stderr__) == before
        os.write(2, b"as ever\n")
    assert capfd.readouterr().err == "as ever\n"
    monkeypatch.setattr(sys, "__stdout__", None)
    with exclusive_output():
        assert sys.__stdout__ is None


def test_what_is_drawn_is_shown_and_what_c_code_prints_comes_afterwards(
    terminal: PseudoTerminal, capsys: pytest.CaptureFixture[str]
) -> None:
    with exclusive_output():
        draw("frame")
        os.write(terminal.stream.fileno(), b"a warning\n")
        assert terminal.shown() == b"frame"
    assert terminal.shown() == b""
    assert capsys.readouterr().err == "printed while the dashboard was up:\na warning\n"
    assert sys.__stderr__ is terminal.stream
    os.write(terminal.stream.fileno(), b"after")
    assert terminal.shown() == b"after"


@pytest.mark.parametrize(("ascii_only", "expected"), [(True, b"+-?? o caf? #"), (False, "╭─漢 ● café █".encode())])
def test_in_ascii_no_other_character_is_shown(terminal: PseudoTerminal, ascii_only: bool, expected: bytes) -> None:
    with exclusive_output(ascii_only=ascii_only):
        draw("╭─漢 ● café █")
    assert terminal.shown() == expected


@pytest.mark.parametrize(
    ("printed", "reported"),
    [
        (b"", ""),
        (b"first\n" + b"x" * 5000 + b"\n\x1b[31mred\x1b[0m\tand \x1b]0;title\x07\x07\nlast \xff\n",
         "red     and ?\nlast \ufffd"),
        (b"y" * 10_000, "y" * REPORTED_BYTES),
    ],
    ids=["nothing", "escapes", "one long line"],
)  # fmt: skip
def test_the_end_of_what_was_printed_begins_with_a_line_and_has_no_escapes(
    terminal: PseudoTerminal, capsys: pytest.CaptureFixture[str], printed: bytes, reported: str
) -> None:
    with exclusive_output():
        os.write(terminal.stream.fileno(), printed)
    assert capsys.readouterr().err == (f"printed while the dashboard was up:\n{reported}\n" if reported else "")


def test_a_redirected_stream_stays_a_file(
    terminal: PseudoTerminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "__stderr__", log)
        with exclusive_output():
            draw("frame")
            os.write(log.fileno(), b"a warning\n")
        assert terminal.shown() == b"frame"
    assert (tmp_path / "log").read_bytes() == b"a warning\n"
