"""The number of cores."""

import os
import subprocess
import sys

import pytest


def counted(before: str) -> int:
    """The cores that a process of its own counts after it has run `before`."""
    code = f"import os\n{before}\nfrom inittui.common.cores import usable_cores\nprint(usable_cores())"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_cores_are_those_of_the_affinity() -> None:
    assert counted("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})") == 1


def test_cores_are_counted_where_the_system_has_no_affinity() -> None:
    assert counted("vars(os).pop('sched_getaffinity', None)") >= 1
