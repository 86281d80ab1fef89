"""Measures what the dashboard of a large sweep costs: first frame, CPU, bytes and memory, in a pty with 256 colours.

    python benchmarks/many_arms.py [--arms 500] [--rounds 5] [--seconds 20]

The run is fabricated through the real log: five schemes by many widths, each after ten epochs. Sixteen arms report ten times
a second. The first frame counts when it has the accuracies of the first row.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.driving import SCHEMES, FabricatedRun, viewer
from benchmarks.figures import heading, machine
from benchmarks.screen_parts import SETTLE_SECONDS, reporting

ROWS = 5
TARGETS = "targets: below 1 s, 10 %, 150 MiB"
FIRST = (b"test accuracy, %", SCHEMES[0].encode(), b"97.6", b"97.3")
AT_WORK = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    described = machine(with_torch=False)
    with tempfile.TemporaryDirectory() as folder:
        widths = list(range(8, 8 + arguments.arms // ROWS))
        story = FabricatedRun(Path(folder), ROWS, epochs=1000, reports=4, sweep={"model.width": widths})
        story.report(50)
        story.claim()
        frames = []
        for _ in range(arguments.rounds + 1):  # the first is a warm-up
            with viewer(story.run) as screen:
                frames.append(screen.until(*FIRST) - screen.began)
        story.at_work = range(AT_WORK)
        with reporting(story), viewer(story.run) as screen:
            screen.take(SETTLE_SECONDS)
            sent, share = screen.measure(arguments.seconds)
            memory = screen.process.memory_info().rss / 2**20
        story.close()
    print(heading(described))
    print(
        f"{ROWS * len(widths)} arms: first frame {statistics.median(frames[1:]):.2f} s (median of {arguments.rounds}),"
    )
    print(f"at 4 Hz {100 * share:.1f} % of a core, {sent:.1f} KiB/s, {memory:.0f} MiB resident; {TARGETS}")


if __name__ == "__main__":
    main()
