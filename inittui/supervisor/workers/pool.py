"""The arms of a run and what a person requests of them: pause, resume, stop. Subclasses know where the workers run."""

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from inittui.record import events
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.worker import Job

STOP_GRACE_SECONDS = 10.0
KILLED = f"killed, since it did not stop within {STOP_GRACE_SECONDS:g} s; it can continue from its last checkpoint"
W = TypeVar("W")


@dataclass(eq=False)
class Member(Generic[W]):
    """An arm and its worker. A member whose pause is requested starts no worker; a pause is sent only to a running one."""

    job: Job
    worker: W | None = None
    pause_requested: bool = False
    pause_sent: bool = False
    ended: bool = False
    stop_sent_at: float | None = None  # on the monotonic clock
    killed: bool = False  # because its stop was overdue
    deaths: int = 0  # of its workers in a row, without a checkpoint in between
    failed_starts: int = 0  # in a row, while no other worker ran
    start_at: float = 0.0  # on the monotonic clock; later than now after a failed start

    @property
    def folder(self) -> str:
        return self.job.folder.name

    @property
    def stop_overdue(self) -> bool:
        """Whether its worker has not ended within STOP_GRACE_SECONDS after a stop was sent."""
        return self.stop_sent_at is not None and time.monotonic() - self.stop_sent_at > STOP_GRACE_SECONDS


class Pool(Generic[W]):
    """The members by their folders. An empty folder means all that have not ended."""

    def __init__(self, jobs: Sequence[Job], emit: Callable[[events.Event], None]) -> None:
        """`emit` appends to the supervisor's log."""
        self.members = {job.folder.name: Member[W](job) for job in jobs}
        self.emit = emit

    @property
    def busy(self) -> bool:
        """Whether a member has not ended."""
        return any(not member.ended for member in self.members.values())

    @property
    def paused(self) -> bool:
        """Whether a pause is requested of every member that has not ended."""
        left = self.selected("")
        return bool(left) and all(member.pause_requested for member in left)

    def pause(self, folder: str) -> None:
        for member in self.selected(folder):
            member.pause_requested = True
            if member.worker is not None and not member.pause_sent:
                member.pause_sent = True
                self.send(member.worker, worker.PAUSE)

    def resume(self, folder: str) -> None:
        """Withdraw a pause request. The member continues as soon as there is room."""
        for member in self.selected(folder):
            member.pause_requested = False

    def restart(self, folder: str) -> None:
        """Train an arm whose worker has ended, from its checkpoint."""
        self.members[folder] = Member(self.members[folder].job)

    def stop(self, folder: str = "") -> None:
        for member in self.selected(folder):
            if member.worker is None:
                member.ended = True
            elif member.stop_sent_at is None:
                member.stop_sent_at = time.monotonic()
                self.send(member.worker, worker.STOP)

    def selected(self, folder: str) -> list[Member[W]]:
        return [m for m in self.members.values() if not m.ended and folder in ("", m.folder)]

    def end(self, member: Member[W], reason: str = "", detail: str = "") -> None:
        """End `member`, whose worker has ended. `reason` is "" if that worker has logged why."""
        member.ended = True
        reason = KILLED if member.killed else reason
        self.emit(events.Gone(arm=member.folder, reason=reason, detail=detail, stopped=member.killed))

    @abstractmethod
    def send(self, to: W, command: bytes) -> None:
        """Send worker.PAUSE, RESUME or STOP."""
