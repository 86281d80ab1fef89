"""One arm in one process: train, append events, save checkpoints, write the predictions.

Runs in a fork of the supervisor, which has torch and the data in memory already. Its door is a pipe from the supervisor: a
byte asks for a pause, for going on, or for the end; and when the supervisor is gone, whatever killed it, the pipe closes, and
the worker ends itself.
"""

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import torch

from inittui.common.atomic_files import one_line
from inittui.common.errors import InittuiError, RunError
from inittui.engine import out_of_memory
from inittui.engine.data.dataset import Dataset
from inittui.engine.device import set_precision, set_up_thread
from inittui.engine.evaluation import Evaluation
from inittui.engine.step.replica import Replica
from inittui.engine.trainer import CostNotFinite, Stop, Trainer
from inittui.experiment.preset import Arm
from inittui.record import events
from inittui.record.disk_room import NO_ROOM, DiskRoom
from inittui.record.event_log import EventLog
from inittui.supervisor.workers import checkpoints
from inittui.supervisor.workers.checkpoints import Keeper

PAUSE, RESUME, STOP = b"p", b"r", b"s"
ORPHAN_GRACE_SECONDS = 1.5
LOST = 3  # exit code: what was said last could not be written


@dataclass(frozen=True)
class Job:
    """What a worker is to do, and where."""

    arm: Arm
    folder: Path
    zero: float  # the run's beginning on the monotonic clock
    device: torch.device
    threads: int
    scale_test: bool
    training_threads: int = 1  # replicas that train at the same time, on a CPU


class Control:
    """What is asked of the worker. Set from the door's thread and from signals, looked at between steps."""

    def __init__(self) -> None:
        self.stop_reason = ""
        self.pausing = False
        self.changed = threading.Event()

    def stop(self, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
        self.changed.set()

    def heed(self, word: bytes) -> None:
        if word == STOP:
            self.stop("stopped by hand")
        elif word in (PAUSE, RESUME):
            self.pausing = word == PAUSE
            self.changed.set()

    def listen(self, door: int) -> None:
        """The thread at the door. Never returns but by the end of the process."""
        while True:
            try:
                word = os.read(door, 1)
            except OSError:
                word = b""
            self.heed(word)
            if not word:
                self.stop("the supervisor is gone")
                time.sleep(ORPHAN_GRACE_SECONDS)
                os._exit(1)


class Worker:
    """An arm's training, with its log and its checkpoints."""

    def __init__(self, job: Job, control: Control) -> None:
        self.job = job
        self.control = control
        self.log = EventLog(job.folder / "events.jsonl", job.zero)
        self._lock = threading.Lock()
        self._holding, self._paused = 0, False  # training threads that wait; whether that has been said
        self._room = DiskRoom(job.folder, lambda: bool(control.stop_reason))
        for leftover in job.folder.glob(".checkpoint.*"):  # of a worker that was killed while it wrote
            leftover.unlink(missing_ok=True)
        # What a checkpoint has to agree with: an arm that was changed by hand does not go on from another one's.
        self._arm = msgspec.json.encode(job.arm, order="deterministic").decode()
        self.keeper = Keeper(job.folder, self._arm, self.log)

    def say(self, event: events.Event) -> None:
        self.log.append(event)
        self._room.mark(full=self.log.disk_full)

    def train(self, data: Dataset) -> None:
        """Raises what the trainer raises, and RunError for a checkpoint that can't be used."""
        job = self.job
        self.say(events.Hello(arm=job.arm.name, pid=os.getpid()))
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
        for replica in trainer.replicas:
            if (snapshot := checkpoints.read(job.folder, replica.seed, self._arm)) is not None:
                replica.restore(snapshot)
        for event in trainer.run():
            self.say(event)
        seconds = round(time.monotonic() - began, 3)
        self._room.wait(self._write_predictions, "the predictions are lost")
        self.say(events.Finished(seconds=seconds))
        if self.drain():
            self.keeper.forget()

    def _between_steps(self, group: Sequence[Replica]) -> float:
        """Nothing, a checkpoint, or a pause; the seconds that a pause took. Raises Stop."""
        control = self.control
        if not (control.stop_reason or control.pausing):
            self.keeper.tick(group, self.trainer.scheduler.idle())
            return 0.0
        began = time.perf_counter()
        if control.pausing and not control.stop_reason:
            self.keeper.save(group, self.trainer.scheduler.idle())
            self._hold()
        if control.stop_reason:
            raise Stop(control.stop_reason)
        return time.perf_counter() - began

    def _hold(self) -> None:
        """Wait as long as the arm is paused. The last training thread that enters and the first that leaves say so."""
        control = self.control
        with self._lock:
            self._holding += 1
        while control.pausing and not control.stop_reason:
            with self._lock:
                if not self._paused and self._holding == self.trainer.active_threads:
                    self._paused = True
                    self.say(events.Paused())
            # With several training threads one may end, or take the news away from another, while this one waits.
            control.changed.wait(1.0 if self.log.disk_full else 0.25 if self.trainer.training_threads > 1 else None)
            control.changed.clear()
            self._room.mark(full=not self.log.flush())
        with self._lock:
            self._holding -= 1
            if self._paused and not control.stop_reason:
                self.say(events.Continued())
            self._paused = False

    def stopped(self, stop: Stop) -> None:
        """Save, so that the arm can go on from just here, and say so."""
        self.keeper.save(self.trainer.replicas)
        self.say(events.Stopped(reason=str(stop)))

    def drain(self) -> bool:
        """Wait until everything is written: while the disk is full, what is said waits in memory. False when a stop comes
        first and no room within its grace."""
        return self._room.wait(self.log.flush)

    def _write_predictions(self) -> bool:
        """False while the disk takes no more."""
        try:
            write_predictions(self.job.folder / "predictions.npz", self.trainer.evaluations)
        except OSError as error:
            with contextlib.suppress(OSError):
                (self.job.folder / ".predictions.npz").unlink(missing_ok=True)
            if error.errno in NO_ROOM:
                return False
            traceback.print_exc()  # pictures are a comfort: a trained arm must not fail because of them
        return True


def run(job: Job, data: Dataset, door: int) -> int:
    """Train `job` to its end; the exit code. `door` reads the supervisor's words, and end of file once it is gone."""
    control = Control()
    redirect(job.folder / "worker.log")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: control.stop("stopped by hand"))
    threading.Thread(target=control.listen, args=(door,), daemon=True, name="door").start()
    return work(job, data, control)


def work(job: Job, data: Dataset, control: Control) -> int:
    """Train `job` in this thread to its end; the exit code."""
    set_up_thread(job.threads)
    set_precision(job.arm.training.precision)
    worker = Worker(job, control)
    try:
        code = _train(worker, data)
    finally:
        whole = worker.drain()
        worker.log.close()
    return code if whole else LOST


def _train(worker: Worker, data: Dataset) -> int:
    try:
        worker.train(data)
    except Stop as stop:
        worker.stopped(stop)
    except CostNotFinite as error:
        worker.say(events.Failed(kind="cost", reason=str(error)))
        return 1
    except RunError as error:
        worker.say(events.Failed(kind="checkpoint", reason=str(error)))
        return 1
    except InittuiError as error:  # one line says it; the traceback is for whoever wrote an own scheme
        traceback.print_exc()
        worker.say(events.Failed(kind="exception", reason=str(error), detail=traceback.format_exc()))
        return 1
    except Exception as error:  # whatever it is, the arm's log has to tell it, and the other arms go on
        traceback.print_exc()
        no_memory = out_of_memory.explain(error)
        reason = no_memory or f"{type(error).__name__}: {one_line(error)}"
        kind: Literal["memory", "exception"] = "memory" if no_memory else "exception"
        worker.say(events.Failed(kind=kind, reason=reason, detail=traceback.format_exc()))
        return 1
    return 0


def write_predictions(path: Path, evaluations: dict[int, Evaluation]) -> None:
    """The last test of every replica: `answers` uint16 [replicas, n]; of the first one the likeliest `classes` uint16
    and their `probabilities` float16, both [n, shown]. Read with numpy.load, which executes nothing in it."""
    import numpy

    first = next(iter(evaluations.values()))
    answers = [tested.classes[:, 0].cpu().numpy() for tested in evaluations.values()]
    temporary = path.with_name(".predictions.npz")
    numpy.savez(
        temporary,
        seeds=numpy.asarray(list(evaluations), dtype=numpy.int64),
        answers=numpy.stack(answers).astype(numpy.uint16),
        classes=first.classes.cpu().numpy().astype(numpy.uint16),
        probabilities=first.probabilities.cpu().numpy().astype(numpy.float16),
    )
    temporary.replace(path)


def redirect(path: Path) -> None:
    """Everything that this process and its libraries print goes to a file, C-level text too."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
