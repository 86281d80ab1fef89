"""The event types and their line.

One event a line, plain JSON, whose last member `crc` is the CRC-32 (eight hexadecimal digits) of the bytes before it, so
that a torn or damaged line is told from a whole one. `seq` numbers the events of one log from 0; `t` is seconds since the
run began, by a monotonic clock. A cost that is not finite is null here, because NaN is not JSON.
"""

import math
import zlib
from typing import Literal

import msgspec
from msgspec import Struct

FORMAT = 1
_CRC = b',"crc":"'


class Event(Struct, frozen=True, tag_field="type", tag=str.lower, kw_only=True, omit_defaults=False):
    """What every event carries. The log fills both in; they are 0 until then."""

    seq: int = 0
    t: float = 0.0


# The supervisor's log, RUN/events.jsonl


class Phase(Event, frozen=True):
    """The run enters a phase. `detail` is a sentence for people; `refused` means bad input that only the engine could see."""

    phase: Literal["starting", "loading", "training", "finished", "failed", "stopped", "refused"]
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


class DeviceReady(Event, frozen=True):
    """What trains. `label` is for people: `cuda:0 NVIDIA H200` or `cpu`."""

    device: str
    label: str
    threads: int
    workers: int  # how many train at the same time


class Gone(Event, frozen=True):
    """A worker has ended. The supervisor says it, since a killed worker can't: `reason` is "" for a clean end."""

    arm: str
    reason: str = ""


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


class Finished(Event, frozen=True):
    """All replicas of the arm are trained."""

    seconds: float


class Failed(Event, frozen=True):
    """The arm can't go on. `reason` is one line; `detail` the whole text, if there is more."""

    kind: Literal["cost", "memory", "exception", "killed"]
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
    | Hello
    | Begin
    | Sample
    | Progress
    | Epoch
    | Finished
    | Failed
    | Stopped
)

_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_encoder = msgspec.json.Encoder()


def finite(value: float) -> float | None:
    """`value`, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None


def encode(event: Event) -> bytes:
    """The event's line, with the checksum and the newline."""
    body = _encoder.encode(event)[:-1]
    return b'%b%b%08x"}\n' % (body, _CRC, zlib.crc32(body))


def decode(line: bytes) -> AnyEvent:
    """The event of a whole line, with or without its newline. Raises ValueError for a damaged or unknown one."""
    line = line.removesuffix(b"\n")
    body, mark, rest = line.rpartition(_CRC)
    if not mark or rest != b'%08x"}' % zlib.crc32(body):
        raise ValueError("the checksum does not match")
    try:
        return _decoder.decode(body + b"}")
    except msgspec.ValidationError as error:
        raise ValueError(f"no event of this version: {error}") from None
