"""A run in bad conditions: the clock is changed, the home can't be written, the network is missing, the terminal stalls."""

import fcntl
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from inittui.board.follower import Follower
from inittui.record import events
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunIndex, find, runs
from tests.helpers import write_run

from .conftest import Command, Open, missing, until
from .logs import all_whole, epochs
from .terminal import Terminal

ARM = "he_normal"
DIGITS = ["--preset", "digits", "--arm", ARM]
LONG = [*DIGITS, "--epochs", "5000"]
NOBODY = 65534


def plain(inittui: Command, *program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        program, capture_output=True, text=True, env=inittui.environment, timeout=120, stdin=subprocess.DEVNULL
    )


def start(inittui: Command, arguments: list[str] = LONG) -> RunDir:
    done = inittui(*arguments, "--detach")
    assert done.returncode == 0, done.stderr
    run = inittui.run_dir()
    until_more(run, 1)
    return run


def done_of(run: RunDir) -> int:
    return Follower(run).poll().arms[0].epochs_done


def shown(lines: str) -> list[int]:
    """The epochs in plain output."""
    return [int(number) for number in re.findall(r"epoch +(\d+) of", lines)]


def until_more(run: RunDir, count: int) -> None:
    """Wait until `count` more epochs are on disk."""
    before = done_of(run)
    until(lambda: done_of(run) >= before + count, f"{count} epochs more")


def one_line(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("inittui: ")
    assert all(word in done.stderr for word in words), done.stderr


# The clock


def day_alone(folder: Path) -> dict[str, str]:
    """An environment in which faketime changes the time of day, and not the monotonic clock, as setting a clock does."""
    # faketime then breaks sleeping until a time of the monotonic clock, which is how Python sleeps.
    (folder / "sitecustomize.py").write_text(
        "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"
    )
    return {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(folder)}


class Clock:
    """The time of day of every process that is started with `environment`; it can be set at any moment."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._file = folder / "clock"
        self.put(time_of_day(12))
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            **day_alone(folder),
        }

    def put(self, offset: timedelta) -> None:
        """Set the clock, by its difference from the true time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset.total_seconds():+.0f}\n")
        fresh.replace(self._file)


def time_of_day(hour: float) -> timedelta:
    """The difference from now to that hour of today, so that a test does not depend on when it runs."""
    now = datetime.now()
    return now.replace(hour=0, minute=0, second=0) + timedelta(hours=hour) - now


@pytest.fixture
def clock(tmp_path: Path, inittui: Command) -> Clock:
    """The clock of every `inittui` that the test starts."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        missing("no libfaketime; 'apt-get install faketime' brings it")
    clock = Clock(tmp_path, library)
    inittui.environment |= clock.environment
    return clock


@pytest.mark.slow
@pytest.mark.parametrize(("hour", "then"), [(12, 11), (0.5, -0.5), (12, 13)], ids=["back", "to yesterday", "on"])
def test_a_clock_that_is_changed_during_a_run_does_not_affect_it(
    clock: Clock, inittui: Command, tmp_path: Path, hour: float, then: float
) -> None:
    clock.put(time_of_day(hour))
    began = time.monotonic()
    run = start(inittui)
    stamp = run.name
    with (tmp_path / "seen").open("wb") as out:
        viewer = subprocess.Popen(
            [sys.executable, "-m", "inittui", "attach", "--plain"], stdout=out, stderr=out, env=inittui.environment
        )
    until(lambda: 2 in shown((tmp_path / "seen").read_text()), "the viewer's first lines")
    clock.put(time_of_day(then))
    until_more(run, 30)
    assert run.alive()
    listed = inittui("runs")
    assert "training" in listed.stdout
    assert viewer.poll() is None
    (summary,) = RunIndex(inittui.runs_dir).read()
    assert summary.age >= 0
    assert inittui("stop", "last").returncode == 0
    took = time.monotonic() - began
    assert viewer.wait(60) == 130
    seen = (tmp_path / "seen").read_text()
    assert "interrupted" not in seen
    assert shown(seen)[-1] == done_of(run)
    logs = all_whole(run)  # t never decreases
    numbers = epochs(logs[ARM])[777]
    assert numbers == list(range(1, len(numbers) + 1))
    points = [event for event in logs[ARM] if isinstance(event, events.Epoch)]
    assert all(0 < point.seconds < took for point in points)
    assert max(event.t for log in logs.values() for event in log) <= took
    document = run.result()
    assert document is not None
    assert sum(point.seconds for point in points) <= document.seconds <= took
    # The next run is the newest, whatever its clock says.
    assert inittui(*DIGITS, "--epochs", "1", "--json").returncode == 0
    (second,) = [other for other in runs(inittui.runs_dir) if other.name != stamp]
    assert find(inittui.runs_dir, "last").name == second.name
    assert inittui("report", "last").stdout.startswith(f"{second.name}:")


@pytest.mark.slow
def test_a_viewer_of_another_time_sees_a_living_run_and_its_end(inittui: Command, tmp_path: Path) -> None:
    if shutil.which("faketime") is None:
        missing("no faketime; 'apt-get install faketime' brings it")
    run = start(inittui)
    viewer = subprocess.Popen(
        ["faketime", "-f", "-1h", sys.executable, "-m", "inittui", "attach", "--plain"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inittui.environment | day_alone(tmp_path),
    )
    until_more(run, 10)
    assert viewer.poll() is None
    assert inittui("stop", "last").returncode == 0
    out, err = viewer.communicate(timeout=60)
    assert (viewer.returncode, err) == (130, "")
    assert shown(out)[-1] == done_of(run)
    assert "stopped" in out.split("test accuracy")[1]


# A home that can't be written


def homeless(inittui: Command, home: str) -> None:
    for name in ("INITTUI_RUNS_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        inittui.environment.pop(name, None)
    inittui.environment["HOME"] = home


def test_a_home_that_takes_no_folder_is_one_line(inittui: Command) -> None:
    homeless(inittui, "/proc")
    one_line(inittui(*DIGITS, "--plain"), "'/proc/.local/share/inittui/runs'", "--runs-dir")
    listed = inittui("runs")
    assert (listed.returncode, listed.stderr) == (0, "")


@pytest.mark.slow
def test_with_another_folder_for_runs_the_home_is_not_needed(inittui: Command) -> None:
    homeless(inittui, "/proc")
    done = inittui(*DIGITS, "--epochs", "1", "--plain", "--runs-dir", str(inittui.runs_dir))
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout


@pytest.mark.slow
def test_a_read_only_home_of_a_user_without_rights_is_one_line(inittui: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    ours = [folder for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_uid == os.geteuid()]
    for folder in ours:
        if not folder.stat().st_mode & 0o005:
            folder.chmod(0o755)  # pytest's own are for its user alone
    as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    homeless(inittui, str(home))
    mounted = plain(inittui, "mount", "--bind", str(home), str(home))
    if mounted.returncode or plain(inittui, *as_nobody, sys.executable, "-c", "import inittui").returncode:
        missing("nothing can be mounted here, or another user can't run this Python")
    try:
        assert plain(inittui, "mount", "-o", "remount,bind,ro", str(home)).returncode == 0
        refused = plain(inittui, *as_nobody, sys.executable, "-m", "inittui", *DIGITS, "--plain")
        one_line(refused, f"'{home}/.local/share/inittui/runs'", "read-only file system", "--runs-dir")
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)
    refused = plain(inittui, *as_nobody, sys.executable, "-m", "inittui", *DIGITS, "--plain")  # root's, now
    one_line(refused, f"'{home}/.local/share/inittui/runs'", "permission denied", "--runs-dir")


# No network


@pytest.mark.slow
def test_without_a_network_mnist_is_refused_in_one_line_and_auto_takes_the_digits(
    inittui: Command, tmp_path: Path
) -> None:
    for name in ("http_proxy", "https_proxy"):
        inittui.environment.pop(name)  # the real thing
    alone = ("unshare", "-n", sys.executable, "-m", "inittui", "--data-dir", str(tmp_path / "data"), "--plain")
    if plain(inittui, "unshare", "-n", "true").returncode:
        missing("this system has no network namespaces")
    refused = plain(inittui, *alone, "--data", "mnist", "--epochs", "1")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("inittui: MNIST could not be downloaded")
    assert not list(inittui.runs_dir.iterdir())
    done = plain(inittui, *alone, "--data", "auto", "--epochs", "2", "--set", "model.hidden=[16]")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "digits" in next(line for line in done.stdout.splitlines() if line.startswith("note:"))


# Terminals


def resize(screen: Terminal, columns: int, rows: int) -> None:
    fcntl.ioctl(screen.child.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def rows_of(screen: Terminal) -> list[str]:
    """The rows of the screen without the machine's load, which changes all the time."""
    return [row.rstrip() for row in screen.screen.display if " CPU " not in row]


def storm(screen: Terminal, count: int) -> None:
    """`count` sizes in quick succession, from 1x1 to 300x100; then 120x40."""
    chance = random.Random(7)
    for place in range(count):
        columns, rows = (1, 1) if place % 50 == 0 else (chance.randint(1, 300), chance.randint(1, 100))
        resize(screen, columns, rows)
        screen.read(0.01)
    resize(screen, 119, 39)
    screen.screen.resize(40, 120)
    screen.screen.reset()
    resize(screen, 120, 40)


@pytest.mark.slow
def test_many_sizes_during_training_end_in_the_screen_of_a_new_viewer(terminal: Open, runs_dir: Path) -> None:
    screen = terminal([*DIGITS, "--epochs", "120"])
    screen.wait_for_text("training", ARM, "cost 0")
    storm(screen, 300)
    screen.wait_for_text("finished in", "label")
    fresh = terminal(["attach", "last"])

    def alike(_text: str) -> bool:
        fresh.read()
        return "finished in" in fresh.text and rows_of(screen) == rows_of(fresh)

    screen.wait_for(alike, "screen like that of a fresh viewer")
    screen.press("q")
    assert screen.end() == 0
    assert runs(runs_dir)[0].status().state == "finished"


def test_sizes_that_change_in_quick_succession_end_in_the_right_screen(terminal: Open, runs_dir: Path) -> None:
    write_run(runs_dir)
    screen = terminal(["replay", "last", "--speed", "2"])
    screen.wait_for_text("replay")
    storm(screen, 60)
    screen.wait_for_text("finished in", "label", "final cost")
    screen.press("q")
    assert screen.end() == 0


def trained_in(run: RunDir, seconds: float) -> int:
    """The number of epochs that are trained in `seconds`."""
    before = done_of(run)
    time.sleep(seconds)
    return done_of(run) - before


@pytest.mark.slow
def test_a_viewer_whose_terminal_nobody_reads_does_not_slow_training_and_ends_on_a_signal(
    terminal: Open, inittui: Command
) -> None:
    run = start(inittui)
    without = trained_in(run, 5.0)
    screen = terminal(["attach", "last", "--refresh", "30"])
    viewer = psutil.Process(screen.child.pid)
    until(lambda: "inittui" in " ".join(viewer.cmdline()), "the viewer")
    time.sleep(5.0)  # its terminal takes no more by now
    with_viewer = trained_in(run, 5.0)
    assert with_viewer >= without / 3
    assert viewer.is_running()
    os.kill(viewer.pid, signal.SIGTERM)
    until(lambda: not screen.child.isalive(), "the viewer's end")
    assert run.alive()
    until_more(run, 1)


def without_input(how: str) -> tuple[str, ...]:
    return ("bash", "-c", f'exec "$0" -m inittui "$@" {how}', sys.executable)


@pytest.mark.parametrize("how", ["< /dev/null", "<&-"])
def test_without_an_input_there_are_lines_instead_of_a_dashboard(terminal: Open, runs_dir: Path, how: str) -> None:
    write_run(runs_dir)
    screen = terminal(["attach", "last"], program=without_input(how))
    assert screen.end() == 0
    assert "test accuracy" in screen.text
    assert b"\x1b[?1049h" not in screen.raw


@pytest.mark.slow
@pytest.mark.parametrize("how", ["< /dev/null", "<&-"])
def test_without_an_input_a_run_prints_lines(terminal: Open, how: str) -> None:
    screen = terminal([*DIGITS, "--epochs", "2"], program=without_input(how))
    assert screen.end() == 0
    assert "epoch 2 of 2" in screen.text
    assert "test accuracy" in screen.text
