"""Text in exactly the cells that it is given."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inittui.tui.draw.rows import fit, pad, spread, width_of, wrap
from tests.helpers import steady
from tests.tui.builders import text_of, words

widths = st.integers(0, 60)
rows = st.lists(st.tuples(words, st.sampled_from(("", "dim", "arm0 bold"))), max_size=5)


@steady
@given(words, widths)
def test_fit_takes_exactly_the_cells_it_is_given(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


def test_what_is_cut_ends_in_an_ellipsis_and_what_fits_is_left_alone() -> None:
    assert fit("orthogonal", 6) == "ortho…"
    assert fit("漢字漢字", 6) == "漢字… "
    assert fit("漢字", 6) == "漢字  "
    assert fit("", -3) == ""


@steady
@given(rows, widths)
def test_pad_takes_exactly_the_cells_it_is_given(row: list[tuple[str, str]], width: int) -> None:
    padded = pad(row, width)
    assert width_of(padded) == width
    if width_of(row) <= width:
        assert text_of(padded).rstrip() == text_of(row).rstrip()


@steady
@given(rows, rows, widths)
def test_spread_keeps_the_right_end_and_lets_the_left_one_give_way(
    left: list[tuple[str, str]], right: list[tuple[str, str]], width: int
) -> None:
    row = spread(left, right, width)
    assert width_of(row) == width
    if width_of(right) < width:
        assert text_of(row).endswith(text_of(right))


@steady
@given(words, widths, st.integers(0, 6))
def test_wrap_stays_within_its_lines_and_loses_no_word_that_there_is_room_for(text: str, width: int, most: int) -> None:
    lines = wrap(text, width, most)
    assert len(lines) <= most
    assert all(cell_len(line) <= width for line in lines)
    if most >= len(text.split()) and all(cell_len(word) <= width for word in text.split()) and width and most:
        assert " ".join(lines).split() == text.split()


def test_wrap_says_that_something_is_missing() -> None:
    assert wrap("one two three four", 9, 1) == ["one two…"]
