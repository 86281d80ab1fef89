"""The environment of a Python process that this program starts."""

import os
import sys


def child_environment() -> dict[str, str]:
    """An environment in which a child finds the modules that this process finds, however it was started, and no others.

    A `torch.py` in the folder where a person happens to be is not taken for torch.
    """
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    # Unbuffered, so that what a child prints stands in its log in the order in which it was printed.
    return {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
