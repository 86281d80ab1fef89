"""What people ask of the arms of a run, wherever their workers are: to pause, to go on, to stop."""

import time
from abc import abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from inittui.supervisor.workers import worker
from inittui.supervisor.workers.worker import Job

STOP_GRACE_SECONDS = 10.0


@dataclass(eq=False)
class Member:
    """An arm and its worker. `held`: a person has paused it; `halted`: its worker has been told to wait."""

    job: Job
    held: bool = False
    halted: bool = False
    over: bool = False
    told_to_stop: float | None = None

    @property
    def folder(self) -> str:
        return self.job.folder.name

    @property
    @abstractmethod
    def has_worker(self) -> bool: ...

    @property
    def resists(self) -> bool:
        """Whether its worker was told to stop, and has not within its grace."""
        return self.told_to_stop is not None and time.monotonic() - self.told_to_stop > STOP_GRACE_SECONDS


M = TypeVar("M", bound=Member)


class Members(Generic[M]):
    """The arms by their folders. An empty folder means all that are not over."""

    def __init__(self, members: dict[str, M]) -> None:
        self.members = members

    @property
    def busy(self) -> bool:
        """Whether an arm has yet to end."""
        return any(not member.over for member in self.members.values())

    @property
    def paused(self) -> bool:
        """Whether all that is not over is held."""
        left = [member for member in self.members.values() if not member.over]
        return bool(left) and all(member.held for member in left)

    def pause(self, folder: str) -> None:
        for member in self.named(folder):
            member.held = True
            if member.has_worker and not member.halted:
                member.halted = True
                self.tell(member, worker.PAUSE)

    def resume(self, folder: str) -> None:
        """Let go what is held; it goes on as soon as there is room."""
        for member in self.named(folder):
            member.held = False

    def again(self, job: Job) -> None:
        """Train an arm whose worker has ended, from its checkpoint."""
        self.members[job.folder.name] = self.member(job)

    def stop(self, folder: str = "") -> None:
        for member in self.named(folder):
            if not member.has_worker:
                member.over = True
            elif member.told_to_stop is None:
                member.told_to_stop = time.monotonic()
                self.tell(member, worker.STOP)

    def named(self, folder: str) -> list[M]:
        return [m for m in self.members.values() if not m.over and folder in ("", m.folder)]

    @abstractmethod
    def member(self, job: Job) -> M:
        """One that has yet to begin."""

    @abstractmethod
    def tell(self, member: M, word: bytes) -> None:
        """Pass a word of `worker`'s on to the member's worker."""
