"""The events of a run: what the supervisor and the workers log, one type of record each.

An event belongs to one log: `seq` numbers the log's events from 0, `t` is seconds since the run began, by a monotonic
clock. A cost that is not finite is None, because JSON has no NaN. Every field that is added gets a default, so that old logs
are still read.
"""

import math
from typing import ClassVar, Literal

from msgspec import Struct

from inittui.record.layer_probe import LayerProbe


class Event(Struct, frozen=True, tag_field="type", tag=str.lower, kw_only=True, omit_defaults=False):
    """The fields of every event. The log sets both; they are 0 before."""

    seq: int = 0
    t: float = 0.0


# The supervisor's log, RUN/events.jsonl


# States in which a run or an arm does not train any more. `interrupted` is in no log and no status: viewers show it for a
# run whose supervisor died.
ENDED = ("finished", "failed", "stopped", "interrupted", "refused")


class Phase(Event, frozen=True):
    """The run enters a phase. `detail` is a sentence for users; `refused` means invalid input that only the engine can
    check."""

    phase: Literal["starting", "loading", "training", "finished", "failed", "stopped", "interrupted", "refused"]
    detail: str = ""


class Download(Event, frozen=True):
    """How many bytes of a data set are downloaded."""

    name: str
    done: int
    total: int


class DataReady(Event, frozen=True):
    """The data set is in memory. `note` says in words if it is not the one that was expected."""

    name: str
    title: str
    train: int
    test: int
    rows: int
    columns: int
    classes: tuple[str, ...]
    note: str = ""
    shape: tuple[int, ...] = ()  # of one input, as a network is given it


class DeviceReady(Event, frozen=True):
    """The device that trains. `label` is for users: `cuda:0 NVIDIA H200` or `cpu`."""

    device: str
    label: str
    threads: int
    workers: int  # arms that train at the same time


class Gone(Event, frozen=True):
    """A worker has ended. The supervisor logs it, since a killed worker can't. `reason` is "" for exit code 0, `detail` is
    the end of the worker's output; `stopped` means that the supervisor killed it, because it did not react to a stop."""

    LINES: ClassVar = ("detail",)

    arm: str
    reason: str = ""
    detail: str = ""
    stopped: bool = False


class Asked(Event, frozen=True):
    """A user requested something. `arm` is the folder of an arm, or "" for all; `by` is where the request came from."""

    verb: Literal["pause", "resume", "stop"]
    arm: str = ""
    by: str = ""


class Resumed(Event, frozen=True):
    """Arms that had ended, or whose node died, continue from their checkpoints. `exact` means bit for bit; `note` says why or
    why not, and what happened to the node."""

    arms: tuple[str, ...]  # their folders
    exact: bool = True
    note: str = ""


# A worker's log, RUN/arms/ARM/events.jsonl


class Hello(Event, frozen=True):
    """A worker has started and builds its networks."""

    arm: str
    pid: int


class Begin(Event, frozen=True):
    """Training starts. `layers` are (fan_in, fan_out), `stds` the sample standard deviation of each layer's initial
    weights."""

    arm: str
    seeds: tuple[int, ...]
    epochs: int
    steps: int  # per epoch
    batch_size: int
    parameters: int
    layers: tuple[tuple[int, int], ...]
    stds: tuple[float | None, ...]


class Sample(Event, frozen=True):
    """The test image whose prediction is shown while training: grey values 0 to 255, row by row, in hexadecimal."""

    index: int
    label: int
    rows: int
    columns: int
    pixels: str


class Progress(Event, frozen=True):
    """A report: the mean cost over the steps since the last report of this replica."""

    seed: int
    epoch: int  # from 1
    step: int  # of the epoch, from 1
    cost: float | None
    samples_per_second: float
    device_bytes: int = 0


class Epoch(Event, frozen=True):
    """An epoch of one replica has ended. `seconds` is training alone, `test_seconds` the evaluation after it."""

    seed: int
    epoch: int
    train_cost: float | None
    test_cost: float | None
    test_accuracy: float
    seconds: float
    test_seconds: float
    sample: tuple[tuple[int, float], ...] = ()  # (class, probability) of the watched image, the most probable first


class Stacked(Event, frozen=True):
    """Not all replicas of the arm fit on the device: from now on `together` of the `seeds` train at the same time."""

    together: int
    seeds: int


class AtChance(Event, frozen=True):
    """The training of a replica ends: it is still at chance after `epoch` epochs, the preset's `stop_stuck`."""

    seed: int
    epoch: int


class Finished(Event, frozen=True):
    """All replicas of the arm are trained."""

    seconds: float


class Probe(Event, frozen=True):
    """Signal and gradient per layer, the first layer first, after `epoch` epochs of a replica (0: as initialised).

    At initialisation only: `signal` is the theory's value of `rms`, `gradient` that of `grad_z` divided by the last layer's
    (both empty if there is no theory); `jacobian` are the singular values of the outputs' derivative by the inputs.
    """

    seed: int
    epoch: int
    images: int
    layers: tuple[LayerProbe, ...]
    signal: tuple[float | None, ...] = ()
    gradient: tuple[float | None, ...] = ()
    jacobian: tuple[float, ...] = ()
    seconds: float = 0.0


class Paused(Event, frozen=True):
    """Training is paused, and a checkpoint is on disk."""


class Continued(Event, frozen=True):
    """Training continues after a pause."""


class Saved(Event, frozen=True):
    """A checkpoint is on disk. `seconds` is the computing time of saving it, `bytes` its size."""

    seconds: float
    bytes: int


class Position(Struct, frozen=True):
    """How far a replica is trained: `epochs` whole epochs, and `step` steps of the next one."""

    seed: int
    epochs: int = 0
    step: int = 0


class Restored(Event, frozen=True):
    """Training continues from checkpoints: what the log says after these positions happens again."""

    places: tuple[Position, ...]


class Failed(Event, frozen=True):
    """The arm failed. `reason` is one line, `detail` the whole text if there is more."""

    LINES: ClassVar = ("detail",)

    kind: Literal["cost", "memory", "exception", "checkpoint"]
    reason: str
    detail: str = ""


class Stopped(Event, frozen=True):
    """A user stopped the arm."""

    reason: str = ""


def finite(value: float) -> float | None:
    """`value`, or None if it is not finite, which JSON can't say."""
    return value if math.isfinite(value) else None
