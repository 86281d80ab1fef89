"""What the dashboard sends and costs while two arms train, in a pty of 120x40 with TERM=xterm-256color that is read at once.

    python benchmarks/wire.py [--data-dir DIR] [--quick]

Digits, or with --data-dir the `mnist3` preset on MNIST. Counts the bytes of one dashboard at the default refresh, of another
at --refresh 1, and of both at rest once the run has ended. Prints a table, and ends with 1 where it is more than is promised.
"""

import argparse
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
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import psutil

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from inittui.follow import Follower  # noqa: E402
from inittui.rundir import RunDir  # noqa: E402
from inittui.runlist import find  # noqa: E402

COLUMNS, ROWS = 120, 40
DIGITS = ["--preset", "digits", "--arm", "xavier_normal", "--arm", "he_normal"]
SETTLE_SECONDS = 5.0  # the first frame, and what comes just after it
PROMISED = {"by default": 30.0, "--refresh 1": 5.0, "at rest": 0.1}  # KiB a second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST in torchvision's layout")
    parser.add_argument("--quick", action="store_true", help="8 seconds each instead of 30")
    parser.add_argument("--keep", type=Path, help="leave what was sent by default in this file")
    arguments = parser.parse_args()
    seconds = 8.0 if arguments.quick else 30.0
    rows = []
    with training(arguments.data_dir) as run:
        for title, options in (("by default", []), ("--refresh 1", ["--refresh", "1"])):
            with viewer(run, *options) as screen:
                screen.take(SETTLE_SECONDS)
                rows.append((title, *screen.measure(seconds)))
                if arguments.keep and not options:
                    arguments.keep.write_bytes(screen.seen)
        with viewer(run) as screen:
            screen.take(SETTLE_SECONDS)
            stop(run)
            screen.take(SETTLE_SECONDS)
            rows.append(("at rest", *screen.measure(seconds)))
    print(f"{COLUMNS}x{ROWS}, {'mnist3' if arguments.data_dir else 'digits'}, two arms, {seconds:.0f} s each")
    print(f"{'':<14}{'KiB/s':>8}{'promised':>10}{'% of a core':>13}")
    for title, sent, share in rows:
        print(f"{title:<14}{sent:>8.2f}{PROMISED[title]:>10.1f}{100 * share:>13.1f}")
    if any(sent > PROMISED[title] for title, sent, _ in rows):
        raise SystemExit(1)


@contextlib.contextmanager
def training(data_dir: Path | None) -> Iterator[RunDir]:
    """A run that goes on until it is stopped, past its first epochs."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--preset", "mnist3", "--data", "mnist", "--data-dir", str(data_dir)] if data_dir else DIGITS
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


def inittui(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "inittui", *words], check=True, stdout=subprocess.DEVNULL, cwd=HERE.parent)


def stop(run: RunDir) -> None:
    inittui("stop", str(run.path))


class Screen:
    """A dashboard in a pty, and our end of it."""

    def __init__(self, pid: int, terminal: int) -> None:
        self.process = psutil.Process(pid)
        self.terminal = terminal
        self.seen = b""

    def resize(self, columns: int, rows: int) -> None:
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def take(self, seconds: float) -> int:
        """Read for so long; the number of bytes."""
        end = time.monotonic() + seconds
        taken = b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                taken += os.read(self.terminal, 1 << 16)
        self.seen += taken
        return len(taken)

    def measure(self, seconds: float) -> tuple[float, float]:
        """KiB a second, and the share of a core."""
        before = sum(self.process.cpu_times()[:2])
        sent = self.take(seconds)
        return sent / seconds / 1024, (sum(self.process.cpu_times()[:2]) - before) / seconds


@contextlib.contextmanager
def viewer(run: RunDir, *options: str) -> Iterator[Screen]:
    pid, terminal = pty.fork()
    if pid == 0:
        for name in ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES"):
            os.environ.pop(name, None)
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.chdir(HERE.parent)
        time.sleep(0.2)  # the size is set meanwhile
        os.execv(sys.executable, [sys.executable, "-m", "inittui", "attach", str(run.path), *options])
    screen = Screen(pid, terminal)
    screen.resize(COLUMNS, ROWS)
    try:
        yield screen
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


if __name__ == "__main__":
    main()
