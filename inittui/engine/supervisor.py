"""Starts the workers, notices how they end, writes the result. Detached from any terminal.

`python -m inittui.engine.supervisor RUN` works on a run directory that holds a preset and a status. It imports torch and
reads the data once; the workers are forks of it, which share both. It makes no CUDA call, since CUDA does not survive
a fork.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from msgspec.structs import replace

from inittui import __version__, board, events, result
from inittui.errors import DataError, InittuiError
from inittui.eventlog import EventLog
from inittui.follow import Follower
from inittui.preset import Preset
from inittui.rundir import RunDir, Status, arm_folders, one_line

STOP_GRACE_SECONDS = 10.0


class StoppedEarly(Exception):
    """A stop was asked for while the data were being downloaded."""


class Supervisor:
    """One run, from the directory as it was created to result.json."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.preset: Preset = run.preset()
        own = psutil.Process()
        self.status: Status = replace(run.status(), pid=own.pid, pid_started=own.create_time())
        self.log = EventLog(run.log, self.status.monotonic)
        self.workers: dict[int, str] = {}  # pid → arm's folder
        self.stopping = False
        self.pipe = os.pipe()

    def main(self) -> int:
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            self._phase("starting", "starting torch")
            jobs, data = self._prepare()
            self._phase("training")
            self._train(jobs, data)
            return self._end(data)
        except StoppedEarly:
            self._phase("stopped", "stopped before training began")
            return 1
        except InittuiError as error:
            self._phase("refused", str(error))
            return error.exit_code
        except Exception as error:  # the last door: a viewer has to learn of it
            traceback.print_exc()
            self._phase("failed", f"the supervisor failed: {type(error).__name__}: {one_line(error)}")
            return 1
        finally:
            self.log.close()

    def _phase(self, phase: Any, detail: str = "") -> None:
        self.status = replace(self.status, state=phase, reason=detail if phase in board.ENDED else "")
        with contextlib.suppress(OSError):  # a full disk: the log, which waits for room, has it too
            self.run.write_status(self.status)
        self.log.append(events.Phase(phase=phase, detail=detail))

    def _prepare(self) -> tuple[list[Any], Any]:
        import torch

        # The parent computes with one thread, or a fork of it would inherit a pool whose threads it does not have.
        torch.set_num_threads(1)
        from inittui.engine import device as devices
        from inittui.engine.data import load
        from inittui.engine.training import warm_up
        from inittui.engine.worker import Job

        device = devices.resolve(self.status.requested_device)
        threads = self.status.threads
        label, slots = devices.label(device), devices.slots(device, threads)
        self.status = replace(self.status, device=label, versions=_versions(str(torch.__version__)))
        self.log.append(events.DeviceReady(device=str(device), label=label, threads=threads, workers=slots))
        self.slots = slots
        self._phase("loading", f"loading {self.preset.data.name}")
        data = load(self.preset.data, Path(self.status.data_dir), self._downloading)
        _check_fit(self.preset, data)
        warm_up()
        self.log.append(
            events.DataReady(
                name=data.name,
                title=data.title,
                train=len(data.train_images),
                test=len(data.test_images),
                rows=data.rows,
                columns=data.columns,
                classes=data.classes,
                note=data.note,
            )
        )
        # What `auto` came to is part of the record: repeating the run must not depend on what is on the disk then.
        self.preset = replace(self.preset, data=replace(self.preset.data, name=data.name))
        self.run.write_preset(self.preset)
        jobs = [
            Job(arm, self.run.arm(folder), self.status.monotonic, device, threads, self.preset.data.scale_test)
            for arm, folder in zip(self.preset.arms, arm_folders(self.preset), strict=True)
        ]
        return jobs, data

    def _downloading(self, title: str, done: int, total: int) -> None:
        if self.stopping:
            raise StoppedEarly
        self.log.append(events.Download(name=title, done=done, total=total))

    def _train(self, jobs: list[Any], data: Any) -> None:
        """Fork a worker a job, no more at a time than there is room for, and see each of them end."""
        queue = list(jobs)
        told = 0.0
        while queue or self.workers:
            while queue and len(self.workers) < self.slots and not self.stopping:
                self._start(queue.pop(0), data)
            if self.stopping:
                queue.clear()
                if not told:
                    told = time.monotonic()
                    self._signal_workers(signal.SIGTERM)
                elif time.monotonic() - told > STOP_GRACE_SECONDS:
                    self._signal_workers(signal.SIGKILL)
            self._reap()
            self.log.flush()
            time.sleep(0.05)

    def _start(self, job: Any, data: Any) -> None:
        from inittui.engine import worker

        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(self.pipe[1])  # the supervisor's end: its closing is how a worker learns of our death
                code = worker.run(job, data, self.pipe[0])
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # never back into the supervisor's stack
        self.workers[pid] = job.folder.name
        self.status = replace(self.status, workers={**self.status.workers, job.folder.name: pid})
        with contextlib.suppress(OSError):  # a full disk must not end what trains
            self.run.write_status(self.status)

    def _reap(self) -> None:
        for pid, folder in list(self.workers.items()):
            done, code = os.waitpid(pid, os.WNOHANG)
            if done:
                del self.workers[pid]
                self.log.append(events.Gone(arm=folder, reason=_end(code)))

    def _signal_workers(self, number: int) -> None:
        for pid in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _on_stop(self, *_: object) -> None:
        self.stopping = True

    def _end(self, data: Any) -> int:
        from inittui.engine.pictures import write_gallery

        now = Follower(self.run).poll()
        if self.stopping:  # arms that never started were stopped too
            now = board.fold(now, events.Phase(phase="stopped"))
        states = {arm.state for arm in now.arms}
        outcome = "failed" if "failed" in states else "stopped" if self.stopping or "stopped" in states else "finished"
        now = replace(now, phase=outcome)
        try:
            write_gallery(self.run, self.preset, data)
        except Exception:  # pictures are a comfort; the result must not depend on them
            traceback.print_exc()
        self.run.write_result(result.document(now, seconds=time.monotonic() - self.status.monotonic))
        self._phase(outcome)
        return 0 if outcome == "finished" else 1


def _check_fit(preset: Preset, data: Any) -> None:
    count, classes = len(data.train_images), len(data.classes)
    for arm in preset.arms:
        if arm.training.batch_size > count:
            raise DataError(
                f"training.batch_size = {arm.training.batch_size}: {data.title} has {count:,} training images here; "
                "expected no more than that"
            )
        if (arm.model.outputs or classes) < classes:
            raise DataError(
                f"model.outputs = {arm.model.outputs}: {data.title} has {classes} classes; expected at least as many"
            )


def _end(code: int) -> str:
    """How a worker ended, in words; "" for a clean end."""
    if os.WIFSIGNALED(code):
        number = os.WTERMSIG(code)
        hint = ", often the kernel's when memory runs out" if number == signal.SIGKILL else ""
        return f"killed by signal {number} ({signal.Signals(number).name}{hint})"
    status = os.waitstatus_to_exitcode(code)
    return f"ended with exit code {status}" if status else ""


def _versions(torch_version: str) -> dict[str, str]:
    return {
        "inittui": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch_version,
        "torchvision": version("torchvision"),
        "numpy": version("numpy"),
    }


if __name__ == "__main__":
    os.umask(0o077)
    code = Supervisor(RunDir(Path(sys.argv[1]))).main()
    sys.stderr.flush()
    os._exit(code)  # all is on disk: taking torch down in order takes a second in which the run would still look alive
