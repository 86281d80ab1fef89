"""Measures what the dashboard costs and how soon it answers, in a pty of 120x40 with 256 colours, and prints one table.

    python benchmarks/screen.py [--quick] [--data-dir DIR] [--json FILE]

Training is two arms of 784-512-512-10 on noise in the shape of MNIST (with --data-dir on MNIST), and for the keys one arm
per core. The long run is six arms of 1,000 epochs with 600,000 reports, written through the real log in half a
minute or less; the short run is the same in its second epoch. Ends with 1 when a target is missed.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import figures
from benchmarks.driving import COLUMNS, ROWS
from benchmarks.screen_parts import FULL, QUICK, long_run, start, while_training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="within about two minutes")
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST in torchvision's layout")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    described = figures.machine(with_torch=False)
    measured: list[figures.Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        # Modules are compiled once, in the first rounds, as in an installation, whatever the environment says.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        for measure in (start, long_run, while_training):
            measured += measure(plan, Path(folder), arguments.data_dir)
    print(f"{COLUMNS}x{ROWS}, 256 colours; {figures.heading(described)}")
    figures.show(measured)
    if arguments.json:
        figures.write(arguments.json, measured, described)
    if any(figure.met is False for figure in measured):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
