"""Runs of their own for every test, and nobody left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir
from inittui.record.run_index import runs

from .terminal import Terminal

PATIENCE = 60.0
Open = Callable[..., Terminal]


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    """A runs folder; supervisors that still live when the test ends are killed."""
    folder = tmp_path / "runs"
    yield folder
    for run in runs(folder):
        if run.alive():
            os.kill(run.status().pid or 0, signal.SIGKILL)


@pytest.fixture
def terminal(runs_dir: Path) -> Iterator[Open]:
    """Opens terminals on `runs_dir`; takes what Terminal takes. At the test's end they are killed."""
    opened: list[Terminal] = []

    def open_(arguments: list[str], **options: Any) -> Terminal:
        opened.append(Terminal(arguments, runs_dir, **options))
        return opened[-1]

    yield open_
    for screen in opened:
        screen.kill()


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything that tests need has to be installed."""
    if os.environ.get("INITTUI_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Command:
    """Runs `inittui` as a person would, in a process of its own."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        # No network, whatever the machine has: a download fails at once.
        dead = "http://127.0.0.1:9"
        self.environment = {**os.environ, "INITTUI_RUNS_DIR": str(runs_dir), "http_proxy": dead, "https_proxy": dead}

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "inittui", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "inittui", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            stdin=subprocess.DEVNULL,
        )

    def result(self, *arguments: str) -> dict[str, Any]:
        """The result document of a run that must finish."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def run_dir(self) -> RunDir:
        """The only run."""
        (run,) = runs(self.runs_dir)
        return run


@pytest.fixture
def inittui(runs_dir: Path) -> Command:
    return Command(runs_dir)


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for `condition`, patiently."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(psutil.Error, RunError):  # a run that is being created has no status yet
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")
