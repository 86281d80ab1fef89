"""Checkpoints on disk: one safetensors file a replica, replaced atomically, with a digest of the whole file in it.

Any safetensors reader reads them, and reading executes nothing. A replica's file is written only when the replica has moved,
so ten seeds cost no more than one. Writing goes on in a thread while training does: what training waits for is the copy.
"""

import queue
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec
import safetensors.torch
from safetensors import SafetensorError

from inittui.common.atomic_files import one_line, read_plain, reason, replace
from inittui.common.checksums import NO_DIGEST, check_tensors, seal_tensors
from inittui.common.errors import RunError
from inittui.engine.step.replica import Replica, Snapshot
from inittui.record import events
from inittui.record.event_log import EventLog

FORMAT = 1
EVERY_SECONDS = 7.0
MOST_SECONDS = 8.0  # with the time that writing takes, no more than ten seconds of training are ever lost
NOBODY: AbstractContextManager[Sequence[Replica]] = nullcontext(())
COST_SHARE = 0.015  # of the time; where saving costs more it is done less often, down to MOST_SECONDS


class Meta(msgspec.Struct, frozen=True):
    """What a checkpoint says beside its tensors. `arm` is the preset's part that it belongs to."""

    format: int
    seed: int
    epochs: int
    step: int
    seconds: float
    arm: str


def path_of(folder: Path, seed: int) -> Path:
    return folder / f"checkpoint.{seed}.safetensors"


def write(folder: Path, snapshot: Snapshot, arm: str) -> int:
    """Put `snapshot` on disk and return its bytes. Raises OSError; the file from before then stays."""
    place = snapshot.place
    meta = Meta(FORMAT, place.seed, place.epochs, place.step, snapshot.seconds, arm)
    words = {"inittui": msgspec.json.encode(meta).decode(), "sha256": NO_DIGEST.decode()}
    content = seal_tensors(safetensors.torch.save(snapshot.tensors, words))
    replace(path_of(folder, place.seed), content)
    return len(content)


def read(folder: Path, seed: int, arm: str) -> Snapshot | None:
    """The newest snapshot of a replica, or None where there is none. Raises RunError for a file that is damaged, or is
    another arm's."""
    path = path_of(folder, seed)
    try:
        content = read_plain(path)
        check_tensors(content)
        tensors = safetensors.torch.load(content)
        meta = msgspec.json.decode(_words(content)["inittui"], type=Meta)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(path, reason(error)) from None
    except (ValueError, KeyError, msgspec.DecodeError, SafetensorError) as error:
        raise _refusal(path, one_line(error)) from None
    if (meta.format, meta.seed, meta.arm) != (FORMAT, seed, arm):
        raise _refusal(path, "it is of another arm, seed or version")
    return Snapshot(events.Position(seed=seed, epochs=meta.epochs, step=meta.step), meta.seconds, tensors)


def _words(content: bytes) -> dict[str, str]:
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    return msgspec.json.decode(header, type=dict[str, object])["__metadata__"]  # type: ignore[return-value]


def _refusal(path: Path, why: str) -> RunError:
    return RunError(
        f"checkpoint '{path.parent.name}/{path.name}' can't be used: {why}; "
        "delete it, and this seed is trained from its start"
    )


def clear(folder: Path) -> None:
    """An arm that is trained to its end needs no checkpoints."""
    for path in folder.glob("checkpoint.*"):
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Written:
    """How saving went: `cost` in seconds of computing, the copy and the thread's own; `fault` where the disk refused."""

    cost: float
    bytes: int
    fault: str = ""


class Keeper:
    """Saves the replicas of an arm as they train; from any of the threads that train them."""

    def __init__(self, folder: Path, arm: str, log: EventLog) -> None:
        self._folder, self._arm, self._log = folder, arm, log
        self._tasks: queue.SimpleQueue[tuple[list[Snapshot], float]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Written] = queue.SimpleQueue()
        self._at_work: list[Replica] = []  # whose snapshots are being written
        self._interval = EVERY_SECONDS
        self._began = time.monotonic()
        self._last: dict[int, float] = {}  # when each seed's replica was last looked at
        self._lock = threading.RLock()
        threading.Thread(target=self._work, daemon=True, name="checkpoints").start()

    def tick(self, replicas: Sequence[Replica], resting: AbstractContextManager[Sequence[Replica]] = NOBODY) -> None:
        """Between two steps of `replicas`: say what has been saved, and save them when it is time, with those that nobody
        trains just now."""
        if not self._at_work and time.monotonic() - self._last.get(replicas[0].seed, self._began) < self._interval:
            return
        with self._lock:
            self._tell()
            if not self._at_work and time.monotonic() - self._last.get(replicas[0].seed, self._began) >= self._interval:
                with resting as others:
                    self._begin([*replicas, *others])

    def save(self, replicas: Sequence[Replica], resting: AbstractContextManager[Sequence[Replica]] = NOBODY) -> None:
        """Save now, and wait until it is on disk."""
        with self._lock:
            self._tell(wait=True)
            with resting as others:
                self._begin([*replicas, *others])
            self._tell(wait=True)

    def forget(self) -> None:
        """The arm is trained to its end: its log has everything, and is on disk before the checkpoints go."""
        self._tell(wait=True)
        self._log.sync()
        clear(self._folder)

    def _begin(self, replicas: Sequence[Replica]) -> None:
        began = time.monotonic()
        self._last |= {replica.seed: began for replica in replicas}
        # A checkpoint must never be ahead of the log: with the disk full, the one from before stays.
        if not self._log.flush():
            return
        self._at_work = [replica for replica in replicas if replica.saved != replica.place]
        if self._at_work:
            snapshots = [replica.snapshot() for replica in self._at_work]
            self._tasks.put((snapshots, time.monotonic() - began))

    def _tell(self, *, wait: bool = False) -> None:
        if not self._at_work or (not wait and self._done.empty()):
            return
        written = self._done.get()
        replicas, self._at_work = self._at_work, []
        if written.fault:
            for replica in replicas:
                replica.saved = None
            print(f"no checkpoint: {written.fault}", flush=True)
            return
        self._interval = min(MOST_SECONDS, max(EVERY_SECONDS, written.cost / COST_SHARE))
        self._log.append(events.Saved(seconds=round(written.cost, 4), bytes=written.bytes))

    def _work(self) -> None:
        while True:
            snapshots, copying = self._tasks.get()
            began = time.thread_time()
            size, fault = 0, ""
            try:
                self._log.sync()
                size = sum(write(self._folder, snapshot, self._arm) for snapshot in snapshots)
            except OSError as error:
                fault = reason(error)
            except Exception as error:  # if the thread ended here, training would wait for it for ever
                fault = one_line(error)
            self._done.put(Written(copying + time.thread_time() - began, size, fault))
