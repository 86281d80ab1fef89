"""The process that trains one arm: it appends events, saves checkpoints and writes the predictions.

It is a fork of the supervisor, which has torch and the data in memory. The supervisor sends commands through the control
pipe, one byte each: pause, resume, stop. When the supervisor ends, for whatever reason, the pipe closes and the worker ends
itself.
"""

import contextlib
import faulthandler
import hashlib
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import torch

from inittui.common import failures
from inittui.common.atomic_files import remove_leftovers, replace
from inittui.common.errors import InittuiError, RunError
from inittui.engine import out_of_memory
from inittui.engine.data.dataset import Dataset
from inittui.engine.device import set_precision, set_up_thread
from inittui.engine.networks import user_modules
from inittui.engine.step.replica import Replica
from inittui.engine.trainer import CostNotFinite, Stop, Trainer
from inittui.experiment.preset import Arm
from inittui.record import events
from inittui.record.disk_room import DiskRoom, NotWritable
from inittui.record.event_log import EventLog
from inittui.supervisor.workers import checkpoints, predictions
from inittui.supervisor.workers.checkpoints import CheckpointWriter
from inittui.supervisor.workers.trial import try_arm

PAUSE, RESUME, STOP = b"p", b"r", b"s"
ORPHAN_GRACE_SECONDS = 1.5
EVENTS_LOST = 3  # exit code: the last events could not be written


@dataclass(frozen=True)
class Job:
    """What a worker trains, and where it writes."""

    arm: Arm
    folder: Path
    zero: float  # the run's beginning on the monotonic clock
    device: torch.device
    threads: int  # of torch, per training thread
    scale_test: bool
    training_threads: int = 1  # replicas that train at the same time, on a CPU
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # of data and own code, as in the run's status
    force: bool = False  # whether checkpoints with other fingerprints are used
    doubtful: bool = False  # a trial of the arm has failed: the worker repeats it, on its device and into its log


class Control:
    """What is requested of the worker. Set by the control pipe's thread and by signals; read between two steps."""

    def __init__(self) -> None:
        self.stop_reason = ""
        self.pausing = False
        self._changed = threading.Event()

    def pending(self) -> bool:
        """Whether a pause or a stop is requested. Called once per step of each training thread."""
        return bool(self.stop_reason) or self.pausing

    def wait(self, timeout: float | None) -> None:
        """Block until a request arrives, or for `timeout` seconds."""
        self._changed.wait(timeout)
        self._changed.clear()

    def stop(self, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
        self._changed.set()

    def handle(self, command: bytes) -> None:
        if command == STOP:
            self.stop("stopped by hand")
        else:
            self.pausing = command == PAUSE
            self._changed.set()

    def listen(self, control_pipe: int) -> None:
        """Handle the pipe's commands. When the pipe closes, request a stop, and end the process after a grace period."""
        while command := os.read(control_pipe, 1):
            self.handle(command)
        self.stop("the supervisor is gone")
        time.sleep(ORPHAN_GRACE_SECONDS)
        os._exit(1)


class Worker:
    """The training of one arm, with its log and its checkpoints."""

    def __init__(self, job: Job, control: Control) -> None:
        self.job = job
        self.control = control
        self.log = EventLog(job.folder / "events.jsonl", job.zero)
        self._lock = threading.Lock()
        self._threads_waiting = 0  # in a pause
        self._paused = False  # whether `Paused` is logged
        self._room = DiskRoom(job.folder, lambda: bool(control.stop_reason))
        remove_leftovers(job.folder)
        # A checkpoint belongs to this arm as it is: an arm that was edited must not continue from it.
        self._arm = msgspec.json.encode(job.arm, order="deterministic").decode()
        encoded = msgspec.json.encode(job.fingerprints, order="deterministic")
        self._fingerprint = hashlib.sha256(encoded).hexdigest() if job.fingerprints else ""
        self.checkpoint_writer = CheckpointWriter(job.folder, self._arm, self.log, self._fingerprint)

    def emit(self, event: events.Event) -> None:
        self._room.attempt(partial(self.log.append, event))

    def train(self, data: Dataset) -> None:
        """Train until the end or a stop. Raises what else the trainer raises, and RunError for a checkpoint that can't be
        used."""
        job = self.job
        self.emit(events.Hello(arm=job.arm.name, pid=os.getpid()))
        began = time.monotonic()
        self.trainer = trainer = Trainer(
            job.arm,
            data,
            job.device,
            scale_test=job.scale_test,
            between_steps=self._between_steps,
            training_threads=job.training_threads,
            prepare=partial(set_up_thread, job.threads),
        )
        fingerprint = "" if job.force else self._fingerprint
        for replica in trainer.replicas:
            if (snapshot := checkpoints.read(job.folder, replica.seed, self._arm, fingerprint)) is not None:
                replica.restore(snapshot)
        try:
            for event in trainer.run():
                self.emit(event)
        except Stop as stop:
            self.checkpoint_writer.save(trainer.replicas)  # the arm can continue from this step
            self.emit(events.Stopped(reason=str(stop)))
            return
        seconds = round(time.monotonic() - began, 3)
        try:
            self._room.wait(self._write_predictions, "the predictions are lost")
        except Exception as error:  # of any kind: only the pictures need them, and the arm is trained all the same
            print(f"no predictions: {failures.stack(error)}", flush=True)
        self.emit(events.Finished(seconds=seconds))
        if self.drain():
            with contextlib.suppress(OSError):  # the supervisor tries again
                self.checkpoint_writer.remove_all()

    def _between_steps(self, group: Sequence[Replica]) -> float:
        """Save a checkpoint if one is due, or pause. Returns the seconds of a pause. Raises Stop."""
        control = self.control
        if not control.pending():
            self.checkpoint_writer.tick(group, self.trainer.scheduler.idle())
            return 0.0
        began = time.perf_counter()
        if control.pausing and not control.stop_reason:
            self.checkpoint_writer.save(group, self.trainer.scheduler.idle())
            self._wait_while_paused()
        if control.stop_reason:
            raise Stop(control.stop_reason)
        return time.perf_counter() - began

    def _wait_while_paused(self) -> None:
        """Called by every training thread. The last to enter logs `Paused`, the first to leave logs `Continued`."""
        control = self.control
        with self._lock:
            self._threads_waiting += 1
        while control.pausing and not control.stop_reason:
            with self._lock:
                if not self._paused and self._threads_waiting == self.trainer.active_threads:
                    self._paused = True
                    self.emit(events.Paused())
            # Of several threads one may end, or consume the wake-up of another: each looks again after a while.
            written = self._room.attempt(self.log.flush)
            control.wait(1.0 if not written else 0.25 if self.trainer.training_threads > 1 else None)
        with self._lock:
            self._threads_waiting -= 1
            if self._paused and not control.stop_reason:
                self.emit(events.Continued())
            self._paused = False

    def drain(self) -> bool:
        """Wait until all events are on disk. Returns False if they can't be written: a stop is requested and the disk
        stays full, or the log was deleted."""
        try:
            return self._room.wait(self.log.flush)
        except NotWritable as error:
            print(f"{error}: the last events are lost", flush=True)
            return False

    def _write_predictions(self) -> None:
        replace(self.job.folder / "predictions.npz", predictions.encode(self.trainer.evaluations))


def run(job: Job, data: Dataset, control_pipe: int) -> int:
    """Train `job` in this process, a fork. Returns the exit code. Commands come from `control_pipe`, and SIGTERM is a
    stop."""
    control = Control()
    redirect(job.folder / "worker.log")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: control.stop("stopped by hand"))
    threading.Thread(target=control.listen, args=(control_pipe,), daemon=True, name="control pipe").start()
    return work(job, data, control)


def work(job: Job, data: Dataset, control: Control) -> int:
    """Train `job` in this thread. Returns the exit code."""
    set_up_thread(job.threads)
    user_modules.expected = {path: digest for path, digest in job.fingerprints.items() if path != "data"}
    set_precision(job.arm.training.precision)
    worker = Worker(job, control)
    code = 0
    try:
        if job.doubtful:
            try_arm(job.arm, data, job.device, scale_test=job.scale_test)
        worker.train(data)
    except BaseException as error:  # of any kind: the arm's log has to say it, and the other arms continue
        with contextlib.suppress(NotWritable):  # `drain` notices it too
            worker.emit(_failure(error))
        code = 1
    finally:
        all_written = worker.drain()
        worker.log.close()
    return code if all_written else EVENTS_LOST


def _failure(error: BaseException) -> events.Failed:
    """Called while `error` is handled."""
    if isinstance(error, CostNotFinite):
        return events.Failed(kind="cost", reason=str(error))
    if isinstance(error, RunError):
        return events.Failed(kind="checkpoint", reason=str(error))
    detail = failures.stack(error)
    print(detail, flush=True)
    if isinstance(error, InittuiError):  # the traceback is for the author of a user scheme or network
        return events.Failed(kind="exception", reason=str(error), detail=detail)
    if (no_memory := out_of_memory.explain(error)) is not None:
        return events.Failed(kind="memory", reason=no_memory, detail=detail)
    return events.Failed(kind="exception", reason=failures.describe(error), detail=detail)


def redirect(path: Path) -> None:
    """Append everything that this process prints to a file, including what C libraries print."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    faulthandler.enable(2)  # a crash leaves the Python stack there
