"""The long table of a run: one row an arm, seed and epoch. What data frames, CSV and Parquet hold."""

import csv
import io
from typing import Any

from inittui.board.state import Board

# Column and pandas' type of it. Costs are mean cross-entropies in nats an image, accuracies shares of 1, seconds those of
# training in that epoch. A cost that was not finite is missing.
COLUMNS = {
    "run": "str",
    "arm": "str",
    "scheme": "str",
    "changes": "str",  # what the arm changes against the preset
    "status": "str",
    "seed": "int64",
    "epoch": "int64",  # 1 is the first
    "train_cost": "float64",
    "test_cost": "float64",
    "test_accuracy": "float64",
    "seconds": "float64",
}


def rows(board: Board) -> list[tuple[str | int | float | None, ...]]:
    """The table's rows in the order of COLUMNS: arm after arm, seed after seed."""
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


def comma_separated(board: Board) -> str:
    """The table as CSV with a header; what is missing is empty, numbers are unrounded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(board))
    return text.getvalue()


def frame(board: Board) -> Any:
    """The table as a pandas.DataFrame. pandas has to be installed."""
    import pandas

    return pandas.DataFrame.from_records(rows(board), columns=list(COLUMNS)).astype(COLUMNS)
