import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from inittui.board.fold import fold
from inittui.board.source import ReplaySource
from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.launch import process
from inittui.record import control_requests, events
from inittui.record.run_directory import RunDir
from inittui.tui import steering
from inittui.tui.app import Dashboard
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.screens.main import MainScreen
from inittui.tui.views import arm, header
from inittui.tui.widgets.question import LeaveQuestion, Question
from tests.galleries import canned_gallery
from tests.helpers import board_of, canned_events, empty_run, finished_board, preset, running_board, write_run
from tests.tui.builders import (
    FAILED,
    INTERRUPTED,
    MARKUP,
    SIZES,
    STOPPED,
    ScriptedSource,
    Watched,
    colour_of,
    dashboard,
    lines_of,
    many,
    named,
    paused_board,
    press,
    resumed_board,
    screen_strips,
    screen_text,
    shown,
    states,
    text_of,
)

OF = preset(3)
FOLDERS = ("xavier_normal", "he_normal", "orthogonal")
KILLED = events.Gone(t=2.1, arm="he_normal", reason="killed by signal 9")
NOT_FINITE = replace(FAILED, t=2.1)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return empty_run(tmp_path, OF)


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were taken up again, by name; none really is."""
    names: list[str] = []
    monkeypatch.setattr(process, "resume", lambda run: names.append(run.name))
    return names


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were stopped, by name; none really is."""
    names: list[str] = []
    monkeypatch.setattr(process, "stop", lambda run: names.append(run.name))
    return names


def asked(run: RunDir) -> list[tuple[str, str]]:
    """What has been asked of the run since, as its supervisor reads it."""
    return [(verb, folder) for verb, folder, _ in control_requests.take(run, FOLDERS)]


def with_states(*of_arms: events.Event | None) -> Board:
    """Three arms under way, and what each of them, or the supervisor of it, says then."""
    board = running_board(3)
    for arm_index, event in enumerate(of_arms):
        if event is not None:
            board = fold(board, event, None if isinstance(event, events.Gone) else arm_index)
    return board


PAUSED, STOPPED_NOW = events.Paused(t=2.1), replace(STOPPED, t=2.1)
FINISHED = events.Finished(t=2.1, seconds=1)


# What the keys ask for


@pytest.mark.parametrize(
    ("board", "chosen", "wanted", "words"),
    [
        (with_states(), None, ("pause", ""), "All arms pause."),
        (with_states(PAUSED), None, ("pause", ""), "All arms pause."),
        (with_states(PAUSED, FINISHED), None, ("pause", ""), "All arms pause."),
        (with_states(PAUSED, PAUSED, PAUSED), None, ("resume", ""), "All arms continue."),
        (with_states(PAUSED, FINISHED, NOT_FINITE), None, ("resume", ""), "All arms continue."),
        (with_states(), 1, ("pause", "he_normal"), "he_normal pauses."),
        (with_states(PAUSED, PAUSED), 1, ("resume", "he_normal"), "he_normal continues."),
        (with_states(PAUSED), 1, ("pause", "he_normal"), "he_normal pauses."),
        (with_states(None, STOPPED_NOW), 1, ("resume", "he_normal"), "he_normal continues."),
        (with_states(None, KILLED), 1, ("resume", "he_normal"), "he_normal continues."),
        (board_of(OF, canned_events(OF, until=1.0)), 2, ("pause", "orthogonal"), "orthogonal pauses."),
    ],
    ids=[
        "all", "one paused", "one paused, one over", "all paused", "paused or over", "chosen", "chosen paused",
        "another paused", "chosen stopped", "chosen killed", "before it began",
    ],
)  # fmt: skip
def test_the_key_for_pause_asks_for_what_makes_sense(
    run: RunDir, board: Board, chosen: int | None, wanted: tuple[str, str], words: str
) -> None:
    assert steering.pause_or_continue(run, board, chosen) == words
    assert asked(run) == [wanted]


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (with_states(None, FINISHED), "he_normal is finished: it can't be resumed"),
        (with_states(None, NOT_FINITE), "he_normal is failed: it can't be resumed"),
    ],
    ids=["finished", "not finite"],
)
def test_an_arm_that_has_nothing_to_go_on_with_is_asked_for_nothing(run: RunDir, board: Board, words: str) -> None:
    with pytest.raises(RunError, match=words):
        steering.pause_or_continue(run, board, 1)
    assert asked(run) == []


@pytest.mark.parametrize("chosen", [None, 1])
@pytest.mark.parametrize("state", ["stopped", "interrupted", "finished, failed arm"])
def test_a_run_that_is_over_is_taken_up_again_as_a_whole(
    run: RunDir, resumed: list[str], state: str, chosen: int | None
) -> None:
    assert steering.pause_or_continue(run, states()[state], chosen) == "It continues from the last checkpoint."
    assert (resumed, asked(run)) == ([run.name], [])


def test_the_key_for_stop_stops_the_chosen_arm_or_the_run(run: RunDir, stopped: list[str]) -> None:
    assert steering.stop(run, with_states(), 2) == "orthogonal stops."
    assert (asked(run), stopped) == ([("stop", "orthogonal")], [])
    assert steering.stop(run, with_states(), None) == "The run stops."
    assert (asked(run), stopped) == ([], [run.name])


# On the screen


def live(run: RunDir, board: Board | None = None) -> ScriptedSource:
    source = ScriptedSource(OF, canned_events(OF), run=run, pictures=canned_gallery(OF))
    source.tell_until(2.0)
    source.board = board or source.board
    return source


async def appears(pilot: Pilot[Any], words: str) -> None:
    """Wait until the words stand on the screen, in one line."""
    for _ in range(500):
        await pilot.pause()
        if any(words in line for line in screen_text(pilot.app)):
            return
    raise AssertionError(f"{words} never came")


async def notice(pilot: Pilot[Any], *keys: str) -> tuple[str, str]:
    """The words and the severity of the notification that comes after the keys."""
    app = pilot.app
    assert isinstance(app, Watched)
    before = len(app.notices)
    await pilot.press(*keys)
    for _ in range(2000):
        await pilot.pause()
        if app.notices[before:]:
            (words_and_severity,) = app.notices[before:]
            return words_and_severity
    raise AssertionError("no notification came")


@pytest.mark.parametrize("size", SIZES)
async def test_p_pauses_all_arms_and_lets_them_go_on(run: RunDir, size: tuple[int, int]) -> None:
    source = live(run)
    app = dashboard(source)
    async with app.run_test(size=size) as pilot:
        assert "training" in await shown(pilot)
        assert await notice(pilot, "p") == ("All arms pause.", "information")
        assert asked(run) == [("pause", "")]
        source.board = with_states(PAUSED, PAUSED, PAUSED)
        text = await shown(pilot)
        assert "paused" in text.split("\n")[0]
        assert "left" not in text.split("\n")[0]
        assert (await notice(pilot, "p"))[0] == "All arms continue."
        assert asked(run) == [("resume", "")]
        source.board = with_states()
        assert "training" in (await shown(pilot)).split("\n")[0]


@pytest.mark.parametrize("size", SIZES)
async def test_p_is_for_the_chosen_arm_alone(run: RunDir, size: tuple[int, int]) -> None:
    source = live(run)
    app = dashboard(source)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        assert (await notice(pilot, "tab", "tab", "p"))[0] == "he_normal pauses."
        assert asked(run) == [("pause", "he_normal")]
        source.board = with_states(None, PAUSED)
        text = await shown(pilot)
        assert "paused" in text
        assert "training" in text.split("\n")[0]
        assert (await notice(pilot, "p"))[0] == "he_normal continues."
        assert asked(run) == [("resume", "he_normal")]


async def test_tab_goes_round_the_arms_and_escape_means_all(run: RunDir) -> None:
    app = dashboard(live(run))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for keys, folder in (
            ("tab", "xavier_normal"),
            ("tab tab tab", "orthogonal"),
            ("tab tab tab tab", ""),
            ("tab tab tab tab tab", "xavier_normal"),
            ("shift+tab", "orthogonal"),
            ("shift+tab shift+tab", "he_normal"),
            ("tab shift+tab", ""),
            ("tab tab escape", ""),
            ("escape", ""),
            ("tab escape tab", "xavier_normal"),
        ):
            await notice(pilot, *keys.split(), "p")
            assert asked(run) == [("pause", folder)], keys
            await press(pilot, "escape")


def borders(app: Dashboard) -> list[str]:
    """The colours of the arms' borders, from left to right."""
    first_row = next(strip for strip in screen_strips(app) if "╭" in strip.text)
    return [colour_of(segment) for segment in first_row if "╭" in segment.text]


async def test_the_chosen_arm_is_seen_in_its_frame_and_in_its_line() -> None:
    app = dashboard(running_board(3))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        accent, track = (app.theme_variables[f"inittui-{name}"].lower() for name in ("accent", "track"))
        assert borders(app) == [track, track, track]
        await press(pilot, "tab", "tab")
        assert borders(app) == [track, accent, track]
        await press(pilot, "escape")
        assert borders(app) == [track, track, track]
    board = running_board(3)
    chosen = arm.line(board, 1, 60, Glyphs(), log=True, chosen=True)
    assert [style for text, style in chosen if "he_normal" in text] == ["arm1 bold reverse"]
    assert text_of(chosen) == text_of(arm.line(board, 1, 60, Glyphs(), log=True))


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_an_arm_that_is_chosen_comes_into_sight(size: tuple[int, int]) -> None:
    app = dashboard(running_board(many(40)))
    async with app.run_test(size=size) as pilot:
        assert "arm-39" not in await shown(pilot)
        await press(pilot, "shift+tab")
        assert "arm-39" in await press(pilot)
        await press(pilot, "tab", "tab")
        text = await press(pilot)
        assert "arm-00" in text
        assert "arm-39" not in text


@pytest.mark.parametrize(("keys", "name"), [((), "the run"), (("tab", "tab"), "he_normal")])
@pytest.mark.parametrize("answer", [("s",), ("enter",)])
async def test_x_asks_and_then_stops(
    run: RunDir, stopped: list[str], keys: tuple[str, ...], name: str, answer: tuple[str, ...]
) -> None:
    app = dashboard(live(run))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        text = await press(pilot, *keys, "x")
        assert isinstance(app.screen, Question)
        assert f"stop {name}?" in text
        assert f"stop {name}: its results so far are kept" in text
        assert (asked(run), stopped) == ([], [])
        assert (await notice(pilot, *answer))[0] == ("The run stops." if not keys else "he_normal stops.")
        assert isinstance(app.screen, MainScreen)
        assert (asked(run), stopped) == ([("stop", name)], []) if keys else ([], [run.name])


@pytest.mark.parametrize("answer", [("escape",), ("q",), ("n",), ("down", "enter")], ids=" ".join)
async def test_one_can_think_better_of_stopping(run: RunDir, stopped: list[str], answer: tuple[str, ...]) -> None:
    app = dashboard(live(run))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for chosen in ("escape", "tab"):
            await press(pilot, chosen, "x")
            assert isinstance(app.screen, Question)
            await press(pilot, *answer)
            assert isinstance(app.screen, MainScreen)
        assert await notice(pilot, "p")  # had anything been asked for, it would have come first
        assert (asked(run), stopped) == ([("pause", "xavier_normal")], [])


@pytest.mark.parametrize("state", ["stopped", "interrupted", "finished, failed arm"])
async def test_p_takes_a_run_up_again_that_is_over(run: RunDir, resumed: list[str], state: str) -> None:
    source = live(run, states()[state])
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert (await notice(pilot, "p"))[0] == "It continues from the last checkpoint."
        assert (resumed, asked(run)) == ([run.name], [])
        assert "There is nothing to stop." in (await notice(pilot, "x"))[0]
        assert not isinstance(app.screen, Question)


def out_of_room(_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refused(_: object) -> None:
    raise RunError(f"run '{MARKUP}' has nothing to go on with")


@pytest.mark.parametrize(
    ("fault", "words"),
    [(out_of_room, "can't be asked: no space left on device"), (refused, f"run '{MARKUP}' has nothing to go on with")],
    ids=["disk", "refused"],
)
async def test_what_can_t_be_asked_for_is_said_and_the_dashboard_stays(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, fault: Callable[[object], None], words: str
) -> None:
    monkeypatch.setattr(process, "resume", fault)
    monkeypatch.setattr(process, "stop", fault)
    source = live(run, states()["interrupted"])
    app = dashboard(source)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await shown(pilot)
        said, severity = await notice(pilot, "p")
        assert words in said
        assert severity == "error"
        if fault is refused:
            await appears(pilot, words)
        source.board = with_states()
        await shown(pilot)
        app.clear_notifications()
        await pilot.press("x")
        said, severity = await notice(pilot, "s")
        assert (words in said, severity) == (True, "error")
        assert isinstance(app.screen, MainScreen)
        assert app.return_code is None


async def test_a_request_that_can_t_be_left_is_said(run: RunDir) -> None:
    (run.path / "control").touch()
    app = dashboard(live(run))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        said, severity = await notice(pilot, "p")
        assert severity == "error"
        assert f"run '{run.name}' can't be asked to pause (" in said


async def test_an_arm_with_a_strange_name_can_be_steered(tmp_path: Path) -> None:
    of = preset(named(MARKUP, "b"))
    run = empty_run(tmp_path, of)
    source = ScriptedSource(of, canned_events(of), run=run)
    source.tell_until(2.0)
    app = dashboard(source)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        assert f"stop {MARKUP}?" in await press(pilot, "tab", "x")
        assert (await notice(pilot, "s"))[0] == f"{MARKUP} stops."
        await appears(pilot, f"{MARKUP} stops.")
        assert [(verb, folder) for verb, folder, _ in control_requests.take(run, ["red_x"])] == [("stop", "red_x")]


@pytest.mark.parametrize("replayed", [True, False], ids=["replay", "one board"])
async def test_where_nothing_goes_on_there_is_nothing_to_ask(
    tmp_path: Path, resumed: list[str], stopped: list[str], replayed: bool
) -> None:
    run = write_run(tmp_path, OF)
    app = dashboard(ReplaySource(run, speed=0.01) if replayed else running_board())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "it can't be paused or stopped" in (await notice(pilot, "p"))[0]
        assert (await notice(pilot, "x"))[0] == "There is nothing to stop."
        assert isinstance(app.screen, MainScreen)
        assert (resumed, stopped, asked(run)) == ([], [], [])
        assert not (run.path / "control").exists()


async def test_leaving_a_paused_run_says_that_it_is_paused(run: RunDir) -> None:
    app = dashboard(live(run, with_states(PAUSED, PAUSED, PAUSED)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        assert "training is paused" in await press(pilot, "q")
        assert isinstance(app.screen, LeaveQuestion)


async def test_a_run_that_is_interrupted_is_left_at_once(run: RunDir) -> None:
    app = dashboard(live(run, states()["interrupted"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("q")
    assert app.return_value == "done"


async def test_the_pictures_of_a_run_that_goes_on_are_read_anew_at_its_end(run: RunDir) -> None:
    source = live(run, finished_board(3, endings={1: STOPPED}))
    app = dashboard(source)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "random image 1 of 6" in await shown(pilot)
        source.board = running_board(3)
        text = await shown(pilot)
        assert "test image 8" in text  # the one that is watched while it trains
        assert "random image" not in text
        source.pictures = canned_gallery(OF, pictures=4, drawn=4)
        source.board = finished_board(3)
        assert "random image 1 of 4" in await shown(pilot)


# How it looks


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("state", "words", "not_there"),
    [
        ("paused", ["paused  0:0", "xavier_normal", "90.00 %"], ["left ", "interrupted"]),
        ("one arm paused", ["training  0:0", "paused"], ["interrupted"]),
        (
            "interrupted",
            ["interrupted in 0:02", "the supervisor is gone; 'inittui resume canned' goes on"],
            ["left "],
        ),
        ("disk full", ["training", "Disk full: training continues"], ["interrupted"]),
        ("resumed", ["training", "Resumed, bit for bit: the same torch"], ["interrupted"]),
        ("taken up again", ["waiting"], []),
    ],
    ids=["paused", "one arm paused", "interrupted", "disk full", "resumed", "taken up again"],
)
async def test_every_state_is_told_in_words_at_every_size(
    size: tuple[int, int], state: str, words: list[str], not_there: list[str]
) -> None:
    app = dashboard(states()[state])
    async with app.run_test(size=size) as pilot:
        text = await shown(pilot)
    assert [word for word in words if word not in text] == []
    assert [word for word in not_there if word in text] == []
    assert [len(line) for line in text.split("\n")] == [size[0]] * size[1]


@pytest.mark.parametrize("size", SIZES)
async def test_an_interrupted_run_goes_on_before_ones_eyes(run: RunDir, size: tuple[int, int]) -> None:
    source = live(run, states()["interrupted"])
    app = dashboard(source)
    async with app.run_test(size=size) as pilot:
        assert "interrupted" in await shown(pilot)
        for board in (states()["taken up again"], resumed_board()):
            source.board = board
            text = await shown(pilot)
        assert "Resumed, bit for bit" in text
        assert "interrupted" not in text
        assert "gone" not in text
        source.board = finished_board(2)
        text = await shown(pilot)
        assert "finished in" in text
        assert "Resumed" not in text


def header_of(board: Board, width: int = 120) -> str:
    return "\n".join(lines_of(header.header(board, 2.5, width, 3, Glyphs())))


def test_a_full_disk_is_said_before_anything_else() -> None:
    for state in ("training, replaced data", "damaged records", "resumed"):
        text = header_of(replace(states()[state], waiting_for="disk full"))
        assert "Disk full: training continues; its events stay in memory" in text
        assert "Note" not in text


def test_how_a_run_went_on_is_said_until_it_ends() -> None:
    board = fold(states()["resumed"], replace(events.Resumed(arms=()), t=2.5, exact=False, note="not bit for bit: x"))
    assert "Resumed, not bit for bit: x" in header_of(board)
    assert "Resumed" not in header_of(fold(board, events.Phase(t=9.0, phase="finished")))


def test_a_paused_run_says_how_long_it_has_been_there_and_promises_no_end() -> None:
    text = header_of(paused_board())
    assert "paused  0:02 " in text
    assert "left" not in text
    assert " left " in header_of(paused_board(0))


@pytest.mark.parametrize("width", [36, 56, 76])
def test_a_paused_arm_keeps_its_numbers_and_its_curves(width: int) -> None:
    paused, training = (
        lines_of(arm.panel(board, 0, width, 6, Glyphs(), log=True)) for board in (paused_board(), running_board())
    )
    assert paused[0].startswith("paused    epoch 2 of 3")
    assert training[0].startswith("training  epoch 2 of 3")
    assert paused[2:] == training[2:]
    assert "cost 0.6667   test 90.00 %" in paused[1]


def test_an_arm_s_line_says_when_it_does_not_train() -> None:
    for state, word in (("paused", "paused"), ("taken up again", "waiting"), ("interrupted", "interrupted: did not")):
        assert f"xavier_normal {word}" in text_of(arm.line(states()[state], 0, 60, Glyphs(), log=True))
    for state in ("training", "finished"):
        assert "xavier_normal 2/3 " in text_of(arm.line(states()[state], 0, 60, Glyphs(), log=True)).replace(
            "3/3", "2/3"
        )


def test_an_arm_that_is_paused_before_it_began_says_so() -> None:
    board = states()["paused before it began"]
    assert "paused before it began" in "\n".join(lines_of(arm.panel(board, 1, 56, 6, Glyphs(), log=True)))
    assert "paused before it began" in text_of(arm.line(board, 1, 60, Glyphs(), log=True))
    assert "paused" not in text_of(arm.line(board, 0, 60, Glyphs(), log=True))


def test_an_interrupted_arm_keeps_its_numbers_and_says_why() -> None:
    text = "\n".join(lines_of(arm.panel(fold(running_board(), INTERRUPTED), 0, 56, 6, Glyphs(), log=True)))
    assert text.startswith("interrupted ")
    for words in ("did not come to its end", "test 90.00 %"):
        assert words in text
