"""The events of a run: what the supervisor and the workers log, one type of record each.

Every event has a place in one log: `seq` numbers the log's events from 0, `t` is seconds since the run began, by a monotonic
clock. A cost that is not finite is None, because JSON has no NaN. Every field that is added gets a default, so that old logs
are still read.
"""

import math
from typing import Literal

from msgspec import Struct

from inittui.record.layer_probe import LayerProbe


class Event(Struct, frozen=True, tag_field="type", tag=str.lower, kw_only=True, omit_defaults=False):
    """What every event carries. The log fills both in; they are 0 until then."""

    seq: int = 0
    t: float = 0.0


# The supervisor's log, RUN/events.jsonl


# States in which a run, or an arm, trains no more. `interrupted` is in no log and no status: a viewer shows it for a run
# whose supervisor died.
ENDED = ("finished", "failed", "stopped", "interrupted", "refused")


class Phase(Event, frozen=True):
    """The run enters a phase. `detail` is a sentence for people; `refused` means bad input that only the engine could see."""

    phase: Literal["starting", "loading", "training", "finished", "failed", "stopped", "interrupted", "refused"]
    detail: str = ""


class Download(Event, frozen=True):
    """Bytes of a data set that have arrived."""

    name: str
    done: int
    total: int


class DataReady(Event, frozen=True):
    """The images are in memory. `note` says in plain words when they are not what one would expect."""

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
    """What trains. `label` is for people: `cuda:0 NVIDIA H200` or `cpu`."""

    device: str
    label: str
    threads: int
    workers: int  # how many train at the same time


class Gone(Event, frozen=True):
    """A worker has ended. The supervisor says it, since a killed worker can't: `reason` is "" for a clean end, `detail`
    the last that the worker printed."""

    arm: str
    reason: str = ""
    detail: str = ""


class Asked(Event, frozen=True):
    """A person asked for something: `arm` is the folder of an arm, "" for all of them; `by` says from where."""

    verb: Literal["pause", "resume", "stop"]
    arm: str = ""
    by: str = ""


class Resumed(Event, frozen=True):
    """Arms that had ended, or whose node died, are trained on from their checkpoints. `exact`: bit for bit; `note` says why,
    or why not, and what became of the node."""

    arms: tuple[str, ...]  # their folders
    exact: bool = True
    note: str = ""


# A worker's log, RUN/arms/ARM/events.jsonl


class Hello(Event, frozen=True):
    """A worker is up and builds its networks."""

    arm: str
    pid: int


class Begin(Event, frozen=True):
    """Training starts. `layers` are (fan_in, fan_out), `stds` the sample deviation of each layer's initial weights."""

    arm: str
    seeds: tuple[int, ...]
    epochs: int
    steps: int  # of an epoch
    batch_size: int
    parameters: int
    layers: tuple[tuple[int, int], ...]
    stds: tuple[float | None, ...]


class Sample(Event, frozen=True):
    """The test image that is watched while training: grey values 0..255, row by row, in hexadecimal."""

    index: int
    label: int
    rows: int
    columns: int
    pixels: str


class Progress(Event, frozen=True):
    """The mean cost over the steps since the last report of this replica."""

    seed: int
    epoch: int  # 1 is the first
    step: int  # of the epoch; 1 is the first
    cost: float | None
    samples_per_second: float
    device_bytes: int = 0


class Epoch(Event, frozen=True):
    """An epoch of one replica is over. `seconds` is training alone, `test_seconds` the evaluation after it."""

    seed: int
    epoch: int
    train_cost: float | None
    test_cost: float | None
    test_accuracy: float
    seconds: float
    test_seconds: float
    sample: tuple[tuple[int, float], ...] = ()  # (class, probability) of the watched image, the likeliest first


class Stacked(Event, frozen=True):
    """Not all replicas of the arm fit on the device at once: from now on `together` of the `seeds` train at a time."""

    together: int
    seeds: int


class AtChance(Event, frozen=True):
    """A replica is trained no further: it is still at chance after `epoch` epochs, and the preset's `stop_stuck` says so."""

    seed: int
    epoch: int


class Finished(Event, frozen=True):
    """All replicas of the arm are trained."""

    seconds: float


class Probe(Event, frozen=True):
    """Signal and gradient by layer, the first layer first, after `epoch` epochs of a replica (0: as initialised).

    At initialisation only: `signal` and `gradient` are what theory expects of `rms`, and of `grad_z` over that of the last
    layer (empty where there is no theory), `jacobian` the singular values of the outputs' derivative by the inputs.
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
    """Training is held, and a checkpoint is on disk."""


class Continued(Event, frozen=True):
    """Training goes on after a pause."""


class Saved(Event, frozen=True):
    """A checkpoint is on disk. `seconds` is what training waited for it, `bytes` what was written."""

    seconds: float
    bytes: int


class Position(Struct, frozen=True):
    """Where a replica stands: `epochs` are done, and `step` steps of the one after them."""

    seed: int
    epochs: int = 0
    step: int = 0


class Restored(Event, frozen=True):
    """Training goes on from checkpoints: whatever the log says after these places happens again."""

    places: tuple[Position, ...]


class Failed(Event, frozen=True):
    """The arm can't go on. `reason` is one line; `detail` the whole text, if there is more."""

    kind: Literal["cost", "memory", "exception", "checkpoint"]
    reason: str
    detail: str = ""


class Stopped(Event, frozen=True):
    """The arm was stopped by a person."""

    reason: str = ""


AnyEvent = (
    Phase
    | Download
    | DataReady
    | DeviceReady
    | Gone
    | Asked
    | Resumed
    | Hello
    | Begin
    | Sample
    | Progress
    | Epoch
    | Probe
    | Paused
    | Continued
    | Saved
    | Restored
    | Stacked
    | AtChance
    | Finished
    | Failed
    | Stopped
)


def finite(value: float) -> float | None:
    """`value`, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None
