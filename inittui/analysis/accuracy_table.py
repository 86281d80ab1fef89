"""The accuracy table, from a result document: text, Markdown, CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from inittui.analysis.sentences import sentences
from inittui.analysis.sweep_grid import Matrix, matrix
from inittui.common.errors import printable
from inittui.schemes.catalogue import scheme

COLUMNS = ("scheme", "seed", "final cost", "test cost", "test accuracy", "95 % interval", "seconds", "images/s")
SCHEME, SEED, COST, TEST_COST, ACCURACY, INTERVAL, SECONDS, SPEED = range(len(COLUMNS))
# The columns that a narrow table gives up, in this order.
SPARED = (SECONDS, SPEED, TEST_COST, SEED, COST, INTERVAL)


def rows(document: Mapping[str, Any], *, each_seed: bool = False) -> list[tuple[str, ...]]:
    """One row an arm, in words: means, deviations and intervals where there are several seeds; the best is marked with `*`.
    With `each_seed` the rows of an arm's seeds follow it, without its name."""
    accuracies = [arm["test_accuracy"] for arm in document["arms"] if arm["status"] == "finished"]
    best = max((accuracy["mean"] for accuracy in accuracies if accuracy), default=None)
    table = []
    for arm in document["arms"]:
        table.append(_row(arm, best))
        if each_seed and len(arm["replicas"]) > 1:
            table += [_seed(replica) for replica in arm["replicas"]]
    return table


def columns(table: Sequence[Sequence[str]]) -> list[int]:
    """The columns that have something to show, by number: an interval takes several seeds."""
    return [i for i in range(len(COLUMNS)) if i != INTERVAL or any(row[i] for row in table)]


def _row(arm: Mapping[str, Any], best: float | None) -> tuple[str, ...]:
    replicas = arm["replicas"]
    seeds = str(replicas[0]["seed"]) if len(replicas) == 1 else f"{len(replicas)} seeds"
    accuracy = arm["test_accuracy"]
    interval = ""
    if arm["status"] != "finished":
        so_far = f"{100 * accuracy['mean']:.2f} % " if accuracy else ""
        shown = f"{so_far}({arm['status']})" if so_far else arm["status"]
    elif not accuracy:  # its log is damaged
        shown = "-"
    else:
        shown = f"{100 * accuracy['mean']:.2f} %"
        if accuracy["std"] is not None:
            shown += f" ± {100 * accuracy['std']:.2f}"
        shown += " (stopped)" if any(replica.get("given_up") for replica in replicas) else ""
        shown += " *" if accuracy["mean"] == best else "  "
        if accuracy["ci95"]:
            interval = " to ".join(f"{100 * end:.2f}" for end in accuracy["ci95"])
    return (
        arm["name"],
        seeds if replicas else "-",
        _mean([_last(replica["train_cost"]) for replica in replicas], ".4f"),
        _mean([replica["test_cost"] for replica in replicas], ".4f"),
        shown,
        interval,
        _mean([replica["seconds"] for replica in replicas], ".1f", total=True),
        _mean([replica["samples_per_second"] for replica in replicas], ",.0f"),
    )


def _seed(replica: Mapping[str, Any]) -> tuple[str, ...]:
    accuracy = replica["test_accuracy"]
    shown = "-" if accuracy is None else f"{100 * accuracy:.2f} %{' (chance)' if replica.get('at_chance') else ''}  "
    return (
        "",
        str(replica["seed"]),
        _mean([_last(replica["train_cost"])], ".4f"),
        _mean([replica["test_cost"]], ".4f"),
        shown,
        "",
        _mean([replica["seconds"]], ".1f"),
        _mean([replica["samples_per_second"]], ",.0f"),
    )


def _last(costs: Sequence[float | None]) -> float | None:
    return costs[-1] if costs else None


def _mean(values: Sequence[float | None], form: str, *, total: bool = False) -> str:
    finite = [value for value in values if value is not None]
    if not finite or len(finite) < len(values):
        return "-"
    mean = sum(value / (1 if total else len(finite)) for value in finite)  # divided first: a sum may overflow
    return format(mean, form if abs(mean) < 1e9 else ".2e")


def heading(document: Mapping[str, Any]) -> str:
    data = document["data"]
    return (
        f"{document['run']}: {data['title']}, {data['train']:,} training and {data['test']:,} test images, "
        f"{document['device']}, {document['seconds']:.1f} s"
    )


def matrix_of(document: Mapping[str, Any]) -> Matrix | None:
    """Of a sweep. None where nothing was swept, and where the document has other arms than its sweep says."""
    sweep = document.get("sweep")
    found = matrix(sweep["rows"], [(axis["words"], axis["values"]) for axis in sweep["axes"]]) if sweep else None
    return None if found is None or max(map(max, found.places)) >= len(document["arms"]) else found


def swept(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The matrix of a sweep, its heads first: accuracies in percent, `chance` behind those at chance. Else nothing."""
    found = matrix_of(document)
    if found is None:
        return []
    heads = (f"accuracy, % by {found.column}", *found.columns)
    return [
        heads,
        *(
            (name, *(_cell(document["arms"][place]) for place in places))
            for name, places in zip(found.rows, found.places, strict=True)
        ),
    ]


def _cell(arm: Mapping[str, Any]) -> str:
    accuracy, failures = arm["test_accuracy"], arm.get("failures")
    if not accuracy or arm["status"] != "finished":  # what was tested last is no end
        return str(arm["status"])
    stuck = " chance" if failures and failures["n"] and failures["at_chance"] == failures["n"] else ""
    return f"{100 * accuracy['mean']:.2f}{stuck}"


def text(document: Mapping[str, Any], *, each_seed: bool = False, width: int | None = None) -> str:
    """A plain table, aligned, with its heading and sentences. With a `width` its words are broken at it, and where the
    table is wider it gives up columns, and says which."""
    table = rows(document, each_seed=each_seed)
    wide = [max(len(row[i]) for row in [COLUMNS, *table]) for i in range(len(COLUMNS))]
    shown, spared = columns(table), []
    for column in SPARED:
        if width is None or sum(wide[i] + 2 for i in shown) - 2 <= width:
            break
        if column in shown:
            shown.remove(column)
            spared.append(COLUMNS[column])
    lines = [*(wrap(heading(document), width) if width else [heading(document)]), ""]
    for row in [COLUMNS, tuple("-" * size for size in wide), *table]:
        cells = [row[0].ljust(wide[0]), *(row[i].rjust(wide[i]) for i in shown if i != SCHEME)]
        lines.append("  ".join(cells).rstrip())
    if any(row[ACCURACY].endswith("*") for row in table):
        lines.append("* the highest")
    if cells_ := swept(document):
        sizes = [max(len(row[i]) for row in cells_) for i in range(len(cells_[0]))]
        lines += [
            "",
            *(
                "  ".join(
                    [row[0].ljust(sizes[0]), *(one.rjust(size) for one, size in zip(row[1:], sizes[1:], strict=True))]
                )
                for row in cells_
            ),
        ]
    if spared:
        lines.append(f"No room for: {', '.join(spared)}. --format md has every column.")
    told = [line for words in sentences(document) for line in (wrap(words, width) if width else [words])]
    # What is read from files is made printable: no escape sequence in them reaches the terminal.
    return "\n".join(printable(line) for line in [*lines, "", *told]) + "\n"


def markdown(document: Mapping[str, Any], *, each_seed: bool = False) -> str:
    """A table for a README or a pull request."""
    table = rows(document, each_seed=each_seed)
    shown = columns(table)
    lines = [f"**{_escaped(heading(document))}**", "", "| " + " | ".join(COLUMNS[i] for i in shown) + " |"]
    lines.append("|---|" + "---:|" * (len(shown) - 1))
    for row in table:
        cells = {i: _escaped(row[i].strip()) for i in shown}
        if cells[ACCURACY].endswith("\\*"):
            cells[ACCURACY] = f"**{cells[ACCURACY].removesuffix(chr(92) + '*').strip()}**"
        lines.append("| " + " | ".join(cells.values()) + " |")
    if cells_ := swept(document):
        lines += ["", *("| " + " | ".join(map(_escaped, row)) + " |" for row in cells_)]
        lines.insert(len(lines) - len(cells_) + 1, "|---|" + "---:|" * (len(cells_[0]) - 1))
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
         "samples_per_second", "first_epoch_cost", "epochs_to_cost", "at_chance"]
    )  # fmt: skip
    for arm in document["arms"]:
        if not arm["replicas"]:  # it failed before it began: a row that says so, without figures
            writer.writerow([*_head(document, arm), *[""] * 10])
        for replica in arm["replicas"]:
            costs = replica["train_cost"]
            writer.writerow(
                [*_head(document, arm), replica["seed"],
                 len(costs), _last(costs), replica["test_cost"], replica["test_accuracy"],
                 replica["seconds"], replica["samples_per_second"],
                 costs[0] if costs else None, replica.get("epochs_to_cost"), replica.get("at_chance")]
            )  # fmt: skip
    return out.getvalue()


def _head(document: Mapping[str, Any], arm: Mapping[str, Any]) -> list[str]:
    """What an arm is: a spreadsheet has to tell `he_normal` from `he_normal` with tanh."""
    init = scheme(arm["init"]["name"]).label(arm["init"]["parameters"])
    return [document["run"], arm["name"], init, "; ".join(arm["changes"]), arm["status"]]
