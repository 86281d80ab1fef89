"""Starts and resumes detached runs, finds and kills their processes, and reads what they came to."""

import time
from collections.abc import Sequence

import psutil

from inittui.record.run_directory import RunDir

from .conftest import Command

Figures = dict[tuple[str, int], tuple[Sequence[float | None], Sequence[float], float | None]]  # of an arm and seed


def figures(run: RunDir) -> Figures:
    document = run.result()
    assert document is not None
    assert document.status == "finished"
    return {
        (arm.name, replica.seed): (replica.train_cost, replica.test_accuracies, replica.test_cost)
        for arm in document.arms
        for replica in arm.replicas
    }


def processes(run: RunDir) -> dict[str, psutil.Process]:
    """What trains: the supervisor under "", the workers under their arms' folders."""
    status = run.status()
    pids = {"": status.pid, **status.workers}
    return {name: psutil.Process(pid) for name, pid in pids.items() if pid is not None and psutil.pid_exists(pid)}


def kill(*victims: psutil.Process) -> float:
    """kill -9, all at once; when that was."""
    for victim in victims:
        victim.kill()
    return time.monotonic()


def started(inittui: Command, *arguments: str) -> RunDir:
    """A detached run."""
    done = inittui(*arguments, "--detach")
    assert done.returncode == 0, done.stderr
    return RunDir(inittui.runs_dir / done.stdout.strip())


def resumed(inittui: Command, run: RunDir) -> None:
    done = inittui("resume", run.name, "--detach")
    assert (done.returncode, done.stdout) == (0, f"{run.name}\n"), done.stderr
