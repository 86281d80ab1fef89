import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette

from inittui.board.source import ReplaySource, StillSource
from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.record.gallery import Gallery
from inittui.tui.app import LARGEST, Dashboard
from inittui.tui.draw.glyphs import ON_DARK, ON_LIGHT, Glyphs
from inittui.tui.keys import Key
from inittui.tui.screens.help import HelpScreen
from inittui.tui.screens.main import KEYS, PANELS, MainScreen, all_keys
from inittui.tui.svg import screenshot
from inittui.tui.terminal import exit_guard, textual_private
from inittui.tui.views.matrix import MatrixPanel
from inittui.tui.widgets.question import LeaveQuestion
from tests.galleries import canned_gallery
from tests.helpers import canned_events, finished_board, preset, running_board, write_run
from tests.tui.builders import (
    MARKUP,
    NOTE,
    SIZES,
    ScriptedSource,
    dashboard,
    gallery_where,
    many,
    named,
    press,
    screen_styles,
    screen_text,
    shown,
    states,
)

OF = preset(2)
PICTURES = canned_gallery(OF)


async def text_at(board: Board, size: tuple[int, int], *keys: str, pictures: Gallery | None = None) -> str:
    """What the screen shows of a board at rest, after the keys."""
    app = dashboard(board, pictures=pictures)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        return await press(pilot, *keys)


# What is on the screen, from the first event to the last


@pytest.mark.parametrize("size", [(99_999, 20), (50, 65_535), (10**9, 10**9)])
async def test_a_terminal_that_claims_more_cells_than_any_screen_gets_a_bounded_one(size: tuple[int, int]) -> None:
    app = dashboard(running_board())
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        expected = (min(size[0], LARGEST.width), min(size[1], LARGEST.height))
        assert (app.size, app.screen.size) == (expected, expected)
        await pilot.resize_terminal(80, 24)
        assert app.screen.size == (80, 24)
        await pilot.resize_terminal(*size)
        assert app.screen.size == expected
        assert len(screen_text(app)) == expected[1]


async def test_a_failure_of_the_thread_that_reads_keys_is_an_exit_code() -> None:
    app = dashboard(running_board())
    async with app.run_test():
        app.panic("no key can be read")
    assert app.return_code == 1


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_is_shown_from_before_its_first_event_to_its_result(size: tuple[int, int]) -> None:
    source = ScriptedSource(OF, canned_events(OF, note=NOTE), pictures=PICTURES)
    app = dashboard(source)
    async with app.run_test(size=size) as pilot:
        text = await shown(pilot)
        assert "inittui  canned" in text
        assert "starting" in text
        source.tell_until(0.5)
        assert "loading" in await shown(pilot)
        source.tell_until(0.9)
        assert f"Note: {NOTE}"[: size[0] - 2] in await shown(pilot)
        source.tell_until(1.5)
        text = await shown(pilot)
        assert "the first epoch is under way" in text
        source.tell_until(2.0)
        text = await shown(pilot)
        for word in ("xavier_normal", "he_normal", "0.6667", "90.00 %", "training cost per epoch, log"):
            assert word in text
        while not source.over:
            source.tell(5)
            await shown(pilot)
        text = await shown(pilot)
        for word in (
            "finished in 0:02",
            "93.75 %",
            "94.15 % ★",
            "proves",
            "test image 0",
            "label 0",
            "random image 1 of 6",
        ):
            assert word in text
        assert f"Note: {NOTE}"[: size[0] - 2] in text
        assert [len(line) for line in text.split("\n")] == [size[0]] * size[1]


async def test_a_large_screen_shows_the_sample_and_the_table_while_it_trains() -> None:
    text = await text_at(running_board(), (120, 40))
    for word in ("accuracy so far", "90.40 % ★", "One seed proves nothing", "test image 8", "label 8", "? help"):
        assert word in text


async def test_the_note_about_replaced_data_is_shown_at_every_size() -> None:
    source = StillSource(running_board(note=NOTE))
    app = dashboard(source)
    async with app.run_test(size=(40, 10)) as pilot:
        for board in (source.board, finished_board(note=NOTE)):
            source.board = board
            await shown(pilot)
            for size in ((40, 10), *SIZES):
                await pilot.resize_terminal(*size)
                assert f"Note: {NOTE}"[: size[0] - 2] in await shown(pilot)


@pytest.mark.parametrize("seeds", [1, 7])
async def test_the_table_alone_has_every_verdict_to_its_last_word(seeds: int) -> None:
    board = finished_board(2, seeds=seeds)
    assert board.result is not None
    text = await text_at(board, (60, 20), "2")
    words = " ".join(text.replace("│", " ").split())
    for row in board.result.comparisons:
        assert row.verdict[-40:] in words


@pytest.mark.parametrize(("size", "arms"), [((100, 30), 2), ((120, 40), 4)])
async def test_a_large_screen_has_every_verdict_without_a_key(size: tuple[int, int], arms: int) -> None:
    board = finished_board(arms, seeds=7)
    assert board.result is not None
    lines = (await text_at(board, size)).split("\n")
    edge = next(line.index("╮") for line in lines if "─ accuracy ─" in line)
    words = " ".join(" ".join(line[:edge].strip("│ ") for line in lines).split())
    for row in board.result.comparisons:
        assert row.verdict[-40:] in words


async def test_costs_that_no_number_describes_do_no_harm() -> None:
    source = StillSource(running_board())
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        for value in ("none", "nan", "inf", "huge", "low"):
            source.board = states()[f"cost {value}, training"]
            text = await shown(pilot)
            assert "epoch 3 of 3" in text, value
            assert ("not finite" in text) == (value not in ("huge", "low")), value
            await press(pilot, "l")
            source.board = states()[f"cost {value}, finished"]
            assert "finished in 0:02" in await shown(pilot), value


async def test_names_and_reasons_are_shown_as_they_are() -> None:
    wanted = {
        "markup": (MARKUP, "[/]"),
        "wide names": ("漢字", "한글"),
        "long names": ("aaaaaaaa", "bbbbbbbb"),
        "an arm killed": ("killed by signal 9",),
        "refused": ("no data set 'mnist' here",),
        "supervisor gone": ("the supervisor is gone: killed",),
    }
    source = StillSource(running_board())
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        for state, words in wanted.items():
            source.board = states()[state]
            text = await shown(pilot)
            assert all(word in text for word in words), state


async def test_the_ascii_look_puts_nothing_but_ascii_on_the_screen() -> None:
    app = dashboard(finished_board(), pictures=PICTURES, ascii_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await shown(pilot)
        assert text.isascii()
        assert "94.15 % *" in text


async def test_six_arms_are_scrolled_where_there_is_room_for_fewer() -> None:
    app = dashboard(running_board(many(6)))
    async with app.run_test(size=(60, 20)) as pilot:
        text = await shown(pilot)
        assert "arm-00" in text
        assert "arm-05" not in text
        text = await press(pilot, "j", "down", "j", "j")
        assert "arm-05" in text
        assert "arm-00" not in text
        assert "arm-00" in await press(pilot, "k", "up", "k", "k")


@pytest.mark.parametrize("size", [(40, 10), (120, 40), (300, 100)])
async def test_forty_arms_fit_and_the_last_one_can_be_reached(size: tuple[int, int]) -> None:
    app = dashboard(states()["forty arms"])
    async with app.run_test(size=size) as pilot:
        assert "arm-00" in await shown(pilot)
        assert "arm-39" in await press(pilot, *["j"] * 40)


# Sizes


async def test_below_the_smallest_size_it_says_what_it_needs() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        for width, height in ((39, 10), (40, 9), (20, 5), (300, 9)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            words = " ".join("\n".join(screen_text(app)).split())
            assert words == f"inittui needs 40x10, this is {width}x{height}"
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert "needs" not in "\n".join(screen_text(app))
        assert "xavier_normal" in "\n".join(screen_text(app))


@pytest.mark.parametrize("size", [(1, 1), (40, 12), (2, 300)])
async def test_a_strange_terminal_draws_and_ends_well(size: tuple[int, int]) -> None:
    app = dashboard(finished_board(), pictures=PICTURES)
    async with app.run_test(size=size) as pilot:
        text = await shown(pilot)
        assert [len(line) for line in text.split("\n")] == [size[0]] * size[1]
        await pilot.press("q")
    assert app.return_value == "done"


def test_a_resize_before_the_widgets_exist_is_harmless() -> None:
    screen = MainScreen(StillSource(running_board()), Glyphs())
    assert not screen.is_mounted
    screen.on_resize()


async def test_a_storm_of_sizes_leaves_the_last_one_drawn_right() -> None:
    sizes = random.Random(0)
    board = finished_board()
    app = dashboard(board, pictures=PICTURES)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(10):
            storm = [(sizes.randint(1, 300), sizes.randint(1, 100)) for _ in range(30)]
            await asyncio.gather(*(pilot.resize_terminal(*size) for size in storm))
        await pilot.resize_terminal(120, 40)
        text = await shown(pilot)
    assert text == await text_at(board, (120, 40), pictures=PICTURES)


# Keys


@pytest.mark.parametrize("owner", [*PANELS, MainScreen], ids=lambda owner: owner.__name__)
def test_every_key_has_an_action_that_exists_and_no_key_means_two_things(owner: Any) -> None:
    names = [name for key in owner.KEYS for name in key.keys.split(",")]
    assert len(names) == len(set(names))
    for key in owner.KEYS:
        where, _, name = key.action.partition("(")[0].rpartition(".")
        target = {"app": Dashboard, "screen": MainScreen}.get(where, owner)
        assert callable(getattr(target, f"action_{name}", None)), key


def test_a_key_of_several_panels_means_one_thing_whatever_is_alone() -> None:
    by_name: dict[str, list[Key]] = {}
    for key in all_keys():
        for name in key.keys.split(","):
            by_name.setdefault(name, []).append(key)
    for name, keys in by_name.items():
        assert len({key.keys for key in keys}) == 1, name  # one binding
        assert sum(not key.only_alone for key in keys) <= 1, name


async def test_every_panel_gets_what_it_takes_before_it_is_drawn_and_whenever_it_changes() -> None:
    source = StillSource(finished_board(), PICTURES)
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await press(pilot, "tab", "l")
        main = app.main
        assert main is not None
        assert len({panel.NAME for panel in main.panels}) == len(PANELS)
        for panel in main.panels:
            for name in panel.TAKES:
                assert getattr(panel, name) is getattr(main, name, None), (panel, name)


def test_the_help_and_the_palette_know_every_key_by_its_label() -> None:
    described = {name for key in all_keys() if key.help for name in key.keys.split(",")}
    assert described == {name for key in all_keys() for name in key.keys.split(",")}
    assert set(KEYS) <= set(all_keys())


@pytest.mark.parametrize("size", [(120, 40), (60, 20)])
async def test_while_it_trains_every_key_does_something_or_says_why_not(size: tuple[int, int]) -> None:
    app = dashboard(running_board())
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        text = await press(pilot, "n")
        assert "test image 8" in text
        assert any("More test images" in words for words, _ in app.notices)
        for key in ("b", "d", "m"):
            assert "test image 8" in await press(pilot, key)
        assert "training cost per epoch, log" in await press(pilot, "1")
        text = await press(pilot, "l")
        assert "training cost per epoch" in text
        assert "per epoch, log" not in text
        assert "test cost per epoch" in await press(pilot, "c")
        assert "test accuracy, %" in await press(pilot, "c")
        assert "training cost per epoch" in await press(pilot, "c")
        text = await press(pilot, "2")
        assert "accuracy so far" in text
        assert "per epoch" not in text
        assert "test image 8" in await press(pilot, "3")
        assert "training cost per epoch" in await press(pilot, "3")


@pytest.mark.parametrize("size", [(120, 40), (60, 20)])
async def test_at_the_end_the_pictures_can_be_leafed_through(size: tuple[int, int]) -> None:
    app = dashboard(finished_board(), pictures=PICTURES)
    async with app.run_test(size=size) as pilot:
        assert "test image 0" in await shown(pilot)
        assert "test image 1" in await press(pilot, "n")
        assert "test image 2" in await press(pilot, "right")
        assert "test image 1" in await press(pilot, "left")
        assert "test image 0" in await press(pilot, "b", "b")
        assert "test image 5" in await press(pilot, *["n"] * 5)
        assert "test image 0" in await press(pilot, "n")  # round, after the last
        assert "disagreement 1 of 4" in await press(pilot, "d")
        assert "test image 3" in await press(pilot, "n")
        text = await press(pilot, "m")
        assert "mistake 1 of 6" in text
        assert "test image 0" in text
        assert "random image 1 of 6" in await press(pilot, "m")


async def test_where_the_arms_agree_the_screen_says_so() -> None:
    text = await text_at(finished_board(), (120, 40), "d", pictures=gallery_where(OF, agree=True))
    assert "the arms agree on every test im" in text


async def test_a_key_brings_the_panel_that_it_changes_where_that_was_hidden() -> None:
    app = dashboard(finished_board(), pictures=PICTURES)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        assert "test image" not in await press(pilot, "2")
        assert "test image 1" in await press(pilot, "n")
        assert "test cost per epoch" in await press(pilot, "c")


async def test_a_replay_is_steered_by_its_keys(tmp_path: Path) -> None:
    source = ReplaySource(write_run(tmp_path, OF), speed=0.01)
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "space")
        assert "replay, paused" in text
        assert " space pause " in text
        assert "replay x0.02" in await press(pilot, "space", "plus")
        assert "replay x0.01" in await press(pilot, "minus")
        await pilot.press("end")
        for _ in range(100):
            await pilot.pause()
            if app.main is not None and app.main.board.ended:
                break
        text = "\n".join(screen_text(app))
        assert "94.15 % ★" in text
        assert "test image 0" in text
        await pilot.press("q")
    assert app.return_value == "done"


async def test_the_footer_s_keys_can_be_clicked() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        footer = screen_text(app)[-1]
        assert footer.rstrip().endswith("? help  q leave")
        await pilot.click("#footer", offset=(footer.index("l log/linear") + 3, 0))
        await pilot.pause()
        assert "per epoch, log" not in "\n".join(screen_text(app))
        await pilot.click("#footer", offset=(footer.index("? help"), 0))
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


async def test_ctrl_p_opens_the_command_palette() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+p")
        assert isinstance(app.screen, CommandPalette)


async def test_the_command_palette_offers_the_keys_that_work_now() -> None:
    def offered() -> set[str]:
        return {command.help for command in app.get_system_commands(app.screen)}

    alone = {key.help for key in MatrixPanel.KEYS if key.only_alone and key.help}
    assert alone
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        assert not alone & offered()
        assert "linear or logarithmic costs" in offered()
        await press(pilot, "5")
        assert alone <= offered()


async def test_another_theme_repaints_in_its_colours() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(120, 40)) as pilot:
        before = await shown(pilot)
        names = {text.strip(): colour for text, colour in screen_styles(app)}
        assert names["xavier_normal"].upper() == ON_DARK[0]
        app.theme = "inittui-light"
        await pilot.pause()
        names = {text.strip(): colour for text, colour in screen_styles(app)}
        assert names["xavier_normal"].upper() == ON_LIGHT[0]
        assert "\n".join(screen_text(app)) == before


async def test_a_key_goes_from_dark_to_light_and_back() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        before = await shown(pilot)
        for name in ("inittui-light", "inittui-dark"):
            assert await press(pilot, "t") == before
            assert app.theme == name
        app.theme = "solarized-light"
        await press(pilot, "t")
        assert app.theme == "inittui-dark"


async def test_themes_of_any_kind_of_colours_can_be_drawn() -> None:
    app = dashboard(states()["finished, failed arm"], pictures=PICTURES)
    async with app.run_test(size=(120, 40)) as pilot:
        before = await shown(pilot)
        # Those whose colours are names or blends, not hexadecimal, and one that is Textual's own.
        odd = [theme.name for theme in app.available_themes.values() if not str(theme.accent).startswith("#")]
        for name in ("textual-light", *odd):
            app.theme = name
            await pilot.pause()
            assert "\n".join(screen_text(app)) == before, name


# Leaving


async def test_leaving_a_run_that_trains_asks_first() -> None:
    source = ScriptedSource(OF, canned_events(OF))
    source.tell_until(2.0)
    app = dashboard(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for leave in ("q", "ctrl+q", "ctrl+c", ""):
            if leave:
                await press(pilot, leave)
            else:
                await app.run_action("quit")  # what the palette's "Quit" does
                await pilot.pause()
            assert isinstance(app.screen, LeaveQuestion), leave
            assert app.return_code is None
            await press(pilot, "escape")


@pytest.mark.parametrize(("key", "left"), [("k", "keep"), ("s", "stop")])
async def test_the_answer_says_what_becomes_of_the_run(key: str, left: str) -> None:
    source = ScriptedSource(OF, canned_events(OF))
    source.tell_until(2.0)
    app = dashboard(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("q", key)
    assert app.return_value == left


async def test_one_can_think_better_of_leaving() -> None:
    source = ScriptedSource(OF, canned_events(OF))
    source.tell_until(2.0)
    app = dashboard(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for stay in ("escape", "q", "n"):
            await press(pilot, "q")
            assert isinstance(app.screen, LeaveQuestion)
            await press(pilot, stay)
            assert isinstance(app.screen, MainScreen)
            assert app.return_code is None
        source.tell_until(99)
        await shown(pilot)
        await pilot.press("q")  # over: nothing to ask
    assert app.return_value == "done"


async def test_a_run_that_ends_behind_the_question_is_shown_when_one_stays() -> None:
    source = ScriptedSource(OF, canned_events(OF), pictures=PICTURES)
    source.tell_until(2.0)
    app = dashboard(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await press(pilot, "q")
        source.tell_until(99)
        await shown(pilot)
        assert "94.15 % ★" in await press(pilot, "escape")


async def test_what_trains_nothing_is_left_at_once() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
    assert app.return_value == "done"


def test_a_signal_before_the_first_frame_ends_the_dashboard_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exit_guard, "terminal_gone", lambda seconds: time.sleep(seconds))  # there is no terminal here
    app = dashboard(running_board())
    with app.guard.watching():
        os.kill(os.getpid(), signal.SIGTERM)
        app.run(headless=True)
    assert app.return_code == 128 + signal.SIGTERM


# A picture without a terminal


def test_a_screenshot_is_xml_and_names_the_arms(tmp_path: Path) -> None:
    svg = screenshot(write_run(tmp_path, preset(named(MARKUP.replace("x", "x&<"), "he_normal"))), 120, 40)
    text = "".join(ElementTree.fromstring(svg).itertext()).replace("\xa0", " ")
    assert "[red]x&<[/]" in text
    assert "he_normal" in text
    assert "94.15 %" in text


def test_a_textual_that_cannot_draw_makes_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual_private, "unsupported", lambda _: "textual 99 can't show the dashboard")
    with pytest.raises(RunError, match=r"^textual 99 can't show the dashboard$"):
        screenshot(write_run(tmp_path, OF), 80, 24)


@pytest.mark.parametrize("closed", [False, True])
def test_a_screenshot_needs_no_open_standard_input(tmp_path: Path, closed: bool) -> None:
    run = write_run(tmp_path, OF)
    code = (
        "import sys; from pathlib import Path; from inittui.record.run_directory import RunDir;"
        "from inittui.tui import svg; from inittui.tui.terminal import exit_guard;"
        "exit_guard.GRACE_SECONDS = 0;"  # a viewer that has to end ends at once
        "assert 'he_normal' in svg.screenshot(RunDir(Path(sys.argv[1])), 80, 24)"
    )
    reader, writer = os.pipe()
    os.close(writer)
    command = [sys.executable, "-c", code, str(run.path)]
    if closed:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    try:
        done = subprocess.run(command, stdin=reader, capture_output=True, text=True, timeout=60, check=False)
    finally:
        os.close(reader)
    assert (done.returncode, done.stderr) == (0, "")
