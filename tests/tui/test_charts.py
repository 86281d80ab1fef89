"""Line charts, sparklines and bars: exactly their size, whatever the numbers."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from inittui.board.thinned_series import Thinned
from inittui.common.formatting import short_number
from inittui.tui.draw.charts import Series, bar, buckets, line_chart, sparkline
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import width_of
from inittui.tui.draw.scale import Scale, extremes, finite
from tests.helpers import steady
from tests.tui.builders import lines_of, numbers, text_of

glyph_sets = st.booleans().map(lambda plain: Glyphs(ascii=plain))
series = st.lists(numbers, max_size=40)


@steady
@given(series, st.integers(0, 60), st.one_of(st.none(), st.integers(0, 80)))
def test_buckets_fill_their_columns_and_keep_peaks_and_gaps(
    values: list[float | None], width: int, filled: int | None
) -> None:
    out = buckets(values, width, filled)
    columns = min(width, width if filled is None else filled) if values else 0
    assert len(out) == columns
    assert all(value is None or math.isfinite(value) for value in out)
    if columns >= 1:
        assert (None in out) == (len(finite(values)) < len(values)) or columns < len(values)
        if len(finite(values)) == len(values):
            assert max(out) == max(values)  # type: ignore[type-var]


@steady
@given(st.lists(numbers, max_size=40), st.integers(1, 60), st.integers(1, 700), st.booleans())
def test_the_columns_of_a_thinned_history_reach_as_high_as_those_of_all_its_values(
    values: list[float | None], times: int, width: int, log: bool
) -> None:
    values = values * times
    thinned = Thinned.of(values)
    out, all_of_them = buckets(thinned, width), buckets(values, width)
    assert len(out) == len(all_of_them)
    if thinned.width == 1:
        assert repr(out) == repr(all_of_them)
    if len(finite(values)) == len(values):
        assert max(finite(out), default=None) == max(finite(values), default=None)
    assert Scale.of(extremes(thinned), log=log) == Scale.of(values, log=log)


def test_a_thinned_line_has_its_marker_where_the_line_of_all_values_has_it_and_peaks_as_high() -> None:
    values: list[float | None] = [1 + math.sin(i / 300) for i in range(5000)]
    values[777] = 9.0
    drawn = [
        lines_of(line_chart([Series(kept, "●", "")], 60, 12, Glyphs(), last_x=6000, log=False))
        for kept in (values, Thinned.of(values))
    ]
    for lines in drawn:
        assert lines[0].strip(" ┤│1234567890")  # the peak reaches the top
    places = [[(y, line.index("●")) for y, line in enumerate(lines) if "●" in line] for lines in drawn]
    assert places[0] == places[1] != []


@steady
@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.integers(1, 40), st.data())
def test_a_peak_among_many_values_survives_in_its_place(values: list[float], width: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    values[index] = 9.0
    out = buckets(values, width)
    peak = out.index(9.0)
    assert abs(peak / width - index / len(values)) <= 1 / width


@steady
@given(series, st.integers(0, 60), st.integers(0, 6), st.booleans(), glyph_sets)
@example([None], 3, 0, False, Glyphs())
def test_a_sparkline_has_exactly_its_rows_and_cells_and_a_cross_where_nothing_finite_is(
    columns: list[float | None], width: int, rows: int, log: bool, glyphs: Glyphs
) -> None:
    lines = sparkline(columns, width, rows, glyphs, Scale.of(columns, log=log))
    assert [cell_len(line) for line in lines] == [width] * rows
    if rows:
        for x, value in enumerate(columns[:width]):
            missing = value is None or not math.isfinite(value)
            assert (lines[-1][x] == glyphs.cross) == missing
            assert lines[-1][x] != " "  # the smallest value is seen too
    assert not glyphs.ascii or all(line.isascii() for line in lines)


@steady
@given(st.one_of(st.floats(), st.sampled_from((math.nan, math.inf, -math.inf))), st.integers(0, 60), glyph_sets)
def test_a_bar_is_as_wide_as_asked_whatever_its_share(share: float, width: int, glyphs: Glyphs) -> None:
    assert width_of(bar(share, width, glyphs, "arm0")) == width


def test_a_bar_is_empty_at_0_and_full_at_1() -> None:
    assert [text for text, _ in bar(0, 4, Glyphs(), "x")] == ["", "────"]
    assert [text for text, _ in bar(1, 4, Glyphs(), "x")] == ["━━━━", ""]
    assert [text for text, _ in bar(0.4, 4, Glyphs(), "x")] == ["━╸", "──"]


@steady
@given(
    st.lists(series, min_size=1, max_size=4),
    st.integers(0, 90),
    st.integers(0, 20),
    glyph_sets,
    st.integers(1, 50),
    st.booleans(),
)
def test_a_chart_has_exactly_its_rows_and_cells(
    lines: list[list[float | None]], width: int, height: int, glyphs: Glyphs, last_x: int, log: bool
) -> None:
    every = [Series(values, glyphs.marker(arm), f"arm{arm}") for arm, values in enumerate(lines)]
    rows = line_chart(every, width, height, glyphs, last_x=last_x, log=log, empty="nothing yet")
    assert [width_of(row) for row in rows] == [width] * height
    # The ellipsis of words that are cut is made ASCII by the widget, with everything else that is not.
    assert not glyphs.ascii or all(text.replace("…", ".").isascii() for row in rows for text, _ in row)


@steady
@given(
    st.lists(
        st.lists(st.sampled_from((0.1, 0.2, 1.0, None, math.nan)), min_size=1, max_size=9), min_size=1, max_size=4
    ),
    glyph_sets,
    st.integers(30, 90),
    st.integers(6, 20),
)
@example([[1.0], [1.0]], Glyphs(), 40, 10)
@example([[1.0, 0.5], [1.0, 0.5]], Glyphs(ascii=True), 40, 10)
def test_every_line_shows_its_marker_even_where_lines_meet(
    lines: list[list[float | None]], glyphs: Glyphs, width: int, height: int
) -> None:
    every = [Series(values, glyphs.marker(arm), f"arm{arm}") for arm, values in enumerate(lines)]
    rows = line_chart(every, width, height, glyphs, last_x=9, log=False)
    signs = {(sign, style) for row in rows for text, style in row for sign in text}
    for line in every:
        assert ((line.marker, line.style) in signs) == bool(finite(line.values))


def test_what_is_not_finite_leaves_a_cross_at_the_bottom() -> None:
    for glyphs in (Glyphs(), Glyphs(ascii=True)):
        rows = line_chart([Series([1.0, math.inf, 0.5], "o", "arm0")], 40, 8, glyphs, last_x=3, log=True)
        assert (glyphs.cross, "bad") in rows[5]


def test_a_chart_without_a_number_says_why() -> None:
    rows = line_chart(
        [Series([], "o", "arm0")], 60, 8, Glyphs(), last_x=3, log=True, empty="the first epoch is under way"
    )
    assert any("the first epoch is under way" in line for line in lines_of(rows))


@steady
@given(st.integers(1, 1_000_000), st.integers(4, 120))
def test_x_labels_hold_the_first_and_the_last_epoch_when_there_is_room(last_x: int, width: int) -> None:
    axis = 6  # cells left of the plot
    rows = line_chart([Series([], "o", "")], axis + width, 8, Glyphs(), last_x=last_x, log=False)
    shown = text_of(rows[-1]).split()
    if width >= len(str(last_x)) + 4:
        assert (shown[0], shown[-1]) == ("1", str(last_x))
        assert [int(label) for label in shown] == sorted({int(label) for label in shown})


@steady
@given(st.one_of(st.floats(-1e308, 1e308), st.sampled_from((0.0, 5e-324, -1e308, 999.5, 9999.5))))
def test_a_number_is_short_and_about_right(value: float) -> None:
    assert len(short_number(value)) <= 7
    assert float(short_number(value)) == pytest.approx(value, rel=0.5, abs=0)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("values", [[0.2014, 0.2076], [1000.1, 1000.9], [1e-7, 1.01e-7]])
def test_marks_of_a_short_scale_have_different_labels(values: list[float], log: bool) -> None:
    rows = line_chart([Series(values, "o", "arm0")], 80, 40, Glyphs(), last_x=2, log=log)
    labels = [label for row in rows[:-2] if (label := row[0][0].strip())]
    assert len(labels) > 2
    assert len(set(labels)) == len(labels)


def test_places_that_have_names_are_labelled_with_them() -> None:
    line = Series([1.0, 2.0, 3.0], "o", "")
    rows = line_chart([line], 60, 8, Glyphs(), last_x=3, log=False, names=["0.001", "0.01", "0.1"])
    labels = "".join(text for text, _ in rows[-1]).split()
    assert labels == ["0.001", "0.01", "0.1"]
