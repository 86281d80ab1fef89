"""What a dashboard of a large sweep costs: first frame, CPU, bytes and memory, in a pty of 120x40 with 256 colours.

    python benchmarks/many_arms.py [--arms 500] [--rounds 5] [--seconds 20]

The run is made up through the real log: five schemes by so many widths, each with ten epochs behind it. Sixteen of them train
on and report ten times a second. The first frame is there when the first row's accuracies are.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.driving import SCHEMES, Story, machine, viewer
from benchmarks.screen import SETTLE_SECONDS, telling

ROWS = 5
TARGETS = "wanted: below 1 s, 10 %, 150 MiB"
FIRST = (b"test accuracy, %", SCHEMES[0].encode(), b"97.6", b"97.3")
AT_WORK = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    where = machine()
    with tempfile.TemporaryDirectory() as folder:
        widths = list(range(8, 8 + arguments.arms // ROWS))
        story = Story(Path(folder), ROWS, epochs=1000, reports=4, sweep={"model.width": widths})
        story.tell(50)
        story.lives()
        frames = []
        for _ in range(arguments.rounds + 1):  # the first is a warm-up
            with viewer(story.run) as screen:
                frames.append(screen.until(*FIRST) - screen.began)
        story.at_work = range(AT_WORK)
        with telling(story), viewer(story.run) as screen:
            screen.take(SETTLE_SECONDS)
            sent, share = screen.measure(arguments.seconds)
            memory = screen.process.memory_info().rss / 2**20
        story.close()
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    print(
        f"{ROWS * len(widths)} arms: first frame {statistics.median(frames[1:]):.2f} s (median of {arguments.rounds}),"
    )
    print(f"at 4 Hz {100 * share:.1f} % of a core, {sent:.1f} KiB/s, {memory:.0f} MiB resident; {TARGETS}")


if __name__ == "__main__":
    main()
