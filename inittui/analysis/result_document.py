"""Makes the result document from a board, and reads it back from a run's directory."""

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import asdict

from inittui.analysis import comparisons
from inittui.analysis.statistics import mean_estimate
from inittui.board.follower import Follower
from inittui.board.state import ArmBoard, Board, ReplicaBoard
from inittui.common.errors import RunError
from inittui.experiment.chance import stuck_below
from inittui.experiment.preset import Arm
from inittui.record.result_schema import (
    ArmResult,
    ChanceCount,
    DatasetInfo,
    InitInfo,
    ModelComparison,
    ReplicaResult,
    ResultDocument,
    SweepAxis,
    SweepInfo,
)
from inittui.record.run_directory import FORMAT, RunDir


def read(run: RunDir) -> tuple[ResultDocument, bool]:
    """The result document of a run, and whether it is final. Without a result.json, because the run still trains or its
    supervisor was killed, the document is made from the logs. Raises RunError if the run can't be read."""
    stored = run.result()
    if stored is not None:
        return stored, True
    return of_board(Follower(run, run.liveness).poll()), False


def read_with_board(run: RunDir) -> tuple[Board, ResultDocument]:
    """The run's board and its result document, with the same arms. Raises RunError, also if result.json belongs to another
    run."""
    board = Follower(run, run.liveness).poll()
    document, _ = read(run)
    if [arm.name for arm in document.arms] != [arm.name for arm in board.arms]:
        raise RunError(f"run '{run.name}': result.json belongs to another run: it has other arms")
    return board, document


def of_board(board: Board) -> ResultDocument:
    """The document that the board already has, or one of what it shows so far."""
    return board.result or document(board, seconds=board.t)


def document(board: Board, *, seconds: float, models: Sequence[ModelComparison] = ()) -> ResultDocument:
    """The result of the run on `board`. `seconds` is the wall time of the whole run; `models` are the counts of every two
    trained models of one seed, from the engine (`comparisons.of_models`)."""
    data, axes = board.data, board.preset.sweep
    arm_results = arms(board)
    compared = comparisons.compared(arm_results, chance=_chance(board), target=_target(board), block=board.preset.block)
    return ResultDocument(
        format=FORMAT,
        run=board.run,
        title=board.preset.title,
        status=board.phase,
        reason=board.detail if board.phase == "failed" else "",
        data=DatasetInfo(data.name, data.title, data.train, data.test, data.note)
        if data
        else DatasetInfo(board.preset.data.name, board.preset.data.name, 0, 0, ""),
        device=board.device.label if board.device else "",
        threads=board.device.threads if board.device else 0,
        seconds=round(seconds, 3),
        resumed=board.resumed.note if board.resumed else "",
        arms=arm_results,
        **asdict(compared),
        models=comparisons.of_models(models),
        sweep=SweepInfo(
            tuple(row.name for row in board.preset.rows),
            tuple(SweepAxis(axis.key, axis.words, tuple(axis.labels)) for axis in axes),
        )
        if axes
        else UNSET,
    )


def _chance(board: Board) -> float:
    """The accuracy of guessing; 0 while the classes are unknown."""
    return 1 / len(board.data.classes) if board.data and board.data.classes else 0.0


def _target(board: Board) -> float | None:
    return comparisons.target_cost(board.preset.training.target_cost, len(board.data.classes) if board.data else 0)


def arms(board: Board, *, interval: bool = True) -> tuple[ArmResult, ...]:
    """The arms of the document as they are now. Without `interval` scipy is not imported: a screen can't wait for it."""
    below, target = stuck_below(_chance(board)), _target(board)
    pairs = zip(board.arms, board.preset.arms, strict=True)
    return tuple(_arm(arm, of_preset, below, target, interval=interval) for arm, of_preset in pairs)


def _arm(arm: ArmBoard, of_preset: Arm, below: float, target: float | None, *, interval: bool) -> ArmResult:
    accuracies = [replica.points[-1].test_accuracy for replica in arm.replicas if replica.points]
    others = [accuracy for accuracy in accuracies if accuracy >= below]
    return ArmResult(
        name=of_preset.name,
        init=InitInfo(of_preset.init.name, of_preset.init.parameters),
        precision=of_preset.training.precision,
        changes=arm.changes,
        status=arm.state,
        reason=arm.reason,
        parameters=arm.parameters,
        epochs=arm.epochs,
        replicas=tuple(_replica(arm, replica, below, target) for replica in arm.replicas),
        test_accuracy=mean_estimate(accuracies, interval=interval) if accuracies else None,
        failures=ChanceCount(
            at_chance=len(accuracies) - len(others),
            n=len(accuracies),
            others=mean_estimate(others, interval=False) if others else None,
        ),
    )


def _replica(arm: ArmBoard, replica: ReplicaBoard, below: float, target: float | None) -> ReplicaResult:
    last = replica.points[-1] if replica.points else None
    examples = len(replica.points) * arm.steps * arm.batch_size
    costs = tuple(point.train_cost for point in replica.points)
    return ReplicaResult(
        seed=replica.seed,
        train_cost=costs,
        epochs_to_cost=comparisons.epochs_to(costs, target),
        at_chance=last.test_accuracy < below if last else None,
        given_up=replica.given_up or None,
        test_cost=last.test_cost if last else None,
        test_accuracy=last.test_accuracy if last else None,
        test_accuracies=tuple(point.test_accuracy for point in replica.points),
        seconds=round(replica.trained, 3),
        samples_per_second=round(examples / replica.trained, 1) if replica.trained else None,
    )
