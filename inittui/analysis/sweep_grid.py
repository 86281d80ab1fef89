"""A swept run as a grid: one column per value of one swept key, one row per scheme and values of the other keys."""

from collections.abc import Callable, Sequence
from itertools import product
from math import inf

from msgspec import Struct


class SweepGrid(Struct, frozen=True):
    """`arms` [row][column] are indices of the run's arms; `column` names the swept key of the columns. `row_numbers` and
    `column_numbers` are positions in the whole grid, which filtering and sorting keep."""

    column: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    arms: tuple[tuple[int, ...], ...]
    row_numbers: tuple[int, ...]
    column_numbers: tuple[int, ...]

    def of(self, rows: Sequence[int], columns: Sequence[int]) -> "SweepGrid":
        """Only these rows and columns, in this order."""
        return SweepGrid(
            self.column,
            tuple(self.columns[column] for column in columns),
            tuple(self.rows[row] for row in rows),
            tuple(tuple(self.arms[row][column] for column in columns) for row in rows),
            tuple(self.row_numbers[row] for row in rows),
            tuple(self.column_numbers[column] for column in columns),
        )


def sweep_grid(rows: Sequence[str], axes: Sequence[tuple[str, Sequence[str]]], across: int = 0) -> SweepGrid | None:
    """The grid of a sweep of `rows` over `axes`, each a name with its values, with axis `across` as columns. None without
    axes. The run has the arms by row, then by the values of the axes, the last axis fastest."""
    if not axes or not rows:
        return None
    across %= len(axes)
    (column, labels), others = axes[across], [*axes[:across], *axes[across + 1 :]]
    sizes = [range(len(values)) for _, values in axes]
    number = {indices: arm for arm, indices in enumerate(product(range(len(rows)), *sizes))}
    names, arms = [], []
    for row, *rest in product(range(len(rows)), *(range(len(values)) for _, values in others)):
        words = [f"{name} {values[value]}" for (name, values), value in zip(others, rest, strict=True)]
        names.append(", ".join([rows[row], *words]))
        arms.append(tuple(number[row, *rest[:across], value, *rest[across:]] for value in sizes[across]))
    return SweepGrid(column, tuple(labels), tuple(names), tuple(arms), tuple(range(len(names))), tuple(sizes[across]))


def matching(grid: SweepGrid, words: str, state: Callable[[int], str], known: Sequence[str]) -> SweepGrid:
    """The rows and columns that match every word. A word is a part of a row's name; or one of the `known` states, for the
    rows with an arm in that state; or `KEY=VALUE,VALUE`, for the columns with these values if KEY is the columns' key."""
    rows, columns = list(range(len(grid.rows))), list(range(len(grid.columns)))
    for word in words.casefold().split():
        key, given, values = word.partition("=")
        if given and key == grid.column.casefold():
            columns = [column for column in columns if grid.columns[column].casefold() in values.split(",")]
        elif word in known:
            rows = [row for row in rows if any(state(arm) == word for arm in grid.arms[row])]
        else:
            rows = [row for row in rows if word in grid.rows[row].casefold()]
    return grid.of(rows, columns)


def best_first(grid: SweepGrid, value: Callable[[int], float | None], column: int | None = None) -> SweepGrid:
    """The rows by the mean value of their arms, the highest first, or by the value in the column with this number. Rows with
    equal values, and after them the rows without a value, stay in the run's order."""
    index = grid.column_numbers.index(column) if column in grid.column_numbers else None

    def rank(row: int) -> float:
        arms = grid.arms[row] if index is None else (grid.arms[row][index],)
        known = [of_arm for of_arm in map(value, arms) if of_arm is not None]
        return -sum(known) / len(known) if known else inf

    return grid.of(sorted(range(len(grid.rows)), key=rank), range(len(grid.columns)))
