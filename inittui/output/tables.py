"""A result document as text: the accuracy table as plain text, Markdown and CSV, and the document itself as JSON."""

import csv
import io
from textwrap import wrap

import msgspec

from inittui.analysis.accuracy_table import (
    ACCURACY,
    COLUMNS,
    SCHEME,
    SPARED,
    columns,
    heading,
    rows,
    sweep_rows,
)
from inittui.analysis.sentences import sentences
from inittui.common.errors import printable
from inittui.record.result_schema import ArmResult, ResultDocument
from inittui.schemes.catalogue import scheme

CSV_COLUMNS = (
    "run", "arm", "init", "changes", "status", "seed", "epochs", "train_cost", "test_cost", "test_accuracy", "seconds",
    "samples_per_second", "first_epoch_cost", "epochs_to_cost", "at_chance",
)  # fmt: skip


def text(document: ResultDocument, *, each_seed: bool = False, width: int | None = None) -> str:
    """An aligned table with heading and sentences. A `width` wraps the sentences, and drops columns if the table is wider;
    a line names them."""
    table = rows(document.arms, each_seed=each_seed)
    widths = [max(len(row[i]) for row in [COLUMNS, *table]) for i in range(len(COLUMNS))]
    shown, dropped = columns(table), []
    for column in SPARED:
        if width is None or sum(widths[i] + 2 for i in shown) - 2 <= width:
            break
        if column in shown:
            shown.remove(column)
            dropped.append(COLUMNS[column])
    lines = [*(wrap(heading(document), width) if width else [heading(document)]), ""]
    for row in [COLUMNS, tuple("-" * size for size in widths), *table]:
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in shown if i != SCHEME)]
        lines.append("  ".join(cells).rstrip())
    if any(row[ACCURACY].endswith("*") for row in table):
        lines.append("* the highest")
    if grid := sweep_rows(document):
        lines += ["", *_aligned(grid)]
    if dropped:
        lines.append(f"No room for: {', '.join(dropped)}. --format md has every column.")
    words = [line for words in sentences(document) for line in (wrap(words, width) if width else [words])]
    # No escape sequence that a file holds reaches the terminal.
    return "\n".join(printable(line) for line in [*lines, "", *words]) + "\n"


def _aligned(grid: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in grid) for i in range(len(grid[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(size) for cell, size in zip(row[1:], widths[1:], strict=True))]
        )
        for row in grid
    ]


def markdown(document: ResultDocument, *, each_seed: bool = False) -> str:
    """A table for a README or a pull request."""
    table = rows(document.arms, each_seed=each_seed)
    shown = columns(table)
    lines = [f"**{_escaped(heading(document))}**", "", "| " + " | ".join(COLUMNS[i] for i in shown) + " |"]
    lines.append("|---|" + "---:|" * (len(shown) - 1))
    for row in table:
        cells = {i: _escaped(row[i].strip()) for i in shown}
        if cells[ACCURACY].endswith("\\*"):
            cells[ACCURACY] = f"**{cells[ACCURACY].removesuffix(chr(92) + '*').strip()}**"
        lines.append("| " + " | ".join(cells.values()) + " |")
    if grid := sweep_rows(document):
        head, *body = ("| " + " | ".join(map(_escaped, row)) + " |" for row in grid)
        lines += ["", head, "|---|" + "---:|" * (len(grid[0]) - 1), *body]
    return "\n".join([*lines, "", *(f"- {_escaped(sentence)}" for sentence in sentences(document))]) + "\n"


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
        head = _arm_cells(document, arm)
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


def _arm_cells(document: ResultDocument, arm: ArmResult) -> list[str]:
    """What identifies the arm: a spreadsheet must distinguish `he_normal` from `he_normal` with tanh."""
    init = scheme(arm.init.name).label(arm.init.parameters)
    return [document.run, arm.name, init, "; ".join(arm.changes), arm.status]


def as_json(document: ResultDocument, **more: object) -> str:
    """The document as indented JSON, followed by the members `more`."""
    return msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(document) | more), indent=2).decode() + "\n"
