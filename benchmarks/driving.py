"""What the benchmarks of the screen share: a run that trains, a fabricated run, and the real program in a pty."""

import contextlib
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import psutil
from msgspec.structs import replace

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from inittui.board.follower import Follower
from inittui.common import file_lock, process_identity
from inittui.experiment.preset_table import build
from inittui.record import (
    event_log,
    events,
)
from inittui.record.event_log import EventLog, Tail
from inittui.record.run_directory import RunDir, arm_folders
from inittui.record.run_index import find

COLUMNS, ROWS = 120, 40
DIGITS = ["--preset", "digits", "--arm", "xavier_normal", "--arm", "he_normal"]
SCHEMES = ("xavier_normal", "he_normal", "orthogonal", "lecun_normal", "he_uniform", "torch_default")
STEPS, BATCH = 600, 100  # of an epoch of the fabricated run


# A run that trains


@contextlib.contextmanager
def training(words: Sequence[str]) -> Iterator[RunDir]:
    """A run with these options, after its first epoch. It is stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        inittui(*words, "--epochs", "100000", "--device", "cpu", "--detach", "--runs-dir", folder)
        run = find(Path(folder), "last")
        try:
            while not all(arm.epochs_done for arm in Follower(run).poll().arms):
                if not run.alive():
                    raise SystemExit(f"the run has ended: {run.status().reason or run.last_words()}")
                time.sleep(0.2)
            yield run
        finally:
            if run.alive():
                stop(run)


def mnist_or_digits(data_dir: Path | None) -> list[str]:
    return ["--preset", "mnist3", "--data", "mnist", "--data-dir", str(data_dir)] if data_dir else DIGITS


def inittui(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "inittui", *words], check=True, stdout=subprocess.DEVNULL, cwd=HERE.parent)


def stop(run: RunDir) -> None:
    inittui("stop", str(run.path))


def speed(run: RunDir, seconds: float) -> float:
    """Arm-steps per second of all arms together, from the first to the last event of the next `seconds`."""
    logs = [(Tail(path), steps_of(path)) for path in map(run.arm_log, arm_folders(run.preset()))]
    for tail, _ in logs:
        deque(tail.poll(), maxlen=0)
    time.sleep(seconds)
    total = 0.0
    for tail, steps in logs:
        reached = [progress for event in tail.poll() if (progress := steps_done(event, steps)) is not None]
        (first, began), (last, ended) = reached[0], reached[-1]
        total += (last - first) / (ended - began)
    return total


def steps_done(event: events.Event, steps: int) -> tuple[int, float] | None:
    """The number of steps done and the time; None for an event that does not say."""
    match event:
        case events.Progress():
            return (event.epoch - 1) * steps + event.step, event.t
        case events.Epoch():
            return event.epoch * steps, event.t
    return None


def steps_of(log: Path) -> int:
    """The steps of an epoch."""
    return next(event.steps for event in Tail(log).poll() if isinstance(event, events.Begin))


# A fabricated run


class FabricatedRun:
    """A run whose events this process writes through the real log: `arms` arms that report ten times a second."""

    def __init__(
        self, folder: Path, arms: int, epochs: int, reports: int, sweep: Mapping[str, Sequence[object]] | None = None
    ) -> None:
        """`epochs` is the plan, `reports` the number of reports in an epoch; of a sweep, `arms` are its rows."""
        self.reports = reports
        table = {"title": "Made up", "training": {"epochs": epochs}, "sweep": dict(sweep or {})}
        of = build(table | {"arms": [{"init": name} for name in SCHEMES[:arms]]}, name="made-up", source="made up")
        self.run = RunDir.create(folder, of, data_dir=folder, device="cpu", threads=1)
        self._clock = SimpleNamespace(now=0.0)
        with self._clocked():
            self._log = EventLog(self.run.log, 0.0)
            self._arms = [EventLog(self.run.arm_log(folder), 0.0) for folder in arm_folders(of)]
            for event in (
                events.DeviceReady(device="cpu", label="cpu", threads=1, workers=len(of.arms)),
                events.DataReady(
                    name="mnist",
                    title="MNIST",
                    train=60_000,
                    test=10_000,
                    rows=28,
                    columns=28,
                    classes=tuple("0123456789"),
                ),
                events.Phase(phase="training"),
            ):
                self._log.append(event)
            for name, log in zip((arm.name for arm in of.arms), self._arms, strict=True):
                log.append(events.Hello(arm=name, pid=os.getpid()))
                log.append(
                    events.Begin(
                        arm=name, seeds=(777,), epochs=epochs, steps=STEPS, batch_size=BATCH, parameters=669_706,
                        layers=((784, 512), (512, 512), (512, 10)), stds=(0.05, 0.06, 0.06),
                    )
                )  # fmt: skip
        self.at_work = range(len(self._arms))  # the arms that report
        self._reported = 0  # events of each arm so far
        own = os.getpid()
        self._live = {"pid": own, "pid_started": process_identity.started(own), "boot": process_identity.boot_id()}

    def _clocked(self) -> contextlib.AbstractContextManager[object]:
        return mock.patch.object(event_log, "time", SimpleNamespace(monotonic=lambda: self._clock.now))

    def report(self, count: int) -> None:
        """Write `count` events per arm, a tenth of a second apart."""
        with self._clocked():
            for _ in range(count):
                self._clock.now += 0.1
                epoch, report = divmod(self._reported, self.reports + 1)
                for index in self.at_work:
                    self._arms[index].append(self._event(epoch + 1, report + 1, 0.3 + 0.05 * index))
                self._reported += 1

    def _event(self, epoch: int, report: int, above: float) -> events.Event:
        done = epoch - 1 + report / (self.reports + 1)
        cost = above + 2 / (1 + done) + 0.05 * (self._reported * 7919 % 1000) / 1000
        if report <= self.reports:
            return events.Progress(
                seed=777, epoch=epoch, step=STEPS * report // (self.reports + 1), cost=cost, samples_per_second=6123.4
            )
        return events.Epoch(
            seed=777, epoch=epoch, train_cost=cost, test_cost=1.1 * cost, test_accuracy=0.98 - above / 100, seconds=10.0,
            test_seconds=0.1, sample=((8, 0.9), (3, 0.06), (9, 0.04)),
        )  # fmt: skip

    def claim(self) -> None:
        """Make this process the run's supervisor, as a viewer sees it, and its clock the present time."""
        if not file_lock.held(self.run.path / "lock"):
            file_lock.acquire(self.run.path / "lock", 0)
        zero = time.monotonic() - self._clock.now
        self.run.write_status(replace(self.run.status(), monotonic=zero, host=process_identity.host(), **self._live))

    def close(self) -> None:
        for log in (self._log, *self._arms):
            log.close()


# The program in a pty


class Screen:
    """A program in a pty, and the other end of the pty."""

    def __init__(self, pid: int, terminal: int) -> None:
        self.process = psutil.Process(pid)
        self.terminal = terminal
        self.began = time.perf_counter()
        self.seen = b""

    def resize(self, columns: int, rows: int) -> None:
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def take(self, seconds: float) -> int:
        """Read for `seconds`. Returns the number of bytes."""
        end = time.monotonic() + seconds
        taken = b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                taken += os.read(self.terminal, 1 << 16)
        self.seen += taken
        return len(taken)

    def until(self, *marks: bytes, limit: float = 30.0) -> float:
        """Read until all of `marks` have been sent. Returns the time by `perf_counter`."""
        end, fresh = time.perf_counter() + limit, b""
        while not all(mark in fresh for mark in marks):
            if not select.select([self.terminal], [], [], max(0.0, end - time.perf_counter()))[0]:
                raise SystemExit(f"{marks!r} did not arrive in {limit:.0f} s; last bytes: {fresh[-500:]!r}")
            fresh += os.read(self.terminal, 1 << 16)
        self.seen += fresh
        return time.perf_counter()

    def measure(self, seconds: float) -> tuple[float, float]:
        """KiB per second, and the share of a core."""
        before = sum(self.process.cpu_times()[:2])
        sent = self.take(seconds)
        return sent / seconds / 1024, (sum(self.process.cpu_times()[:2]) - before) / seconds


@contextlib.contextmanager
def terminal(*command: str) -> Iterator[Screen]:
    """`python COMMAND` in a pty of 120x40 with 256 colours, killed at the end. `began` is the time of its start."""
    ready, go = os.pipe()
    pid, end = pty.fork()
    if pid == 0:
        for name in ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES"):
            os.environ.pop(name, None)
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.chdir(HERE.parent)
        os.read(ready, 1)  # until the size is set
        os.execv(sys.executable, [sys.executable, *command])
    screen = Screen(pid, end)
    screen.resize(COLUMNS, ROWS)
    screen.began = time.perf_counter()
    os.write(go, b"!")
    os.close(ready)
    os.close(go)
    try:
        yield screen
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(end)


def viewer(run: RunDir, *options: str) -> contextlib.AbstractContextManager[Screen]:
    return terminal("-m", "inittui", "attach", str(run.path), *options)
