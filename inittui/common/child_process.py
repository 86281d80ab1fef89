"""The environment of a Python process that this program starts."""

import os
import sys

# The log of a child has its output in the order in which it was printed and, if it crashes, the Python stack.
SETTINGS = {"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}


def child_environment() -> dict[str, str]:
    """An environment in which a child process imports the same modules as this process, however this one was started.

    A file `torch.py` in the working folder is not imported as torch.
    """
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    return {**os.environ, "PYTHONPATH": paths, **SETTINGS}
