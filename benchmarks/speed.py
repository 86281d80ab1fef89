"""Measures how fast training is, each figure as a ratio to a baseline of the same run, and prints one table.

    python benchmarks/speed.py --data-dir DIR             about ten minutes on two cores
    python benchmarks/speed.py --data-dir DIR --quick     shorter, and noisier
    python benchmarks/speed.py --gpu                      what a GPU adds; needs no data

The baselines are the notebook's way (a DataLoader that transforms image by image, default Adam, one scheme after the other),
two notebooks side by side, and the floor: a step's matrix products on one thread, times the cores. `--json FILE` writes the
figures as well. Nothing else should run on the machine meanwhile.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import figures, floors, whole_commands

PARTS = ("notebook", "floor", "seeds", "arms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST in torchvision's layout")
    parser.add_argument("--quick", action="store_true", help="fewer images and epochs, shorter windows")
    parser.add_argument("--epochs", type=int, default=15, help="epochs of the comparison with the notebook (15)")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; repeatable")
    parser.add_argument("--gpu", action="store_true", help="only the GPU's part")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    parts = set(arguments.part or PARTS)
    if arguments.data_dir is None and not arguments.gpu and parts != {"floor"}:
        parser.error("--data-dir: expected a folder with MNIST; --gpu and --part floor need none")
    epochs, images, seconds = (1, 6_000, 2.0) if arguments.quick else (arguments.epochs, None, 15.0)
    measured: list[figures.Figure] = []
    if arguments.gpu:
        measured += floors.on_a_gpu("cuda", seconds)
    else:
        if "notebook" in parts:
            measured += whole_commands.against_the_notebook(arguments.data_dir, epochs, images)
        if "floor" in parts:
            measured += floors.against_the_floor(seconds, arguments.data_dir)
        few, some = (1, 6_000) if arguments.quick else (3, 20_000)
        if "seeds" in parts:
            counts = (1, 8) if arguments.quick else (1, 8, 32)
            measured += whole_commands.more_seeds(arguments.data_dir, few, some, counts)
        if "arms" in parts and not arguments.quick:
            measured += whole_commands.more_arms(arguments.data_dir, few, some, (1, 2, 4, 8))
    described = figures.machine()
    print(figures.heading(described))
    figures.show(measured)
    if arguments.json:
        figures.write(arguments.json, measured, described)


if __name__ == "__main__":
    main()
