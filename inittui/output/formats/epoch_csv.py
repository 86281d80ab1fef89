"""The table of epochs as CSV: a header, unrounded numbers, an empty cell where a value is missing."""

from inittui.output.registry import FileFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.output.results import Results


def render(results: "Results") -> bytes:
    import csv
    import io

    from inittui.analysis import epoch_table

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(epoch_table.COLUMNS)
    writer.writerows(epoch_table.rows(results.board))
    return text.getvalue().encode()


FORMATS = (FileFormat(".csv", "one row per arm, seed and epoch", render),)
