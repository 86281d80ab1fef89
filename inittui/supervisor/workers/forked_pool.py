"""Workers that are forks of the supervisor: started, paused, resumed, stopped, and waited for."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inittui.common.atomic_files import read_plain
from inittui.engine.data.dataset import Dataset
from inittui.record import events
from inittui.record.disk_room import mark_full
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.pool import Member, Pool
from inittui.supervisor.workers.worker import Job

OUTPUT_CHARACTERS = 4000  # of a killed worker's log, from its end


@dataclass(eq=False)
class ForkedMember(Member):
    """An arm whose worker is a fork of this process."""

    pid: int | None = None
    control_pipe: int = -1  # the end to write to

    @property
    def has_worker(self) -> bool:
        return self.pid is not None


class ForkedPool(Pool[ForkedMember]):
    """At most `slots` arms train at the same time; the others wait. A paused arm gives its slot to another."""

    def __init__(
        self,
        jobs: Sequence[Job],
        data: Dataset,
        slots: int,
        emit: Callable[[events.Event], None],
        on_start: Callable[[str, int], None],
    ) -> None:
        """`emit` appends to the supervisor's log. `on_start` gets the folder and the pid of each worker that starts."""
        super().__init__({job.folder.name: ForkedMember(job) for job in jobs})
        self._data = data
        self._slots = slots
        self._emit = emit
        self._on_start = on_start

    def tick(self) -> None:
        """Collect workers that have ended, kill those whose stop is overdue, start or resume as many as there are slots."""
        for member in self.members.values():
            self._reap(member)
            if member.pid is not None and member.stop_overdue:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGKILL)  # its last checkpoint is on disk
        waiting = [m for m in self.selected("") if not m.pause_requested and (m.pid is None or m.pause_sent)]
        free = self._slots - sum(m.pid is not None and not m.pause_sent for m in self.members.values())
        # Workers that exist already come first: they hold memory.
        for member in sorted(waiting, key=lambda m: m.pid is None)[: max(0, free)]:
            if member.pid is None:
                self._start(member)
            else:
                member.pause_sent = False
                self.send(member, worker.RESUME)

    def new_member(self, job: Job) -> ForkedMember:
        return ForkedMember(job)

    def _start(self, member: ForkedMember) -> None:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                # The pipes' ends to write to: while any worker has one open, that pipe does not close at our death.
                for pipe in (write_end, *(m.control_pipe for m in self.members.values() if m.control_pipe >= 0)):
                    os.close(pipe)
                code = worker.run(member.job, self._data, read_end)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # never back into the supervisor's stack
        os.close(read_end)
        member.pid, member.control_pipe = pid, write_end
        self._on_start(member.folder, pid)

    def send(self, member: ForkedMember, command: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the worker has just ended
            os.write(member.control_pipe, command)

    def _reap(self, member: ForkedMember) -> None:
        if member.pid is None:
            return
        done, status = os.waitpid(member.pid, os.WNOHANG)
        if not done:
            return
        os.close(member.control_pipe)
        member.pid, member.control_pipe, member.ended = None, -1, True
        mark_full(member.job.folder, False)  # no process waits for room there
        reason = how_it_ended(status)
        self._emit(events.Gone(arm=member.folder, reason=reason, detail=_last_output(member) if reason else ""))


def how_it_ended(wait_status: int) -> str:
    """A wait status, as `os.waitpid` returns it, in words; "" for exit code 0."""
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "a real-time signal"
        hint = ", often the kernel's when memory runs out" if number == signal.SIGKILL else ""
        return f"killed by signal {number} ({name}{hint})"
    code = os.waitstatus_to_exitcode(wait_status)
    if code == worker.EVENTS_LOST:
        return "the disk was full: its last events are lost"
    return f"ended with exit code {code}" if code else ""


def _last_output(member: ForkedMember) -> str:
    try:
        return read_plain(member.job.folder / "worker.log").decode("utf-8", "replace")[-OUTPUT_CHARACTERS:]
    except OSError:
        return ""
