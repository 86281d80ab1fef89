"""The dashboard in terminals of several kinds, and what other code prints meanwhile."""

import re
import shlex
import shutil
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGQUIT, SIGTERM, Signals

import psutil
import pytest

from tests.helpers import write_run

from .conftest import Open, until
from .terminal import Terminal

REPLAY = ["replay", "last", "--speed", "1000"]
LEFT = b"\x1b[?1049l"  # the alternate screen
INDEXED, DIRECT = re.compile(rb"\x1b\[[0-9;]*[34]8;5;"), re.compile(rb"\x1b\[[0-9;]*[34]8;2;(\d+);(\d+);(\d+)")


@pytest.fixture
def terminal(terminal: Open, runs_dir: Path) -> Open:
    """Opens terminals on one finished run, by default on its replay."""
    write_run(runs_dir)
    return lambda arguments=REPLAY, **options: terminal(arguments, **options)


def leave(screen: Terminal, code: int = 0) -> str:
    """Leave the dashboard; returns what is printed after it."""
    screen.press("q")
    assert screen.end() == code
    return screen.raw[screen.raw.rfind(LEFT) :].decode()


# The start


def test_in_the_background_it_leaves_the_screen_alone(terminal: Open) -> None:
    """The shell stops it, like every background program that asks something of the terminal."""
    command = shlex.join([sys.executable, "-m", "inittui", *REPLAY])
    words = f'set -m; {command} & until [ "$(jobs -s)" ]; do sleep 0.1; done; kill -9 %1; echo o-ver'
    screen = terminal([words], program=("bash", "-c"))
    assert screen.end() == 0
    assert b"o-ver" in screen.raw
    assert b"\x1b[?1049h" not in screen.raw


IMPORTING = """
import os, sys

number = int(sys.argv.pop())

class Finder:
    def find_spec(self, name, *_):
        if name == "textual":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), number)

sys.meta_path.insert(0, Finder())
from inittui.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [SIGHUP, SIGINT, SIGTERM])
def test_a_signal_while_textual_is_imported_ends_it_and_nothing_has_been_written(
    terminal: Open, number: Signals
) -> None:
    screen = terminal([*REPLAY, str(int(number))], program=(sys.executable, "-c", IMPORTING))
    assert screen.end() == 128 + number
    assert b"\x1b" not in screen.raw


def test_a_signal_just_after_the_first_frame_leaves_the_terminal_as_it_was(terminal: Open) -> None:
    screen = terminal()
    screen.wait_for_text("xavier_normal")
    psutil.Process(screen.child.pid).send_signal(SIGTERM)
    assert screen.end() == 128 + SIGTERM
    assert screen.raw.rfind(b"\x1b[?7h") >= screen.raw.rfind(b"\x1b[?7l"), "lines are wrapped again"
    assert screen.raw.rfind(b"\x1b[?25h") > screen.raw.rfind(b"\x1b[?25l")
    assert screen.raw.count(b"\x1b[?1049h") == 1
    assert LEFT in screen.raw


# Locale


def test_a_locale_without_utf8_gets_ascii_alone(terminal: Open) -> None:
    screen = terminal(environment={"LANG": "C"}, columns=120)
    screen.wait_for_text("finished in", "+- o xavier_normal", "x he_normal")
    screen.press("?")
    screen.wait_for_text("help: Esc closes")
    screen.press("\x1b")
    screen.wait_for(lambda text: "help: Esc" not in text, "closed help")
    screen.press("\x10")  # the command palette, which is Textual's own
    screen.wait_for_text("Search for commands")
    screen.press("\x1b")
    screen.wait_for(lambda text: "Search for" not in text, "closed palette")
    leave(screen)
    assert screen.raw.isascii()


@pytest.mark.parametrize(
    ("environment", "option", "marker"),
    [
        ({"LANG": "C"}, ["--no-ascii"], "● xavier_normal"),
        ({"LANG": None}, [], "● xavier_normal"),
        ({"LANG": "C.UTF-8"}, ["--ascii"], "o xavier_normal"),
    ],
)
def test_ascii_can_be_forced_and_without_a_locale_blocks_are_drawn(
    terminal: Open, environment: dict[str, str | None], option: list[str], marker: str
) -> None:
    screen = terminal([*REPLAY, *option], environment=environment)
    screen.wait_for_text("finished in", marker)
    leave(screen)


# Keys


def test_a_byte_that_is_no_text_and_a_pasted_flood_leave_the_dashboard_as_it_was(terminal: Open) -> None:
    screen = terminal()
    screen.wait_for_text("finished in")
    screen.child.send(b"\xff\xfe")
    screen.child.send(b"?q\x03rx" * 400)  # no terminal marks it as pasted here; every key of it would do something
    screen.press("\x1b[A")
    screen.press("?")
    screen.wait_for_text("help: Esc closes")
    screen.press("?")
    leave(screen)


# Colours


@pytest.mark.parametrize(
    "term", ["xterm", pytest.param("screen", marks=pytest.mark.slow), pytest.param("linux", marks=pytest.mark.slow)]
)
def test_sixteen_colours_are_sixteen(terminal: Open, term: str) -> None:
    screen = terminal(environment={"TERM": term}, columns=80, rows=24)
    screen.wait_for_text("finished in", "xavier_normal", "he_normal")
    screen.press("?")
    screen.wait_for_text("help: Esc closes")
    screen.press("\x1b")
    screen.wait_for(lambda text: "help: Esc" not in text, "closed help")
    leave(screen)
    assert not INDEXED.search(screen.raw)
    assert not DIRECT.search(screen.raw)
    assert b"\x1b[1;96;40m" in screen.raw, "the first arm's own colour, bold, on black"
    assert b"93;40m" in screen.raw, "the second one's"


def test_256_colours_and_all_of_them(terminal: Open) -> None:
    screen = terminal()
    screen.wait_for_text("finished in")
    leave(screen)
    assert INDEXED.search(screen.raw)
    assert not DIRECT.search(screen.raw)
    screen = terminal(environment={"COLORTERM": "truecolor"})
    screen.wait_for_text("finished in")
    leave(screen)
    assert not INDEXED.search(screen.raw)
    assert any(len(set(match.groups())) > 1 for match in DIRECT.finditer(screen.raw))


def test_no_color_means_greys(terminal: Open) -> None:
    screen = terminal(environment={"NO_COLOR": "1", "COLORTERM": "truecolor"})
    screen.wait_for_text("finished in", "● xavier_normal")
    leave(screen)
    colours = [match.groups() for match in DIRECT.finditer(screen.raw)]
    assert colours
    assert all(len(set(colour)) == 1 for colour in colours)


@pytest.mark.parametrize(
    ("environment", "option", "background"),
    [
        ({"COLORFGBG": "0;15"}, [], b"107m"),
        pytest.param({}, [], b"40m", marks=pytest.mark.slow),
        pytest.param({"INITTUI_THEME": "light"}, [], b"107m", marks=pytest.mark.slow),
        ({"INITTUI_THEME": "light", "COLORFGBG": "0;15"}, ["--theme", "dark"], b"40m"),
    ],
)
def test_the_theme_follows_the_option_and_the_environment(
    terminal: Open, environment: dict[str, str | None], option: list[str], background: bytes
) -> None:
    screen = terminal([*REPLAY, *option], environment={"TERM": "xterm", **environment})
    screen.wait_for_text("finished in")
    leave(screen)
    assert max((b"107m", b"40m"), key=screen.raw.count) == background


@pytest.mark.parametrize(
    ("environment", "option", "message"),
    [
        ({}, ["--theme", "pink"], "inittui: --theme pink: expected one of auto, dark, light"),
        ({"INITTUI_THEME": "pink"}, [], "inittui: INITTUI_THEME pink: expected one of auto, dark, light"),
    ],
)
def test_an_unknown_theme_is_bad_input(
    terminal: Open, environment: dict[str, str | None], option: list[str], message: str
) -> None:
    screen = terminal([*REPLAY, *option], environment=environment)
    assert screen.end() == 2
    assert screen.text.strip() == message


def test_a_dumb_terminal_gets_lines(terminal: Open) -> None:
    screen = terminal(environment={"TERM": "dumb"})
    assert screen.end() == 0
    assert "* the highest" in screen.text
    assert b"\x1b" not in screen.raw


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_the_doctor_fits_and_has_colours_where_they_are_wanted(
    terminal: Open, environment: dict[str, str | None], tmp_path: Path
) -> None:
    screen = terminal(["doctor", "--data-dir", str(tmp_path)], environment=environment, columns=80, rows=60)
    assert screen.end() in (0, 1)
    lines = screen.raw.decode().replace("\r", "").splitlines()
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert max(len(line) for line in plain if "/" not in line) <= 80
    assert sum(line.startswith(("ok ", "note ", "fault ")) for line in plain) >= 12
    assert (b"\x1b[" in screen.raw) == (environment == {})


# What else is written while the dashboard is up

NOISE = """
import ctypes, os, sys, threading, warnings
from pathlib import Path
from inittui.tui.app import Dashboard

libc = ctypes.CDLL(None)

def noise():
    os.write(2, b"stray-write\\n")
    libc.write(1, b"stray-one\\n", 10)
    libc.dprintf(2, b"stray-c\\n")
    print("stray-print")
    warnings.warn("stray-warning \\x1b[31m")
    Path(sys.argv.pop()).touch()

mount = Dashboard.on_mount
def on_mount(self):
    mount(self)
    threading.Thread(target=noise).start()
Dashboard.on_mount = on_mount

from inittui.cli.main import main
code = main(sys.argv[1:-1])
os.write(1, b"one-works\\n"); os.write(2, b"two-works\\n"); print("print-works")
sys.exit(code)
"""
STRAY = ("stray-write", "stray-one", "stray-c", "stray-print", "stray-warning")


def test_nothing_else_reaches_the_screen_and_all_of_it_is_printed_afterwards(terminal: Open, tmp_path: Path) -> None:
    made = tmp_path / "noise"
    screen = terminal([*REPLAY, str(made)], program=(sys.executable, "-c", NOISE))
    screen.wait_for_text("finished in", "xavier_normal")
    until(made.exists, "the noise")
    screen.press("l")
    screen.wait_for(lambda text: "per epoch, log" not in text, "another scale")
    after = leave(screen)
    drawn = screen.raw[: screen.raw.rfind(LEFT)]
    assert b"stray" not in drawn
    assert "printed while the dashboard was up:" in after
    assert [word for word in STRAY if word not in after] == []
    assert "\x1b[31m" not in after
    assert [word for word in ("one-works", "two-works", "print-works") if word not in after] == []


def test_standard_error_in_a_file_takes_no_screen(terminal: Open, tmp_path: Path) -> None:
    log, made = tmp_path / "log", tmp_path / "noise"
    shell = ("sh", "-c", f'exec "$0" -c "$NOISE" "$@" 2>"{log}"', sys.executable)
    screen = terminal([*REPLAY, str(made)], program=shell, environment={"NOISE": NOISE}, columns=100, rows=30)
    screen.wait_for_text("finished in", "xavier_normal")
    assert "inittui" in screen.screen.display[0]
    until(made.exists, "the noise")
    after = leave(screen)
    logged = log.read_text()
    assert "\x1b[?" not in logged
    assert "stray-write" in logged
    assert "stray-write" not in after
    assert b"stray" not in screen.raw[: screen.raw.rfind(LEFT)]


def test_a_quiet_dashboard_says_nothing_afterwards(terminal: Open) -> None:
    screen = terminal()
    screen.wait_for_text("finished in")
    assert "printed" not in leave(screen)


def test_a_resize_is_seen(terminal: Open) -> None:
    screen = terminal(columns=120, rows=40)
    screen.wait_for_text("finished in", "training cost per epoch")
    screen.child.setwinsize(8, 30)
    screen.wait_for(lambda _: b"inittui needs 40x10" in screen.raw, "the smallest size")
    leave(screen)


# The end

SELDOM = [*REPLAY, "--refresh", "0.001"]  # seconds between two redraws: waiting for the next one would fail the test


def test_leaving_does_not_wait_for_the_next_redraw(terminal: Open) -> None:
    screen = terminal(SELDOM)
    screen.wait_for_text("xavier_normal", "leave")
    leave(screen)


def test_sigquit_leaves_the_terminal_as_it_was(terminal: Open) -> None:
    screen = terminal()
    before = termios.ICANON | termios.ECHO | termios.ISIG
    screen.wait_for_text("finished in")
    assert not termios.tcgetattr(screen.child.child_fd)[3] & before
    psutil.Process(screen.child.pid).send_signal(SIGQUIT)
    screen.wait_for(lambda _: LEFT in screen.raw, "the alternate screen's end")
    assert termios.tcgetattr(screen.child.child_fd)[3] & before == before
    assert screen.end() == 128 + SIGQUIT


def test_a_terminal_that_goes_ends_a_viewer_whose_parent_ignores_sighup(terminal: Open) -> None:
    shell = ("sh", "-c", 'trap "" HUP; exec "$0" -m inittui "$@"', sys.executable)
    screen = terminal(SELDOM, program=shell)
    screen.wait_for_text("xavier_normal", "leave")
    screen.hang_up()
    until(lambda: not screen.child.isalive(), "the viewer's end")


@pytest.mark.skipif(shutil.which("setsid") is None, reason="setsid is not installed")
def test_the_end_of_standard_input_ends_a_viewer_that_no_signal_reaches(terminal: Open) -> None:
    # In its own session it gets no SIGHUP from the kernel: only its input ends.
    screen = terminal(SELDOM, program=("setsid", "--wait", sys.executable, "-m", "inittui"))
    screen.wait_for_text("xavier_normal", "leave")
    (viewer,) = psutil.Process(screen.child.pid).children()
    screen.hang_up()
    until(lambda: gone(viewer), "the viewer's end")


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


# In a multiplexer


@pytest.fixture
def tmux() -> Iterator[tuple[str, ...]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    words = ("tmux", "-L", f"inittui-{uuid.uuid4().hex[:8]}", "-f", "/dev/null")
    yield words
    subprocess.run([*words, "kill-server"], capture_output=True, check=False)


def test_in_tmux_the_screen_comes_back_after_detaching(terminal: Open, tmux: tuple[str, ...]) -> None:
    screen = terminal(REPLAY, program=(*tmux, "new-session", sys.executable, "-m", "inittui"), columns=100, rows=30)
    screen.wait_for_text("finished in", "xavier_normal", "leave")
    screen.press("\x02d")
    assert screen.end() == 0
    again = terminal([], program=(*tmux, "attach"), columns=80, rows=24)
    again.wait_for_text("finished in", "xavier_normal", "leave")
    again.press("q")
    assert again.end() == 0


def test_the_end_of_a_tmux_session_ends_the_viewer(terminal: Open, tmux: tuple[str, ...]) -> None:
    screen = terminal(SELDOM, program=(*tmux, "new-session", sys.executable, "-m", "inittui"))
    screen.wait_for_text("xavier_normal", "leave")
    listed = subprocess.run([*tmux, "list-panes", "-F", "#{pane_pid}"], capture_output=True, text=True, check=True)
    viewer = psutil.Process(int(listed.stdout))
    subprocess.run([*tmux, "kill-session"], check=True)
    until(lambda: gone(viewer), "the viewer's end")


def test_in_gnu_screen_the_screen_comes_back_after_detaching(terminal: Open) -> None:
    if shutil.which("screen") is None:
        pytest.skip("GNU screen is not installed")
    name = f"inittui-{uuid.uuid4().hex[:8]}"
    try:
        screen = terminal(
            REPLAY,
            program=("screen", "-c", "/dev/null", "-U", "-S", name, sys.executable, "-m", "inittui"),
            columns=100,
            rows=30,
        )
        screen.wait_for_text("finished in", "● xavier_normal", "leave")
        screen.press("\x01d")
        screen.end()
        again = terminal([], program=("screen", "-U", "-r", name), columns=100, rows=30)
        again.wait_for_text("finished in", "● xavier_normal", "leave")
        again.press("q")
        assert again.end() == 0
    finally:
        subprocess.run(["screen", "-S", name, "-X", "quit"], capture_output=True, check=False)
