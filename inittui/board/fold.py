"""How each event changes the board: fold(board, event) → board. It is pure, and takes as long in a long run as in a short
one.

Events of one log arrive in order, those of different logs may not. So an event of the supervisor about an arm applies only if
the arm's worker has logged nothing later: a killed worker and its successor are not confused.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from inittui.board.curves import Curves, Point
from inittui.board.history import History
from inittui.board.state import ArmBoard, Board, ReplicaBoard
from inittui.board.thinned_series import Thinned
from inittui.record import events
from inittui.record.events import ENDED

UNFINISHED = "ended with exit code 0, but its log has no end; own code may have called os._exit"


def fold(board: Board, event: events.Event, arm: int | None = None) -> Board:
    """The board after `event`. `arm` is the index of the arm whose log has it, or None for the supervisor's log."""
    t = max(board.t, event.t)
    if arm is not None:
        arms = (*board.arms[:arm], _fold_arm(board.arms[arm], event), *board.arms[arm + 1 :])
        return replace(board, t=t, arms=arms, sample=event if isinstance(event, events.Sample) else board.sample)
    board = replace(board, t=t)
    match event:
        case events.Phase():
            return _enter(board, event)
        case events.Download():
            return replace(board, download=event)
        case events.DataReady():
            return replace(board, data=event, download=None)
        case events.DeviceReady():
            return replace(board, device=event)
        case events.Gone():
            return _on_arms(board, event, (event.arm,), lambda arm: _gone(arm, event))
        case events.Asked():
            return _on_arms(board, event, (event.arm,) if event.arm else (), lambda arm: _asked(arm, event))
        case events.Resumed():
            board = replace(board, resumed=_all_resumes(board.resumed, event))
            return _on_arms(board, event, event.arms, _again) if event.arms else board
        case _:
            return board


def _all_resumes(before: events.Resumed | None, event: events.Resumed) -> events.Resumed:
    """`event`, or what it does to the result together with the resumes before: one that was not exact stays so."""
    if before is None or before.exact:
        return event
    notes = before.note if event.exact or event.note in before.note else f"{before.note}; {event.note}"
    return replace(event, exact=False, note=notes)


def _on_arms(
    board: Board, event: events.Event, folders: Sequence[str], change: Callable[[ArmBoard], ArmBoard]
) -> Board:
    """Apply `change` to the arms in `folders`, or to all if empty, except those whose worker logged something after
    `event`."""
    arms = tuple(
        change(arm) if (not folders or arm.folder in folders) and arm.heard <= event.t else arm for arm in board.arms
    )
    return replace(board, arms=arms)


def _enter(board: Board, event: events.Phase) -> Board:
    before, board = board, replace(board, phase=event.phase, detail=event.detail)
    if event.phase not in ENDED:
        return replace(board, result=None) if before.ended else board
    board = replace(board, download=None)
    if event.phase == "refused":  # its arms never existed
        return board
    return _on_arms(board, event, (), lambda arm: _unended(arm, event))


def _unended(arm: ArmBoard, event: events.Phase) -> ArmBoard:
    """An arm whose log does not say how it ended, when the run ends."""
    if arm.state in ENDED:
        return arm
    reason = "did not come to its end" if arm.replicas or arm.state == "starting" else "did not start"
    state = event.phase if event.phase in ("stopped", "interrupted") else "failed"
    return _end(arm, state, event.t, arm.reason or reason)


def _gone(arm: ArmBoard, event: events.Gone) -> ArmBoard:
    """An arm has finished when its log says so. An exit code says nothing: a user's own code may call os._exit(0)."""
    if arm.state in ENDED:
        return arm
    state, reason = "stopped" if event.stopped else "failed", event.reason or UNFINISHED
    return _end(arm, state, event.t, reason, detail=event.detail, failure="" if event.stopped else "killed")


def _asked(arm: ArmBoard, event: events.Asked) -> ArmBoard:
    """The effect of a request on an arm without a worker. A worker logs itself what it does."""
    match event.verb, arm.state:
        case "pause", "waiting":
            return replace(arm, state="paused")
        case "resume", "paused":
            return replace(arm, state="waiting")
        case "stop", "waiting" | "paused" if arm.pid is None:
            reason = "stopped before it went on" if arm.replicas else "stopped before it began"
            return _end(arm, "stopped", event.t, reason)
    return arm


def _again(arm: ArmBoard) -> ArmBoard:
    """An arm that had ended and will be trained further."""
    arm = replace(arm, state="waiting", reason="", failure="", detail="", ended=None)
    return replace(arm, began=None, halted=None, pid=None, together=0)


def _end(arm: ArmBoard, state: str, t: float, reason: str = "", *, detail: str = "", failure: str = "") -> ArmBoard:
    return replace(arm, state=state, reason=reason, detail=detail, failure=failure, ended=t)


def _fold_arm(arm: ArmBoard, event: events.Event) -> ArmBoard:
    arm = replace(arm, heard=max(arm.heard, event.t))
    match event:
        case events.Hello():
            return replace(_again(arm), state="starting", pid=event.pid)
        case events.Begin():
            return replace(
                arm,
                state="training",
                epochs=event.epochs,
                seeds=event.seeds,
                steps=event.steps,
                batch_size=event.batch_size,
                parameters=event.parameters,
                replicas=tuple(map(ReplicaBoard, event.seeds)),
                settled=Curves(),
                probes=(),
                began=event.t,
                done_before=0.0,
                idle=0.0,
            )
        case events.Restored():
            positions = {position.seed: position for position in event.places}
            first = positions.get(arm.seeds[0], events.Position(arm.seeds[0]))
            arm = replace(arm, probes=tuple(probe for probe in arm.probes if probe.epoch <= first.epochs))
            rewound = tuple(_rewind(r, positions.get(r.seed, events.Position(r.seed))) for r in arm.replicas)
            settled = Curves().grown([replica.points for replica in rewound])
            arm = replace(arm, state="training", replicas=rewound, settled=settled, began=event.t, idle=0.0)
            return replace(arm, done_before=arm.progress)
        case events.Probe():
            return replace(arm, probes=(*arm.probes, event))
        case events.Paused():
            return replace(arm, state="paused", halted=event.t)
        case events.Continued():
            idle = arm.idle + (event.t - arm.halted if arm.halted is not None else 0.0)
            return replace(arm, state="training", halted=None, idle=idle)
        case events.Saved():
            return replace(arm, saved=event.t)
        case events.Stacked():
            return replace(arm, together=event.together)
        case events.Progress():
            arm = replace(arm, device_bytes=event.device_bytes)
            return _with_replica(arm, event.seed, lambda replica: _report(replica, event))
        case events.Epoch():
            arm = _with_replica(arm, event.seed, lambda replica: _end_epoch(replica, event, arm.steps, arm.batch_size))
            return replace(arm, settled=arm.settled.grown([replica.points for replica in arm.replicas]))
        case events.AtChance():
            return _with_replica(arm, event.seed, lambda replica: replace(replica, given_up=event.epoch))
        case events.Finished():
            return _end(arm, "finished", event.t)
        case events.Failed():
            return _end(arm, "failed", event.t, event.reason, detail=event.detail, failure=event.kind)
        case events.Stopped():
            return _end(arm, "stopped", event.t, event.reason)
        case _:
            return arm


def _with_replica(arm: ArmBoard, seed: int, change: Callable[[ReplicaBoard], ReplicaBoard]) -> ArmBoard:
    return replace(arm, replicas=tuple(change(r) if r.seed == seed else r for r in arm.replicas))


def _end_epoch(replica: ReplicaBoard, event: events.Epoch, steps: int, batch_size: int) -> ReplicaBoard:
    point = Point(event.epoch, event.train_cost, event.test_cost, event.test_accuracy, event.seconds)
    return replace(
        replica,
        points=replica.points.plus(point),
        trained=replica.trained + event.seconds,
        epoch=event.epoch,
        step=steps,
        running=Thinned(),
        rate=steps * batch_size / event.seconds if event.seconds else replica.rate,
        sample=event.sample,
    )


def _rewind(replica: ReplicaBoard, position: events.Position) -> ReplicaBoard:
    """The replica as it was at `position`: what followed was lost, and happens again."""
    points = [point for point in replica.points if point.epoch <= position.epochs]
    # Reports have no step here: of those of the present epoch the position's share is kept.
    same = replica.epoch == position.epochs + 1 and replica.step > 0
    kept = replica.running.seen * position.step // replica.step if same and position.step <= replica.step else 0
    return replace(
        replica,
        points=History(points),
        trained=sum((point.seconds for point in points), 0.0),
        epoch=position.epochs + (position.step > 0),
        step=position.step,
        running=replica.running.upto(kept),
        given_up=0,
    )


def _report(replica: ReplicaBoard, event: events.Progress) -> ReplicaBoard:
    running = (replica.running if event.epoch == replica.epoch else Thinned()).plus(event.cost)
    return replace(replica, epoch=event.epoch, step=event.step, running=running, rate=event.samples_per_second)
