"""A swept run as a matrix: a row a scheme (with what else is swept), a column a value of one swept key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, prod


@dataclass(frozen=True)
class Matrix:
    """`places` [row][column] are the arms' places, in the order of the run; `column` names what the columns are.
    `row_numbers` and `column_numbers` are where they stand in the whole matrix, which they keep wherever they are put."""

    column: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    row_numbers: tuple[int, ...]
    column_numbers: tuple[int, ...]

    def of(self, rows: Sequence[int], columns: Sequence[int]) -> "Matrix":
        """These rows and columns alone, in this order."""
        return Matrix(
            self.column,
            tuple(self.columns[one] for one in columns),
            tuple(self.rows[one] for one in rows),
            tuple(tuple(self.places[row][one] for one in columns) for row in rows),
            tuple(self.row_numbers[one] for one in rows),
            tuple(self.column_numbers[one] for one in columns),
        )


def matrix(rows: Sequence[str], axes: Sequence[tuple[str, Sequence[str]]], across: int = 0) -> Matrix | None:
    """Of a sweep of `rows` over `axes`, words and labels each, with axis `across` as columns. Without axes: None."""
    if not axes or not rows:
        return None
    across %= len(axes)
    sizes = [len(labels) for _, labels in axes]
    others = [place for place in range(len(axes)) if place != across]
    names, places = [], []
    for number, name in enumerate(rows):
        for at in product(*(range(sizes[place]) for place in others)):
            told = [f"{axes[place][0]} {axes[place][1][value]}" for place, value in zip(others, at, strict=True)]
            names.append(", ".join([name, *told]))
            row = []
            for value in range(sizes[across]):
                index = dict(zip(others, at, strict=True)) | {across: value}
                place = 0
                for axis, size in enumerate(sizes):
                    place = place * size + index[axis]
                row.append(number * prod(sizes) + place)
            places.append(tuple(row))
    words, labels = axes[across]
    return Matrix(
        words, tuple(labels), tuple(names), tuple(places), tuple(range(len(names))), tuple(range(sizes[across]))
    )


def only(found: Matrix, words: str, states: Callable[[int], str], known: Sequence[str]) -> Matrix:
    """The rows that `words` mean: of each word the rows with it in their name, or with an arm in that state where it is one
    of the `known`; of `KEY=VALUE,VALUE` the columns with these values, where KEY is what the columns are."""
    rows, columns = list(range(len(found.rows))), list(range(len(found.columns)))
    for word in words.casefold().split():
        key, given, values = word.partition("=")
        if given and key == found.column.casefold():
            meant = values.split(",")
            columns = [one for one in columns if found.columns[one].casefold() in meant]
        elif word in known:
            rows = [row for row in rows if any(states(place) == word for place in found.places[row])]
        else:
            rows = [row for row in rows if word in found.rows[row].casefold()]
    return found.of(rows, columns)


def best_first(found: Matrix, value: Callable[[int], float | None], column: int | None = None) -> Matrix:
    """The rows by the mean of their arms' values, the highest first, or by the value in the column of this number. Rows of
    the same value, and behind them those without any, stay in the run's order."""
    at = found.column_numbers.index(column) if column in found.column_numbers else None

    def rank(row: int) -> float:
        places = found.places[row] if at is None else (found.places[row][at],)
        known = [one for one in map(value, places) if one is not None]
        return -sum(known) / len(known) if known else inf

    columns = range(len(found.columns))
    return found.of(sorted(range(len(found.rows)), key=rank), columns)
