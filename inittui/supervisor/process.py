"""The supervisor of a run: starts the workers, handles requests, notices how workers end, and writes the result.

`python -m inittui.supervisor RUN LOCK` needs a run directory with a preset and a status. If the run has a log, it continues
from its checkpoints. The supervisor imports torch and reads the data once; the workers are forks of it, which share both. It
makes no CUDA call, since CUDA does not survive a fork.
"""

import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.board.fold import fold
from inittui.board.follower import Follower
from inittui.common import failures, process_identity
from inittui.common.atomic_files import remove_leftovers
from inittui.common.errors import InittuiError, in_quotes
from inittui.experiment import datasets
from inittui.launch import notify, resume_check
from inittui.launch.process import EARLY_SIGNALS
from inittui.record import control_requests, events
from inittui.record.disk_room import NotWritable
from inittui.record.result_schema import ModelComparison
from inittui.record.run_directory import RunDir, Status, arm_folders
from inittui.supervisor.early_requests import STOPPED_EARLY, TICK_SECONDS, EarlyRequests, StoppedEarly
from inittui.supervisor.journal import Journal, pinned

if TYPE_CHECKING:
    import torch

    from inittui.engine.data.dataset import Dataset
    from inittui.supervisor.ray.cluster import Cluster
    from inittui.supervisor.ray.ray_pool import RayPool
    from inittui.supervisor.workers.forked_pool import ForkedPool
    from inittui.supervisor.workers.worker import Job


class Supervisor:
    """Trains one run: from its directory, new or left by an earlier supervisor, to result.json."""

    def __init__(self, run: RunDir) -> None:
        """The process holds the run's lock. Raises RunError if the run can't be read."""
        self.run = run = pinned(run)
        remove_leftovers(run.path)
        self.preset = run.preset()
        board = Follower(run).poll()
        self.before = board if board.t else None  # as an earlier supervisor left it
        status = replace(run.status(), workers={}, **process_identity.fields(os.getpid()), **run.identity())
        if self.before:  # the run's clock continues where it stopped: time without a supervisor does not count
            status = replace(status, monotonic=time.monotonic() - board.t)
        self.journal = Journal(run, status, lambda: self.stopping)
        self.stopping = False
        self._early = EarlyRequests(run, arm_folders(self.preset), self.journal, self._end_at_once)
        self._trains = False  # before, a stop ends everything
        self.cluster: Cluster | None = None  # None if the run trains on this machine
        self.pool: ForkedPool | RayPool  # from the beginning of training on
        self._after_training = contextlib.ExitStack()

    @property
    def status(self) -> Status:
        return self.journal.status

    def main(self) -> int:
        try:
            self._handle_signals()
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, EARLY_SIGNALS)
                with self._early:
                    self.journal.phase("starting", "starting torch")
                    before = self.status
                    device = self._open_device()
                    data = self._load(before)
                    jobs = self._jobs(device, before)
                self._handle_signals()  # own code may have set others
                if self._early.stopping:
                    raise StoppedEarly
                jobs = self._try_own_code(jobs, data)
                self._trains = True
            except BaseException:
                if self._early.stopping:  # own code may have replaced our exception by one of its own
                    raise StoppedEarly from None
                raise
            self.journal.phase("training")
            self._train(jobs, data)
            self._after_training.close()
            return self._end(data)
        except StoppedEarly:
            self.journal.end("stopped", STOPPED_EARLY)
            return 1
        except (InittuiError, NotWritable) as error:
            # A refused run may be deleted: it has trained nothing.
            refused = isinstance(error, InittuiError) and not self._trains and not self.before
            self.journal.end("refused" if refused else "failed", str(error))
            return error.exit_code
        except BaseException as error:  # of any kind: viewers have to learn of it
            print(failures.stack(error), flush=True)
            why = f"the supervisor failed: {failures.describe(error)}"
            if self.cluster is not None and isinstance(error, ConnectionError):  # Ray's client has retried by then
                why = f"--on {self.status.on}: the cluster is lost; {in_quotes('resume', self.run.name)} continues the run"
            self.journal.end("failed", why)
            return 1
        finally:
            self._after_training.close()
            self.journal.close()

    def _handle_signals(self) -> None:
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it is ignored, nobody can wait for a worker

    def _on_stop(self, *_: object) -> None:
        first, self.stopping = not self.stopping, True
        if first and not self._trains:
            self._early.stopping = True
            raise StoppedEarly

    def _end_at_once(self, phase: str, detail: str) -> None:
        """Called in the thread of EarlyRequests, when the main thread does not leave a user's own code."""
        self.journal.end(phase, detail)
        notify.run_command(self.run, phase)
        os._exit(1)

    def _open_device(self) -> "torch.device":
        """Find the device, or join the cluster, and log it."""
        import torch

        # With more threads a fork would inherit a pool without its threads.
        torch.set_num_threads(1)
        from inittui.engine import device as devices

        threads = self.status.threads
        if self.status.on:
            from inittui.supervisor.ray.cluster import Cluster

            self.journal.phase("starting", f"joining Ray's nodes (--on {self.status.on})")
            self.cluster = Cluster(self.status.on, threads, self.status.gpus_per_arm)
            self._after_training.callback(self.cluster.close)
            self.cluster.join()
            device, label, self.slots = self.cluster.device, self.cluster.label, self.cluster.slots
        else:
            device = devices.resolve(self.status.requested_device)
            label, self.slots = devices.label(device), devices.slots(device, threads)
        self.on_cpu = device.type == "cpu"
        devices.check_precision(device, self.preset)
        name = self.cluster.name if self.cluster else label
        self.journal.status = replace(self.status, device=name, versions=devices.versions(device))
        self.journal.emit(events.DeviceReady(device=str(device), label=label, threads=threads, workers=self.slots))
        return device

    def _load(self, before: Status) -> "Dataset":
        """Load the data set and what training needs, and log it. `before` is the status that an earlier supervisor left."""
        from inittui.engine.data.dataset import check_fit
        from inittui.engine.data.load import load
        from inittui.engine.networks import user_modules
        from inittui.engine.step.batched_mlp import BatchedMLP
        from inittui.engine.step.warm_up import warm_up

        own = self.preset.data.factory
        self.journal.phase("loading", f"loading {own or datasets.entry(self.preset.data.name).title}")
        user_modules.expected = code = resume_check.own_code(self.preset)
        data = load(self.preset.data, Path(self.status.data_dir), self._downloading)
        check_fit(self.preset, data)
        fingerprints = {"data": data.digest(), **code}
        resume_check.refuse_changes(self.run.name, before, fingerprints, force=before.force)
        self.journal.status = replace(self.status, fingerprints=fingerprints)
        warm_up(autograd=not all(map(BatchedMLP.supports, self.preset.arms)))
        self.journal.emit(
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
        # The preset records what `auto` was resolved to: a repetition must not depend on the files of its time.
        if self.preset.data.name != data.name:
            self.preset = replace(self.preset, data=replace(self.preset.data, name=data.name))
            self.journal.wait(partial(self.run.write_preset, self.preset), "preset.toml is not written")
        return data

    def _jobs(self, device: "torch.device", before: Status) -> list["Job"]:
        """A job per arm that has to be trained. `before` is the status that an earlier supervisor left."""
        from inittui.supervisor.workers.worker import Job

        folders = arm_folders(self.preset)
        if self.before is not None:
            # Of the stopped run; the logs have all of it.
            self.journal.wait(partial((self.run.path / "result.json").unlink, missing_ok=True))
            unfinished = [arm.folder for arm in resume_check.unfinished(self.before)]
            self._log_resumed(unfinished, before)
        else:
            unfinished = folders
        # Cores that no arm needs train more seeds of one arm at the same time.
        per_arm = max(1, self.slots // max(1, len(unfinished))) if self.on_cpu and not self.cluster else 1
        zero, threads, scale_test = self.status.monotonic, self.status.threads, self.preset.data.scale_test
        fingerprints, force = self.status.fingerprints, self.status.force
        return [
            Job(arm, self.run.arm(folder), zero, device, threads, scale_test, per_arm, fingerprints, force)
            for arm, folder in zip(self.preset.arms, folders, strict=True)
            if folder in unfinished
        ]

    def _log_resumed(self, folders: list[str], before: Status) -> None:
        if folders:
            exact, note = resume_check.exactness(before, self.status, on_cpu=self.on_cpu)
            self.journal.emit(events.Resumed(arms=tuple(folders), exact=exact, note=note))

    def _try_own_code(self, jobs: list["Job"], data: "Dataset") -> list["Job"]:
        from inittui.supervisor.workers import trial_process

        if not any(trial_process.uses_own_code(job.arm) for job in jobs):
            return jobs
        self.journal.phase("loading", "trying your own code for two steps")
        return trial_process.tried(jobs, data, self._early.take, on_cpu=self.cluster is not None)

    def _downloading(self, title: str, done: int, total: int) -> None:
        self.journal.emit(events.Download(name=title, done=done, total=total))

    def _train(self, jobs: list["Job"], data: "Dataset") -> None:
        """Train every arm, and handle requests meanwhile."""
        if self.cluster is not None:
            from inittui.supervisor.ray.ray_pool import RayPool

            self.pool = RayPool(jobs, data, self.cluster, self.journal.emit)
        else:
            from inittui.supervisor.workers.forked_pool import ForkedPool

            self.pool = ForkedPool(jobs, data, self.slots, self.journal.emit, self._started)
        for request in self._early.taken:  # logged once more: the arms of a resumed run have waited since
            self._handle(*request)
        folders = arm_folders(self.preset)
        while self.pool.busy:
            for request in control_requests.take(self.run, folders):
                self._handle(*request)
            if self.stopping:
                self.pool.stop()
            self.pool.tick()
            state = "paused" if self.pool.paused else "training"
            if state != self.status.state:
                self.journal.save(state=state)
            self.journal.flush()
            time.sleep(TICK_SECONDS)

    def _handle(self, verb: control_requests.Verb, folder: str, by: str) -> None:
        self.journal.emit(events.Asked(verb=verb, arm=folder, by=by))
        {"pause": self.pool.pause, "stop": self.pool.stop, "resume": self.pool.resume}[verb](folder)
        if verb != "resume":
            return
        ended = {name for name, member in self.pool.members.items() if member.ended and folder in ("", name)}
        again = [arm.folder for arm in resume_check.unfinished(Follower(self.run).poll()) if arm.folder in ended]
        self._log_resumed(again, self.status)
        for name in again:
            self.pool.restart(name)

    def _started(self, folder: str, pid: int) -> None:
        self.journal.save(workers={**self.status.workers, folder: pid})

    def _end(self, data: "Dataset") -> int:
        from inittui.supervisor.workers import checkpoints, predictions

        self.journal.wait()  # the result is made from what is on disk
        now = Follower(self.run).poll()
        if self.stopping:  # also arms that never started were stopped
            now = fold(now, events.Phase(phase="stopped", t=now.t))
        states = {arm.state for arm in now.arms}
        outcome = "finished" if states == {"finished"} else "failed" if "failed" in states else "stopped"
        now = replace(now, phase=outcome)
        models: list[ModelComparison] = []
        try:
            models = predictions.model_comparisons(self.run, self.preset, data)
        except Exception as error:  # the result has to be written all the same
            print(failures.stack(error), flush=True)
        document = result_document.document(now, seconds=time.monotonic() - self.status.monotonic, models=models)
        # Without it, 'inittui report' reads the logs.
        self.journal.wait(partial(self.run.write_result, document), "result.json is not written")
        try:
            predictions.write_gallery(self.run, self.preset, data)
        except Exception as error:  # the result must not depend on pictures
            print(failures.stack(error), flush=True)
        for arm in now.arms:
            if arm.state == "finished":  # its worker may have been killed just before it deleted them
                with contextlib.suppress(OSError):
                    checkpoints.clear(self.run.arm(arm.folder))
        self.journal.phase(outcome)
        return 0 if outcome == "finished" else 1
