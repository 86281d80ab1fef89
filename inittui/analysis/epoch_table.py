"""The table of epochs: one row per arm, seed and epoch. Data frames, CSV and Parquet files hold it."""

from inittui.board.state import Board

# Columns with their pandas types. Costs are mean cross-entropies in nats per example, accuracies shares of 1, seconds those
# of training in that epoch. A cost that was not finite is missing.
COLUMNS = {
    "run": "str",
    "arm": "str",
    "scheme": "str",
    "changes": "str",  # keys of the preset that the arm changes
    "status": "str",
    "seed": "int64",
    "epoch": "int64",  # 1 is the first
    "train_cost": "float64",
    "test_cost": "float64",
    "test_accuracy": "float64",
    "seconds": "float64",
}


def rows(board: Board) -> list[tuple[str | int | float | None, ...]]:
    """The rows, with values in the order of COLUMNS, by arm, then seed, then epoch."""
    return [
        (
            board.run,
            arm.name,
            arm.scheme,
            "; ".join(arm.changes),
            arm.state,
            replica.seed,
            point.epoch,
            point.train_cost,
            point.test_cost,
            point.test_accuracy,
            point.seconds,
        )
        for arm in board.arms
        for replica in arm.replicas
        for point in replica.points
    ]
