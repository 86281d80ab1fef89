"""Checkpoints on disk: one safetensors file per replica, replaced atomically, with a digest of the whole file in it.

Any safetensors reader reads them, and reading executes nothing. A replica's file is written only if the replica was trained
since the last one, so ten seeds cost no more than one. A thread writes the files: training waits for the copy alone.
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
MOST_SECONDS = 8.0  # with the time that writing takes, at most ten seconds of training are lost
NO_REPLICAS: AbstractContextManager[Sequence[Replica]] = nullcontext(())
COST_SHARE = 0.015  # of the time; where saving costs more, the interval grows, up to MOST_SECONDS


class Meta(msgspec.Struct, frozen=True):
    """The metadata of a checkpoint. `arm` is the part of the preset that it belongs to, as JSON."""

    format: int
    seed: int
    epochs: int
    step: int
    seconds: float
    arm: str


def path_of(folder: Path, seed: int) -> Path:
    return folder / f"checkpoint.{seed}.safetensors"


def write(folder: Path, snapshot: Snapshot, arm: str) -> int:
    """Write `snapshot` and return the size in bytes. Raises OSError, and leaves the previous file as it is."""
    position = snapshot.position
    meta = Meta(FORMAT, position.seed, position.epochs, position.step, snapshot.seconds, arm)
    metadata = {"inittui": msgspec.json.encode(meta).decode(), "sha256": NO_DIGEST.decode()}
    content = seal_tensors(safetensors.torch.save(snapshot.tensors, metadata))
    replace(path_of(folder, position.seed), content)
    return len(content)


def read(folder: Path, seed: int, arm: str) -> Snapshot | None:
    """The snapshot of a replica, or None if there is none. Raises RunError for a file that is damaged or of another arm."""
    path = path_of(folder, seed)
    try:
        content = read_plain(path)
        check_tensors(content)
        tensors = safetensors.torch.load(content)
        meta = msgspec.json.decode(_metadata(content)["inittui"], type=Meta)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(path, reason(error)) from None
    except (ValueError, KeyError, msgspec.DecodeError, SafetensorError) as error:
        raise _refusal(path, one_line(error)) from None
    if (meta.format, meta.seed, meta.arm) != (FORMAT, seed, arm):
        raise _refusal(path, "it is of another arm, seed or version")
    return Snapshot(events.Position(seed=seed, epochs=meta.epochs, step=meta.step), meta.seconds, tensors)


def _metadata(content: bytes) -> dict[str, str]:
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    return msgspec.json.decode(header, type=dict[str, object])["__metadata__"]  # type: ignore[return-value]


def _refusal(path: Path, why: str) -> RunError:
    return RunError(
        f"checkpoint '{path.parent.name}/{path.name}' can't be used: {why}; "
        "move it out of the run, and this seed is trained from its start"
    )


def clear(folder: Path) -> None:
    """Delete the checkpoints of an arm that is trained to its end."""
    for path in folder.glob("checkpoint.*"):
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Written:
    """How saving went. `cost` is seconds of computing, in training and in this thread; `fault` is why it failed, or ""."""

    cost: float
    bytes: int
    fault: str = ""


class CheckpointWriter:
    """Saves the replicas of an arm while they train. May be called from each of the training threads."""

    def __init__(self, folder: Path, arm: str, log: EventLog) -> None:
        self._folder, self._arm, self._log = folder, arm, log
        self._tasks: queue.SimpleQueue[tuple[list[Snapshot], float]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Written] = queue.SimpleQueue()
        self._pending: list[Replica] = []  # whose snapshots are being written
        self._interval = EVERY_SECONDS
        self._began = time.monotonic()
        self._last: dict[int, float] = {}  # when each seed's last snapshot was taken
        self._lock = threading.RLock()
        threading.Thread(target=self._write_snapshots, daemon=True, name="checkpoints").start()

    def tick(self, replicas: Sequence[Replica], idle: AbstractContextManager[Sequence[Replica]] = NO_REPLICAS) -> None:
        """Called between two steps of `replicas`. Logs what was saved, and starts to save `replicas` and the `idle` ones,
        which no thread trains at the moment, if the interval has passed."""
        if not self._pending and time.monotonic() - self._last.get(replicas[0].seed, self._began) < self._interval:
            return
        with self._lock:
            self._collect()
            if not self._pending and time.monotonic() - self._last.get(replicas[0].seed, self._began) >= self._interval:
                with idle as others:
                    self._begin([*replicas, *others])

    def save(self, replicas: Sequence[Replica], idle: AbstractContextManager[Sequence[Replica]] = NO_REPLICAS) -> None:
        """Save, and return when the files are on disk."""
        with self._lock:
            self._collect(wait=True)
            with idle as others:
                self._begin([*replicas, *others])
            self._collect(wait=True)

    def remove_all(self) -> None:
        """Delete the checkpoints of an arm that is trained to its end, after its log is on disk."""
        self._collect(wait=True)
        self._log.sync()
        clear(self._folder)

    def _begin(self, replicas: Sequence[Replica]) -> None:
        began = time.monotonic()
        self._last |= {replica.seed: began for replica in replicas}
        # A checkpoint must never be ahead of the log. While the disk is full, the previous one stays.
        if not self._log.flush():
            return
        self._pending = [replica for replica in replicas if replica.saved != replica.position]
        if self._pending:
            snapshots = [replica.snapshot() for replica in self._pending]
            self._tasks.put((snapshots, time.monotonic() - began))

    def _collect(self, *, wait: bool = False) -> None:
        if not self._pending or (not wait and self._done.empty()):
            return
        written = self._done.get()
        replicas, self._pending = self._pending, []
        if written.fault:
            for replica in replicas:
                replica.saved = None
            print(f"no checkpoint: {written.fault}", flush=True)
            return
        self._interval = min(MOST_SECONDS, max(EVERY_SECONDS, written.cost / COST_SHARE))
        self._log.append(events.Saved(seconds=round(written.cost, 4), bytes=written.bytes))

    def _write_snapshots(self) -> None:
        while True:
            snapshots, copying = self._tasks.get()
            began = time.thread_time()
            size, fault = 0, ""
            try:
                self._log.sync()
                size = sum(write(self._folder, snapshot, self._arm) for snapshot in snapshots)
            except OSError as error:
                fault = reason(error)
            except Exception as error:  # if this thread ended, training would wait for it forever
                fault = one_line(error)
            self._done.put(Written(copying + time.thread_time() - began, size, fault))
