"""Starts the supervisor of a run as a process of its own, stops it, and resumes a run."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.common import process_identity
from inittui.common.atomic_files import reason
from inittui.common.child_process import child_environment
from inittui.common.errors import RunError
from inittui.launch import resume_check
from inittui.record import control_requests, events
from inittui.record.event_log import EventLog
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir, Status

EARLY_SIGNALS = (signal.SIGTERM, signal.SIGINT)  # blocked until the supervisor can handle them
VIEWER_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


@contextlib.contextmanager
def deferred_signals() -> Iterator[None]:
    """Delay signals to the end of this context, so that the status of a run always names its supervisor."""
    if threading.current_thread() is not threading.main_thread():  # signals interrupt the main thread alone
        yield
        return
    arrived: list[int] = []
    before = {number: handler for number in VIEWER_SIGNALS if (handler := signal.getsignal(number)) is not None}
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:  # a child inherits only an ignored signal
                signal.signal(number, lambda number, _: arrived.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


@deferred_signals()
def start(run: RunDir, lock: int) -> subprocess.Popen[bytes]:
    """Start the supervisor of a new run, or of one to resume, in a session of its own: it outlives this process and its
    terminal. It inherits `lock`, the run's, so the run is locked at every moment. The run is alive when this returns or is
    interrupted. Raises RunError if the run's directory can't be written, or if no process can be started."""
    status, environment = run.status(), child_environment()
    # torch then counts GPUs through NVML without a CUDA call, which a fork would not survive.
    environment["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    # cuBLAS is deterministic only with a workspace of its own per stream.
    environment.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        log = os.open(run.path / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise run.unwritable(error) from None
    # The child inherits the mask: a stop that arrives while it imports waits until it can be handled.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, EARLY_SIGNALS)
    try:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", process_identity.SUPERVISOR, str(run.path.absolute()), str(lock)],
            stdin=subprocess.PIPE,  # the supervisor begins when it has got a byte, or the end of the file
            pass_fds=[lock],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(f"run '{run.name}': its supervisor can't be started: {reason(error)}") from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(log)
    try:
        identity = process_identity.fields(supervisor.pid) | run.identity()
        run.write_status(replace(status, state="starting", reason="", **identity))
    except OSError as error:  # without its pid in the status nobody could watch or stop it
        supervisor.kill()
        supervisor.wait()
        raise run.unwritable(error) from None
    with contextlib.suppress(BrokenPipeError), supervisor.stdin as gate:  # type: ignore[union-attr]
        gate.write(b"\n")  # from here on the supervisor alone writes the status
    return supervisor


def stop(run: RunDir) -> None:
    """Ask the supervisor to stop its workers and to write the result so far: by a request, and by a signal if its pid means
    something here. Raises RunError if it is not alive on this machine, or if the pid is another process's."""
    status = run.status()
    liveness = run.liveness()
    if liveness == "elsewhere":
        raise RunError(f"run '{run.name}' belongs to host '{status.host}'; stop it there")
    if liveness == "dead":
        state = run.copy_note(status) or "not running on this machine"
        raise RunError(f"run '{run.name}' is {state}; 'inittui runs' shows what is")
    here = _is_here(run, status)
    try:
        control_requests.ask(run, "stop")  # own code may ignore the signal
    except RunError:  # if the folder can't be written, only the signal is sent
        if not here:
            raise
    if here and status.pid is not None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(status.pid, signal.SIGTERM)
            os.kill(status.pid, signal.SIGCONT)  # a stopped process handles no other signal


def _is_here(run: RunDir, status: Status) -> bool:
    """Whether the pid in `status` means the supervisor here, and no process of another container. Raises RunError if the run
    is alive and that process is not its supervisor."""
    if status.pid_namespace not in ("", process_identity.pid_namespace()):
        return False
    if process_identity.supervises(status.pid or 0, run.path) is not False:
        return True
    if not run.alive():  # it has just ended
        return False
    raise RunError(
        f"run '{run.name}': its status names process {status.pid}, which is not its supervisor; nothing is sent to it"
    )


def end(run: RunDir) -> str:
    """Kill a supervisor that does not react to a stop, with its workers, and write that the run is stopped, if the supervisor
    has not done that itself. Returns what had to be done, "" for nothing. Raises RunError if it can't be killed from here."""
    import psutil

    done, status = "", run.status()
    if run.alive():
        if not _is_here(run, status) and run.alive():
            raise RunError(
                f"run '{run.name}': its supervisor (pid {status.pid}) does not react, and is in another container"
            )
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            supervisor = psutil.Process(status.pid)
            processes = [supervisor, *supervisor.children(recursive=True)]
            done = "its supervisor did not react to a stop and was killed"
            for each in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
    with run.lock():
        status = run.status()
        if status.state in ENDED:
            return done
        done = done or "its supervisor ended without a result"
        log = EventLog(run.log, status.monotonic)
        with contextlib.suppress(OSError):  # on a full disk viewers will say that it was interrupted
            run.write_status(replace(status, state="stopped", reason=done))
            log.append(events.Phase(phase="stopped", detail=done))
        log.close()
    return done


def resume(
    run: RunDir,
    *,
    device: str | None = None,
    data_dir: Path | None = None,
    on: str | None = None,
    gpus_per_arm: float | None = None,
    force: bool = False,
    take_over: bool = False,
) -> subprocess.Popen[bytes] | None:
    """Continue a run that is paused, was stopped or was killed. Returns the new supervisor, or None if the run has a live
    one, which got a request. The options replace those of the run; with `force` its data and own code may have changed;
    `take_over` continues a run of another host, which must not train it any more. Raises RunError if no arm can be continued,
    or if the run's files are damaged, locked or not safe to write."""
    status = run.status()
    liveness = run.liveness()
    if liveness == "elsewhere" and status.state not in ENDED and not take_over:
        raise RunError(
            f"run '{run.name}' belongs to host '{status.host}', where it may still be alive; resume it there, or here with "
            "--take-over if nothing trains it there any more (two supervisors would damage it)"
        )
    if liveness == "alive":
        control_requests.ask(run, "resume")
        return None
    board = Follower(run).poll()
    resume_check.check(run, board, force=force)
    if not run.alive():
        try:
            with run.lock() as lock:
                control_requests.take(run, ())  # drops those that the dead supervisor did not take
                status = run.status()
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
                run.write_status(changed)
                return start(run, lock)
        except OSError as error:
            raise run.unwritable(error) from None
        except RunError:
            if not run.alive():
                raise
    control_requests.ask(run, "resume")  # another process has resumed it meanwhile
    return None
