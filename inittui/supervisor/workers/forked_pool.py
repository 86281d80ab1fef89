"""Workers that are forks of the supervisor: started, paused, resumed, stopped, and waited for."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inittui.common import failures, file_lock
from inittui.common.atomic_files import read_end, reason
from inittui.engine.data.dataset import Dataset
from inittui.record import disk_room, events
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.pool import Member, Pool
from inittui.supervisor.workers.worker import Job

OUTPUT_BYTES = 1 << 16  # of a killed worker's log, from its end
START_ATTEMPTS = 3  # how often in a row a worker may fail to start while no other one runs, before its arm fails
START_RETRY_SECONDS = 1.0


class Fork(NamedTuple):
    """A worker. `control_pipe` is the end to write to."""

    pid: int
    control_pipe: int


class ForkedPool(Pool[Fork]):
    """At most `slots` arms train at the same time; the others wait. A paused arm gives its slot to another."""

    def __init__(
        self,
        jobs: Sequence[Job],
        data: Dataset,
        slots: int,
        emit: Callable[[events.Event], None],
        on_start: Callable[[str, int], None],
    ) -> None:
        """`on_start` gets the folder and the pid of each worker that starts."""
        super().__init__(jobs, emit)
        self._data, self._slots, self._on_start = data, slots, on_start

    def tick(self) -> None:
        """Collect workers that have ended, kill those whose stop is overdue, start or resume as many as there are slots."""
        for member, fork in [(m, m.worker) for m in self.members.values() if m.worker is not None]:
            ended, wait_status = os.waitpid(fork.pid, os.WNOHANG)
            if ended:
                self._collect(member, fork, wait_status)
            elif member.stop_overdue:
                member.killed = True
                os.kill(fork.pid, signal.SIGKILL)  # its last checkpoint is on disk
        waiting = [m for m in self.selected("") if not m.pause_requested and (m.worker is None or m.pause_sent)]
        waiting = [m for m in waiting if m.start_at <= time.monotonic()]
        free = self._slots - sum(m.worker is not None and not m.pause_sent for m in self.members.values())
        # Workers that exist already come first: they hold memory.
        for member in sorted(waiting, key=lambda m: m.worker is None)[: max(0, free)]:
            if member.worker is None:
                self._start(member)
            else:
                member.pause_sent = False
                self.send(member.worker, worker.RESUME)

    def _start(self, member: Member[Fork]) -> None:
        with contextlib.ExitStack() as unused:
            try:
                read_end, write_end = os.pipe()
                unused.callback(os.close, read_end)
                # While a process has this end open, the pipe does not close at our death.
                unused.callback(file_lock.close, file_lock.make_private(write_end))
                pid = file_lock.fork()
            except OSError as error:
                self._not_started(member, reason(error))
                return
            unused.pop_all()
        if pid == 0:
            code = 1
            try:
                code = worker.run(member.job, self._data, read_end)
            except BaseException as error:  # of any kind: never back into the supervisor's stack
                print(failures.stack(error), flush=True)
            finally:
                os._exit(code)
        os.close(read_end)
        member.worker = Fork(pid, write_end)
        self._on_start(member.folder, pid)

    def _not_started(self, member: Member[Fork], why: str) -> None:
        """The system allows no further process, or has no memory for one. The arm waits while others train: what it lacks may
        be free when they have ended."""
        if any(m.worker is not None for m in self.members.values()):
            member.failed_starts = 0
        else:
            member.failed_starts += 1
        if member.failed_starts >= START_ATTEMPTS:
            self.end(member, f"no process can be started for it: {why}")
            return
        if not member.start_at:
            print(f"{member.folder} waits, since no process can be started for it: {why}", flush=True)
        member.start_at = time.monotonic() + START_RETRY_SECONDS

    def send(self, to: Fork, command: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the worker has just ended
            os.write(to.control_pipe, command)

    def _collect(self, member: Member[Fork], fork: Fork, wait_status: int) -> None:
        file_lock.close(fork.control_pipe)
        member.worker = None
        code = os.waitstatus_to_exitcode(wait_status)
        why, detail = how_it_ended(code), ""
        if code == worker.EVENTS_LOST:
            why = f"{disk_room.waiting_for(member.job.folder) or 'its log was deleted'}: its last events are lost"
        disk_room.mark(member.job.folder, 0)  # no process waits there
        if why:
            with contextlib.suppress(OSError):
                place, detail = failures.crash(read_end(member.job.folder / "worker.log", OUTPUT_BYTES))
                why += place if code < 0 else ""
        self.end(member, why, detail)


def how_it_ended(code: int) -> str:
    """An exit code in words, negative for a signal; "" for 0."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "a real-time signal"
        hint = ", often the kernel's when memory runs out" if -code == signal.SIGKILL else ""
        return f"killed by signal {-code} ({name}{hint})"
    return f"ended with exit code {code}" if code else ""
