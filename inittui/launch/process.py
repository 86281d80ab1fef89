"""Starts the supervisor of a run as a process of its own, stops it, and resumes a run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.common import process_identity
from inittui.common.atomic_files import reason
from inittui.common.child_process import child_environment
from inittui.common.errors import RunError
from inittui.launch import resume_check
from inittui.record import control_requests
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir

EARLY_SIGNALS = (signal.SIGTERM, signal.SIGINT)  # blocked until the supervisor can handle them


def start(run: RunDir) -> subprocess.Popen[bytes]:
    """Start the supervisor of a new run, or of one to resume, in a session of its own: it outlives this process and its
    terminal. The run is alive when this returns. Raises RunError if the run's directory can't be written."""
    environment = child_environment()
    # torch then counts GPUs through NVML without a CUDA call, which a fork would not survive.
    environment["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    # cuBLAS is deterministic only with a workspace of its own per stream.
    environment.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        log = os.open(run.path / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unwritable(run, error) from None
    # The child inherits the mask: a stop that arrives while it imports waits until it can be handled.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, EARLY_SIGNALS)
    try:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "inittui.supervisor", str(run.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(log)
    status = replace(run.status(), state="starting", reason="", **process_identity.fields(supervisor.pid))
    try:
        run.write_status(status)
    except OSError as error:  # without its pid in the status nobody could watch or stop it
        supervisor.kill()
        supervisor.wait()
        raise _unwritable(run, error) from None
    return supervisor


def _unwritable(run: RunDir, error: OSError) -> RunError:
    return RunError(f"run '{run.path}' can't be written ({reason(error)}); expected room and permission")


def stop(run: RunDir) -> None:
    """Ask the supervisor to stop its workers and to write the result so far. Raises RunError if it is not alive here."""
    status = run.status()
    liveness = run.liveness()
    if liveness == "elsewhere":
        raise RunError(f"run '{run.name}' belongs to host '{status.host}'; stop it there")
    if liveness == "dead":
        raise RunError(f"run '{run.name}' is not running on this machine; 'inittui runs' shows what is")
    if status.pid is not None:
        os.kill(status.pid, signal.SIGTERM)
        os.kill(status.pid, signal.SIGCONT)  # a stopped process handles no other signal


def resume(
    run: RunDir,
    *,
    device: str | None = None,
    data_dir: Path | None = None,
    on: str | None = None,
    gpus_per_arm: float | None = None,
    force: bool = False,
) -> subprocess.Popen[bytes] | None:
    """Continue a run that is paused, was stopped or was killed. Returns the new supervisor, or None if the run has a live
    one, which got a request. The options replace those of the run; with `force` its data and own code may have changed.
    Raises RunError if no arm can be continued, or if the run's files are damaged or not safe to write."""
    status = run.status()
    liveness = run.liveness()
    if liveness == "elsewhere" and status.state not in ENDED:
        raise RunError(
            f"run '{run.name}' belongs to host '{status.host}', where it may still be alive; resume it there"
        )
    if liveness == "alive":
        control_requests.ask(run, "resume")
        return None
    board = Follower(run).poll()
    resume_check.check(run, board, force=force)
    if run.alive():  # another process has resumed it meanwhile
        control_requests.ask(run, "resume")
        return None
    control_requests.take(run, ())  # drops those that the dead supervisor did not take
    changed = replace(
        status,
        requested_device=device or status.requested_device,
        data_dir=str(data_dir or status.data_dir),
        on=status.on if on is None else on,
        gpus_per_arm=status.gpus_per_arm if gpus_per_arm is None else gpus_per_arm,
        force=force,
        # The clock of a run without an event begins now.
        monotonic=status.monotonic if board.t else time.monotonic(),
    )
    if changed != status:
        run.write_status(changed)
    return start(run)
