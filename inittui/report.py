"""The accuracy table, from a result document: text, Markdown, CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from inittui.errors import printable
from inittui.schemes import scheme

COLUMNS = ("scheme", "seed", "final cost", "test cost", "test accuracy", "seconds", "images/s")


def rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row an arm, in words: means and deviations where there are several seeds; the best is marked with `*`."""
    accuracies = [arm["test_accuracy"] for arm in document["arms"] if arm["status"] == "finished"]
    best = max((accuracy["mean"] for accuracy in accuracies if accuracy), default=None)
    return [_row(arm, best) for arm in document["arms"]]


def _row(arm: Mapping[str, Any], best: float | None) -> tuple[str, ...]:
    replicas = arm["replicas"]
    seeds = str(replicas[0]["seed"]) if len(replicas) == 1 else f"{len(replicas)} seeds"
    accuracy = arm["test_accuracy"]
    if arm["status"] != "finished":
        so_far = f"{100 * accuracy['mean']:.2f} % " if accuracy else ""
        shown = f"{so_far}({arm['status']})" if so_far else arm["status"]
    elif not accuracy:  # its log is damaged
        shown = "-"
    else:
        shown = f"{100 * accuracy['mean']:.2f} %"
        if accuracy["std"] is not None:
            shown += f" ± {100 * accuracy['std']:.2f}"
        shown += " *" if accuracy["mean"] == best else "  "
    return (
        arm["name"],
        seeds if replicas else "-",
        _mean([replica["train_cost"][-1] if replica["train_cost"] else None for replica in replicas], ".4f"),
        _mean([replica["test_cost"] for replica in replicas], ".4f"),
        shown,
        _mean([replica["seconds"] for replica in replicas], ".1f", total=True),
        _mean([replica["samples_per_second"] for replica in replicas], ",.0f"),
    )


def _mean(values: Sequence[float | None], form: str, *, total: bool = False) -> str:
    finite = [value for value in values if value is not None]
    if not finite or len(finite) < len(values):
        return "-"
    mean = sum(value / (1 if total else len(finite)) for value in finite)  # divided first: a sum may overflow
    return format(mean, form if abs(mean) < 1e9 else ".2e")


def sentences(document: Mapping[str, Any]) -> list[str]:
    """What a table is worth: notes first, then the verdicts."""
    return notes(document) + verdicts(document)


def notes(document: Mapping[str, Any]) -> list[str]:
    """What has to be known before believing a figure: other data than asked for, arms and runs that failed."""
    found = [f"Data: {document['data']['note']}."] if document["data"]["note"] else []
    found += [f"{arm['name']} {arm['status']}: {arm['reason']}." for arm in document["arms"] if arm["reason"]]
    if document.get("reason"):
        found.append(f"The run failed: {document['reason']}.")
    return found


def verdicts(document: Mapping[str, Any]) -> list[str]:
    """A sentence a comparison; with one seed a single one for all, since more would only repeat what it proves."""
    comparisons = document["comparisons"]
    learning = [row for row in comparisons if row["n"] == 1 and not _is_stuck(row)]
    if len(learning) < 2:
        tested = sum(row["p"] is not None and not _is_stuck(row) for row in comparisons)
        told = [_sentence(row["verdict"]) for row in comparisons]
        if tested > 1:
            told.append(f"All against {comparisons[0]['a']}; {tested} p-values, not corrected for their number.")
        return told
    names = {learning[0]["a"], *(row["b"] for row in learning)}
    ranked = sorted(
        ((arm["test_accuracy"]["mean"], arm["name"]) for arm in document["arms"] if arm["name"] in names), reverse=True
    )
    (first, best), (second, runner_up), (last, worst) = ranked[0], ranked[1], ranked[-1]
    summary = (
        f"{best} comes out highest, {100 * (first - second):.2f} points ahead of {runner_up} and "
        f"{100 * (first - last):.2f} ahead of {worst}, on one seed, which proves nothing: add --seeds 10."
    )
    return [summary, *(_sentence(row["verdict"]) for row in comparisons if row not in learning)]


def _is_stuck(row: Mapping[str, Any]) -> bool:
    return "stays at chance" in row["verdict"] or "stay at chance" in row["verdict"]


def _sentence(words: str) -> str:
    # An arm's name keeps its case: only the verdicts that begin with a word of ours are capitalised.
    ours = words.startswith(("no ", "indicative", "not ", "neither "))
    return (words[0].upper() + words[1:] if ours else words) + "."


def heading(document: Mapping[str, Any]) -> str:
    data = document["data"]
    return (
        f"{document['run']}: {data['title']}, {data['train']:,} training and {data['test']:,} test images, "
        f"{document['device']}, {document['seconds']:.1f} s"
    )


def text(document: Mapping[str, Any]) -> str:
    """A plain table, aligned, with its heading and sentences."""
    table = rows(document)
    widths = [max(len(row[i]) for row in [COLUMNS, *table]) for i in range(len(COLUMNS))]
    lines = [heading(document), ""]
    for row in [COLUMNS, tuple("-" * width for width in widths), *table]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    if any(row[4].endswith("*") for row in table):
        lines.append("* the highest")
    # What is read from files is made printable: no escape sequence in them reaches the terminal.
    return "\n".join(printable(line) for line in [*lines, "", *sentences(document)]) + "\n"


def markdown(document: Mapping[str, Any]) -> str:
    """A table for a README or a pull request."""
    lines = [f"**{_escaped(heading(document))}**", "", "| " + " | ".join(COLUMNS) + " |"]
    lines.append("|---|" + "---:|" * (len(COLUMNS) - 1))
    for row in rows(document):
        cells = [_escaped(cell.strip()) for cell in row]
        if cells[4].endswith("\\*"):
            cells[4] = f"**{cells[4].removesuffix(chr(92) + '*').strip()}**"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"- {_escaped(sentence)}" for sentence in sentences(document))]) + "\n"


def _escaped(cell: str) -> str:
    for char in "\\|*_`":
        cell = cell.replace(char, "\\" + char)
    return cell


def comma_separated(document: Mapping[str, Any]) -> str:
    """One row an arm and seed, numbers unrounded, for a spreadsheet or pandas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["run", "arm", "init", "changes", "status", "seed", "epochs", "train_cost", "test_cost", "test_accuracy", "seconds",
         "samples_per_second"]
    )  # fmt: skip
    for arm in document["arms"]:
        if not arm["replicas"]:  # it failed before it began: a row that says so, without figures
            writer.writerow([*_head(document, arm), *[""] * 7])
        for replica in arm["replicas"]:
            final = replica["train_cost"][-1] if replica["train_cost"] else None
            writer.writerow(
                [*_head(document, arm), replica["seed"],
                 len(replica["train_cost"]), final, replica["test_cost"], replica["test_accuracy"],
                 replica["seconds"], replica["samples_per_second"]]
            )  # fmt: skip
    return out.getvalue()


def _head(document: Mapping[str, Any], arm: Mapping[str, Any]) -> list[str]:
    """What an arm is: a spreadsheet has to tell `he_normal` from `he_normal` with tanh."""
    init = scheme(arm["init"]["name"]).label(arm["init"]["parameters"])
    return [document["run"], arm["name"], init, "; ".join(arm["changes"]), arm["status"]]
