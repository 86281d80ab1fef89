"""What runs on a node: a seat trains one arm after another, each in a folder of the node's own, with the worker that a run
on one machine has. Its log and its files are fetched from there; nothing here knows the run directory, or Ray.
"""

import contextlib
import gc
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from inittui.common.atomic_files import read_plain
from inittui.engine import device as devices
from inittui.engine.data.dataset import Dataset
from inittui.engine.step.warm_up import warm_up
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.worker import Control, Job

MOST_BYTES = 1 << 22  # of a log at a time
SHIPPED = ("checkpoint.*.safetensors", "predictions.npz")
Stamp = tuple[int, int, int]  # inode, time of change in ns, bytes: another one for every file that took the name


class Greeting(NamedTuple):
    """A seat is up. `instructions` decide how a CPU's sums are ordered (see device)."""

    node: str
    instructions: str


class Begun(NamedTuple):
    """An arm is under way: where its log goes on in the node's file, and the files that the driver has already."""

    offset: int
    stamps: dict[str, Stamp]


class Report(NamedTuple):
    """What is new since the last one. `code` is the worker's exit code once it has ended and all it said is in here;
    `left` are the files of the arm that there are now."""

    lines: bytes
    printed: bytes
    files: dict[str, tuple[Stamp, bytes]]
    left: frozenset[str]
    code: int | None


def packed(data: Dataset) -> dict[str, Any]:
    """A data set whose tensors are numpy arrays: a node's processes read those where they lie in Ray's store, uncopied."""
    found = {field.name: getattr(data, field.name) for field in fields(data)}
    return {key: one.numpy() if isinstance(one, torch.Tensor) else one for key, one in found.items()}


def unpacked(found: Mapping[str, Any]) -> Dataset:
    import numpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the store can't be written to; training never writes to its images
        values: dict[str, Any] = dict(found)
        values |= {key: torch.from_numpy(one) for key, one in found.items() if isinstance(one, numpy.ndarray)}
        return Dataset(**values)


class Seat:
    """One place of a node. Training runs in a thread, so that this one can answer meanwhile."""

    def __init__(self) -> None:
        # cuBLAS gives the same bits twice only with a workspace of its own per stream.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        os.umask(0o077)
        self._root: Path | None = None
        self._folder = Path()
        self._control = Control()
        self._code: int | None = None

    def greet(self) -> Greeting:
        """Import what training needs, and say where this is."""
        torch.set_num_threads(1)
        warm_up(autograd=True)  # nobody knows yet which arms will sit here
        # Two nodes may be of one machine; Ray tells its processes which they belong to.
        node = " ".join([f"node {socket.gethostname()}", os.environ.get("RAY_NODE_ID", "")[:8]]).strip()
        return Greeting(node, devices.instructions(torch.device("cpu")))

    def begin(
        self, job: Job, elapsed: float, last: bytes, files: Mapping[str, bytes], data: Mapping[str, Any]
    ) -> Begun:
        """Train `job` in a thread. `elapsed` is seconds since the run began, since clocks differ between machines; `last`
        the last line of the arm's log, from which its numbers go on; `files` the checkpoints. Raises OSError."""
        self.leave()
        self._root = Path(tempfile.mkdtemp(prefix="inittui-"))
        # Messages name the arm's folder, so it is called what it is called in the run.
        self._folder = folder = self._root / job.folder.name
        folder.mkdir()
        (folder / "events.jsonl").write_bytes(last)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        worker.redirect(folder / "worker.log")
        self._control, self._code = Control(), None
        here = replace(job, folder=folder, zero=time.monotonic() - elapsed)
        stamps = {path.name: stamp for path in self._shipped() if (stamp := _stamp(path))}
        threading.Thread(target=self._work, args=(here, unpacked(data)), daemon=True, name="training").start()
        return Begun(len(last), stamps)

    def _work(self, job: Job, data: Dataset) -> None:
        code = 1
        try:
            code = worker.work(job, data, self._control)
        except BaseException:  # as of a worker in a process of its own: it is in its log, and it has ended
            traceback.print_exc()
        finally:
            if job.device.type == "cuda":  # the next arm may be another network
                gc.collect()
                torch.cuda.empty_cache()
            sys.stdout.flush()
            sys.stderr.flush()
            self._code = code

    def tell(self, word: bytes) -> None:
        """Pause, go on or stop (see worker)."""
        self._control.heed(word)

    def poll(self, offset: int, printed: int, known: Mapping[str, Stamp]) -> Report:
        """What there is beyond `offset` of the log and `printed` of what was printed, and files other than `known` ones.
        May be asked twice with the same answer, should one get lost."""
        code = self._code  # first: then all that it left is there
        files: dict[str, tuple[Stamp, bytes]] = {}
        left = set()
        # Files before the log: a checkpoint must never be ahead of the lines that are sent with it.
        for path in self._shipped():
            with contextlib.suppress(FileNotFoundError):
                stamp = _stamp(path)
                left.add(path.name)
                if stamp is not None and known.get(path.name) != stamp:
                    files[path.name] = stamp, read_plain(path)
        fresh = _beyond(self._folder / "events.jsonl", offset)
        words = _beyond(self._folder / "worker.log", printed)
        whole = fresh[: fresh.rfind(b"\n") + 1]
        more = len(fresh) == MOST_BYTES or len(words) == MOST_BYTES
        if more:  # files may be ahead of what is sent of the log: they come with the rest of it
            files = {}
        return Report(whole, words, files, frozenset(left), None if more else code)

    def leave(self) -> None:
        """The driver has it all: nothing is left on the node."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def _shipped(self) -> list[Path]:
        return [path for pattern in SHIPPED for path in sorted(self._folder.glob(pattern))]


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _beyond(path: Path, offset: int) -> bytes:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(offset)
        return file.read(MOST_BYTES)
    return b""
