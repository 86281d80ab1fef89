"""The workers of a run: forked, held, let go on, stopped, and seen to end."""

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
from inittui.supervisor.workers.pool import Member, Members
from inittui.supervisor.workers.worker import Job

LAST_WORDS = 4000  # characters of a killed worker's log


@dataclass(eq=False)
class Forked(Member):
    """An arm whose worker is a fork of this process."""

    pid: int | None = None
    door: int = -1  # our end of its pipe

    @property
    def has_worker(self) -> bool:
        return self.pid is not None


class Team(Members[Forked]):
    """No more arms train at a time than there is room for; the others wait, those that a person has paused as long as it
    pleases. `say` appends to the supervisor's log, `started` is told each worker's pid."""

    def __init__(
        self,
        jobs: Sequence[Job],
        data: Dataset,
        slots: int,
        say: Callable[[events.Event], None],
        started: Callable[[str, int], None],
    ) -> None:
        super().__init__({job.folder.name: Forked(job) for job in jobs})
        self._data = data
        self._slots = slots
        self._say = say
        self._started = started

    def tick(self) -> None:
        """See who has ended, and let others start or go on as there is room."""
        for member in self.members.values():
            self._reap(member)
            self._press(member)
        waiting = [m for m in self.members.values() if not m.over and not m.held]
        room = self._slots - sum(m.pid is not None and not m.halted for m in self.members.values())
        # Those that have begun go on first: they hold memory.
        for member in sorted((m for m in waiting if m.pid is None or m.halted), key=lambda m: m.pid is None)[
            : max(0, room)
        ]:
            if member.pid is None:
                self._start(member)
            else:
                member.halted = False
                self.tell(member, worker.RESUME)

    def member(self, job: Job) -> Forked:
        return Forked(job)

    def _start(self, member: Forked) -> None:
        inside, outside = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                # Our ends of the pipes: as long as a worker held one of them, its neighbour would not learn of our death.
                for door in (outside, *(m.door for m in self.members.values() if m.door >= 0)):
                    os.close(door)
                code = worker.run(member.job, self._data, inside)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # never back into the supervisor's stack
        os.close(inside)
        member.pid, member.door = pid, outside
        self._started(member.folder, pid)

    def tell(self, member: Forked, word: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has just ended
            os.write(member.door, word)

    def _press(self, member: Forked) -> None:
        """A worker that does not stop when it is told to is killed: its last checkpoint is on disk."""
        if member.pid is not None and member.resists:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)

    def _reap(self, member: Forked) -> None:
        if member.pid is None:
            return
        done, code = os.waitpid(member.pid, os.WNOHANG)
        if not done:
            return
        os.close(member.door)
        member.pid, member.door, member.over = None, -1, True
        mark_full(member.job.folder, False)  # nobody there waits for room any more
        reason = how_it_ended(code)
        self._say(events.Gone(arm=member.folder, reason=reason, detail=_last_words(member) if reason else ""))


def how_it_ended(code: int) -> str:
    """A wait status in words; "" for a clean end."""
    if os.WIFSIGNALED(code):
        number = os.WTERMSIG(code)
        name = signal.Signals(number).name if number in set(signal.Signals) else "a real-time signal"
        hint = ", often the kernel's when memory runs out" if number == signal.SIGKILL else ""
        return f"killed by signal {number} ({name}{hint})"
    status = os.waitstatus_to_exitcode(code)
    if status == worker.LOST:
        return "the disk was full: the last that it said is lost"
    return f"ended with exit code {status}" if status else ""


def _last_words(member: Forked) -> str:
    try:
        return read_plain(member.job.folder / "worker.log").decode("utf-8", "replace")[-LAST_WORDS:]
    except OSError:
        return ""
