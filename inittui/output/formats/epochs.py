"""The table of epochs as CSV (unrounded, an empty cell where a value is missing) and as Parquet, with typed columns."""

from inittui.output.registry import FileFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.output.results import Results


def _csv(results: "Results") -> bytes:
    import csv
    import io

    from inittui.analysis import epoch_table

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(epoch_table.COLUMNS)
    writer.writerows(epoch_table.rows(results.board))
    return text.getvalue().encode()


def _parquet(results: "Results") -> bytes:
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


FORMATS = (
    FileFormat(".csv", "one row per arm, seed and epoch", _csv),
    FileFormat(".parquet", "one row per arm, seed and epoch", _parquet, module="pyarrow", extra="parquet"),
)
