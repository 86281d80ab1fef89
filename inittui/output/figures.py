"""Figures for a paper: the cost by epoch, the accuracy of each arm, and the accuracy over the values of a sweep.

They are safe for colour-blind readers and readable in grey: lines and markers distinguish arms without colour.
"""

import io
import math
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from inittui.analysis.accuracy_table import grid_of, heading
from inittui.board.curves import band_of, mean_of
from inittui.board.state import ArmBoard, Board
from inittui.common.errors import RunError
from inittui.output.results import Results
from inittui.record.result_schema import ResultDocument

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colours of Okabe and Ito without yellow, which white paper swallows; neighbours differ in lightness too.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#CC79A7", "#009E73", "#56B4E9", "#D55E00")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D", "v", "X", "P")  # the dashboard begins with the same ones
INSIDE = 6  # lines of the longest legend that is drawn inside the axes
SHORT = 20  # letters of the longest name in it
MOST_TICKS = 12  # on the axis of the swept values
WIDE, HIGH = 3.4, 2.6  # inches per panel: the width of a paper's column
STYLE: Any = {  # for matplotlib, whose type for the keys is a hundred lines long
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.4,
    "grid.color": "#D9D9D9",
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "legend.frameon": False,
    "svg.hashsalt": "inittui",  # the same run gives the same file
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,
}


def draw(results: Results, form: str) -> bytes:
    """The figures that `results.figure` names, as svg, png (300 dots per inch) or pdf. For a swept run `both`
    means the figure of the sweep. Raises RunError if no epoch has ended, and for `sweep` if nothing was swept."""
    board, document, which = results.board, results.document, results.figure
    if not any(replica.points for arm in board.arms for replica in arm.replicas):
        raise RunError(f"run '{board.run}' has no finished epoch, so there is no curve to draw")
    import matplotlib
    from matplotlib.figure import Figure

    grid = grid_of(document)
    if which == "sweep" and grid is None:
        raise RunError(f"run '{board.run}' has swept nothing: --figure cost, accuracy or both draw what it has")
    # The other figures have one line or row per arm, which is too many in a sweep.
    both = ["sweep"] if grid else ["cost", "accuracy"]
    drawn = both if which == "both" else [which]
    lines = len(grid.rows) if grid and drawn == ["sweep"] else sum(_name(arm).count("\n") + 1 for arm in board.arms)
    higher = max(0, lines - 6) * 0.18
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE * len(drawn), HIGH + higher), layout="constrained")
        for panel, axes in zip(drawn, figure.subplots(1, len(drawn), squeeze=False)[0], strict=True):
            PANELS[panel](axes, board, document)
        out = io.BytesIO()
        # Without a date the same run gives the same file.
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[form]
        figure.savefig(out, format=form, dpi=300, metadata={"Title": heading(document), **dates})
    return out.getvalue()


def look(index: int) -> dict[str, str]:
    """Colour, line and marker of the arm with this index; the pair of line and marker differs among 28 arms."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": LINES[index % len(LINES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def _cost(axes: "Axes", board: Board, _: ResultDocument) -> None:
    """The mean training cost per epoch, and the band from the lowest to the highest seed."""
    from matplotlib.ticker import MaxNLocator

    several = any(len(arm.replicas) > 1 for arm in board.arms)
    lowest = math.inf
    for index, arm in enumerate(board.arms):
        costs = arm.by_epoch("train_cost")
        means = [math.nan if (mean := mean_of(values)) is None else mean for values in costs]
        epochs = range(1, len(means) + 1)
        band = list(map(band_of, costs))
        axes.plot(epochs, means, label=_name(arm), markevery=max(1, len(means) // 8), **look(index))  # type: ignore[arg-type]
        if len(arm.replicas) > 1:
            low, high = ([math.nan if end[i] is None else end[i] for end in band] for i in (0, 1))
            axes.fill_between(epochs, low, high, color=look(index)["color"], alpha=0.15, linewidth=0)  # type: ignore[arg-type]
        lowest = min([lowest, *(end for end, _ in band if end is not None)])
    if 0 < lowest < math.inf:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # no half epochs
    axes.set_xlabel("epoch")
    axes.set_ylabel("training cost, mean of seeds" if several else "training cost")
    if several:
        axes.set_title("band: lowest to highest seed", fontsize="small", loc="left")
    axes.grid(axis="y")
    _legend(axes, [arm.name for arm in board.arms])


def _sweep(axes: "Axes", _: Board, document: ResultDocument) -> None:
    """The final test accuracy over the values of the first swept key, one line per scheme, with the 95 % interval of the mean
    if there are several seeds. A hollow marker is an arm that stays at chance on every seed; a failed arm has no marker."""
    grid = grid_of(document)
    assert grid is not None  # `draw` has checked it
    several = stuck = False
    for index, (name, indices) in enumerate(zip(grid.rows, grid.arms, strict=True)):
        own, means = look(index), []
        for x, arm in enumerate(document.arms[i] for i in indices):
            summary = arm.test_accuracy if arm.status == "finished" else None
            means.append(100 * summary.mean if summary else math.nan)
            if summary and summary.ci95:
                several = True
                ends = [[means[x] - 100 * summary.ci95[0]], [100 * summary.ci95[1] - means[x]]]
                axes.errorbar(x, means[x], yerr=ends, capsize=2, linewidth=0.7, color=own["color"])
            if (failures := arm.failures) and 0 < failures.n == failures.at_chance and summary:
                stuck = True
                axes.plot([x], [means[x]], **own | {"linestyle": "none"}, markerfacecolor="white", zorder=3)  # type: ignore[arg-type]
        axes.plot(range(len(means)), means, label=_plain(name), **own)  # type: ignore[arg-type]
    ticks = range(0, len(grid.columns), math.ceil(len(grid.columns) / MOST_TICKS))
    axes.set_xticks(ticks, [_plain(grid.columns[x]) for x in ticks])
    axes.set_xlabel(_plain(grid.column))
    axes.set_ylabel("test accuracy, %, mean of seeds" if several else "test accuracy, %")
    axes.set_ylim(0, 102)
    notes = ["bars: 95 % interval of the mean"] * several + ["hollow: at chance"] * stuck
    axes.set_title("; ".join(notes), fontsize="small", loc="left")
    axes.grid(axis="y")
    _legend(axes, grid.rows)


def _legend(axes: "Axes", names: Sequence[str]) -> None:
    """Inside the axes if it is small, else beside them."""
    if len(names) <= INSIDE and max(map(len, names)) <= SHORT:
        axes.legend(fontsize="small")
    else:
        axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _accuracy(axes: "Axes", board: Board, document: ResultDocument) -> None:
    """The final test accuracy of each arm: the mean, its 95 % interval, and a small ring per seed."""
    names = []
    several = False
    for index, (arm, row) in enumerate(zip(board.arms, document.arms, strict=True)):
        unfinished = "" if row.status == "finished" else f" ({row.status})"
        names.append(_name(arm) + unfinished)
        summary, own = row.test_accuracy, look(index)
        if not summary:
            continue
        mean = 100 * summary.mean
        if summary.ci95:
            several = True
            low, high = (100 * end for end in summary.ci95)
            axes.errorbar(mean, index, xerr=[[mean - low], [high - mean]], capsize=3, color=own["color"])
        axes.plot(mean, index, marker=own["marker"], color=own["color"], linestyle="none", markersize=6)
        if len(row.replicas) > 1:
            ends = [100 * replica.test_accuracy for replica in row.replicas if replica.test_accuracy is not None]
            rings = {"marker": "o", "markersize": 2.5, "markerfacecolor": "none", "markeredgewidth": 0.5}
            axes.plot(ends, [index + 0.25] * len(ends), linestyle="none", color=own["color"], **rings)  # type: ignore[arg-type]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first arm on top
    axes.set_xlabel("test accuracy, %")
    if several:
        axes.set_title("mean and 95 % interval, one ring per seed", fontsize="small", loc="left")
    axes.grid(axis="x")


def _name(arm: ArmBoard) -> str:
    """For matplotlib, which reads dollar signs as mathematics and omits names with a leading underscore from a legend."""
    return _plain(fill(arm.name, 28))


def _plain(name: str) -> str:
    name = name.replace("$", r"\$")
    return f" {name}" if name.startswith("_") else name


PANELS: dict[str, Callable[["Axes", Board, ResultDocument], None]] = {
    "cost": _cost,
    "accuracy": _accuracy,
    "sweep": _sweep,
}
