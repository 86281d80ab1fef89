"""The characters to draw with, in Unicode and in ASCII."""

from hypothesis import given
from rich.cells import cell_len

from inittui.tui.draw.glyphs import Glyphs
from tests.helpers import steady
from tests.tui.builders import words


@steady
@given(words)
def test_in_ascii_nothing_else_is_left_and_the_width_is_kept(text: str) -> None:
    final = Glyphs(ascii=True).final(text)
    assert final.isascii()
    assert cell_len(final) == cell_len(text)
    assert Glyphs().final(text) == text


def test_every_ascii_glyph_is_ascii_and_one_cell() -> None:
    glyphs = Glyphs(ascii=True)
    assert all(
        sign.isascii() for sign in (glyphs.levels, glyphs.markers, *glyphs.bar, glyphs.star, glyphs.cross, glyphs.tick)
    )
    assert len(set(glyphs.markers)) == len(glyphs.markers) == len(Glyphs().markers)
    for either in (glyphs, Glyphs()):
        assert all(cell_len(sign) == 1 for sign in (*either.levels, *either.markers, *either.bar, either.star))
