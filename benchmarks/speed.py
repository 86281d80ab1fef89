"""How long `mnist3` takes, against the notebook's own way; both as whole commands, one after the other, in one run.

    python benchmarks/speed.py --data-dir DIR            two arms, 15 epochs: about six minutes on two cores
    python benchmarks/speed.py --data-dir DIR --quick    two epochs

Prints a table of ratios against the notebook's way. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True, help="a folder with MNIST in torchvision's layout")
    parser.add_argument("--quick", action="store_true", help="two epochs instead of fifteen")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    epochs = 2 if arguments.quick else 15
    baseline = timed([sys.executable, str(HERE / "notebook_way.py"), str(arguments.data_dir), str(epochs)])
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "inittui", "--preset", "mnist3", "--json", "--device", "cpu"]
        command += [
            "--data",
            "mnist",
            "--data-dir",
            str(arguments.data_dir),
            "--epochs",
            str(epochs),
            "--runs-dir",
            runs,
        ]
        began = time.perf_counter()
        outcome = subprocess.run(command, check=True, capture_output=True, text=True)
        ours = time.perf_counter() - began
    document = json.loads(outcome.stdout)
    training = max(arm["replicas"][0]["seconds"] for arm in document["arms"])
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {epochs} epochs"
    )
    print(f"{'mnist3, 2 arms':<44}{'seconds':>9}{'ratio':>8}")
    print(f"{'the notebook, one scheme after the other':<44}{baseline:>9.1f}{1:>8.2f}")
    print(f"{'inittui, whole command':<44}{ours:>9.1f}{baseline / ours:>8.2f}")
    print(f"{'inittui, training alone (slower arm)':<44}{training:>9.1f}{baseline / training:>8.2f}")
    if arguments.json:
        figures = {"epochs": epochs, "notebook": baseline, "inittui": ours, "training": training}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def timed(command: list[str]) -> float:
    """Wall seconds of a whole command; what it prints on standard error is shown."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
