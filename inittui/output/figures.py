"""Figures for a paper: the cost per epoch, and the accuracy of each arm. Safe for colour-blind eyes, and readable in grey:
line and marker tell arms apart without colour."""

import io
import math
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from inittui.analysis.accuracy_table import grid_of, heading
from inittui.board.state import ArmBoard, Board
from inittui.common.errors import RunError
from inittui.record.result_schema import ResultDocument

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's, without their yellow, which is lost on white; neighbours differ in lightness too.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#CC79A7", "#009E73", "#56B4E9", "#D55E00")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D", "v", "X", "P")  # as the dashboard begins them
INSIDE = 6  # lines of a legend for which there is room beside the curves
SHORT = 20  # letters of their names
MOST_TICKS = 12  # on the axis of the swept values
WIDE, HIGH = 3.4, 2.6  # inches of a panel: a column of a paper
STYLE: Any = {  # of matplotlib; its own type of the keys is a hundred lines long
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
    "svg.fonttype": "none",  # words stay words
    "pdf.fonttype": 42,
}


def draw(board: Board, document: ResultDocument, which: str, form: str) -> bytes:
    """`which` is cost, accuracy, sweep, or both of the first two, which of a swept run means sweep. `form` is svg, png (300
    dots an inch) or pdf. Raises RunError for a run without an epoch behind it, and for a sweep where nothing was swept."""
    if not any(replica.points for arm in board.arms for replica in arm.replicas):
        raise RunError(f"run '{board.run}' has no epoch behind it: there is nothing to draw")
    import matplotlib
    from matplotlib.figure import Figure

    panels = {"cost": _cost, "accuracy": _accuracy, "sweep": _sweep}
    found = grid_of(document)
    if which == "sweep" and found is None:
        raise RunError(f"run '{board.run}' has swept nothing: --figure cost, accuracy or both draw what it has")
    # A sweep is there for the curve over its values; a line or a row an arm would be a thicket.
    both = [_sweep] if found else [_cost, _accuracy]
    drawn = both if which == "both" else [panels[which]]
    lines = len(found.rows) if found and drawn == [_sweep] else sum(_name(arm).count("\n") + 1 for arm in board.arms)
    higher = max(0, lines - 6) * 0.18
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE * len(drawn), HIGH + higher), layout="constrained")
        for panel, axes in zip(drawn, figure.subplots(1, len(drawn), squeeze=False)[0], strict=True):
            panel(axes, board, document)
        out = io.BytesIO()
        # No date in it, or the same run would never give the same file.
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[form]
        figure.savefig(out, format=form, dpi=300, metadata={"Title": heading(document), **dates})
    return out.getvalue()


def look(place: int) -> dict[str, str]:
    """Colour, line and marker of the arm at `place`; line and marker together differ among 28 arms."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": LINES[place % len(LINES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def _cost(axes: "Axes", board: Board, _: ResultDocument) -> None:
    """The mean training cost per epoch, and the band from the lowest to the highest seed."""
    from matplotlib.ticker import MaxNLocator

    several = False
    lowest = math.inf
    for place, arm in enumerate(board.arms):
        means = [math.nan if value is None else value for value in arm.mean(lambda point: point.train_cost)]
        epochs = range(1, len(means) + 1)
        band = arm.band(lambda point: point.train_cost)
        axes.plot(epochs, means, label=_name(arm), markevery=max(1, len(means) // 8), **look(place))  # type: ignore[arg-type]
        if len(arm.replicas) > 1:
            several = True
            low, high = ([math.nan if end[i] is None else end[i] for end in band] for i in (0, 1))
            axes.fill_between(epochs, low, high, color=look(place)["color"], alpha=0.15, linewidth=0)  # type: ignore[arg-type]
        lowest = min([lowest, *(end for end, _ in band if end is not None)])
    if 0 < lowest < math.inf:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no half an epoch
    axes.set_xlabel("epoch")
    axes.set_ylabel("training cost, mean of seeds" if several else "training cost")
    if several:
        axes.set_title("band: lowest to highest seed", fontsize="small", loc="left")
    axes.grid(axis="y")
    _legend(axes, [arm.name for arm in board.arms])


def _sweep(axes: "Axes", _: Board, document: ResultDocument) -> None:
    """The final test accuracy over the values of the first swept key, a line a scheme; with several seeds the 95 % interval
    of its mean. A hollow marker is an arm of which every seed stays at chance; what failed has none."""
    found = grid_of(document)
    assert found is not None  # as `draw` has seen
    several = stuck = False
    for place, (name, places) in enumerate(zip(found.rows, found.places, strict=True)):
        own, means = look(place), []
        for x, arm in enumerate(document.arms[at] for at in places):
            summary = arm.test_accuracy if arm.status == "finished" else None
            means.append(100 * summary.mean if summary else math.nan)
            if summary and summary.ci95:
                several = True
                ends = [[means[x] - 100 * summary.ci95[0]], [100 * summary.ci95[1] - means[x]]]
                axes.errorbar(x, means[x], yerr=ends, capsize=2, linewidth=0.7, color=own["color"])
            if (failures := arm.failures) and 0 < failures.n == failures.at_chance and summary:
                stuck = True
                at = [x], [means[x]]
                axes.plot(
                    *at, linestyle="none", marker=own["marker"], color=own["color"], markerfacecolor="white", zorder=3
                )
        axes.plot(range(len(means)), means, label=_plain(name), **own)  # type: ignore[arg-type]
    axes.set_xticks(range(len(found.columns)), [_plain(value) for value in found.columns])
    if len(found.columns) > MOST_TICKS:
        axes.set_xticks(range(0, len(found.columns), -(-len(found.columns) // MOST_TICKS)))
    axes.set_xlabel(_plain(found.column))
    axes.set_ylabel("test accuracy, %, mean of seeds" if several else "test accuracy, %")
    axes.set_ylim(0, 102)
    notes = ["bars: 95 % interval of the mean"] * several + ["hollow: at chance"] * stuck
    axes.set_title("; ".join(notes), fontsize="small", loc="left")
    axes.grid(axis="y")
    _legend(axes, found.rows)


def _legend(axes: "Axes", names: Sequence[str]) -> None:
    """In the panel where there is room for it, else beside it."""
    if len(names) <= INSIDE and max(map(len, names)) <= SHORT:
        axes.legend(fontsize="small")
    else:
        axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _accuracy(axes: "Axes", board: Board, document: ResultDocument) -> None:
    """The final test accuracy of each arm: its mean, the 95 % interval of it, a small ring a seed."""
    names = []
    several = False
    for place, (arm, row) in enumerate(zip(board.arms, document.arms, strict=True)):
        unfinished = "" if row.status == "finished" else f" ({row.status})"
        names.append(_name(arm) + unfinished)
        summary, own = row.test_accuracy, look(place)
        if not summary:
            continue
        mean = 100 * summary.mean
        if summary.ci95:
            several = True
            low, high = (100 * end for end in summary.ci95)
            axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], capsize=3, color=own["color"])
        axes.plot(mean, place, marker=own["marker"], color=own["color"], linestyle="none", markersize=6)
        if len(row.replicas) > 1:
            ends = [100 * one.test_accuracy for one in row.replicas if one.test_accuracy is not None]
            rings = {"marker": "o", "markersize": 2.5, "markerfacecolor": "none", "markeredgewidth": 0.5}
            axes.plot(ends, [place + 0.25] * len(ends), linestyle="none", color=own["color"], **rings)  # type: ignore[arg-type]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first arm on top
    axes.set_xlabel("test accuracy, %")
    if several:
        axes.set_title("mean and 95 % interval, a ring a seed", fontsize="small", loc="left")
    axes.grid(axis="x")


def _name(arm: ArmBoard) -> str:
    """For matplotlib, which takes dollars for mathematics, and leaves out of a legend what begins with an underscore."""
    return _plain(fill(arm.name, 28))


def _plain(name: str) -> str:
    name = name.replace("$", r"\$")
    return f" {name}" if name.startswith("_") else name
