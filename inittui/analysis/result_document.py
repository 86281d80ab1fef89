"""The result document: what result.json holds, and what every table is made from."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from inittui.analysis import comparisons, statistics
from inittui.board.state import ArmBoard, Board, ReplicaBoard
from inittui.experiment.chance import stuck_below
from inittui.experiment.preset import Arm
from inittui.record.run_directory import FORMAT


def document(board: Board, *, seconds: float, duels: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The result of the run on `board`. `seconds` is the wall time of the whole run; `duels` are the counts of every two
    trained models of one seed, from the engine (`comparisons.of_models`)."""
    data = board.data
    found = arms(board)
    return {
        "format": FORMAT,
        "run": board.run,
        "title": board.preset.title,
        "status": board.phase,
        "reason": board.detail if board.phase == "failed" else "",
        "data": {
            "name": data.name if data else board.preset.data.name,
            "title": data.title if data else board.preset.data.name,
            "train": data.train if data else 0,
            "test": data.test if data else 0,
            "note": data.note if data else "",
        },
        "device": board.device.label if board.device else "",
        "threads": board.device.threads if board.device else 0,
        "seconds": round(seconds, 3),
        "resumed": board.resumed.note if board.resumed else "",
        "arms": found,
        **comparisons.compared(found, chance=_chance(board), target=_target(board), block=board.preset.block),
        "models": comparisons.of_models(duels),
        **_sweep(board),
    }


def _sweep(board: Board) -> dict[str, Any]:
    if not board.preset.sweep:
        return {}
    axes = [{"key": axis.key, "words": axis.words, "values": list(axis.labels)} for axis in board.preset.sweep]
    return {"sweep": {"rows": [row.name for row in board.preset.rows], "axes": axes}}


def _chance(board: Board) -> float:
    """The accuracy of guessing; 0 where the classes are not known yet."""
    return 1 / len(board.data.classes) if board.data and board.data.classes else 0.0


def _target(board: Board) -> float | None:
    return comparisons.target_cost(board.preset.training.target_cost, len(board.data.classes) if board.data else 0)


def arms(board: Board, *, interval: bool = True) -> list[dict[str, Any]]:
    """The document's rows as they stand now. Without `interval` no scipy is imported: a screen can't wait for it."""
    below, target = stuck_below(_chance(board)), _target(board)
    return [
        _arm(arm, _head(of_preset), below, target, interval=interval)
        for arm, of_preset in zip(board.arms, board.preset.arms, strict=True)
    ]


def _head(arm: Arm) -> dict[str, Any]:
    return {"name": arm.name, "init": to_builtins(arm.init), "precision": arm.training.precision}


def _arm(arm: ArmBoard, head: dict[str, Any], below: float, target: float | None, *, interval: bool) -> dict[str, Any]:
    accuracies = [replica.points[-1].test_accuracy for replica in arm.replicas if replica.points]
    others = [accuracy for accuracy in accuracies if accuracy >= below]
    return head | {
        "changes": list(arm.changes),
        "status": arm.state,
        "reason": arm.reason,
        "parameters": arm.parameters,
        "epochs": arm.epochs,
        "replicas": [_replica(arm, replica, below, target) for replica in arm.replicas],
        "test_accuracy": statistics.summary(accuracies, interval=interval) if accuracies else None,
        "failures": {
            "at_chance": len(accuracies) - len(others),
            "n": len(accuracies),
            "others": statistics.summary(others, interval=False) if others else None,
        },
    }


def _replica(arm: ArmBoard, replica: ReplicaBoard, below: float, target: float | None) -> dict[str, Any]:
    last = replica.points[-1] if replica.points else None
    seconds = replica.trained
    images = len(replica.points) * arm.steps * arm.batch_size
    costs = [point.train_cost for point in replica.points]
    return {
        "seed": replica.seed,
        "train_cost": costs,
        "epochs_to_cost": comparisons.epochs_to(costs, target),
        "at_chance": last.test_accuracy < below if last else None,
        "given_up": replica.given_up or None,
        "test_cost": last.test_cost if last else None,
        "test_accuracy": last.test_accuracy if last else None,
        "test_accuracies": [point.test_accuracy for point in replica.points],
        "seconds": round(seconds, 3),
        "samples_per_second": round(images / seconds, 1) if seconds else None,
    }
