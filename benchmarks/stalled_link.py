"""Measures how fast training is while a dashboard writes to a pty that nobody reads, against no dashboard.

    python benchmarks/stalled_link.py [--data-dir DIR] [--quick]

Two arms train on digits, or on MNIST with --data-dir. The terminal of one dashboard is full. Windows in which that dashboard
is frozen (SIGSTOP), as if there were none, alternate with windows in which it runs: A B B A. Speed is arm-steps per second
by the run's own events. Prints the ratios and their median. The target is within 2 % of 1.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.driving import COLUMNS, ROWS, Screen, mnist_or_digits, speed, training, viewer

SETTLE_SECONDS = 8.0  # by then the dashboard is shown and its terminal is full
WINDOW_SECONDS = 2.0
ALLOWED = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST in torchvision's layout")
    parser.add_argument("--seconds", type=float, default=60.0, help="in total, about (60)")
    parser.add_argument("--quick", action="store_true", help="20 seconds")
    arguments = parser.parse_args()
    seconds = 20.0 if arguments.quick else arguments.seconds
    pairs = max(2, round((seconds - SETTLE_SECONDS) / 2 / WINDOW_SECONDS))
    ratios, alone, stalled, used = [], [], [], 0.0
    with training(mnist_or_digits(arguments.data_dir)) as run, viewer(run) as screen:
        fill(screen)
        check_stalled(screen)
        for number in range(pairs):
            for frozen in (True, False) if number % 2 == 0 else (False, True):
                before = sum(screen.process.cpu_times()[:2])
                screen.process.suspend() if frozen else screen.process.resume()
                (alone if frozen else stalled).append(speed(run, WINDOW_SECONDS))
                used += sum(screen.process.cpu_times()[:2]) - before
            ratios.append(stalled[-1] / alone[-1])
        screen.process.resume()
        check_stalled(screen)
    median = statistics.median(ratios)
    low, _, high = statistics.quantiles(ratios, n=4)
    print(f"{'mnist3' if arguments.data_dir else 'digits'}, two arms, {pairs} pairs of {WINDOW_SECONDS:.0f} s")
    print(f"{'':<16}{'arm-steps/s':>12}{'ratio':>8}   half of the ratios    % of a core")
    print(f"{'no viewer':<16}{statistics.median(alone):>12.0f}{1:>8.3f}")
    share = 100 * used / pairs / WINDOW_SECONDS
    print(
        f"{'stalled viewer':<16}{statistics.median(stalled):>12.0f}{median:>8.3f}   {low:.3f} to {high:.3f}{share:>19.1f}"
    )
    if abs(1 - median) > ALLOWED:
        raise SystemExit(1)


def fill(screen: Screen) -> None:
    """Fill the terminal's buffer: after every change of size the dashboard sends the whole screen."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        screen.resize(COLUMNS, ROWS - round(time.monotonic() * 5) % 2)
        time.sleep(0.1)


def check_stalled(screen: Screen) -> None:
    time.sleep(1.0)  # an interrupted write is counted late
    before = screen.process.io_counters().write_chars
    time.sleep(2.0)
    if screen.process.io_counters().write_chars != before:
        raise SystemExit("the viewer is not stalled: its terminal still accepts bytes")


if __name__ == "__main__":
    main()
