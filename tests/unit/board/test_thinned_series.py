import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inittui.board.history import History
from inittui.board.thinned_series import BUCKETS, MOST, Thinned
from tests.helpers import steady

numbers = st.none() | st.floats()
# Long ones out of a few values: the same again and again, but for the places.
series = st.tuples(st.lists(numbers, max_size=50), st.integers(1, 60)).map(lambda drawn: drawn[0] * drawn[1])


def finite(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def same(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and math.isnan(one) and math.isnan(other))


# What keeps everything


@steady
@given(st.lists(st.integers(), max_size=20), st.lists(st.integers(), max_size=20))
def test_a_history_is_a_tuple_that_grows(first: list[int], more: list[int]) -> None:
    history = History(first)
    for item in more:
        history = history.plus(item)
    whole = (*first, *more)
    assert history == whole
    assert history == History(whole)
    assert (len(history), tuple(history), bool(history)) == (len(whole), whole, bool(whole))
    for place in range(-len(whole), len(whole)):
        assert history[place] == whole[place]
    for place in (len(whole), -len(whole) - 1):
        with pytest.raises(IndexError):
            history[place]


@steady
@given(st.lists(st.integers(), max_size=9), st.slices(9))
def test_a_slice_of_a_history_is_that_of_a_tuple(items: list[int], part: slice) -> None:
    longer = History(items).plus(1)  # shares its list
    assert History(items)[part] == tuple(items)[part]
    assert longer[part] == (*items, 1)[part]


@steady
@given(st.lists(st.tuples(st.integers(0, 30), st.integers()), max_size=30))
def test_versions_of_a_history_never_see_each_others_items(told: list[tuple[int, int]]) -> None:
    """A tree of versions: each is one before it, and one item more."""
    versions: list[tuple[History[int], tuple[int, ...]]] = [(History(), ())]
    for parent, item in told:
        history, items = versions[parent % len(versions)]
        versions.append((history.plus(item), (*items, item)))
    for history, items in versions:
        assert history == items


def test_a_history_is_equal_to_no_other_thing() -> None:
    assert History([1]) != [1]
    assert History([1]) != (1, 2)
    assert History([1]) != 1


# What is thinned


@steady
@given(series)
@example([1.0] * (4 * BUCKETS))
@example([float(i % 7) for i in range(4 * BUCKETS + 1)])
@example([None] * (2 * BUCKETS))
def test_a_thinned_history_keeps_lowest_highest_first_and_last_and_that_something_was_not_finite(
    values: list[float | None],
) -> None:
    thinned = Thinned.of(values)
    assert (thinned.seen, bool(thinned)) == (len(values), bool(values))
    assert len(thinned) == len(thinned.spots) <= MOST
    kept, real = finite(list(thinned)), finite(values)
    assert (min(kept, default=None), max(kept, default=None)) == (min(real, default=None), max(real, default=None))
    assert (thinned.low, thinned.high) == (min(real, default=None), max(real, default=None))
    assert (len(kept) < len(thinned)) == (len(real) < len(values))
    if values:
        assert thinned.spots[0][0] == 1
        assert thinned.spots[-1][0] == len(values)
    places = [place for place, _ in thinned.spots]
    assert all(later > earlier for earlier, later in pairwise(places))
    assert all(same(value, values[place - 1]) for place, value in thinned.spots)


@steady
@given(series)
def test_every_bucket_keeps_its_own_peaks(values: list[float | None]) -> None:
    thinned = Thinned.of(values)
    assert thinned.width == 1 or len(values) >= BUCKETS * thinned.width // 2
    for start in range(0, len(values), thinned.width):
        bucket = values[start : start + thinned.width]
        kept = [value for place, value in thinned.spots if start < place <= start + thinned.width]
        assert {min(finite(bucket), default=None), max(finite(bucket), default=None)} <= {*kept, None}
        assert bool(finite(bucket)) == bool(finite(kept))


@given(st.lists(numbers, max_size=BUCKETS - 1))
@steady
def test_a_short_history_is_kept_whole(values: list[float | None]) -> None:
    thinned = Thinned.of(values)
    assert [place for place, _ in thinned.spots] == list(range(1, len(values) + 1))
    assert all(same(a, b) for a, b in zip(thinned, values, strict=True))
    for count in range(0, len(values) + 2, 7):
        assert all(same(a, b) for a, b in zip(thinned.upto(count), values[:count], strict=True))


@steady
@given(series, st.integers(0, 3000))
def test_the_beginning_of_a_thinned_history_has_peaks_of_that_beginning_alone(
    values: list[float | None], count: int
) -> None:
    thinned = Thinned.of(values)
    part = thinned.upto(count)
    assert part.seen <= max(0, min(count, len(values)))
    assert part.seen > min(count, len(values)) - thinned.width
    begun = finite(values[: part.seen])
    assert (part.low, part.high) == (min(begun, default=None), max(begun, default=None))
    assert all(same(value, values[place - 1]) for place, value in part.spots)


def test_one_that_is_thinned_leaves_the_one_before_it_as_it_was() -> None:
    before = Thinned.of(map(float, range(BUCKETS - 1)))
    spots = list(before.spots)
    after = before.plus(5.0)
    assert (before.width, after.width) == (1, 2)
    assert before.spots == spots == Thinned.of(map(float, range(BUCKETS - 1))).spots
    assert before.plus(5.0) == after != before


def test_what_is_made_of_a_history_is_made_once_and_anew_of_a_longer_one() -> None:
    made: list[int] = []
    history = Thinned.of([1.0, 2.0])

    def count(of: Thinned) -> int:
        made.append(of.seen)
        return of.seen

    for _ in range(3):
        assert history.once("count", lambda: count(history)) == 2
        assert history.once("another", lambda: 5) == 5
    longer = history.plus(3.0)
    assert longer.once("count", lambda: count(longer)) == 3
    assert made == [2, 3]
