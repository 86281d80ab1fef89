from pathlib import Path

import pytest
from msgspec.structs import replace

from inittui.board import Board
from inittui.tui.feed import ReplayFeed, StillFeed
from inittui.tui.keys import KEYS
from inittui.tui.screens.errors import ErrorsScreen
from inittui.tui.screens.help import HelpScreen
from inittui.tui.screens.leave import ANSWERS, LeaveScreen
from inittui.tui.screens.main import MainScreen
from tests.helpers import canned_events, preset, running_board, write_run
from tests.tui.builders import FAILED, MARKUP, ScriptedFeed, dashboard, named, press, shown, states

OF = preset(2)


async def errors_of(board: Board, size: tuple[int, int] = (120, 40)) -> str:
    """The errors screen over a board, in one line."""
    app = dashboard(board)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        text = await press(pilot, "e")
        assert isinstance(app.screen, ErrorsScreen)
        await press(pilot, "escape")
        assert isinstance(app.screen, MainScreen)
        return text


async def test_help_lists_every_key_of_a_live_run() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(120, 60)) as pilot:
        text = await press(pilot, "question_mark")
        for key in KEYS:
            assert (f" {key.label} " in text and key.help[:40] in text) == (not key.replay), key


async def test_help_lists_every_key_of_a_replay(tmp_path: Path) -> None:
    app = dashboard(ReplayFeed(write_run(tmp_path, OF)))
    async with app.run_test(size=(120, 60)) as pilot:
        text = await press(pilot, "f1")
        for key in KEYS:
            assert f" {key.label} " in text, key
            assert key.help[:40] in text, key


async def test_help_is_closed_by_the_key_that_opens_it_and_by_those_that_leave() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        for close in ("escape", "q", "question_mark"):
            await press(pilot, "question_mark")
            assert isinstance(app.screen, HelpScreen)
            await press(pilot, close)
            assert isinstance(app.screen, MainScreen)


async def test_the_last_key_of_the_help_can_be_reached_on_a_small_screen() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(40, 10)) as pilot:
        await press(pilot, "question_mark")
        text = await press(pilot, "end")
        assert " m " in text
        assert "arm gets wrong" in text


async def test_errors_say_why_each_arm_failed_in_full() -> None:
    text = await errors_of(states()["an arm failed"])
    for word in ("he_normal", "cost not finite in epoch 2", "Traceback", "ValueError: nan"):
        assert word in text


async def test_errors_show_names_reasons_and_tracebacks_as_they_are() -> None:
    failed = replace(FAILED, reason="[bold]no[/bold] [/]", detail="File [link=x]y[/link] [")
    text = await errors_of(running_board(named(MARKUP, "[b]"), endings={0: failed}, until=2.2))
    for word in (MARKUP, "[bold]no[/bold] [/]", "File [link=x]y[/link] ["):
        assert word in text


async def test_errors_of_the_run_itself_are_there_too() -> None:
    wanted = {
        "training": "No arm has failed.",
        "damaged records": "damaged record: a/events.jsonl, line 3",
        "supervisor gone": "the supervisor is gone: killed",
    }
    feed = StillFeed(running_board())
    app = dashboard(feed)
    async with app.run_test(size=(120, 40)) as pilot:
        for state, words in wanted.items():
            feed.board = states()[state]
            await shown(pilot)
            assert words in await press(pilot, "e"), state
            await press(pilot, "escape")


@pytest.mark.parametrize("size", [(120, 40), (40, 10)])
async def test_the_question_shows_its_three_answers_at_any_size(size: tuple[int, int]) -> None:
    feed = ScriptedFeed(OF, canned_events(OF))
    feed.tell_until(2.0)
    app = dashboard(feed)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        text = await press(pilot, "q")
        assert isinstance(app.screen, LeaveScreen)
        for _, words in ANSWERS:
            assert words[:20] in text


@pytest.mark.parametrize(("keys", "left"), [(("enter",), "keep"), (("down", "enter"), "stop")])
async def test_the_question_is_answered_with_the_arrows_as_well(keys: tuple[str, ...], left: str) -> None:
    feed = ScriptedFeed(OF, canned_events(OF))
    feed.tell_until(2.0)
    app = dashboard(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await press(pilot, "q")
        await pilot.press(*keys)
    assert app.return_value == left
