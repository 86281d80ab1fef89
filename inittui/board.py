"""The state that a viewer shows: a pure fold of events. Nothing here reads a clock or a file."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from inittui import events
from inittui.preset import Preset
from inittui.rundir import arm_folders
from inittui.schemes import scheme

RUNNING_KEPT = 256  # reports kept of the epoch under way; beyond that neighbours are averaged

ENDED = ("finished", "failed", "stopped", "refused")


class Point(Struct, frozen=True):
    """One epoch of one replica. Costs are None where they were not finite."""

    epoch: int
    train_cost: float | None
    test_cost: float | None
    test_accuracy: float
    seconds: float


class Replica(Struct, frozen=True):
    """One training of an arm from one seed."""

    seed: int
    points: tuple[Point, ...] = ()
    epoch: int = 0  # under way; 0 before the first report
    step: int = 0
    running: tuple[float | None, ...] = ()  # reports of the epoch under way
    rate: float = 0.0  # images a second
    sample: tuple[tuple[int, float], ...] = ()


class ArmBoard(Struct, frozen=True):
    """One arm. `state` is waiting, starting, training, finished, failed or stopped; `reason` says why it failed."""

    name: str
    folder: str
    scheme: str
    formula: str
    bias: str
    epochs: int
    seeds: tuple[int, ...]
    changes: tuple[str, ...] = ()
    state: str = "waiting"
    reason: str = ""
    detail: str = ""
    pid: int | None = None
    steps: int = 0
    batch_size: int = 0
    parameters: int = 0
    replicas: tuple[Replica, ...] = ()
    began: float | None = None  # seconds since the run began
    ended: float | None = None
    device_bytes: int = 0

    @property
    def active(self) -> Replica | None:
        """The replica that reported last, for the running cost: between two of them the one that has come furthest."""
        reporting = [replica for replica in self.replicas if replica.running]
        if reporting:
            return reporting[-1]
        furthest = max((replica.epoch for replica in self.replicas), default=0)
        return next((replica for replica in reversed(self.replicas) if replica.epoch == furthest), None)

    @property
    def epochs_done(self) -> int:
        """Epochs that every replica has behind it."""
        return min((len(replica.points) for replica in self.replicas), default=0)

    @property
    def progress(self) -> float:
        """The share of the arm's work that is done, 0 to 1."""
        if self.state == "finished":
            return 1.0
        if not self.steps or not self.replicas:
            return 0.0
        done = sum(len(r.points) * self.steps + (r.step if r.running else 0) for r in self.replicas)
        return min(1.0, done / (self.steps * self.epochs * len(self.seeds)))

    @property
    def rate(self) -> float:
        """Images a second over the last reports; over the whole training once that is over."""
        if self.state in ENDED:
            seconds = sum(point.seconds for replica in self.replicas for point in replica.points)
            count = sum(len(replica.points) for replica in self.replicas)
            return count * self.steps * self.batch_size / seconds if seconds else 0.0
        return self.active.rate if self.active else 0.0

    def mean(self, value: Callable[[Point], float | None]) -> tuple[float | None, ...]:
        """`value` per epoch, averaged over the replicas that have it; None where one of them was not finite."""
        longest = max((len(replica.points) for replica in self.replicas), default=0)
        means: list[float | None] = []
        for place in range(longest):
            values = [value(r.points[place]) for r in self.replicas if len(r.points) > place]
            finite = [v for v in values if v is not None]
            means.append(sum(finite) / len(finite) if len(finite) == len(values) else None)
        return tuple(means)


class Board(Struct, frozen=True):
    """A whole run as a viewer sees it."""

    run: str
    preset: Preset
    arms: tuple[ArmBoard, ...]
    phase: str = "starting"
    detail: str = ""
    data: events.DataReady | None = None
    download: events.Download | None = None
    device: events.DeviceReady | None = None
    sample: events.Sample | None = None
    t: float = 0.0  # of the newest event
    faults: tuple[str, ...] = ()  # damaged lines of the logs
    result: dict[str, Any] | None = None  # the result document, once there is one

    @property
    def ended(self) -> bool:
        return self.phase in ENDED


def begin(preset: Preset, run: str = "") -> Board:
    """The board before the first event."""
    arms = tuple(
        ArmBoard(
            name=arm.name,
            folder=folder,
            scheme=arm.init.label,
            formula=arm.init.formula,
            bias=scheme(arm.init.name).bias,
            epochs=arm.training.epochs,
            seeds=arm.training.seeds,
            changes=arm.changes,
        )
        for arm, folder in zip(preset.arms, arm_folders(preset), strict=True)
    )
    return Board(run=run, preset=preset, arms=arms)


def fold(board: Board, event: events.AnyEvent, arm: int | None = None) -> Board:
    """The board after `event`. `arm` is the place of the arm whose log it comes from, None for the supervisor's."""
    board = replace(board, t=max(board.t, event.t))
    if arm is not None:
        if isinstance(event, events.Sample):
            board = replace(board, sample=event)
        return _with_arm(board, arm, _fold_arm(board.arms[arm], event))
    match event:
        case events.Phase():
            board = replace(board, phase=event.phase, detail=event.detail)
            if event.phase in ENDED:
                board = replace(board, download=None)
            if event.phase in ENDED and event.phase != "refused":  # a refused run has no arms to speak of
                arms = tuple(_unended(one, event.phase) for one in board.arms)
                board = replace(board, arms=arms)
            return board
        case events.Download():
            return replace(board, download=event)
        case events.DataReady():
            return replace(board, data=event, download=None)
        case events.DeviceReady():
            return replace(board, device=event)
        case events.Gone():
            place = next((i for i, one in enumerate(board.arms) if one.folder == event.arm), None)
            if place is None or not event.reason or board.arms[place].state in ENDED:
                return board
            gone = replace(board.arms[place], state="failed", reason=event.reason, ended=event.t)
            return _with_arm(board, place, gone)
        case _:
            return board


def _unended(arm: ArmBoard, phase: str) -> ArmBoard:
    """An arm that never said how it ended, when the run is over."""
    if arm.state in ENDED:
        return arm
    reason = "did not start" if arm.state == "waiting" else "did not come to its end"
    return replace(arm, state="stopped" if phase == "stopped" else "failed", reason=arm.reason or reason)


def _with_arm(board: Board, place: int, arm: ArmBoard) -> Board:
    return replace(board, arms=(*board.arms[:place], arm, *board.arms[place + 1 :]))


def _fold_arm(arm: ArmBoard, event: events.AnyEvent) -> ArmBoard:
    match event:
        case events.Hello():
            return replace(arm, state="starting", pid=event.pid)
        case events.Begin():
            return replace(
                arm,
                state="training",
                epochs=event.epochs,
                seeds=event.seeds,
                steps=event.steps,
                batch_size=event.batch_size,
                parameters=event.parameters,
                replicas=tuple(Replica(seed=seed) for seed in event.seeds),
                began=event.t,
            )
        case events.Progress():
            arm = replace(arm, device_bytes=event.device_bytes)
            return _with_replica(arm, event.seed, lambda replica: _report(replica, event))
        case events.Epoch():
            point = Point(event.epoch, event.train_cost, event.test_cost, event.test_accuracy, event.seconds)
            return _with_replica(
                arm,
                event.seed,
                lambda replica: replace(
                    replica,
                    points=(*replica.points, point),
                    epoch=event.epoch,
                    step=arm.steps,
                    running=(),
                    rate=arm.steps * arm.batch_size / event.seconds if event.seconds else replica.rate,
                    sample=event.sample,
                ),
            )
        case events.Finished():
            return replace(arm, state="finished", ended=event.t)
        case events.Failed():
            return replace(arm, state="failed", reason=event.reason, detail=event.detail, ended=event.t)
        case events.Stopped():
            return replace(arm, state="stopped", reason=event.reason, ended=event.t)
        case _:
            return arm


def _with_replica(arm: ArmBoard, seed: int, change: Callable[[Replica], Replica]) -> ArmBoard:
    return replace(arm, replicas=tuple(change(r) if r.seed == seed else r for r in arm.replicas))


def _report(replica: Replica, event: events.Progress) -> Replica:
    running = (*replica.running, event.cost) if event.epoch == replica.epoch else (event.cost,)
    if len(running) > RUNNING_KEPT:
        running = tuple(_pair_mean(*running[i : i + 2]) for i in range(0, len(running), 2))
    return replace(replica, epoch=event.epoch, step=event.step, running=running, rate=event.samples_per_second)


def _pair_mean(first: float | None, second: float | None = None) -> float | None:
    if first is None or second is None:
        return first if second is None else second
    return (first + second) / 2


def remaining(board: Board, now: float) -> float | None:
    """Seconds until the run's end, at the pace so far; None while nothing has been measured. `now` is on `t`'s clock."""
    if board.ended:
        return 0.0
    left: list[float] = []
    whole: list[float] = []
    waiting = 0
    for arm in board.arms:
        if arm.state in ENDED:
            if arm.began is not None and arm.ended is not None and arm.state == "finished":
                whole.append(arm.ended - arm.began)
        elif arm.began is not None and arm.progress > 0:
            duration = (now - arm.began) / arm.progress
            whole.append(duration)
            left.append(max(0.0, duration * (1 - arm.progress)))
        else:
            waiting += 1
    if not whole:
        return None
    left += [sum(whole) / len(whole)] * waiting
    workers = board.device.workers if board.device else len(left)
    return max(max(left, default=0.0), sum(left) / max(1, min(workers, len(left) or 1)))
