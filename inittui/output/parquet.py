"""The table of epochs as a Parquet file."""

import io

import pyarrow
import pyarrow.parquet

from inittui.analysis import epoch_table
from inittui.board.state import Board


def epochs(board: Board) -> bytes:
    """The file's content: `longtable.rows` with the column types of `longtable.COLUMNS`."""
    types = {"str": pyarrow.string(), "int64": pyarrow.int64(), "float64": pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in epoch_table.COLUMNS.items()])
    rows = [dict(zip(epoch_table.COLUMNS, row, strict=True)) for row in epoch_table.rows(board)]
    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), content)
    return content.getvalue()
