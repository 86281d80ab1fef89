"""Checkpoints on disk: one safetensors file per replica, replaced atomically, with a digest of the whole file in it.

Any safetensors reader reads them, and reading executes nothing. A replica's file is written only if the replica was trained
since the last one, so ten seeds cost no more than one. A thread writes the files: training waits for the copy alone.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
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
EVERY_SECONDS = 7.0  # with the time that writing takes, at most ten seconds of training are lost
NO_REPLICAS: AbstractContextManager[Sequence[Replica]] = nullcontext(())


class Meta(msgspec.Struct, frozen=True):
    """The metadata of a checkpoint. `arm` is the part of the preset that it belongs to, as JSON; `fingerprint` is that of the
    data and own code that it was trained with, "" if unknown."""

    format: int
    seed: int
    epochs: int
    step: int
    seconds: float
    arm: str
    fingerprint: str = ""


def path_of(folder: Path, seed: int) -> Path:
    return folder / f"checkpoint.{seed}.safetensors"


def write(folder: Path, snapshot: Snapshot, arm: str, fingerprint: str = "") -> int:
    """Write `snapshot` and return the size in bytes. Raises OSError, and leaves the previous file as it is."""
    content = encode(snapshot, arm, fingerprint)
    replace(path_of(folder, snapshot.position.seed), content)
    return len(content)


def encode(snapshot: Snapshot, arm: str, fingerprint: str = "") -> bytearray:
    """The content of a checkpoint."""
    position = snapshot.position
    meta = Meta(FORMAT, position.seed, position.epochs, position.step, snapshot.seconds, arm, fingerprint)
    metadata = {"inittui": msgspec.json.encode(meta).decode(), "sha256": NO_DIGEST.decode()}
    return seal_tensors(safetensors.torch.save(snapshot.tensors, metadata))


def read(folder: Path, seed: int, arm: str, fingerprint: str = "") -> Snapshot | None:
    """The snapshot of a replica, or None if there is none. Raises RunError for a file that is damaged, of another arm, or
    with another `fingerprint`, if both are known."""
    path = path_of(folder, seed)
    try:
        return decode(read_plain(path), seed, arm, fingerprint)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(path, reason(error)) from None
    except (ValueError, KeyError, msgspec.DecodeError, SafetensorError) as error:
        raise _refusal(path, one_line(error)) from None


def decode(content: bytes, seed: int, arm: str, fingerprint: str = "") -> Snapshot:
    """The snapshot in the content of a checkpoint. Raises ValueError, KeyError or SafetensorError if it is refused."""
    check_tensors(content)
    tensors = safetensors.torch.load(content)
    header = msgspec.json.decode(content[8 : 8 + int.from_bytes(content[:8], "little")])
    meta = msgspec.json.decode(header["__metadata__"]["inittui"], type=Meta)
    if (meta.format, meta.seed, meta.arm) != (FORMAT, seed, arm):
        raise ValueError("it is of another arm, seed or version")
    if fingerprint and meta.fingerprint and meta.fingerprint != fingerprint:
        raise ValueError("it was trained with other data or own code; resume with --force to use it all the same")
    return Snapshot(events.Position(seed=seed, epochs=meta.epochs, step=meta.step), meta.seconds, tensors)


def _refusal(path: Path, why: str) -> RunError:
    return RunError(
        f"checkpoint '{path.parent.name}/{path.name}' can't be used: {why}; "
        "move it out of the run, and this seed is trained from its start"
    )


def clear(folder: Path) -> None:
    """Delete the checkpoints of an arm that is trained to its end."""
    for path in folder.glob("checkpoint.*"):
        path.unlink(missing_ok=True)


class CheckpointWriter:
    """Saves the replicas of an arm while they train. May be called from each of the training threads."""

    def __init__(self, folder: Path, arm: str, log: EventLog, fingerprint: str = "") -> None:
        self._folder, self._arm, self._log, self._fingerprint = folder, arm, log, fingerprint
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._writing: Future[tuple[float, int]] | None = None
        self._pending: list[Replica] = []  # whose snapshots are being written
        self._began = time.monotonic()
        self._last: dict[int, float] = {}  # when each seed's last snapshot was taken
        self._lock = threading.RLock()

    def tick(self, replicas: Sequence[Replica], idle: AbstractContextManager[Sequence[Replica]] = NO_REPLICAS) -> None:
        """Called between two steps of `replicas`. Logs what was saved, and starts to save `replicas` and the `idle` ones,
        which no thread trains at the moment, if the interval has passed."""
        if self._writing is None and not self._due(replicas):
            return
        with self._lock:
            self._collect()
            if self._writing is None and self._due(replicas):
                self._begin(replicas, idle)

    def save(self, replicas: Sequence[Replica], idle: AbstractContextManager[Sequence[Replica]] = NO_REPLICAS) -> None:
        """Save, and return when the files are on disk."""
        with self._lock:
            self._collect(wait=True)
            self._begin(replicas, idle)
            self._collect(wait=True)

    def remove_all(self) -> None:
        """Delete the checkpoints of an arm that is trained to its end, after its log is on disk."""
        self._collect(wait=True)
        self._log.sync()
        clear(self._folder)

    def _due(self, replicas: Sequence[Replica]) -> bool:
        return time.monotonic() - self._last.get(replicas[0].seed, self._began) >= EVERY_SECONDS

    def _begin(self, replicas: Sequence[Replica], idle: AbstractContextManager[Sequence[Replica]]) -> None:
        with idle as others:
            began = time.monotonic()
            together = [*replicas, *others]
            self._last |= {replica.seed: began for replica in together}
            # A checkpoint must never be ahead of the log. While the disk is full, the previous one stays.
            if self._log.flush():
                return
            self._pending = [replica for replica in together if replica.saved != replica.position]
            if self._pending:
                try:
                    snapshots = [replica.snapshot() for replica in self._pending]
                except Exception as error:  # see _fail
                    self._fail(error)
                else:
                    self._writing = self._thread.submit(self._write, snapshots, time.monotonic() - began)

    def _collect(self, *, wait: bool = False) -> None:
        if self._writing is None or not (wait or self._writing.done()):
            return
        writing, self._writing = self._writing, None
        try:
            cost, size = writing.result()
        except Exception as error:  # see _fail
            self._fail(error)
        else:
            self._log.append(events.Saved(seconds=round(cost, 4), bytes=size))

    def _fail(self, error: Exception) -> None:
        """An error of any kind: training continues, and the next interval tries again."""
        for replica in self._pending:
            replica.saved = None
        print(f"no checkpoint: {reason(error) if isinstance(error, OSError) else one_line(error)}", flush=True)

    def _write(self, snapshots: list[Snapshot], copying: float) -> tuple[float, int]:
        """Returns the seconds of computing, with `copying`, which training has waited for, and the bytes."""
        began = time.thread_time()
        self._log.sync()
        size = sum(write(self._folder, snapshot, self._arm, self._fingerprint) for snapshot in snapshots)
        return copying + time.thread_time() - began, size
