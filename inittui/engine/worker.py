"""One arm in one process: train, append events, write the predictions.

Runs in a fork of the supervisor, which has torch and the data in memory already. It ends itself when the supervisor's end
of the pipe closes, whatever killed the supervisor.
"""

import contextlib
import os
import signal
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch

from inittui import events
from inittui.engine.data import Dataset
from inittui.engine.training import CostNotFinite, Evaluation, Stop, Trainer
from inittui.eventlog import EventLog
from inittui.preset import Arm
from inittui.rundir import one_line

ORPHAN_GRACE_SECONDS = 1.5


@dataclass(frozen=True)
class Job:
    """What a worker is to do, and where."""

    arm: Arm
    folder: Path
    zero: float  # the run's beginning on the monotonic clock
    device: torch.device
    threads: int
    scale_test: bool


class Control:
    """The small door: asked between steps whether to go on."""

    def __init__(self) -> None:
        self.stop_reason = ""

    def __call__(self) -> None:
        if self.stop_reason:
            raise Stop(self.stop_reason)


def run(job: Job, data: Dataset, alive: int) -> int:
    """Train `job` to its end and return the exit code. `alive` reads end of file once the supervisor is gone."""
    control = Control()
    _redirect(job.folder / "worker.log")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: setattr(control, "stop_reason", "stopped by hand"))
    threading.Thread(target=_watch, args=(alive, control), daemon=True).start()
    torch.set_num_threads(job.threads)
    # Per thread. Dying ReLU units send Adam's moments into denormals, each a hundred times slower to add.
    torch.set_flush_denormal(True)
    log = EventLog(job.folder / "events.jsonl", job.zero)
    try:
        return _train(job, data, control, log)
    finally:
        log.close()


def _train(job: Job, data: Dataset, control: Control, log: EventLog) -> int:
    log.append(events.Hello(arm=job.arm.name, pid=os.getpid()))
    began = time.monotonic()
    try:
        trainer = Trainer(job.arm, data, job.device, scale_test=job.scale_test, between_steps=control)
        for event in trainer.run():
            log.append(event)
        try:
            write_predictions(job.folder / "predictions.npz", trainer.evaluations)
        except OSError:  # pictures are a comfort: a trained arm must not fail for want of room for them
            traceback.print_exc()
            (job.folder / ".predictions.npz").unlink(missing_ok=True)
        log.append(events.Finished(seconds=round(time.monotonic() - began, 3)))
    except Stop as stop:
        log.append(events.Stopped(reason=str(stop)))
    except CostNotFinite as error:
        log.append(events.Failed(kind="cost", reason=str(error)))
        return 1
    except (torch.cuda.OutOfMemoryError, MemoryError) as error:
        log.append(events.Failed(kind="memory", reason=f"out of memory: {one_line(error)}", detail=str(error)))
        return 1
    except Exception as error:  # whatever it is, the arm's log has to tell it, and the other arms go on
        traceback.print_exc()
        reason = f"{type(error).__name__}: {one_line(error)}"
        log.append(events.Failed(kind="exception", reason=reason, detail=traceback.format_exc()))
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


def _redirect(path: Path) -> None:
    """Everything that this process and its libraries print goes to a file, C-level text too."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def _watch(alive: int, control: Control) -> None:
    with contextlib.suppress(OSError):
        os.read(alive, 1)
    control.stop_reason = "the supervisor is gone"
    time.sleep(ORPHAN_GRACE_SECONDS)
    os._exit(1)
