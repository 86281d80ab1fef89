"""The runs on the screen: real folders, in a dashboard that shows one of them."""

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from inittui.board.follower import Follower
from inittui.board.source import LiveSource, ReplaySource, StillSource
from inittui.common.errors import RunError
from inittui.record import delete_run, run_table
from inittui.record.run_directory import RunDir
from inittui.record.run_index import ArmSummary, RunIndex, RunSummary
from inittui.tui.app import Dashboard
from inittui.tui.browser import screen as browser
from inittui.tui.browser.compare_screen import CompareScreen
from inittui.tui.browser.run_list import RunList
from inittui.tui.browser.screen import BrowserScreen
from inittui.tui.screens.main import MainScreen
from inittui.tui.widgets.question import DeleteQuestion
from tests.helpers import canned_events, empty_run, finished_board, make_alive, preset, write_events, write_run
from tests.tui.builders import (
    FAILED,
    MARKUP,
    SIZES,
    Watched,
    dashboard,
    named,
    press,
    screen_styles,
    screen_text,
    shown,
)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not too fast: between two looks the Pilot has to find the application idle."""
    monkeypatch.setattr(browser, "READ_SECONDS", 0.3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four runs; by name the newest first: shown, other, living, torn."""
    folder = tmp_path / "runs"
    stories: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("shown", 4, {}),
        ("other", 3, {"endings": {1: FAILED}}),
        ("torn", 1, {}),
    )
    for name, day, story in stories:
        write_run(tmp_path, preset(2, name=name), **story).path.rename(path_in(folder, name, day))
    living = empty_run(tmp_path, preset(3, name="living"))
    write_events(living, canned_events(preset(3, name="living"), until=2.0))
    make_alive(living)
    living.path.rename(path_in(folder, "living", 2))
    (folder / "torn-20260101-000000" / "status.json").write_bytes(b"{")
    return folder


def path_in(folder: Path, name: str, day: int) -> Path:
    folder.mkdir(exist_ok=True)
    return folder / f"{name}-2026010{day}-000000"


def on(folder: Path) -> Watched:
    """A dashboard that shows the newest run."""
    run = RunDir(folder / "shown-20260104-000000")
    return Watched(LiveSource(Follower(run, run.liveness)), ascii_only=False, refresh=5.0, watch_machine=False)


def without_a_run(runs_dir: Path) -> Watched:
    """A dashboard that shows a board of no run in `runs_dir`."""
    source = StillSource(finished_board(), None)
    return Watched(source, ascii_only=False, refresh=5.0, watch_machine=False, runs_dir=runs_dir)


async def until(pilot: Pilot[Any], what: Callable[[], bool]) -> str:
    """Wait for `what`; returns the text on the screen."""
    for _ in range(500):
        await pilot.pause(0.01)
        if what():
            await pilot.pause()
            return "\n".join(screen_text(pilot.app))
    raise AssertionError("it did not come about:\n" + "\n".join(screen_text(pilot.app)))


async def opened(pilot: Pilot[Any]) -> RunList:
    """The list of runs, once the folder was read."""
    await shown(pilot)
    await pilot.press("r")
    await until(pilot, lambda: isinstance(pilot.app.screen, BrowserScreen))
    runs = pilot.app.screen.query_one(RunList)
    await until(pilot, lambda: runs.runs is not None)
    return runs


def notices(app: Watched) -> str:
    """All that the user was told."""
    return " | ".join(message for message, _ in app.notices)


@pytest.mark.parametrize("size", [*SIZES, (200, 60), (40, 10), (30, 5), (10, 3), (1, 1)])
async def test_the_runs_are_listed_at_any_size(folder: Path, size: tuple[int, int]) -> None:
    app = on(folder)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        text = "\n".join(screen_text(app))
        if size[0] >= 60:
            for words in ("shown-20260104", "finished", "other-20260103", "failed", "living-20260102", "training"):
                assert words in text
            assert re.search(r"torn-20260101-000000 +damaged +status.json can't", text)
            assert "94.15 %" in text
            assert "4 runs" in text
            assert "esc close" in text
        await press(pilot, "escape")
        assert app.screen is app.main


async def test_the_cursor_begins_at_the_run_on_the_dashboard_and_the_details_follow_it(folder: Path) -> None:
    app = dashboard(LiveSource(Follower(RunDir(folder / "other-20260103-000000"))))
    async with app.run_test(size=(120, 40)) as pilot:
        listed = await opened(pilot)
        assert listed.state.cursor == 1
        text = "\n".join(screen_text(app))
        assert "on the dashboard now" in text
        assert "he_normal      94.15" not in text
        text = await press(pilot, "down")
        assert "no result yet" in text
        assert "on the dashboard now" not in text
        text = await press(pilot, "end")
        assert "the checksum does not match" in text
        text = await press(pilot, "home")
        assert "★" in text
        assert str(folder / "shown-20260104-000000") in text


async def test_what_changes_on_the_disk_changes_on_the_screen_and_the_cursor_stays_with_its_run(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        await press(pilot, "down")
        write_run(folder, preset(name="newest"))
        await until(pilot, lambda: len(listed.state.runs) == 5)
        assert listed.state.chosen is not None
        assert listed.state.chosen.name == "other-20260103-000000"
        shutil.rmtree(folder / "other-20260103-000000")
        await until(pilot, lambda: len(listed.state.runs) == 4)
        assert listed.state.chosen.name == "living-20260102-000000"


@pytest.mark.parametrize(("name", "phase"), [("other", "failed"), ("living", "training")])
async def test_a_run_is_opened_on_the_dashboard(folder: Path, name: str, phase: str) -> None:
    app = on(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, *(["down"] if name == "other" else ["down", "down"]))
        before = app.main
        await pilot.press("enter")
        await until(pilot, lambda: app.main is not before)
        text = await shown(pilot)
        assert isinstance(app.screen, MainScreen)
        assert app.screen is app.main
        assert len(app.screen_stack) == 2
        assert app.source.run is not None
        assert app.source.run.path.name.startswith(name)
        assert app.main.board.phase == phase
        assert name in text


async def test_an_opened_run_is_followed_and_nothing_of_the_one_before_comes_to_its_screen(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.source.run is not None and app.source.run.path.name.startswith("living"))
        names = {app.main.board.run} if app.main else set()
        run = RunDir(folder / "living-20260102-000000")
        write_events(run, [entry for entry in canned_events(preset(3, name="living")) if entry[0].t > 2.0])
        await until(pilot, lambda: bool(app.main and app.main.board.phase == "finished"))
        names |= {app.main.board.run} if app.main else set()
        assert names == {run.name}


async def test_the_run_on_the_dashboard_is_opened_by_closing(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        before = app.main
        await press(pilot, "enter")
        assert app.screen is before is app.main


async def test_a_run_that_cant_be_read_is_reported_and_the_list_stays(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        await pilot.press("end", "enter")
        await until(pilot, lambda: "status.json can't be read" in notices(app))
        assert app.screen is listed.screen


async def test_a_run_that_was_refused_is_reported_and_the_dashboard_stays(folder: Path) -> None:
    run = write_run(folder, preset(name="refused"), until=0.5)
    from inittui.record import events
    from inittui.record.event_log import EventLog

    log = EventLog(run.log, 0.0)
    log.append(events.Phase(phase="refused", detail="no data set"))
    log.close()
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("home", "enter")
        await until(pilot, lambda: "was refused before it trained: no data set" in notices(app))
        assert app.is_running


async def test_a_replay_has_the_list_of_the_folder_that_it_was_given(folder: Path) -> None:
    app = Dashboard(ReplaySource(RunDir(folder / "shown-20260104-000000")), watch_machine=False, runs_dir=folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        screen = app.screen
        assert isinstance(screen, BrowserScreen)
        await until(pilot, lambda: len(screen.query_one(RunList).state.runs) == 4)
        assert screen.query_one(RunList).state.on_dashboard == str(folder / "shown-20260104-000000")


# Marks, comparing


async def test_two_marked_runs_are_compared_and_swapped(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        text = await press(pilot, "space", "space")
        assert "2 marked" in text
        await pilot.press("c")
        text = await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        lines = text.splitlines()
        assert " A  shown-20260104-000000  finished" in lines[1]
        assert " B  other-20260103-000000  failed" in lines[2]
        assert any("xavier_normal" in line and "+0.00" in line for line in lines)
        text = await press(pilot, "x")
        assert " A  other" in text.splitlines()[1]
        await press(pilot, "escape")
        assert isinstance(app.screen, BrowserScreen)


async def test_the_marked_run_is_compared_with_the_one_under_the_cursor(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("down", "space", "down", "up", "c")
        text = await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert " A  other" in text
        assert " B  living" in text
        assert "its accuracy so far" in text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("c",), "space marks a run"),
        (("space", "up", "c"), "space marks a run"),
        (("space", "space", "space", "c"), "two runs can be compared, 3 are marked"),
        (("end", "space", "home", "c"), "preset.toml can't be read"),
    ],
    ids=["none", "itself", "three", "damaged"],
)
async def test_what_cant_be_compared_is_reported(folder: Path, keys: tuple[str, ...], words: str) -> None:
    (folder / "torn-20260101-000000" / "preset.toml").write_bytes(b"[")
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: words in notices(app))
        assert app.screen is listed.screen


async def test_a_mark_is_taken_away_again(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "1 marked" in await press(pilot, "space")
        assert "marked" not in await press(pilot, "up", "space")


# Deleting


@pytest.mark.parametrize(
    ("keys", "gone"),
    [(("y",), True), (("up", "enter"), True), (("enter",), False), (("escape",), False), (("n",), False)],
)
async def test_a_run_is_deleted_after_a_question(folder: Path, keys: tuple[str, ...], gone: bool) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        text = await press(pilot, "down", "d")
        assert isinstance(app.screen, DeleteQuestion)
        assert "delete other-20260103-000000?" in text
        await pilot.press(*keys)
        await until(pilot, lambda: app.screen is listed.screen and len(listed.state.runs) == 4 - gone)
        assert (folder / "other-20260103-000000").exists() != gone


async def test_the_marked_runs_are_deleted_together_with_one_that_is_damaged(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        text = await press(pilot, "down", "space", "end", "space", "delete")
        assert "delete 2 runs?" in text
        assert "other-20260103-000000" in text
        await pilot.press("y")
        await until(pilot, lambda: len(listed.state.runs) == 2)
        assert sorted(path.name for path in folder.iterdir()) == ["living-20260102-000000", "shown-20260104-000000"]
        assert listed.state.marked == ()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("down", "down", "d"), "living-20260102-000000 is alive: a run that is alive can't be deleted"),
        (("down", "space", "space", "d"), "living-20260102-000000 is alive"),
        (("d",), "the run on the dashboard can't be deleted"),
    ],
    ids=["living", "a living one among the marked", "on the dashboard"],
)
async def test_what_must_not_be_deleted_is_not_even_asked_about(
    folder: Path, keys: tuple[str, ...], words: str
) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: words in notices(app))
        assert app.screen is listed.screen
        assert len(list(folder.iterdir())) == 4


async def test_a_run_that_comes_to_life_while_the_question_stands_is_kept(folder: Path) -> None:
    run = RunDir(folder / "other-20260103-000000")
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("down", "d")
        make_alive(run, "starting")
        await pilot.press("y")
        await until(pilot, lambda: "is alive" in notices(app))
        assert run.preset()


async def test_a_deletion_that_fails_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(run: RunDir) -> None:
        raise RunError(f"run '{run.name}' can't be deleted (permission denied)")

    monkeypatch.setattr(delete_run, "delete", refused)
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("down", "d", "y")
        await until(pilot, lambda: "can't be deleted (permission denied)" in notices(app))


# Filter


async def test_the_filter_shows_runs_that_have_all_its_words(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        text = await press(pilot, "slash", *"ORTHO")
        assert [run.name for run in listed.state.runs] == ["living-20260102-000000"]
        assert "with 'ORTHO'" in text
        text = await press(pilot, "q")  # a letter like any other here
        assert listed.state.runs == []
        assert "None of 4 runs has 'ORTHOq'." in text
        await press(pilot, "backspace", "enter")
        assert len(listed.state.runs) == 1
        await press(pilot, "slash", "escape")
        assert len(listed.state.runs) == 4
        assert app.screen is listed.screen
        await press(pilot, *"/fail", "enter")
        assert [run.name for run in listed.state.runs] == ["other-20260103-000000"]
        await press(pilot, "escape")
        assert app.screen is app.main


# Many, strange, none


def summaries_of(count: int) -> list[RunSummary]:
    arms = (ArmSummary("he_normal", "finished", 0.98), ArmSummary("zeros", "finished", 0.1))
    return [
        RunSummary(
            f"run-{index:04d}", f"/runs/run-{index:04d}", "finished", preset="digits", arms=arms, age=60.0 * index
        )
        for index in range(count)
    ]


async def test_a_thousand_runs_are_scrolled_through_and_only_what_is_seen_is_drawn(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = summaries_of(1000)
    monkeypatch.setattr(RunIndex, "read", lambda _: many)
    monkeypatch.setattr(browser, "READ_SECONDS", 60.0)
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        drawn: list[str] = []
        cells = run_table.cells

        def counted(run: RunSummary, shown: run_table.Widths | None = None) -> dict[str, str]:
            drawn.append(run.name)
            return cells(run, shown)

        monkeypatch.setattr(run_table, "cells", counted)
        lines = listed.lines
        for key, first, last in (
            ("end", 1000 - lines, 999), ("home", 0, lines - 1), ("pagedown", 1, lines), ("up", 1, lines)
        ):  # fmt: skip
            drawn.clear()
            text = await press(pilot, key)
            assert f"run-{first:04d}" in text
            assert f"run-{last:04d}" in text
            assert drawn == [f"run-{index:04d}" for index in range(first, last + 1)]
        assert "1,000 runs" in text


async def test_a_click_leaves_the_focus_in_the_open_filter(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        await press(pilot, *"/o")
        for y in (3, 19):  # in the table, in the details
            await pilot.click(offset=(10, y))
            await pilot.pause()
            assert isinstance(app.focused, Input)
        await press(pilot, "q")  # a letter, not a command
        assert listed.state.words == "oq"
        await press(pilot, "escape")
        assert (app.screen, app.focused, listed.state.words) == (listed.screen, listed, "")
        await press(pilot, *"/ab", "enter", *"/c")  # it opens with its words selected
        assert listed.state.words == "c"


async def test_the_mouse_chooses_opens_and_scrolls(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        listed = await opened(pilot)
        await pilot.click("#runs", offset=(10, 3))  # border, heading, the first run, the second
        assert listed.state.cursor == 1
        await pilot.click("#runs", offset=(10, 20))
        assert listed.state.cursor == 1
        before = app.main
        await pilot.click("#runs", offset=(10, 4), times=2)
        await until(pilot, lambda: app.main is not before)
        assert app.source.run is not None
        assert app.source.run.name == "living-20260102-000000"


async def test_an_empty_folder_is_explained(tmp_path: Path) -> None:
    app = without_a_run(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "No run in" in "\n".join(screen_text(app))
        text = await press(pilot, "down", "space", "enter", "d", "pageup", "c")
        assert "No run in" in text


async def test_a_slow_folder_holds_nothing_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = threading.Event()
    read = RunIndex.read

    def slow(listing: RunIndex) -> list[RunSummary]:
        there.wait(10)
        return read(listing)

    monkeypatch.setattr(RunIndex, "read", slow)
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        text = await press(pilot, "r")
        assert "looking into" in text
        await press(pilot, "down", "c", "d", "escape")
        assert app.screen is app.main
        there.set()


async def test_what_files_say_is_shown_as_it_is_and_sends_no_sequence(tmp_path: Path) -> None:
    run = write_run(tmp_path / "there", preset(named(MARKUP, "[/]"), name="[b]x[/b]"))
    run.write_status(replace(run.status(), reason="\x1b[2J[red]no[/]", preset="[i]p"))
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in ("\x1b[2Jone", "[red]two[b]", "漢字" * 30):
        (folder / name).symlink_to(run.path)
    app = without_a_run(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        for key in ("home", "down", "down"):
            text = await press(pilot, key)
            assert "?[2Jone" in text
            assert "[red]two[b]" in text
            assert MARKUP in text
            assert text.replace("\n", "").isprintable()
            await press(pilot, "d")
            assert isinstance(app.screen, DeleteQuestion)
            await press(pilot, "escape")


async def test_with_ascii_alone_nothing_else_is_drawn(folder: Path) -> None:
    run = RunDir(folder / "shown-20260104-000000")
    app = dashboard(LiveSource(Follower(run)), ascii_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert (await press(pilot, "space", "space")).isascii()
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert "\n".join(screen_text(app)).isascii()


async def test_another_theme_is_drawn_at_once(folder: Path) -> None:
    app = on(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        before = dict(screen_styles(app))
        app.theme = "inittui-light"
        await pilot.pause()
        after = dict(screen_styles(app))
        for words in (" inittui ", "shown-20260104-000000 "):
            assert before[words] != after[words]
