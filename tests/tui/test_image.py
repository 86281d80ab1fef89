"""Grey images in a terminal's cells."""

from hypothesis import example, given
from hypothesis import strategies as st

from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.image import image
from inittui.tui.draw.rows import width_of
from tests.helpers import steady
from tests.tui.builders import text_of

glyph_sets = st.booleans().map(lambda ascii_only: Glyphs(ascii=ascii_only))


@steady
@given(
    st.integers(1, 32).flatmap(
        lambda rows: st.integers(1, 32).flatmap(
            lambda columns: st.tuples(
                st.just(rows), st.just(columns), st.binary(min_size=rows * columns, max_size=rows * columns)
            )
        )
    ),
    st.integers(0, 60),
    st.integers(0, 30),
    glyph_sets,
)
@example((1, 1, b"\xff"), 0, 0, Glyphs())
@example((28, 28, bytes(784)), 3, 1, Glyphs())
def test_an_image_stays_within_its_room_and_its_rows_are_of_one_width(
    given_image: tuple[int, int, bytes], width: int, height: int, glyphs: Glyphs
) -> None:
    rows, columns, pixels = given_image
    drawn = image(pixels, rows, columns, width, height, glyphs)
    assert len({width_of(row) for row in drawn}) <= 1
    if width and height:
        assert drawn
        assert len(drawn) <= height
        assert all(width_of(row) <= width for row in drawn)
    assert not glyphs.ascii or all(text_of(row).isascii() for row in drawn)


def test_an_image_keeps_its_aspect_and_its_bright_pixel() -> None:
    pixels = bytes(255 if i == 9 * 28 + 14 else 0 for i in range(784))
    drawn = image(pixels, 28, 28, 40, 14, Glyphs())
    assert sum("#ffffff" in style for row in drawn for _, style in row) >= 1
    assert width_of(drawn[0]) == 2 * len(drawn) or abs(width_of(drawn[0]) - 2 * len(drawn)) <= 1
