"""The workers of a run on Ray: seats on its nodes, filled with arms, listened to, and replaced when they die."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError

from inittui.common.atomic_files import one_line
from inittui.engine import device as devices
from inittui.engine.data.dataset import Dataset
from inittui.record import events
from inittui.supervisor.ray.actor import Begun, Greeting, Report, Seat, packed
from inittui.supervisor.ray.cluster import Nodes
from inittui.supervisor.ray.run_mirror import Copy
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.forked_pool import how_it_ended
from inittui.supervisor.workers.pool import Member, Members
from inittui.supervisor.workers.worker import Job

POLL_SECONDS = 0.15
AGAIN_SECONDS = 1.0  # after an answer that was lost on its way
LIVES = 5  # deaths in a row, without a checkpoint between them, that an arm's worker is forgiven
ARRIVALS = 3  # seats in a row that could not even begin, before it is given up


@dataclass(eq=False)
class Seated(Member):
    """An arm whose worker, where it has one, sits in a `place` on a node."""

    place: "Place | None" = None
    lives: int = LIVES

    @property
    def has_worker(self) -> bool:
        return self.place is not None


@dataclass(eq=False)
class Place:
    """A seat on a node, or one that waits for a node with room. `answer` is what it has yet to say to what was asked last."""

    actor: Any
    answer: Any
    node: str = "a node"
    ready: bool = False
    member: Seated | None = None
    copy: Copy | None = None
    next: float = 0.0  # when it is asked for a report again; 0 before it has begun


class RayTeam(Members[Seated]):
    """As `team.Team`, on a cluster. Ray decides which arm finds room, and where. A paused arm keeps its room."""

    def __init__(self, jobs: Sequence[Job], data: Dataset, nodes: Nodes, say: Callable[[events.Event], None]) -> None:
        super().__init__({job.folder.name: Seated(job) for job in jobs})
        self._nodes = nodes
        self._say = say
        self._places: list[Place] = []
        self._data = ray.put(packed(data))  # once; a node fetches it once
        self._seat = ray.remote(max_restarts=0, scheduling_strategy="SPREAD", **nodes.needs)(Seat)
        self._failures = 0  # of seats in a row
        self._instructions = devices.instructions(nodes.device)
        self._exact = nodes.device.type == "cpu"

    @property
    def busy(self) -> bool:
        """Whether an arm has yet to end, or a node to be left as it was."""
        leaving = any(place.ready and place.member is None and place.answer is not None for place in self._places)
        return leaving or super().busy

    def tick(self) -> None:
        """Hear what has been said, see who has died, and let others begin as there is room."""
        self._listen()
        now = time.monotonic()
        for place in list(self._places):
            member = place.member
            if member is not None and member.resists:
                self._leave(place)
                self._end(member, "killed, since it did not stop")
            elif place.answer is None and place.copy is not None and now >= place.next and place.copy.flush():
                copy = place.copy
                place.answer = place.actor.poll.remote(copy.offset, copy.printed, copy.known)
        for member in self.members.values():
            if member.halted and not member.held and member.place is not None:
                member.halted = False
                self.tell(member, worker.RESUME)
        self._fill()

    def member(self, job: Job) -> Seated:
        return Seated(job)

    def tell(self, member: Seated, word: bytes) -> None:
        if member.place is not None:
            member.place.actor.tell.remote(word)

    # Seats come and go

    def _fill(self) -> None:
        waiting = [m for m in self.members.values() if not m.over and not m.held and m.place is None]
        for place in [one for one in self._places if one.ready and one.member is None and one.answer is None]:
            if waiting:
                self._begin(place, waiting.pop(0))
            else:
                self._leave(place)  # others may want the room
        arriving = [one for one in self._places if not one.ready]
        for _ in range(len(waiting) - len(arriving)):
            actor = self._seat.remote()
            self._places.append(Place(actor, actor.greet.remote()))
        for place in arriving[len(waiting) :]:
            self._leave(place)

    def _begin(self, place: Place, member: Seated) -> None:
        try:
            place.copy = Copy(member.job)
            last, files = place.copy.beginning()
        except OSError as error:
            self._end(member, f"its files can't be used: {one_line(error)}")
            return
        place.member, member.place = member, place
        elapsed = time.monotonic() - member.job.zero
        place.answer = place.actor.begin.remote(member.job, elapsed, last, files, self._data)

    def _leave(self, place: Place) -> None:
        """Give up a seat, whatever goes on there."""
        self._places.remove(place)
        with contextlib.suppress(Exception):
            ray.kill(place.actor, no_restart=True)
        if place.copy is not None:
            place.copy.close()
        if place.member is not None:
            place.member.place = None
        place.member = place.copy = None

    def _end(self, member: Seated, reason: str = "") -> None:
        member.over = True
        self._say(events.Gone(arm=member.folder, reason=reason))

    # What seats say

    def _listen(self) -> None:
        asked = {place.answer: place for place in self._places if place.answer is not None}
        if not asked:
            return
        for ref in ray.wait(list(asked), num_returns=len(asked), timeout=0)[0]:
            place = asked[ref]
            place.answer = None
            try:
                answer = ray.get(ref, timeout=AGAIN_SECONDS)
            except RayTaskError as error:
                self._lost(place, f"failed: {one_line(error.cause)}", died=False)
            except ActorDiedError as error:
                self._lost(place, _why(error), died=True)
            except RayError as error:  # on its way, or the node is slow: that is not known yet
                print(f"{place.node}: {one_line(error)}", flush=True)
                self._retry(place)
            else:
                self._heard(place, answer)

    def _retry(self, place: Place) -> None:
        """An answer was lost on its way. A report may be asked for again; whatever else it was is begun anew."""
        if place.next:
            place.next = time.monotonic() + AGAIN_SECONDS
        else:
            self._lost(place, "can't be reached", died=True)

    def _heard(self, place: Place, answer: Greeting | Begun | Report) -> None:
        now = time.monotonic()
        if isinstance(answer, Greeting):
            place.node, place.ready, self._failures = answer.node, True, 0
            self._exact = self._exact and answer.instructions == self._instructions
        elif isinstance(answer, Begun) and place.copy is not None:
            place.copy.begun(answer)
            place.next = now
        elif isinstance(answer, Report) and place.copy is not None and place.member is not None:
            place.next = now + POLL_SECONDS
            if not place.copy.take(answer):
                return
            if answer.files:
                place.member.lives = LIVES
            if answer.code is not None:
                self._over(place, place.member, answer.code)

    def _over(self, place: Place, member: Seated, code: int) -> None:
        if place.copy is not None:
            place.copy.close()
        place.member = place.copy = member.place = None
        place.next = 0.0
        place.answer = place.actor.leave.remote()
        self._end(member, how_it_ended(code << 8))  # as a wait status has it

    def _lost(self, place: Place, why: str, *, died: bool) -> None:
        """A seat is gone: its arm starts again from its last checkpoint, wherever there is room."""
        member, ready = place.member, place.ready
        self._leave(place)
        if member is None:
            self._failures += not ready
            if self._failures >= ARRIVALS:
                self._failures = 0
                for one in self.named(""):
                    if one.place is None and not one.held:
                        self._end(one, f"no worker can be started: {why}")
            return
        member.halted = False
        member.lives -= 1
        if member.told_to_stop is not None or not died or member.lives <= 0:
            self._end(member, f"its worker on {place.node} {why}")
            return
        note = f"its worker on {place.node} {why}; from its last checkpoint, where there is room"
        self._say(events.Resumed(arms=(member.folder,), exact=self._exact, note=note))
        if member.held:  # to a viewer it waits now, and it is paused
            self._say(events.Asked(verb="pause", arm=member.folder, by="the supervisor"))


def _why(error: ActorDiedError) -> str:
    """Of a death's long story the part that people want."""
    words = str(error)
    if "node" in words and ("dead" in words or "died" in words) and "its node" in words:
        return "died with its node"
    return "died" if "out of memory" not in words.lower() else "was killed, since its node's memory ran out"
