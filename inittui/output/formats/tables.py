"""A result document as text: the accuracy table as plain text, Markdown and CSV, and the document itself as JSON."""

from inittui.output.registry import FileFormat, PrintedFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.output.results import Report, Results


def _table(report: "Report") -> str:
    from inittui.output import tables

    return tables.text(report.document, each_seed=report.each_seed, width=report.width)


def _markdown(report: "Report") -> str:
    from inittui.output import tables

    return tables.markdown(report.document, each_seed=report.each_seed)


def _csv(report: "Report") -> str:
    from inittui.output import tables

    return tables.comma_separated(report.document)


def _json(report: "Report") -> str:
    from inittui.output import tables

    return tables.as_json(report.document, **({} if report.confusion is None else {"confusion": report.confusion}))


def _markdown_file(results: "Results") -> bytes:
    from inittui.output import tables

    return tables.markdown(results.document).encode()


FORMATS = (
    PrintedFormat("table", _table),
    PrintedFormat("md", _markdown),
    PrintedFormat("csv", _csv),
    PrintedFormat("json", _json),
    FileFormat(".md", "the table", _markdown_file),
)
