"""The board: the state of a run that every viewer shows. Nothing here reads a clock or a file."""

from msgspec import Struct, field

from inittui.board.curves import Curve, Curves, Point, values_of
from inittui.board.history import History
from inittui.board.thinned_series import Thinned
from inittui.common import formatting
from inittui.experiment.preset import Preset
from inittui.record import events
from inittui.record.events import ENDED
from inittui.record.result_schema import ResultDocument
from inittui.record.run_directory import arm_folders


class ReplicaBoard(Struct, frozen=True):
    """One training of an arm, from one seed. `points` has every epoch, unthinned: results are made from it."""

    seed: int
    points: History[Point] = field(default_factory=History)
    trained: float = 0.0  # seconds, over the points
    epoch: int = 0  # the present one; 0 before the first report
    step: int = 0
    running: Thinned = field(default_factory=Thinned)  # costs reported in the present epoch
    rate: float = 0.0  # examples per second
    sample: tuple[tuple[int, float], ...] = ()
    given_up: int = 0  # the epoch after which training ended at chance; 0 if it did not

    @property
    def steps_since(self) -> int:
        """Steps of the present epoch."""
        return self.step if not self.points or self.epoch > self.points[-1].epoch else 0


class ArmBoard(Struct, frozen=True):
    """One arm. `state` is waiting, starting, training, paused, finished, failed, stopped or interrupted; `reason` says why it
    failed, and `failure` is the kind of failure."""

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
    failure: str = ""
    detail: str = ""
    pid: int | None = None
    heard: float = 0.0  # the time of its worker's last event; earlier events of the supervisor no longer apply
    steps: int = 0
    batch_size: int = 0
    parameters: int = 0
    replicas: tuple[ReplicaBoard, ...] = ()
    settled: Curves = field(default_factory=Curves)
    probes: tuple[events.Probe, ...] = ()  # of the first replica, by epoch
    began: float | None = None  # when training began or last resumed, in seconds since the run began
    done_before: float = 0.0  # its progress at `began`
    halted: float | None = None  # when it was paused
    idle: float = 0.0  # seconds of pauses since `began`
    ended: float | None = None
    saved: float | None = None  # when the newest checkpoint was on disk
    device_bytes: int = 0
    together: int = 0  # replicas that train at the same time, if not all fit on the device

    @property
    def resumable(self) -> bool:
        """Whether it can be trained further. A cost that was not finite would only come out again."""
        return self.state != "finished" and self.failure != "cost"

    @property
    def active(self) -> ReplicaBoard | None:
        """The replica whose cost is shown: the last one with reports in its present epoch, else the one with most epochs."""
        reporting = [replica for replica in self.replicas if replica.running]
        if reporting:
            return reporting[-1]
        furthest = max((replica.epoch for replica in self.replicas), default=0)
        return next((replica for replica in reversed(self.replicas) if replica.epoch == furthest), None)

    @property
    def epochs_done(self) -> int:
        """Epochs that every replica has finished."""
        return min((len(replica.points) for replica in self.replicas), default=0)

    @property
    def given_up(self) -> str:
        """`stopped at chance after 3 epochs`, with the number of seeds if there are several; "" if none was stopped."""
        after = [replica.given_up for replica in self.replicas if replica.given_up]
        if not after:
            return ""
        of = f"{len(after)} of {len(self.seeds)} seeds " if len(self.seeds) > 1 else ""
        return f"{of}stopped at chance after {formatting.count(after[0], 'epoch')}"

    @property
    def progress(self) -> float:
        """The share of the arm's steps that are done, 0 to 1."""
        if self.state == "finished":
            return 1.0
        if not self.steps or not self.replicas:
            return 0.0
        done = sum(
            self.epochs * self.steps if r.given_up else len(r.points) * self.steps + r.steps_since
            for r in self.replicas
        )
        return min(1.0, done / (self.steps * self.epochs * len(self.seeds)))

    def pace(self, now: float) -> float | None:
        """Seconds for the whole arm at the pace since it began or resumed; None while nothing is measured."""
        until = self.ended if self.ended is not None else self.halted if self.halted is not None else now
        share = self.progress - self.done_before
        return (until - self.began - self.idle) / share if self.began is not None and share > 0 else None

    @property
    def rate(self) -> float:
        """Examples per second over the last reports; over the whole training once it has ended."""
        if self.state in (*ENDED, "paused"):
            seconds = sum(replica.trained for replica in self.replicas)
            count = sum(len(replica.points) for replica in self.replicas)
            return count * self.steps * self.batch_size / seconds if seconds else 0.0
        return self.active.rate if self.active else 0.0

    def curve(self, figure: str) -> Curve:
        """A figure of `curves.FIGURES` per epoch, thinned if there are many epochs: what a screen draws."""
        return self.settled.whole(figure, [replica.points for replica in self.replicas])

    def by_epoch(self, figure: str) -> list[list[float | None]]:
        """A figure of `curves.FIGURES`, unthinned: per epoch the values of the replicas that have finished it."""
        points = [replica.points for replica in self.replicas]
        return [values_of(figure, points, index) for index in range(max(map(len, points), default=0))]


class Board(Struct, frozen=True):
    """A whole run."""

    run: str
    preset: Preset
    arms: tuple[ArmBoard, ...]
    phase: str = "starting"
    detail: str = ""
    data: events.DataReady | None = None
    download: events.Download | None = None
    device: events.DeviceReady | None = None
    sample: events.Sample | None = None
    resumed: events.Resumed | None = None  # the last one
    waiting_for: str = ""  # why events wait in memory: `disk full`
    t: float = 0.0  # of the newest event
    faults: tuple[str, ...] = ()  # damaged lines of the logs
    result: ResultDocument | None = None  # once there is one

    @property
    def ended(self) -> bool:
        return self.phase in ENDED

    @property
    def paused(self) -> bool:
        """Whether every arm that has not ended is paused."""
        states = {arm.state for arm in self.arms if arm.state not in ENDED}
        return not self.ended and states == {"paused"}


def begin(preset: Preset, run: str = "") -> Board:
    """The board before the first event."""
    arms = tuple(
        ArmBoard(
            name=arm.name,
            folder=folder,
            scheme=arm.init.label,
            formula=arm.init.formula,
            bias=arm.init.bias,
            epochs=arm.training.epochs,
            seeds=arm.training.seeds,
            changes=arm.changes,
        )
        for arm, folder in zip(preset.arms, arm_folders(preset), strict=True)
    )
    return Board(run=run, preset=preset, arms=arms)


def remaining(board: Board, now: float) -> float | None:
    """Seconds until the run's end at the pace so far; None while nothing is measured, or all is paused. `now` is seconds
    since the run began."""
    if board.ended:
        return 0.0
    if board.paused:
        return None
    paces = [(arm, arm.pace(now)) for arm in board.arms]
    whole = [pace for arm, pace in paces if pace is not None and arm.state not in ("failed", "stopped")]
    if not whole:
        return None
    mean = sum(whole) / len(whole)  # for arms that wait for a worker
    under_way = [(arm, pace) for arm, pace in paces if arm.state not in ENDED]
    left = [mean if pace is None else max(0.0, pace * (1 - arm.progress)) for arm, pace in under_way]
    workers = board.device.workers if board.device else len(left)
    return max(max(left, default=0.0), sum(left) / max(1, min(workers, len(left))))
