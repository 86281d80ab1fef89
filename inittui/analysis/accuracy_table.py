"""The accuracy table of a result document as cells of text, and the grid of a sweep. `output.tables` renders them."""

from collections.abc import Sequence

from inittui.analysis.sweep_grid import SweepGrid, sweep_grid
from inittui.common import formatting
from inittui.record.result_schema import ArmResult, ReplicaResult, ResultDocument

COLUMNS = ("scheme", "seed", "final cost", "test cost", "test accuracy", "95 % interval", "seconds", "images/s")
SCHEME, SEED, COST, TEST_COST, ACCURACY, INTERVAL, SECONDS, SPEED = range(len(COLUMNS))
# The columns that a narrow table drops, in this order.
SPARED = (SECONDS, SPEED, TEST_COST, SEED, COST, INTERVAL)


def rows(arms: Sequence[ArmResult], *, each_seed: bool = False) -> list[tuple[str, ...]]:
    """One row per arm: means, and with several seeds standard deviations and intervals. `*` marks the best accuracy.
    With `each_seed` one row per seed follows, without the arm's name."""
    best = max((arm.test_accuracy.mean for arm in arms if arm.status == "finished" and arm.test_accuracy), default=None)
    table = []
    for arm in arms:
        replicas = arm.replicas
        seeds = str(replicas[0].seed) if len(replicas) == 1 else f"{len(replicas)} seeds" if replicas else "-"
        interval = arm.test_accuracy.ci95 if arm.test_accuracy and arm.status == "finished" else None
        ends = " to ".join(f"{100 * end:.2f}" for end in interval) if interval else ""
        table.append(_row(arm.name, seeds, replicas, _accuracy(arm, best), ends))
        if each_seed and len(replicas) > 1:
            table += [_row("", str(replica.seed), [replica], _of_seed(replica), "") for replica in replicas]
    return table


def columns(table: Sequence[Sequence[str]]) -> list[int]:
    """The numbers of the columns that are not empty: an interval needs several seeds."""
    return [i for i in range(len(COLUMNS)) if i != INTERVAL or any(row[i] for row in table)]


def _row(name: str, seeds: str, replicas: Sequence[ReplicaResult], accuracy: str, interval: str) -> tuple[str, ...]:
    return (
        name,
        seeds,
        _mean([replica.train_cost[-1] if replica.train_cost else None for replica in replicas], ".4f"),
        _mean([replica.test_cost for replica in replicas], ".4f"),
        accuracy,
        interval,
        _mean([replica.seconds for replica in replicas], ".1f", total=True),
        _mean([replica.samples_per_second for replica in replicas], ",.0f"),
    )


def _accuracy(arm: ArmResult, best: float | None) -> str:
    accuracy = arm.test_accuracy
    if arm.status != "finished":
        return f"{formatting.percent(accuracy.mean)} ({arm.status})" if accuracy else arm.status
    if not accuracy:  # its log is damaged
        return "-"
    deviation = f" ± {100 * accuracy.std:.2f}" if accuracy.std is not None else ""
    stopped = " (stopped)" if any(replica.given_up for replica in arm.replicas) else ""
    return f"{formatting.percent(accuracy.mean)}{deviation}{stopped}{' *' if accuracy.mean == best else '  '}"


def _of_seed(replica: ReplicaResult) -> str:
    if replica.test_accuracy is None:
        return "-"
    return f"{formatting.percent(replica.test_accuracy)}{' (chance)' if replica.at_chance else ''}  "


def _mean(values: Sequence[float | None], form: str, *, total: bool = False) -> str:
    finite = [value for value in values if value is not None]
    if not finite or len(finite) < len(values):
        return "-"
    mean = sum(value / (1 if total else len(finite)) for value in finite)  # divided first: a sum may overflow
    return format(mean, form if abs(mean) < 1e9 else ".2e")


def heading(document: ResultDocument) -> str:
    """One line: the run, its data set, the device and the seconds."""
    data = document.data
    return (
        f"{document.run}: {data.title}, {data.train:,} training and {formatting.count(data.test, 'test image')}, "
        f"{document.device}, {document.seconds:.1f} s"
    )


def grid_of(document: ResultDocument) -> SweepGrid | None:
    """The grid of a sweep. None without a sweep, and if the document has other arms than the sweep says."""
    if not document.sweep:
        return None
    grid = sweep_grid(document.sweep.rows, [(axis.words, axis.values) for axis in document.sweep.axes])
    return None if grid is None or max(map(max, grid.arms)) >= len(document.arms) else grid


def sweep_rows(document: ResultDocument) -> list[tuple[str, ...]]:
    """The grid of a sweep, headings first: accuracies in percent, marked `chance` if at chance. Empty without a sweep."""
    grid = grid_of(document)
    if grid is None:
        return []
    return [
        (f"accuracy, % by {grid.column}", *grid.columns),
        *(
            (name, *(_cell(document.arms[index]) for index in indices))
            for name, indices in zip(grid.rows, grid.arms, strict=True)
        ),
    ]


def _cell(arm: ArmResult) -> str:
    accuracy, failures = arm.test_accuracy, arm.failures
    if not accuracy or arm.status != "finished":  # its last test is not its result
        return arm.status
    stuck = " chance" if failures and failures.n and failures.at_chance == failures.n else ""
    return f"{100 * accuracy.mean:.2f}{stuck}"
