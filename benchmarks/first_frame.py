"""How soon the dashboard shows its first frame, against `python -c "import torch"`, in turn, in one run.

    python benchmarks/first_frame.py [--rounds 5]

Starts the real `inittui --preset digits` in a pty of 120x40, waits until the frame has the arms' names in it, looks
whether torch is in the viewer's process, and ends the run.
"""

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.driving import terminal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    frames, imports = [], []
    for _ in range(rounds + 1):  # the first of each is a warm-up
        imports.append(timed([sys.executable, "-c", "import torch"]))
        frames.append(first_frame())
    frame, torch_import = statistics.median(frames[1:]), statistics.median(imports[1:])
    print(f"import torch   {torch_import:6.2f} s   (median of {rounds})")
    print(f"first frame    {frame:6.2f} s   ratio {frame / torch_import:.2f}")


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def first_frame() -> float:
    """Seconds from exec to a frame that names both arms."""
    with tempfile.TemporaryDirectory() as runs:
        with terminal("-m", "inittui", "--preset", "digits", "--runs-dir", runs) as screen:
            took = screen.until(b"xavier_normal", b"he_normal") - screen.began
            if "libtorch" in Path(f"/proc/{screen.process.pid}/maps").read_text():
                raise SystemExit("torch is loaded in the viewer's process")
            os.kill(screen.process.pid, signal.SIGTERM)
            with contextlib.suppress(OSError):  # the terminal's end
                while os.read(screen.terminal, 65536):
                    pass
        subprocess.run(
            [sys.executable, "-m", "inittui", "stop", "last", "--runs-dir", runs], check=False, capture_output=True
        )
        return took


if __name__ == "__main__":
    main()
