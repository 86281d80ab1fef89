"""What runs on a node of a Ray cluster: an actor that trains one arm after another, each in a temporary folder.

The arm's worker is the same as on one machine. The supervisor polls for the arm's log and files. This module knows neither
the run directory nor Ray.
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
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import torch

from inittui.common import failures
from inittui.common.atomic_files import read_plain
from inittui.engine import device as devices
from inittui.engine.data.dataset import Dataset
from inittui.engine.step.warm_up import warm_up
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.worker import Control, Job

MOST_BYTES = 1 << 22  # of a log at a time
SENT_FILES = ("checkpoint.*.safetensors", "predictions.npz")
Stamp = tuple[int, int, int]  # inode, time of change in ns, bytes: differs for each file that has had the name


class Greeting(NamedTuple):
    """The actor is ready. `instructions` decide in which order a CPU adds (see engine/device.py)."""

    node: str
    instructions: str


class Report(NamedTuple):
    """What is new since the last report: whole `lines` of the log, `printed` output, `files`. `stamps` are of all files that
    exist now. `code` is the worker's exit code if it has ended and this report has the last of its files."""

    lines: bytes
    printed: bytes
    files: dict[str, bytes]
    stamps: dict[str, Stamp]
    code: int | None


def packed(data: Dataset) -> dict[str, Any]:
    """The data set's fields, tensors as numpy arrays: a node's processes read these in Ray's store without a copy."""
    return {name: value.numpy() if isinstance(value, torch.Tensor) else value for name, value in vars(data).items()}


def unpacked(values: Mapping[str, Any]) -> Dataset:
    """The data set of `packed`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the store is read-only: training never writes to its images
        tensors = {name: torch.from_numpy(value) for name, value in values.items() if isinstance(value, numpy.ndarray)}
        return Dataset(**(dict(values) | tensors))


class TrainingActor:
    """Trains in a thread, so that this one can answer calls."""

    def __init__(self) -> None:
        # cuBLAS is deterministic only with a workspace of its own per stream.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        os.umask(0o077)
        self._root: Path | None = None
        self._folder = Path()
        self._control = Control()
        self._code: int | None = None

    def greet(self) -> Greeting:
        """Import what training needs, and return where this is."""
        torch.set_num_threads(1)
        warm_up(autograd=True)  # which arms it will train is not known yet
        # Two nodes may be on one machine; Ray sets the id of the node in its processes.
        node = " ".join([f"node {socket.gethostname()}", os.environ.get("RAY_NODE_ID", "")[:8]]).strip()
        return Greeting(node, devices.instructions(torch.device("cpu")))

    def begin(self, job: Job, elapsed: float, files: Mapping[str, bytes], data: Mapping[str, Any]) -> dict[str, Stamp]:
        """Train `job` in a thread, in a folder with `files`; returns the stamps of its checkpoints. `elapsed` is seconds
        since the run began, since clocks differ between machines. Raises OSError."""
        self.clean_up()
        self._root = Path(tempfile.mkdtemp(prefix="inittui-"))
        # The same name as in the run: messages contain it.
        self._folder = folder = self._root / job.folder.name
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        worker.redirect(folder / "worker.log")
        self._control, self._code = Control(), None
        here = replace(job, folder=folder, zero=time.monotonic() - elapsed)
        stamps = self._stamps()
        threading.Thread(target=self._work, args=(here, unpacked(data)), daemon=True, name="training").start()
        return stamps

    def _work(self, job: Job, data: Dataset) -> None:
        code = 1
        try:
            code = worker.work(job, data, self._control)
        except BaseException as error:  # of any kind, as in a forked worker
            print(failures.stack(error), flush=True)
        finally:
            if job.device.type == "cuda":  # for the next arm's network
                gc.collect()
                torch.cuda.empty_cache()
            sys.stdout.flush()
            sys.stderr.flush()
            self._code = code

    def control(self, command: bytes) -> None:
        """Handle worker.PAUSE, RESUME or STOP."""
        self._control.handle(command)

    def poll(self, offset: int, printed: int, known: Mapping[str, Stamp]) -> Report:
        """The log from byte `offset`, the output from byte `printed`, and the files whose stamp is not in `known`. A call can
        be repeated, if its reply is lost."""
        code = self._code  # read first: once it is set, all files are there
        stamps = self._stamps()
        files: dict[str, bytes] = {}
        # Files are read before the log: a checkpoint must never be ahead of the lines in the same report.
        for name, stamp in stamps.items():
            if known.get(name) != stamp:
                with contextlib.suppress(FileNotFoundError):
                    files[name] = read_plain(self._folder / name)
        fresh = _beyond(self._folder / "events.jsonl", offset)
        output = _beyond(self._folder / "worker.log", printed)
        whole = fresh[: fresh.rfind(b"\n") + 1]
        if len(fresh) == MOST_BYTES or len(output) == MOST_BYTES:
            # The files may be ahead of these lines: a later report has them.
            return Report(whole, output, {}, stamps, None)
        return Report(whole, output, files, stamps, code)

    def clean_up(self) -> None:
        """Delete the arm's folder on the node."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def _stamps(self) -> dict[str, Stamp]:
        stamps = {}
        for path in (path for pattern in SENT_FILES for path in self._folder.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):  # deleted or replaced meanwhile
                status = path.stat()
                stamps[path.name] = status.st_ino, status.st_mtime_ns, status.st_size
        return stamps


def _beyond(path: Path, offset: int) -> bytes:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(offset)
        return file.read(MOST_BYTES)
    return b""
