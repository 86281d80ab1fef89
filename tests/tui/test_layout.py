import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual.geometry import Region

from inittui.tui.draw.layout import Plan, plan
from inittui.tui.draw.rows import SMALLEST
from tests.helpers import steady
from tests.tui.builders import SIZES

ARMS = 2
TABLE = ARMS + 3  # its head and two lines of sentences


@steady
@given(
    st.integers(1, 300),
    st.integers(1, 100),
    st.integers(1, 40),
    st.integers(1, 60),
    st.booleans(),
    st.sampled_from(("", "chart", "result", "sample")),
    st.booleans(),
)
@example(40, 10, 40, 60, True, "", True)
@example(100, 30, 40, 60, False, "", True)
def test_panels_lie_side_by_side_within_the_screen(
    width: int, height: int, arms: int, table: int, ended: bool, zoom: str, note: bool
) -> None:
    layout = plan(width, height, arms, table=lambda _width: table, ended=ended, zoom=zoom, note=note)
    assert (layout is None) == (width < SMALLEST[0] or height < SMALLEST[1])
    if layout is None:
        return
    screen = Region(0, 0, width, height)
    regions = [(name, Region(*region)) for name, region in layout.regions.items()]
    for name, region in regions:
        assert region.width > 0, name
        assert region.height > 0, name
        assert screen.contains_region(region), name
    for index, (name, region) in enumerate(regions):
        for other, beside in regions[index + 1 :]:
            assert not region.overlaps(beside), (name, other)
    assert layout.regions["header"].y == 0
    assert tuple(layout.regions["footer"]) == (0, height - 1, width, 1)
    assert layout.columns >= 1
    assert layout.panel_height >= 1
    if zoom:
        assert zoom in layout.regions


def at(size: tuple[int, int], *, ended: bool = False, zoom: str = "") -> Plan:
    layout = plan(*size, ARMS, table=lambda _width: TABLE, ended=ended, zoom=zoom, note=False)
    assert layout is not None
    return layout


@pytest.mark.parametrize("size", SIZES)
def test_while_it_trains_the_arms_and_the_chart_are_there(size: tuple[int, int]) -> None:
    assert {"arms", "chart"} <= at(size).regions.keys()


@pytest.mark.parametrize("size", SIZES)
def test_at_the_end_the_table_and_the_sample_are_there_and_the_table_is_whole(size: tuple[int, int]) -> None:
    regions = at(size, ended=True).regions
    assert {"result", "sample"} <= regions.keys()
    assert regions["result"].height >= TABLE + 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("zoom", ["chart", "result", "sample"])
def test_a_zoomed_panel_is_alone_beside_the_arms(size: tuple[int, int], ended: bool, zoom: str) -> None:
    regions = at(size, ended=ended, zoom=zoom).regions
    assert regions.keys() & {"chart", "result", "sample"} == {zoom}
    assert regions[zoom].area >= at(size, ended=ended).regions.get(zoom, Region()).area


def test_a_large_screen_shows_everything_at_once() -> None:
    assert {"arms", "chart", "result", "sample", "machine"} <= at((120, 40)).regions.keys()
