"""Workers that are forks of the supervisor: started, paused, resumed, stopped, and waited for."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inittui.common import failures, file_lock
from inittui.common.atomic_files import read_end
from inittui.engine.data.dataset import Dataset
from inittui.record import events
from inittui.record.disk_room import mark_full
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.pool import Member, Pool
from inittui.supervisor.workers.worker import Job

OUTPUT_BYTES = 1 << 16  # of a killed worker's log, from its end


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
                os.kill(fork.pid, signal.SIGKILL)  # its last checkpoint is on disk
        waiting = [m for m in self.selected("") if not m.pause_requested and (m.worker is None or m.pause_sent)]
        free = self._slots - sum(m.worker is not None and not m.pause_sent for m in self.members.values())
        # Workers that exist already come first: they hold memory.
        for member in sorted(waiting, key=lambda m: m.worker is None)[: max(0, free)]:
            if member.worker is None:
                self._start(member)
            else:
                member.pause_sent = False
                self.send(member.worker, worker.RESUME)

    def _start(self, member: Member[Fork]) -> None:
        read_end, write_end = os.pipe()
        file_lock.make_private(write_end)  # while a process has it open, the pipe does not close at our death
        pid = file_lock.fork()
        if pid == 0:
            code = 1
            try:
                code = worker.run(member.job, self._data, read_end)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # never back into the supervisor's stack
        os.close(read_end)
        member.worker = Fork(pid, write_end)
        self._on_start(member.folder, pid)

    def send(self, to: Fork, command: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the worker has just ended
            os.write(to.control_pipe, command)

    def _collect(self, member: Member[Fork], fork: Fork, wait_status: int) -> None:
        file_lock.close(fork.control_pipe)
        member.worker = None
        mark_full(member.job.folder, False)  # no process waits for room there
        reason, detail = how_it_ended(wait_status), ""
        if reason:
            with contextlib.suppress(OSError):
                place, detail = failures.crash(read_end(member.job.folder / "worker.log", OUTPUT_BYTES))
                reason += place if os.WIFSIGNALED(wait_status) else ""
        self.end(member, reason, detail)


def how_it_ended(wait_status: int) -> str:
    """A wait status, as `os.waitpid` returns it, in words; "" for exit code 0."""
    code = os.waitstatus_to_exitcode(wait_status)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "a real-time signal"
        hint = ", often the kernel's when memory runs out" if -code == signal.SIGKILL else ""
        return f"killed by signal {-code} ({name}{hint})"
    if code == worker.EVENTS_LOST:
        return "the disk was full: its last events are lost"
    return f"ended with exit code {code}" if code else ""
