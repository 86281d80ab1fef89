"""The table of epochs as a Parquet file, with the column types of `epoch_table.COLUMNS`."""

from inittui.output.registry import FileFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.output.results import Results


def render(results: "Results") -> bytes:
    import io

    import pyarrow
    import pyarrow.parquet

    from inittui.analysis import epoch_table

    types = {"str": pyarrow.string(), "int64": pyarrow.int64(), "float64": pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in epoch_table.COLUMNS.items()])
    rows = [dict(zip(epoch_table.COLUMNS, row, strict=True)) for row in epoch_table.rows(results.board)]
    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), content)
    return content.getvalue()


FORMATS = (FileFormat(".parquet", "one row per arm, seed and epoch", render, module="pyarrow", extra="parquet"),)
