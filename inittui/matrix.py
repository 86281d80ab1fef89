"""A swept run as a matrix: a row a scheme (with what else is swept), a column a value of one swept key."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod


@dataclass(frozen=True)
class Matrix:
    """`places` [row][column] are the arms' places, in the order of the run; `column` names what the columns are."""

    column: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]


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
    return Matrix(words, tuple(labels), tuple(names), tuple(places))
