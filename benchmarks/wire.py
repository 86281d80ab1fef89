"""What the dashboard sends and costs while two arms train, in a pty of 120x40 with TERM=xterm-256color that is read at once.

    python benchmarks/wire.py [--data-dir DIR] [--quick]

Digits, or with --data-dir the `mnist3` preset on MNIST. Counts the bytes of one dashboard at the default refresh, of another
at --refresh 1, and of both at rest once the run has ended. Prints a table, and ends with 1 where it is more than is promised.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.driving import COLUMNS, ROWS, mnist_or_digits, stop, training, viewer

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
    with training(mnist_or_digits(arguments.data_dir)) as run:
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


if __name__ == "__main__":
    main()
