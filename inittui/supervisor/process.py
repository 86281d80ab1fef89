"""Starts the workers, does what it is asked, notices how they end, writes the result. Detached from any terminal.

`python -m inittui.supervisor RUN` works on a run directory that holds a preset and a status; a run that has a log
already is taken up again from its checkpoints. The supervisor imports torch and reads the data once; the workers are forks of
it, which share both. It makes no CUDA call, since CUDA does not survive a fork.
"""

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.board.fold import fold
from inittui.board.follower import Follower
from inittui.board.state import Board
from inittui.common import process_identity
from inittui.common.atomic_files import one_line, print_what_fits
from inittui.common.errors import InittuiError
from inittui.experiment.preset import Preset
from inittui.launch import notify, resume_check
from inittui.launch.process import EARLY_SIGNALS
from inittui.record import control_requests, events
from inittui.record.disk_room import DiskRoom
from inittui.record.event_log import EventLog
from inittui.record.run_directory import RunDir, Status, arm_folders

if TYPE_CHECKING:
    from inittui.engine.data.dataset import Dataset
    from inittui.supervisor.ray.cluster import Cluster
    from inittui.supervisor.ray.ray_pool import RayPool
    from inittui.supervisor.workers.forked_pool import ForkedPool
    from inittui.supervisor.workers.worker import Job

TICK_SECONDS = 0.05


class StoppedEarly(Exception):
    """A stop was asked for before training began."""


class Supervisor:
    """One run, from the directory as it was created, or as an earlier supervisor left it, to result.json."""

    def __init__(self, run: RunDir) -> None:
        """Raises RunError when the run is in other hands, or can't be read."""
        self.run = run
        run.lock()
        for leftover in run.path.glob(".*.[0-9]*"):  # of a supervisor that was killed while it wrote
            with contextlib.suppress(OSError):
                leftover.unlink()
        self.preset: Preset = run.preset()
        before = Follower(run).poll()
        self.before: Board | None = before if before.t else None  # what an earlier supervisor left
        own = os.getpid()
        self.status: Status = replace(
            run.status(),
            pid=own,
            pid_started=process_identity.started(own),
            host=process_identity.host(),
            boot=process_identity.boot_id(),
            workers={},
            # The clock of the run goes on where it stopped: the time that nothing ran is not the run's.
            **({"monotonic": time.monotonic() - before.t} if self.before else {}),
        )
        self.log = EventLog(run.log, self.status.monotonic)
        self.stopping = False
        self.cluster: Cluster | None = None  # where it trains, if not here
        self._unsaved = False  # the status could not be written: a full disk
        self._room = DiskRoom(run.path, lambda: self.stopping)

    def main(self) -> int:
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, EARLY_SIGNALS)
        try:
            self._phase("starting", "starting torch")
            jobs, data = self._prepare()
            self._phase("training")
            self._train(jobs, data)
            self._leave()
            return self._end(data)
        except StoppedEarly:
            self._phase("stopped", "stopped before training began")
            return 1
        except InittuiError as error:
            # Of a run that has trained nothing may be thrown away.
            self._phase("failed" if self.before else "refused", str(error))
            return error.exit_code
        except Exception as error:  # the last door: a viewer has to learn of it
            traceback.print_exc()
            why = f"the supervisor failed: {type(error).__name__}: {one_line(error)}"
            if self.cluster is not None and isinstance(
                error, ConnectionError
            ):  # a client of Ray's has tried again by then
                why = (
                    f"--on {self.status.on}: the cluster is lost; 'inittui resume {self.run.name}' goes on with the run"
                )
            self._phase("failed", why)
            return 1
        finally:
            self._leave()
            self._room.wait(self._flush)
            self.log.close()

    def _phase(self, phase: Any, detail: str = "") -> None:
        self.status = replace(self.status, state=phase, reason=detail if phase in events.ENDED else "")
        self._save_status()  # before the log: a viewer that reads of the phase finds its supervisor alive
        self.log.append(events.Phase(phase=phase, detail=detail))

    def _save_status(self) -> None:
        try:
            self.run.write_status(self.status)
            self._unsaved = False
        except OSError:  # a full disk must not end what trains; tried again until it is written
            self._unsaved = True

    def _prepare(self) -> tuple[list["Job"], "Dataset"]:
        import torch

        # The parent computes with one thread, or a fork of it would inherit a pool whose threads it does not have.
        torch.set_num_threads(1)
        from inittui.engine import device as devices
        from inittui.engine.data.dataset import check_fit
        from inittui.engine.data.load import load
        from inittui.engine.step.batched_mlp import BatchedMLP
        from inittui.engine.step.warm_up import warm_up
        from inittui.supervisor.workers.worker import Job

        threads = self.status.threads
        if self.status.on:
            from inittui.supervisor.ray.cluster import Cluster

            self._phase("starting", f"joining Ray's nodes (--on {self.status.on})")
            self.cluster = Cluster(self.status.on, threads, self.status.gpus_per_arm)
            device, label, self.slots = self.cluster.device, self.cluster.label, self.cluster.slots
        else:
            device = devices.resolve(self.status.requested_device)
            label, self.slots = devices.label(device), devices.slots(device, threads)
        self.on_cpu = device.type == "cpu"
        devices.check_precision(device, self.preset)
        was, versions = self.status, devices.versions(device)
        self.status = replace(was, device=self.cluster.name if self.cluster else label, versions=versions)
        self.log.append(events.DeviceReady(device=str(device), label=label, threads=threads, workers=self.slots))
        self._phase("loading", f"loading {self.preset.data.name}")
        data = load(self.preset.data, Path(self.status.data_dir), self._downloading)
        check_fit(self.preset, data)
        warm_up(autograd=not all(map(BatchedMLP.supports, self.preset.arms)))
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
                shape=data.shape,
            )
        )
        # What `auto` came to is part of the record: repeating the run must not depend on what is on the disk then.
        if self.preset.data.name != data.name:
            self.preset = replace(self.preset, data=replace(self.preset.data, name=data.name))
            self._write(partial(self.run.write_preset, self.preset), "the preset")
        folders = arm_folders(self.preset)
        going_on = folders if self.before is None else [arm.folder for arm in resume_check.unfinished(self.before)]
        # Cores that no arm needs train further seeds of one.
        per_arm = max(1, self.slots // max(1, len(going_on))) if self.on_cpu and not self.cluster else 1
        jobs = [
            Job(arm, self.run.arm(folder), self.status.monotonic, device, threads, self.preset.data.scale_test, per_arm)
            for arm, folder in zip(self.preset.arms, folders, strict=True)
        ]
        if self.before is None:
            return jobs, data
        (self.run.path / "result.json").unlink(missing_ok=True)  # of the run as it was stopped; the logs have all of it
        if going_on:
            exact, note = resume_check.exactness(was, self.status, on_cpu=self.on_cpu)
            self.log.append(events.Resumed(arms=tuple(going_on), exact=exact, note=note))
        return [job for job in jobs if job.folder.name in going_on], data

    def _downloading(self, title: str, done: int, total: int) -> None:
        if self.stopping:
            raise StoppedEarly
        self.log.append(events.Download(name=title, done=done, total=total))

    def _train(self, jobs: list["Job"], data: "Dataset") -> None:
        """Have every arm trained, and do what is asked meanwhile."""
        self.pool = self._new_pool(jobs, data)
        folders = arm_folders(self.preset)
        while self.pool.busy:
            for verb, folder, by in control_requests.requests(self.run, folders):
                self._do(verb, folder, by, jobs)
            if self.stopping:
                self.pool.stop()
            self.pool.tick()
            state = "paused" if self.pool.paused else "training"
            if state != self.status.state:
                self.status = replace(self.status, state=state)
                self._save_status()
            self._room.mark(full=not self._flush())
            time.sleep(TICK_SECONDS)

    def _new_pool(self, jobs: list["Job"], data: "Dataset") -> "ForkedPool | RayPool":
        if self.cluster is not None:
            from inittui.supervisor.ray.ray_pool import RayPool

            return RayPool(jobs, data, self.cluster, self.log.append)
        from inittui.supervisor.workers.forked_pool import ForkedPool

        return ForkedPool(jobs, data, self.slots, self.log.append, self._started)

    def _leave(self) -> None:
        if self.cluster is not None:
            self.cluster.close()

    def _do(self, verb: control_requests.Verb, folder: str, by: str, jobs: list["Job"]) -> None:
        self.log.append(events.Asked(verb=verb, arm=folder, by=by))
        if verb == "pause":
            self.pool.pause(folder)
        elif verb == "stop":
            self.pool.stop(folder)
        else:
            self.pool.resume(folder)
            over = {name for name, member in self.pool.members.items() if member.ended and folder in ("", name)}
            again = [arm.folder for arm in resume_check.unfinished(Follower(self.run).poll()) if arm.folder in over]
            if again:
                exact, note = resume_check.exactness(self.status, self.status, on_cpu=self.on_cpu)
                self.log.append(events.Resumed(arms=tuple(again), exact=exact, note=note))
            for job in jobs:
                if job.folder.name in again:
                    self.pool.restart(job)

    def _started(self, folder: str, pid: int) -> None:
        self.status = replace(self.status, workers={**self.status.workers, folder: pid})
        self._save_status()

    def _on_stop(self, *_: object) -> None:
        self.stopping = True

    def _flush(self) -> bool:
        """Write what waits in memory. False while the disk has no room for it."""
        if self._unsaved:
            self._save_status()
        return self.log.flush() and not self._unsaved

    def _write(self, write: Callable[[], None], what: str) -> None:
        """Write a file; while it can't be written, wait for room."""

        def written() -> bool:
            with contextlib.suppress(OSError):
                write()
                return True
            return False

        self._room.wait(written, f"{what} can't be written")

    def _end(self, data: "Dataset") -> int:
        from inittui.supervisor.workers import checkpoints, predictions

        self._room.wait(self._flush)  # the result is made from what is on disk
        now = Follower(self.run).poll()
        if self.stopping:  # arms that never started were stopped too
            now = fold(now, events.Phase(phase="stopped", t=now.t))
        states = {arm.state for arm in now.arms}
        outcome = "failed" if "failed" in states else "stopped" if self.stopping or "stopped" in states else "finished"
        now = replace(now, phase=outcome)
        models = predictions.duels(self.run, self.preset, data)
        document = result_document.document(now, seconds=time.monotonic() - self.status.monotonic, models=models)
        self._write(partial(self.run.write_result, document), "result.json")  # 'inittui report' then reads the logs
        try:
            predictions.write_gallery(self.run, self.preset, data)
        except Exception:  # pictures are a comfort; the result must not depend on them
            traceback.print_exc()
        for arm in now.arms:
            if arm.state == "finished":  # its worker may have been killed just before it did this itself
                with contextlib.suppress(OSError):
                    checkpoints.clear(self.run.arm(arm.folder))
        self._phase(outcome)
        return 0 if outcome == "finished" else 1


def main(path: Path) -> int:
    os.umask(0o077)
    print_what_fits()
    try:
        supervisor = Supervisor(RunDir(path))
    except InittuiError as error:
        print(error, flush=True)
        return error.exit_code
    code = supervisor.main()
    notify.run_command(supervisor.run, supervisor.status.state)
    return code
