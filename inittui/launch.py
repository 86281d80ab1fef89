"""Starts the supervisor of a run, detached from this terminal; stops it."""

import os
import signal
import subprocess
import sys
import time

from inittui.errors import RunError
from inittui.rundir import RunDir


def start(run: RunDir) -> subprocess.Popen[bytes]:
    """The supervisor, in a session of its own: it outlives this process and its terminal."""
    environment = child_environment()
    # torch then counts GPUs through NVML and makes no CUDA call, which a fork would not survive.
    environment["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    # cuBLAS gives the same bits twice only with a workspace of its own per stream.
    environment.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    log = os.open(run.path / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "inittui.engine.supervisor", str(run.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    finally:
        os.close(log)


def child_environment() -> dict[str, str]:
    """An environment in which a child finds the modules that this process finds, however it was started, and no others.

    A `torch.py` in the folder where a person happens to be is not taken for torch.
    """
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    # Unbuffered, so that what a child prints stands in its log in the order in which it was printed.
    return {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}


def stop(run: RunDir) -> None:
    """Ask the run's supervisor to stop its workers and write the result so far. Raises RunError when it is not alive."""
    if not run.alive():
        raise RunError(f"run '{run.name}' is not running on this machine; 'inittui runs' shows what is")
    pid = run.status().pid
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)  # a frozen process takes no other signal


def stop_started(run: RunDir, supervisor: "subprocess.Popen[bytes] | None") -> None:
    """Stop a run that this process started, however early: a supervisor that still imports has not said its pid yet."""
    while supervisor is not None and supervisor.poll() is None and not run.alive():
        time.sleep(0.05)
    if run.alive():
        stop(run)
