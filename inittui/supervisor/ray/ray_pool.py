"""Workers that are actors on the nodes of a Ray cluster: started, given arms, polled, and replaced when they die."""

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
from inittui.record.disk_room import NotWritable
from inittui.supervisor.ray import private
from inittui.supervisor.ray.actor import Greeting, Report, Stamp, TrainingActor, packed
from inittui.supervisor.ray.cluster import Cluster
from inittui.supervisor.ray.run_mirror import ArmMirror
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.forked_pool import how_it_ended
from inittui.supervisor.workers.pool import Member, Pool
from inittui.supervisor.workers.worker import Job

POLL_SECONDS = 0.15
RETRY_SECONDS = 1.0  # after a reply was lost
MOST_DEATHS = 5  # of the workers of an arm in a row, without a checkpoint in between
START_ATTEMPTS = 3  # how many actors in a row may fail to start before the waiting arms fail


@dataclass(eq=False)
class ActorState:
    """An actor on a node, or one that waits for a node with room. At most one call to it is in progress."""

    handle: Any
    reply: Any  # Ray's reference to the reply of the call in progress; None if there is none
    node: str = "a node"
    ready: bool = False
    member: "Member[ActorState] | None" = None
    mirror: ArmMirror | None = None
    poll_at: float = 0.0  # on the monotonic clock; 0 before the member's training began


class RayPool(Pool[ActorState]):
    """As `ForkedPool`, on a cluster. Ray decides which arm starts, and where. A paused arm keeps its place on the node."""

    def __init__(
        self, jobs: Sequence[Job], data: Dataset, cluster: Cluster, emit: Callable[[events.Event], None]
    ) -> None:
        super().__init__(jobs, emit)
        self._actors: list[ActorState] = []
        self._data = ray.put(packed(data))  # once; each node fetches it once
        self._actor_class = ray.remote(
            max_restarts=0,
            scheduling_strategy="SPREAD",
            num_cpus=cluster.needs["CPU"],
            num_gpus=cluster.needs.get("GPU"),
        )(TrainingActor)
        self._failed_starts = 0  # in a row
        self._instructions = devices.instructions(cluster.device)
        self._exact = cluster.device.type == "cpu"

    @property
    def busy(self) -> bool:
        """Whether a member has not ended, or an actor has not cleaned up its node."""
        leaving = any(actor.ready and actor.member is None and actor.reply is not None for actor in self._actors)
        return leaving or super().busy

    def tick(self) -> None:
        """Handle replies and deaths, poll, and start members as there is room."""
        self._handle_replies()
        now = time.monotonic()
        for actor in list(self._actors):
            member, mirror = actor.member, actor.mirror
            if member is not None and member.stop_overdue:
                self._kill(actor)
                member.killed = True
                self.end(member)
            elif actor.reply is None and member is not None and mirror is not None and now >= actor.poll_at:
                try:
                    if mirror.flush():
                        actor.reply = actor.handle.poll.remote(mirror.offset, mirror.printed, mirror.stamps)
                except NotWritable as error:
                    self._kill(actor)
                    self.end(member, str(error))
        for member in self.members.values():
            if member.pause_sent and not member.pause_requested and member.worker is not None:
                member.pause_sent = False
                self.send(member.worker, worker.RESUME)
        self._fill()

    def send(self, to: ActorState, command: bytes) -> None:
        to.handle.control.remote(command)

    # Starting and ending actors

    def _fill(self) -> None:
        """Give waiting members to actors without one; start or end actors so that there is one per waiting member."""
        waiting = self._waiting()
        for actor in [actor for actor in self._actors if actor.ready and actor.member is None and actor.reply is None]:
            if waiting:
                self._begin(actor, waiting.pop(0))
            else:
                self._kill(actor)  # other users of the cluster may need the room
        starting = [actor for actor in self._actors if not actor.ready]
        for _ in range(len(waiting) - len(starting)):
            handle = self._actor_class.remote()
            self._actors.append(ActorState(handle, handle.greet.remote()))
        for actor in starting[len(waiting) :]:
            self._kill(actor)

    def _waiting(self) -> list[Member[ActorState]]:
        return [m for m in self.selected("") if m.worker is None and not m.pause_requested]

    def _begin(self, actor: ActorState, member: Member[ActorState]) -> None:
        try:
            mirror = ArmMirror(member.job)
            files = mirror.start_files()
        except OSError as error:
            self.end(member, f"its files can't be used: {one_line(error)}")
            return
        actor.mirror, actor.member, member.worker = mirror, member, actor
        elapsed = time.monotonic() - member.job.zero
        actor.reply = actor.handle.begin.remote(member.job, elapsed, files, self._data)

    def _kill(self, actor: ActorState) -> None:
        """End an actor, whatever it does."""
        self._actors.remove(actor)
        with contextlib.suppress(Exception):
            ray.kill(actor.handle, no_restart=True)
        self._release(actor)

    @staticmethod
    def _release(actor: ActorState) -> None:
        if actor.mirror is not None:
            actor.mirror.close()
        if actor.member is not None:
            actor.member.worker = None
        actor.member = actor.mirror = None

    # Replies

    def _handle_replies(self) -> None:
        calls = {actor.reply: actor for actor in self._actors if actor.reply is not None}
        if not calls:
            return
        for ref in ray.wait(list(calls), num_returns=len(calls), timeout=0)[0]:
            actor = calls[ref]
            actor.reply = None
            try:
                reply = ray.get(ref, timeout=RETRY_SECONDS)
            except RayTaskError as error:
                self._lost(actor, f"failed: {one_line(error.cause)}", died=False)
            except ActorDiedError as error:
                self._lost(actor, private.cause_of_death(error), died=True)
            except RayError as error:  # the reply was lost, or the node is slow: the actor may live
                print(f"{actor.node}: {one_line(error)}", flush=True)
                if actor.poll_at:
                    actor.poll_at = time.monotonic() + RETRY_SECONDS
                else:  # only a poll can be repeated
                    self._lost(actor, "can't be reached", died=True)
            else:
                self._handle_reply(actor, reply)

    def _handle_reply(self, actor: ActorState, reply: Greeting | dict[str, Stamp] | Report | None) -> None:
        now = time.monotonic()
        if isinstance(reply, Greeting):
            actor.node, actor.ready, self._failed_starts = reply.node, True, 0
            self._exact = self._exact and reply.instructions == self._instructions
        elif isinstance(reply, dict) and actor.mirror is not None:  # training began
            actor.mirror.stamps = reply
            actor.poll_at = now
        elif isinstance(reply, Report) and actor.mirror is not None and actor.member is not None:
            actor.poll_at = now + POLL_SECONDS
            member = actor.member
            try:
                if not actor.mirror.write(reply):
                    return
            except NotWritable as error:
                self._kill(actor)
                self.end(member, str(error))
                return
            if reply.files:
                member.deaths = 0
            if reply.code is not None:
                self._release(actor)
                actor.poll_at = 0.0
                actor.reply = actor.handle.clean_up.remote()
                self.end(member, how_it_ended(reply.code))

    def _lost(self, actor: ActorState, why: str, *, died: bool) -> None:
        """An actor is gone. Its member starts again from its last checkpoint, on any node with room."""
        member, ready = actor.member, actor.ready
        self._kill(actor)
        if member is None:
            self._failed_starts += not ready
            if self._failed_starts >= START_ATTEMPTS:
                self._failed_starts = 0
                for waiting in self._waiting():
                    self.end(waiting, f"no worker can be started: {why}")
            return
        member.pause_sent = False
        member.deaths += 1
        if member.stop_sent_at is not None or not died or member.deaths >= MOST_DEATHS:
            self.end(member, f"its worker on {actor.node} {why}")
            return
        note = f"its worker on {actor.node} {why}; from its last checkpoint, where there is room"
        self.emit(events.Resumed(arms=(member.folder,), exact=self._exact, note=note))
        if member.pause_requested:  # `Resumed` shows it as waiting
            self.emit(events.Asked(verb="pause", arm=member.folder, by="the supervisor"))
