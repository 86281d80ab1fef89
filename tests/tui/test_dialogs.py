from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.command import CommandPalette

from inittui.board.follower import Follower
from inittui.board.source import LiveSource, ReplaySource, StillSource
from inittui.board.state import Board
from inittui.record import events
from inittui.record.run_index import RunIndex
from inittui.tui.browser.screen import BrowserScreen
from inittui.tui.screens.help import HelpScreen
from inittui.tui.screens.main import MainScreen, all_keys
from inittui.tui.views.errors import ErrorsScreen
from inittui.tui.widgets.filter_input import FilterInput
from inittui.tui.widgets.question import LEAVE_ANSWERS, DeleteQuestion, LeaveQuestion, Question
from tests.helpers import Canned, canned_events, preset, running_board, write_run
from tests.tui.builders import (
    FAILED,
    MARKUP,
    ScriptedSource,
    dashboard,
    named,
    press,
    screen_text,
    shown,
    states,
)

OF = preset(2)
PAUSED: Canned = [(events.Paused(t=2.1), 0), (events.Paused(t=2.1), 1)]


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
        for key in filter(lambda key: key.help, all_keys()):
            assert (f" {key.label} " in text and key.help[:40] in text) == (not key.replay), key


async def test_help_lists_every_key_of_a_replay(tmp_path: Path) -> None:
    app = dashboard(ReplaySource(write_run(tmp_path, OF)))
    async with app.run_test(size=(120, 90)) as pilot:
        text = await press(pilot, "f1")
        for key in filter(lambda key: key.help, all_keys()):
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
        assert "gets wrong" in text


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
        "interrupted": "the supervisor is gone; 'inittui resume canned' goes on",
    }
    source = StillSource(running_board())
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        for state, words in wanted.items():
            source.board = states()[state]
            await shown(pilot)
            assert words in await press(pilot, "e"), state
            await press(pilot, "escape")


@pytest.fixture
def under_way() -> ScriptedSource:
    source = ScriptedSource(OF, canned_events(OF))
    source.tell_until(2.0)
    return source


@pytest.mark.parametrize("size", [(120, 40), (40, 10)])
async def test_the_question_shows_its_answers_at_any_size(under_way: ScriptedSource, size: tuple[int, int]) -> None:
    app = dashboard(under_way)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        text = await press(pilot, "q")
        assert isinstance(app.screen, LeaveQuestion)
        assert "training is under way" in text
        for _, key, words in LEAVE_ANSWERS:
            assert f"{key}  {words[:20]}" in text
        assert "Esc  stay" in text


async def test_the_question_says_that_all_is_paused() -> None:
    app = dashboard(ScriptedSource(OF, [*canned_events(OF, until=2.0), *PAUSED]))
    async with app.run_test(size=(80, 24)) as pilot:
        app.source.tell_until(99)  # type: ignore[attr-defined]
        await shown(pilot)
        text = await press(pilot, "q")
        assert "training is paused" in text
        assert "under way" not in text


@pytest.mark.parametrize(
    ("keys", "left"), [(("enter",), "keep"), (("down", "enter"), "stop"), (("down", "down", "enter"), None)]
)
async def test_the_question_is_answered_with_the_arrows_as_well(
    under_way: ScriptedSource, keys: tuple[str, ...], left: str | None
) -> None:
    app = dashboard(under_way)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await press(pilot, "q")
        await press(pilot, *keys)
        assert (app.return_code is not None) == (left is not None)
        assert isinstance(app.screen, MainScreen)
    assert app.return_value == left


class Asking(App[None]):
    """Nothing but a question, and what was answered."""

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self.answers: list[str | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.question, self.answers.append)


def a_question(heading: str = "what now?") -> Question:
    return Question(heading, [("one", "o", "the first"), ("two", "t", "the second")], "neither")


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("o",), "one"),
        (("t",), "two"),
        (("enter",), "one"),
        (("down", "enter"), "two"),
        (("up", "enter"), ""),
        (("down", "down", "enter"), ""),
        (("escape",), ""),
        (("q",), ""),
        (("n",), ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_a_question_gives_the_answer_whose_key_or_line_was_chosen(keys: tuple[str, ...], answer: str) -> None:
    app = Asking(a_question())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert app.answers == [answer]
        assert app.screen is not app.question


async def test_another_key_answers_nothing() -> None:
    app = Asking(a_question())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("x", "s", "space", "1")
        await pilot.pause()
        assert app.answers == []
        assert app.screen is app.question


@pytest.mark.parametrize("columns", [1, 5])
async def test_boxes_survive_terminals_of_a_few_cells(columns: int, tmp_path: Path) -> None:
    run = write_run(tmp_path, OF, endings={1: FAILED})
    app = dashboard(LiveSource(Follower(run)))
    glyphs = app.glyphs
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        boxes = (
            lambda: LeaveQuestion(),
            lambda: DeleteQuestion(RunIndex(tmp_path).read()),
            lambda: HelpScreen(glyphs, all_keys()),
            lambda: ErrorsScreen(app.source.poll()),
            lambda: FilterInput("words", "placeholder", lambda _: None),
            lambda: BrowserScreen(tmp_path, run, glyphs),
            lambda: CommandPalette(),
        )
        for box in boxes:
            await pilot.resize_terminal(columns, 24)
            app.push_screen(box())
            await pilot.pause()
            assert screen_text(app)
            app.pop_screen()
        await pilot.pause()


@pytest.mark.parametrize("name", [MARKUP, "[/]", "a[b", "x\x1b[2Jy"])
async def test_a_question_shows_a_name_as_it_is(name: str) -> None:
    question = Question(f"stop {name}?", [("stop", "s", f"stop {name}: all is kept")], "no")
    app = Asking(question)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = "\n".join(screen_text(app))
        visible = name.replace("\x1b", "?")
        assert f"stop {visible}?" in text
        assert f"s  stop {visible}: all is kept" in text
