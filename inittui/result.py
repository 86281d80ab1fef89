"""The result document: what result.json holds, and what every table is made from."""

from typing import Any

from msgspec import to_builtins

from inittui import stats
from inittui.board import ArmBoard, Board, Replica
from inittui.rundir import FORMAT


def document(board: Board, *, seconds: float) -> dict[str, Any]:
    """The result of the run on `board`. `seconds` is the wall time of the whole run."""
    complete = {arm.name: _accuracies(arm) for arm in board.arms if arm.state == "finished"}
    baseline = next(iter(complete), None)
    data = board.data
    chance = 1 / len(data.classes) if data and data.classes else 0.0
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
        "arms": arms(board),
        "comparisons": [
            stats.compare(baseline, name, complete[baseline], accuracies, chance=chance)
            for name, accuracies in complete.items()
            if baseline is not None and name != baseline
        ],
    }


def arms(board: Board, *, interval: bool = True) -> list[dict[str, Any]]:
    """The document's rows as they stand now. Without `interval` no scipy is imported: a screen can't wait for it."""
    return [
        _arm(arm, {"name": arm.name, "init": to_builtins(of_preset.init)}, interval=interval)
        for arm, of_preset in zip(board.arms, board.preset.arms, strict=True)
    ]


def _accuracies(arm: ArmBoard) -> dict[int, float]:
    return {replica.seed: replica.points[-1].test_accuracy for replica in arm.replicas if replica.points}


def _arm(arm: ArmBoard, head: dict[str, Any], *, interval: bool) -> dict[str, Any]:
    accuracies = list(_accuracies(arm).values())
    return head | {
        "changes": list(arm.changes),
        "status": arm.state,
        "reason": arm.reason,
        "parameters": arm.parameters,
        "epochs": arm.epochs,
        "replicas": [_replica(arm, replica) for replica in arm.replicas],
        "test_accuracy": stats.summary(accuracies, interval=interval) if accuracies else None,
    }


def _replica(arm: ArmBoard, replica: Replica) -> dict[str, Any]:
    last = replica.points[-1] if replica.points else None
    seconds = sum(point.seconds for point in replica.points)
    images = len(replica.points) * arm.steps * arm.batch_size
    return {
        "seed": replica.seed,
        "train_cost": [point.train_cost for point in replica.points],
        "test_cost": last.test_cost if last else None,
        "test_accuracy": last.test_accuracy if last else None,
        "test_accuracies": [point.test_accuracy for point in replica.points],
        "seconds": round(seconds, 3),
        "samples_per_second": round(images / seconds, 1) if seconds else None,
    }
