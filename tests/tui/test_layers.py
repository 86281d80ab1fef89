"""The layer view: its pictures as pure functions of probes, and its keys on the screen."""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.board.fold import fold
from inittui.board.source import StillSource
from inittui.board.state import Board
from inittui.record.events import Probe
from inittui.record.layer_probe import QUANTITIES, LayerProbe
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, width_of
from inittui.tui.views import layers
from inittui.tui.views.layers import LayersPanel
from tests.helpers import finished_board, running_board, steady
from tests.tui.builders import dashboard, lines_of, named, numbers, press, screen_styles, shown, text_of, title_of

SIZES = ((120, 40), (80, 24), (60, 20), (40, 10))
BINS = (1, 4, 2, 8, 6, 3, 1)


def layer(index: int = 0, **values: Any) -> LayerProbe:
    own = {
        "name": str(index),
        "fan_in": 16 + index,
        "fan_out": 8 + index,
        "rms": 0.5**index,
        "spread": 0.4 * 0.5**index,
        "cosine": 0.3 + 0.02 * index,
        "dead": 0.01 * index,
        "saturated": None,
        "grad_z": 0.02,
        "grad_w": 0.3,
        "update": None,
        "low": -0.5,
        "high": 0.25 * (index + 1),
        "bins": BINS,
    }
    settings: dict[str, Any] = own | values
    return LayerProbe(**settings)


def probe(depth: int = 5, epoch: int = 0, **values: Any) -> Probe:
    """So many layers, each with half the signal of the one before; a value may be one for each."""
    return Probe(
        t=1.25,
        seed=777,
        epoch=epoch,
        images=64,
        layers=tuple(
            layer(index, **{key: value[index] if isinstance(value, list) else value for key, value in values.items()})
            for index in range(depth)
        ),
        signal=tuple(0.6**index for index in range(depth)) if epoch == 0 else (),
        gradient=(1.0,) * depth if epoch == 0 else (),
    )


def board_with(*of_arms: Sequence[Probe], board: Board | None = None) -> Board:
    """A board whose arms have been probed so."""
    board = board or running_board(named(*(f"arm-{number}" for number in range(len(of_arms)))))
    for arm_index, probes in enumerate(of_arms):
        for measured in probes:
            board = fold(board, measured, arm_index)
    return board


def epochs(depth: int, last: int = 2, **values: Any) -> list[Probe]:
    return [probe(depth, epoch, **values) for epoch in range(last + 1)]


class State(NamedTuple):
    """What a panel shows."""

    quantity: int = 0
    at_start: bool = False
    arm: int = 0
    layer: int = 1


def panel(board: Board, state: State | None = None, glyphs: Glyphs | None = None) -> LayersPanel:
    """The layer view, on no screen."""
    of = LayersPanel(glyphs or Glyphs())
    of.board = board
    of.quantity_number, of.at_start, of.chosen, of.layer_number = state or State()
    return of


def view(board: Board, state: State | None = None, width: int = 116, height: int = 22) -> str:
    return "\n".join(lines_of(panel(board, state).paint(width, height)))


def signs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Each sign with its style."""
    return [(sign, style) for row in rows for text, style in row for sign in text]


# Whatever has been probed

layer_probes = st.builds(
    replace,
    st.just(layer()),
    rms=numbers,
    spread=numbers,
    cosine=numbers,
    dead=numbers,
    saturated=numbers,
    grad_z=numbers,
    grad_w=numbers,
    update=numbers,
    low=numbers,
    high=numbers,
    bins=st.lists(st.integers(0, 2**40), max_size=30).map(tuple),
)


@st.composite
def any_probes(draw: st.DrawFn) -> list[Probe]:
    pool = draw(st.lists(st.tuples(layer_probes, numbers), min_size=1, max_size=4))
    probes = []
    for epoch in draw(st.sampled_from(((), (0,), (0, 1), (0, 5, 10**6)))):
        chosen = [pool[draw(st.integers(0, len(pool) - 1))] for _ in range(draw(st.sampled_from((0, 1, 3, 31))))]
        theory = tuple(value for _, value in chosen)
        probes.append(
            replace(probe(0, epoch), layers=tuple(layer for layer, _ in chosen), signal=theory, gradient=theory)
        )
    return probes


@settings(steady, max_examples=50)
@given(
    st.lists(any_probes(), min_size=1, max_size=2),
    st.builds(State, st.integers(0, 20), st.booleans(), st.integers(0, 1), st.integers(1, 40)),
    st.integers(0, 200),
    st.integers(0, 45),
    st.booleans(),
)
@example([[], [probe(3)]], State(), 116, 30, False)
@example([[probe(0)], [probe(0, 1)]], State(layer=3), 116, 30, False)
@example([[probe(5, rms=math.nan, grad_z=math.inf, low=math.nan)]], State(), 116, 30, True)
@example([[probe(31), probe(3, 1)]], State(layer=31), 116, 30, False)
def test_it_fits_its_room_whatever_was_measured(
    of_arms: list[list[Probe]], state: State, width: int, height: int, plain: bool
) -> None:
    board = board_with(*of_arms)
    turned = State(state.quantity, state.at_start, state.arm % len(of_arms), state.layer)
    rows = panel(board, turned, Glyphs(ascii=plain)).paint(width, height)
    assert len(rows) <= max(1, height)
    assert {width_of(row) for row in rows} <= {width}
    assert title_of(panel(board, turned)).isprintable()


@pytest.mark.parametrize("depth", [1, 3, 31])
@pytest.mark.parametrize("size", [(116, 34), (76, 18), (56, 14), (36, 4)])
def test_every_quantity_is_shown_at_every_size(depth: int, size: tuple[int, int]) -> None:
    board = board_with(epochs(depth), epochs(max(1, depth // 2), rms=1.0))
    for quantity, plain in product(range(len(QUANTITIES)), (False, True)):
        rows = panel(board, State(quantity=quantity), Glyphs(ascii=plain)).paint(*size)
        assert len(rows) == size[1] or size[1] == 4
        text = "\n".join(lines_of(rows))
        assert "arm-0: " in text
        assert size[1] == 4 or plain is False or "●" not in text
        assert not plain or text.replace("…", ".").isascii()


def test_before_the_first_probe_and_where_there_is_none_it_says_so() -> None:
    assert view(running_board()).strip() == "no layer has been probed yet"
    assert view(finished_board()).strip() == "no layer was probed"
    text = view(board_with([], epochs(3)))
    assert "arm-0 has not been probed yet" in text
    assert "arm-1: signal" not in text.split("arm-1: ")[0]
    assert "▲" in text
    assert "●" not in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State(), "layers, signal: rms of z, after epoch 2"),
        (State(at_start=True), "layers, signal: rms of z, as initialised"),
        (State(quantity=1), "layers, gradient: rms of dL/dz per image, after epoch 2"),
        (
            State(quantity=len(QUANTITIES) + 4, at_start=True),
            "layers, share of dead ReLU units, as initialised",
        ),
        (State(arm=1), "layers, signal: rms of z, as initialised"),
        (State(arm=2), "layers, signal: rms of z"),
    ],
)
def test_its_title_says_what_is_shown_and_when(state: State, words: str) -> None:
    assert title_of(panel(board_with(epochs(3), [probe(3)], []), state)) == words


# Sentences


def test_every_arm_has_its_sentence_the_chosen_one_first_and_whole() -> None:
    board = board_with(epochs(21), epochs(21, rms=0.5), epochs(2))
    text = view(board, State(at_start=True), 116, 30)
    assert (
        "● arm-0: signal halves with every layer, or faster; 2e-04 % of the signal is left at layer 20, theory says"
        in text
    )
    assert "▲ arm-1: signal (100 % of it at layer 20) and gradient keep their size." in text
    assert "■ arm-2: too few layers for signal or gradient to go astray." in text
    chosen = view(board, State(arm=1), 116, 30)
    assert chosen.index("arm-1: signal (") < chosen.index("arm-0: signal halves")


def test_a_small_view_is_all_sentence() -> None:
    board = board_with(epochs(21, grad_z=[1e-6 * 2**index for index in range(21)]))
    words = " ".join(view(board, State(), 56, 6).split())
    assert words == (
        "● arm-0: signal halves with every layer, or faster; 2e-04 % of the signal is left at layer 20; "
        "gradient vanishes on its way back: at layer 1 it is 2e-04 % of what it is at layer 20."
    )


# The chart


def drawn(board: Board, state: State, glyphs: Glyphs | None = None) -> list[tuple[str, str]]:
    """The signs of the chart alone: of a view too narrow for anything beside it."""
    return signs(panel(board, state, glyphs).paint(90, 24))


@pytest.mark.parametrize("depth", [1, 3, 21])
def test_every_layer_is_a_mark(depth: int) -> None:
    board = board_with([probe(depth, 1, rms=[3.0**index for index in range(depth)])])
    marks = [sign for sign in drawn(board, State()) if sign == ("●", "arm0")]
    assert len(marks) == depth + 1  # and one mark before the sentence


def test_theory_is_a_line_under_the_marks_as_initialised_and_afterwards() -> None:
    board = board_with(epochs(9))
    for state in (State(), State(at_start=True), State(quantity=1)):
        assert any(style == "arm0 soft" for _, style in drawn(board, state))
        assert "marks: measured; lines: theory at initialisation" in view(board, state)
        ascii_ = drawn(
            board_with([replace(probe(9), signal=(1.0,) * 9, gradient=(0.1,) * 9)]), state, Glyphs(ascii=True)
        )
        assert (".", "arm0 soft") in ascii_
        assert ("o", "arm0") in ascii_
        assert ("o", "arm0 soft") not in ascii_
    for quantity in range(2, len(QUANTITIES)):
        assert not any("soft" in style for _, style in drawn(board, State(quantity=quantity)))


def test_measurement_is_drawn_over_every_arms_theory() -> None:
    same = [replace(probe(9), signal=tuple(0.5**index for index in range(9)))]
    ascii_ = drawn(board_with(same, same), State(), Glyphs(ascii=True))
    assert not any(sign == (".", "arm0 soft") for sign in ascii_)
    assert sum(sign == ("x", "arm1") for sign in ascii_) == 9 + 1


def test_the_gradients_theory_has_the_size_that_was_measured_at_the_output() -> None:
    of = replace(probe(3, grad_z=[0.1, 0.1, 0.4]), gradient=(2.0, 0.5, 1.0))
    gradient = QUANTITIES[1]
    assert layers.theory(board_with([of]).arms[0], gradient) == pytest.approx([0.8, 0.2, 0.4])
    unknown = replace(of, gradient=(2.0, None, 1.0))
    assert layers.theory(board_with([unknown]).arms[0], gradient) == [
        pytest.approx(0.8),
        None,
        0.4,
    ]


def test_what_is_not_finite_is_a_cross_and_what_a_layer_has_not_is_none() -> None:
    cross = ("✗", "bad")
    assert cross in drawn(board_with([probe(5, rms=[1.0, 1.0, None, 1.0, 1.0])]), State())
    dead = State(quantity=4)
    board = board_with([probe(5, dead=[0.1, 0.2, 0.3, 0.4, None])])
    assert cross not in drawn(board, dead)
    assert sum(sign == ("●", "arm0") for sign in drawn(board, dead)) == 4 + 1
    assert "no saturated in these layers" in view(board, State(quantity=5))


# The heat map


def mapped(board: Board, state: State | None = None, width: int = 50, height: int = 40) -> list[Row]:
    shown = panel(board, state)
    return shown.heat_map(board.arms[shown.arm_index], width, height)


@pytest.mark.parametrize("depth", [1, 3, 31])
@pytest.mark.parametrize("last", [0, 1, 7])
def test_a_row_a_layer_and_a_column_a_probe(depth: int, last: int) -> None:
    head, *rows, foot = mapped(board_with(epochs(depth, last)))
    assert text_of(head).strip() == "arm-0: layer by epoch"
    assert [text_of(row[:1]).strip() for row in rows] == [str(index + 1) for index in range(depth)]
    assert all([len(text) for text, _ in row[1 : last + 2]] == [2] * (last + 1) for row in rows)
    assert text_of(foot).split() == (["0"] if last == 0 else ["0", str(last)])


def test_far_epochs_are_named_in_full() -> None:
    *_, foot = mapped(board_with([probe(2, 5), probe(2, 1_000_000)]))
    assert text_of(foot).split() == ["5", "1000000"]


@pytest.mark.parametrize("height", [3, 4, 8, 20])
def test_where_there_is_no_room_for_all_the_first_and_the_last_are_shown(height: int) -> None:
    board = board_with(epochs(31, 60))
    _, *rows, foot = mapped(board, width=23, height=height)
    shown_ = [int(text_of(row[:1])) for row in rows]
    assert len(rows) == height - 2
    assert shown_[0] == 1
    assert height == 3 or shown_[-1] == 31
    assert shown_ == sorted(set(shown_))
    assert text_of(foot).split() == ["0", "60"]


def test_a_cells_shade_is_its_size_and_its_colour_its_health() -> None:
    rms = [1.0, 0.5, 0.2, 0.01, 30.0, None, 0.0]
    _, *rows, _ = mapped(board_with([probe(7, rms=rms)]))
    shades = [row[1] for row in rows]
    assert [style for _, style in shades] == ["good", "good", "good", "warn", "bad", "bad", "warn"]
    assert shades[3][0] == "░░"
    assert shades[4][0] == "██"
    assert shades[5][0] == "✗✗"
    assert shades[6][0] == "· "
    order = " ░▒▓█"
    assert order.index(shades[3][0][0]) < order.index(shades[2][0][0]) <= order.index(shades[0][0][0])


def test_a_gradient_is_healthy_beside_that_of_the_last_hidden_layer() -> None:
    board = board_with([probe(4, grad_z=[1e-4, 0.02, 0.02, 5.0])])
    _, *rows, _ = mapped(board, State(quantity=1))
    assert [row[1][1] for row in rows] == ["warn", "good", "good", "bad"]


def test_what_a_layer_has_not_is_an_empty_cell() -> None:
    board = board_with([probe(3, dead=[0.5, 0.1, None]), probe(3, 1, dead=[0.5, None, math.nan])])
    _, *rows, _ = mapped(board, State(quantity=4))
    assert [[cell for cell, _ in row[1:3]] for row in rows] == [["██", "██"], ["░░", "  "], ["  ", "✗✗"]]
    assert {style for row in rows for cell, style in row[1:3] if cell in ("██", "░░")} == {
        "accent"
    }  # shares have no health


def test_the_chosen_layers_number_is_marked_also_where_an_arm_has_fewer() -> None:
    board = board_with(epochs(6), epochs(3))
    for state, number in (
        (State(layer=2), "2"),
        (State(layer=6), "6"),
        (State(arm=1, layer=6), "3"),
    ):
        _, *rows, _ = mapped(board, state)
        assert [text_of(row[:1]).strip() for row in rows if row[0][1] == "accent bold"] == [number]


# The histogram


def weights(probed: LayerProbe, width: int = 40, height: int = 10) -> list[str]:
    return lines_of(layers.histogram(replace(probe(0), layers=(layer(), probed)), 2, 0, width, height, Glyphs()))


def test_a_column_is_as_high_as_its_count() -> None:
    head, *bars, foot = weights(layer(1, bins=(0, 1, 4, 8, 2)))
    assert head.strip() == "weights of layer 2, 17 to 9"
    heights = ["".join(line[x] for line in bars) for x in range(5)]
    eighths = [sum(" ▁▂▃▄▅▆▇█".index(sign) for sign in column) for column in heights]
    assert eighths == [1, 8, 32, 64, 16]  # of 8 rows; what is 0 leaves a trace, as everywhere
    assert foot.split() == ["-0.5", "0.5"]
    assert weights(layer(1, bins=BINS * 3))[-1].rstrip() == "-0.5              0.5"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"low": None, "high": None, "bins": ()}, "not finite"),
        ({"low": 0.0, "high": 0.0, "bins": (128,)}, "all of them are 0"),
        ({"low": 0.25, "high": 0.25, "bins": (128,)}, "all of them are 0.25"),
    ],
)
def test_weights_without_a_range_are_told_in_words(values: dict[str, Any], words: str) -> None:
    assert weights(layer(1, **values))[1].strip() == words


def test_the_view_shows_the_weights_of_the_chosen_layer_or_of_the_last_there_is() -> None:
    board = board_with(epochs(5), epochs(2))
    assert "weights of layer 3, 18 to 10" in view(board, State(layer=3))
    assert "weights of layer 2, 17 to 9" in view(board, State(arm=1, layer=5))
    assert "weights of" not in view(board, State(layer=3), height=12)  # no room for them
    assert "weights of" not in view(board_with([probe(0)]), State(layer=3))


# On the screen


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("size", SIZES)
async def test_the_view_comes_and_goes_with_its_key(size: tuple[int, int], plain: bool) -> None:
    app = dashboard(board_with(epochs(31), epochs(3)), ascii_only=plain)
    async with app.run_test(size=size) as pilot:
        before = await shown(pilot)
        text = await press(pilot, "4")
        assert "layers, signal: rms of z, after epoch 2"[: size[0] - 8] in text
        assert "arm-0: signal halves" in " ".join(text.split())
        assert [len(line) for line in text.split("\n")] == [size[0]] * size[1]
        assert not plain or text.isascii()
        assert await press(pilot, "4") == before


@pytest.mark.parametrize(
    ("of_arms", "over"),
    [(([],), False), ((epochs(1),), True), (([], epochs(3)), False), (([probe(0)],), True)],
    ids=["none, training", "one, over", "one arm of two, training", "no layer, over"],
)
async def test_every_key_is_safe_whatever_has_been_probed(of_arms: Any, over: bool) -> None:
    board = board_with(*of_arms, board=finished_board(named("a", "b")) if over else running_board(named("a", "b")))
    app = dashboard(board)
    size = (120, 40)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        for key in ("i", "v", "V", "full_stop", "comma", "tab", "full_stop", "tab", "v", "4"):
            text = await press(pilot, key)
            assert ("layers, " in text) == (key != "4"), key
            assert [len(line) for line in text.split("\n")] == [size[0]] * size[1], key


async def test_v_turns_through_the_quantities_and_back() -> None:
    app = dashboard(board_with(epochs(5)))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        text = await press(pilot, "v")  # opens the view as well
        assert f"layers, {QUANTITIES[1].title}, after epoch 2" in text
        for quantity in (*QUANTITIES[2:], *QUANTITIES[:2]):
            assert f"layers, {quantity.title}, after epoch 2" in await press(pilot, "v")
        for quantity in (QUANTITIES[0], QUANTITIES[-1]):
            assert f"layers, {quantity.title}, after epoch 2" in await press(pilot, "V")


async def test_i_goes_to_the_initialisation_and_back() -> None:
    app = dashboard(board_with([probe(21), probe(21, 1, rms=0.5)]))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        text = await press(pilot, "4")
        assert "after epoch 1" in text
        assert "signal (100 % of it at layer 20)" in text
        text = await press(pilot, "i")
        assert "as initialised" in text
        assert "signal halves with every layer" in text
        assert "after epoch 1" in await press(pilot, "i")


async def test_full_stop_and_comma_go_through_the_layers_of_the_chosen_arm() -> None:
    app = dashboard(board_with(epochs(6), epochs(3)))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert "weights of layer 1, 16 to 8" in await press(pilot, "4")
        assert "weights of layer 1, 16 to 8" in await press(pilot, "comma")
        assert "weights of layer 2, 17 to 9" in await press(pilot, "full_stop")
        assert "weights of layer 6, 21 to 13" in await press(pilot, *["full_stop"] * 9)
        assert "weights of layer 5, 20 to 12" in await press(pilot, "comma")
        # Tab chooses the first arm, then the second one, which has three layers: the last of them is shown, and left at once.
        assert "weights of layer 5, 20 to 12" in await press(pilot, "tab")
        text = await press(pilot, "tab")
        assert "weights of layer 3, 18 to 10" in text
        assert "arm-1: layer by epoch" in text
        assert "weights of layer 2, 17 to 9" in await press(pilot, "comma")
        assert "arm-0: layer by epoch" in await press(pilot, "escape")


async def test_the_arms_colours_and_the_layers_health_are_on_the_screen() -> None:
    app = dashboard(board_with([probe(21)]))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await press(pilot, "4")
        variables = app.theme_variables
        cells = {colour for text, colour in screen_styles(app) if text.strip() and not text.strip("░▒▓█")}
        assert {variables["inittui-good"].lower(), variables["inittui-warn"].lower()} <= cells


async def test_a_new_probe_arrives_in_the_open_view() -> None:
    source = StillSource(board_with([probe(21)]))
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert "as initialised" in await press(pilot, "4")
        source.board = fold(source.board, probe(21, 1, rms=0.5), 0)
        text = await shown(pilot)
        assert "after epoch 1" in text
        assert "signal (100 % of it at layer 20) and gradient keep their size" in text


async def test_arms_of_different_depth_share_the_chart_up_to_the_deepest() -> None:
    app = dashboard(board_with(epochs(31, rms=1.0), epochs(3, rms=2.0)))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        text = await press(pilot, "4")
        axis = next(line for line in text.split("\n") if " 31 " in line and " 1 " in line)
        assert axis.split("31")[0].count("1") >= 1
        inside = text.split("layers, signal")[1].split("● arm-0: signal")[0]
        assert (inside.count("●"), inside.count("▲")) == (31, 3)
