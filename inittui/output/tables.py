"""A result document as text: the accuracy table as plain text, Markdown and CSV, and the document itself as JSON."""

import csv
import io
from collections.abc import Sequence
from textwrap import wrap

import msgspec

from inittui.analysis.accuracy_table import ACCURACY, COLUMNS, SPARED, columns, heading, rows, sweep_rows
from inittui.analysis.sentences import sentences
from inittui.record.result_schema import ResultDocument
from inittui.schemes.spec import Init

CSV_COLUMNS = (
    "run", "arm", "init", "changes", "status", "seed", "epochs", "train_cost", "test_cost", "test_accuracy", "seconds",
    "samples_per_second", "first_epoch_cost", "epochs_to_cost", "at_chance",
)  # fmt: skip


def text(document: ResultDocument, *, each_seed: bool = False, width: int | None = None) -> str:
    """An aligned table with heading and sentences. A `width` wraps the sentences, and drops columns if the table is wider;
    a line names them."""
    table = [COLUMNS, *rows(document.arms, each_seed=each_seed)]
    widths = _widths(table)
    shown, dropped = columns(table[1:]), []
    for column in SPARED:
        if width is None or sum(widths[i] + 2 for i in shown) - 2 <= width:
            break
        if column in shown:
            shown.remove(column)
            dropped.append(COLUMNS[column])
    table.insert(1, tuple("-" * size for size in widths))
    lines = [*_wrapped(heading(document), width), "", *_aligned([[row[i] for i in shown] for row in table])]
    if any(row[ACCURACY].endswith("*") for row in table):
        lines.append("* the highest")
    if grid := sweep_rows(document):
        lines += ["", *_aligned(grid)]
    if dropped:
        lines.append(f"No room for: {', '.join(dropped)}. --format md has every column.")
    words = [line for sentence in sentences(document) for line in _wrapped(sentence, width)]
    return "\n".join([*lines, "", *words]) + "\n"


def _wrapped(words: str, width: int | None) -> list[str]:
    return wrap(words, width) if width else [words]


def _widths(table: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    first, *others = _widths(table)
    return ["  ".join([row[0].ljust(first), *map(str.rjust, row[1:], others)]).rstrip() for row in table]


def markdown(document: ResultDocument, *, each_seed: bool = False) -> str:
    """A table for a README or a pull request."""
    table = rows(document.arms, each_seed=each_seed)
    shown = columns(table)
    body = []
    for row in table:
        cells = {i: _escaped(row[i].strip()) for i in shown}
        if row[ACCURACY].endswith("*"):
            cells[ACCURACY] = f"**{_escaped(row[ACCURACY].removesuffix('*').strip())}**"
        body.append(list(cells.values()))
    lines = [f"**{_escaped(heading(document))}**", "", *_piped([[COLUMNS[i] for i in shown], *body])]
    if grid := sweep_rows(document):
        lines += ["", *_piped([list(map(_escaped, row)) for row in grid])]
    return "\n".join([*lines, "", *(f"- {_escaped(sentence)}" for sentence in sentences(document))]) + "\n"


def _piped(table: Sequence[Sequence[str]]) -> list[str]:
    head, *body = (f"| {' | '.join(row)} |" for row in table)
    return [head, "|---|" + "---:|" * (len(table[0]) - 1), *body]


def _escaped(cell: str) -> str:
    for char in "\\|*_`":
        cell = cell.replace(char, "\\" + char)
    return cell


def comma_separated(document: ResultDocument) -> str:
    """One row per arm and seed, numbers unrounded, for a spreadsheet or pandas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for arm in document.arms:
        # A spreadsheet must distinguish `he_normal` from `he_normal` with tanh.
        init = Init(arm.init.name, arm.init.parameters).label
        head = [document.run, arm.name, init, "; ".join(arm.changes), arm.status]
        if not arm.replicas:  # it failed before it began: a row without figures
            writer.writerow([*head, *[""] * (len(CSV_COLUMNS) - len(head))])
        for replica in arm.replicas:
            costs = replica.train_cost
            writer.writerow(
                [*head, replica.seed, len(costs), costs[-1] if costs else None, replica.test_cost, replica.test_accuracy,
                 replica.seconds, replica.samples_per_second, costs[0] if costs else None, replica.epochs_to_cost,
                 replica.at_chance]
            )  # fmt: skip
    return out.getvalue()


def as_json(document: ResultDocument, **more: object) -> str:
    """The document as indented JSON, followed by the members `more`."""
    return msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(document) | more), indent=2).decode() + "\n"
