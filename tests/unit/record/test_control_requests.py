import errno
import os
import re
import stat
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inittui.common.errors import RunError
from inittui.record import control_requests
from inittui.record.control_requests import Verb, ask, take
from inittui.record.run_directory import RunDir, arm_folders
from tests.helpers import empty_run, preset, steady

FOLDERS = ("he_normal", "a-b--c-2", "A_B.c", "pause", "-")
VERBS: tuple[Verb, ...] = get_args(Verb)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return empty_run(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands for the time of day."""
    still = SimpleNamespace(now=1_700_000_000_000_000_000)
    still.time_ns = lambda: still.now
    monkeypatch.setattr(control_requests, "time", still)
    return still


def leave(run: RunDir, name: str) -> Path:
    """A file with a name that somebody made up."""
    folder = run.path / "control"
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    return folder / name


def left(run: RunDir) -> list[str]:
    return sorted(entry.name for entry in (run.path / "control").iterdir())


def named(folder: str, *, at: int = 1, verb: str = "pause", by: str = "host.tty", mark: str = "0123abcd") -> str:
    return f"{at:020d}-{mark}-{verb}-{by}-{folder}"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("folder", ["", *FOLDERS])
def test_what_is_asked_is_taken_once(run: RunDir, verb: Verb, folder: str) -> None:
    assert take(run, FOLDERS) == []
    ask(run, verb, folder)
    ((asked, arm, _),) = take(run, FOLDERS)
    assert (asked, arm) == (verb, folder)
    assert take(run, FOLDERS) == []
    assert left(run) == []


def test_every_arm_of_a_run_can_be_asked(tmp_path: Path) -> None:
    names = ["a b", "a/b", "ä", "a_b-2", "A_B", "x" * 100]
    of = preset([{"init": "zeros", "name": name} for name in names])
    run, folders = empty_run(tmp_path, of), arm_folders(of)
    for folder in folders:
        ask(run, "stop", folder)
    assert sorted(folder for _, folder, _ in take(run, folders)) == sorted(folders)


def test_requests_are_taken_in_the_order_in_which_they_were_made(run: RunDir, clock: SimpleNamespace) -> None:
    made: list[tuple[Verb, str]] = [("pause", "he_normal"), ("stop", ""), ("resume", "he_normal"), ("pause", "")]
    for verb, folder in made:
        ask(run, verb, folder)
        clock.now += 1
    assert [(verb, folder) for verb, folder, _ in take(run, FOLDERS)] == made


def test_the_order_holds_however_long_the_time_is_in_digits(run: RunDir, clock: SimpleNamespace) -> None:
    for clock.now in (10**19, 5, 10**18):
        ask(run, "pause" if clock.now == 5 else "resume")
    assert [verb for verb, _, _ in take(run, FOLDERS)] == ["pause", "resume", "resume"]


def test_two_requests_of_one_moment_are_two(run: RunDir, clock: SimpleNamespace) -> None:
    for _ in range(20):
        ask(run, "pause")
    assert len({entry[:20] for entry in left(run)}) == 1
    assert len(take(run, FOLDERS)) == 20
    assert clock.now == 1_700_000_000_000_000_000


def test_a_request_is_an_empty_file_for_its_owners_eyes_alone(run: RunDir) -> None:
    ask(run, "pause")
    (entry,) = (run.path / "control").iterdir()
    assert entry.stat().st_size == 0
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700
    assert re.fullmatch(r"\d{20}-[0-9a-f]{8}-pause-[A-Za-z0-9_.]+-", entry.name)


@pytest.mark.parametrize(
    "name",
    [
        "x",
        ".hidden",
        named("he_normal")[1:],
        named("he_normal", verb="delete"),
        named("he_normal", verb="PAUSE"),
        named("he_normal", mark="0123ABCD"),
        named("he_normal", by="a" * 41),
        named("he normal"),
        named("he_normal\n"),
        named("he_normal") + "\n",
        "-" + named("he_normal"),
    ],
    ids=repr,
)
def test_what_is_no_request_is_removed_and_passed_over(run: RunDir, name: str) -> None:
    leave(run, name)
    leave(run, named("he_normal", at=2))
    assert take(run, FOLDERS) == [("pause", "he_normal", "host.tty")]
    assert left(run) == []


@pytest.mark.parametrize("folder", ["orthogonal", "he_norma", "he_normal2", "..", ".", "a-b", "b--c-2"])
def test_a_request_for_an_arm_that_the_run_does_not_have_is_removed_and_passed_over(run: RunDir, folder: str) -> None:
    leave(run, named(folder))
    assert take(run, FOLDERS) == []
    assert left(run) == []


def test_a_folder_or_a_link_that_somebody_put_there_does_no_harm(run: RunDir, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    ask(run, "pause")
    (run.path / "control" / named("he_normal", at=0)).mkdir()
    (run.path / "control" / named("he_normal", at=1)).symlink_to(precious)
    assert [(verb, folder) for verb, folder, _ in take(run, FOLDERS)] == [("pause", "he_normal"), ("pause", "")]
    assert precious.read_text() == "x"  # the link is gone, and not what it leads to
    assert left(run) == [named("he_normal", at=0)]
    assert take(run, FOLDERS) == []


def test_where_the_folder_is_a_link_nothing_is_taken_from_where_it_leads_or_left_there(
    run: RunDir, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("precious", named("he_normal")):
        (elsewhere / name).touch()
    (run.path / "control").symlink_to(elsewhere)
    assert take(run, FOLDERS) == []
    with pytest.raises(RunError, match="can't be asked to pause"):
        ask(run, "pause")
    assert {path.name for path in elsewhere.iterdir()} == {"precious", named("he_normal")}


@steady
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40)))
def test_names_of_any_kind_are_taken_away_and_ask_for_nothing(names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        run = RunDir(Path(folder))
        for name in names:
            if name not in (".", ".."):
                leave(run, name)
        assert take(run, FOLDERS) == []
        assert not (run.path / "control").exists() or left(run) == []


@steady
@given(
    st.sampled_from(VERBS),
    st.text(st.sampled_from("aB0._-"), max_size=20),
    st.text(st.sampled_from("aB0._"), max_size=40),
    st.integers(0, 10**20 - 1),
)
def test_a_name_is_read_in_one_way_alone_though_folders_have_dashes(verb: Verb, folder: str, by: str, at: int) -> None:
    with TemporaryDirectory() as place:
        run = RunDir(Path(place))
        leave(run, named(folder, at=at, verb=verb, by=by))
        assert take(run, [folder]) == [(verb, folder, by)]


@pytest.mark.parametrize(
    ("host", "terminal", "told"),
    [
        ("box", "/dev/pts/3", "box.pts_3"),
        ("box.example.org", "/dev/tty1", "box.example.org.tty1"),
        ("a-b-c", None, "a_b_c.no_terminal"),
        ("ä/ö", "/dev/pts/3", "___.pts_3"),
        ("box", "/dev/tty-1-2", "box.tty_1_2"),  # a dash of theirs would be taken for one of ours
        ("", None, ".no_terminal"),
        ("x" * 300, "/dev/pts/3", "x" * 40),
        ("box", "/dev/" + "y" * 300, "box." + "y" * 36),
    ],
)
def test_who_asked_is_told_whatever_the_host_and_the_terminal_are_called(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, host: str, terminal: str | None, told: str
) -> None:
    def ttyname(_: int) -> str:
        if terminal is None:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return terminal

    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename=host))
    monkeypatch.setattr(os, "ttyname", ttyname)
    ask(run, "stop", "a-b--c-2")
    assert take(run, FOLDERS) == [("stop", "a-b--c-2", told)]


def test_a_request_that_cant_be_left_is_refused(run: RunDir) -> None:
    (run.path / "control").touch()  # a file where the folder should be
    with pytest.raises(RunError) as caught:
        ask(run, "pause")
    words = str(caught.value)
    assert words.startswith(f"run '{run.name}' can't be asked to pause (")
    assert words.endswith("; expected room and permission to write to its folder")
    assert take(run, FOLDERS) == []


def test_a_request_that_was_made_before_the_run_was_read_is_still_taken(run: RunDir) -> None:
    before = time.time_ns()
    ask(run, "pause")
    assert int(left(run)[0][:20]) >= before
    assert len(take(RunDir(run.path), FOLDERS)) == 1
