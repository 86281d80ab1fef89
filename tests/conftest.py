"""What every test may ask for."""

import os
import signal
from pathlib import Path

import pytest

from inittui.common.cores import usable_cores


def pytest_configure() -> None:
    """Started in the background of a script, the tests would be deaf to SIGINT, and so would all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
