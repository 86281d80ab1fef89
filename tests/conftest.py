"""What every test may ask for."""

import os
import signal
import sys
from pathlib import Path

import pytest

from inittui.common.cores import usable_cores


def pytest_configure() -> None:
    """Undo two settings of the caller.

    In the background of a script SIGINT is ignored, and so the tests and all that they start would ignore it. Without
    cached bytecode each of the hundreds of processes that the tests start would compile the whole package.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers() -> int:
    """Two workers a core, with `-n auto`: half of the suite's time is spent waiting for other processes and for clocks."""
    return 2 * min(4, usable_cores())


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """A data folder with the real MNIST, which this repository carries no copy of. Read only, please."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("INITTUI_TEST_DATA") or beside).resolve()
    if not (folder / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        reason = f"no MNIST in {folder}; name a folder that has MNIST/raw in INITTUI_TEST_DATA"
        if os.environ.get("INITTUI_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
