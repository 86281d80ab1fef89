"""Scales and the marks of an axis, for any finite and other numbers."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inittui.tui.draw.scale import LOWEST_LOG, Scale, finite, ticks
from tests.helpers import steady
from tests.tui.builders import numbers

series = st.lists(numbers, max_size=40)


@steady
@given(series, st.booleans(), numbers)
@example([1e308], False, 1.0)
@example([1e308], True, 1.0)
@example([-1e308, 1e308], False, 0.0)
@example([1.7976931348623157e308], True, 0.0)
def test_a_scale_holds_every_finite_value_and_shares_stay_between_0_and_1(
    values: list[float | None], log: bool, other: float | None
) -> None:
    scale = Scale.of(values, log=log)
    assert scale.low < scale.high
    for value in finite(values):
        assert scale.low <= (max(value, LOWEST_LOG) if log else value) <= scale.high
    for value in finite([*values, other]):
        assert 0 <= scale.share(value) <= 1


@steady
@given(st.lists(st.floats(0.001, 1000), min_size=2, max_size=20), st.booleans())
def test_a_larger_value_never_has_a_smaller_share(values: list[float], log: bool) -> None:
    scale = Scale.of(values, log=log)
    shares = [scale.share(value) for value in sorted(values)]
    assert shares == sorted(shares)


@steady
@given(series, st.booleans(), st.integers(0, 30))
@example([-9e307, 9e307], False, 1)
@example([0.0, 1.7e308], False, 1)
@example([1.0, 1.0], True, 3)
@example([1e-12, 1e308], True, 2)
def test_ticks_are_inside_the_scale_falling_and_not_more_than_asked(
    values: list[float | None], log: bool, most: int
) -> None:
    scale = Scale.of(values, log=log)
    marks = ticks(scale, most)
    assert len(marks) <= most
    assert all(scale.low <= mark <= scale.high for mark in marks)
    assert all(upper > lower for upper, lower in pairwise(marks))


@pytest.mark.parametrize(
    ("scale", "most", "expected"),
    [
        (Scale(0, 1, False), 6, [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]),
        (Scale(0.001, 1, True), 4, [1.0, 0.1, 0.01, 0.001]),
        (Scale(90, 98, False), 5, [98.0, 96.0, 94.0, 92.0, 90.0]),
    ],
)
def test_ticks_are_round(scale: Scale, most: int, expected: list[float]) -> None:
    assert ticks(scale, most) == pytest.approx(expected)
