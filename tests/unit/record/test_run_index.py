import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.common.errors import RunError
from inittui.record import events
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunIndex, RunSummary, find, runs
from tests.helpers import empty_run, make_alive, preset, write_run

STOPPED = events.Stopped(reason="stopped by hand")
FAILED = events.Failed(kind="cost", reason="cost not finite in epoch 2")


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RunError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def said(run: RunDir, **changes: Any) -> RunDir:
    """The run, with another status."""
    run.write_status(replace(run.status(), **changes))
    return run


def only(runs_dir: Path) -> RunSummary:
    (found,) = RunIndex(runs_dir).read()
    return found


# Finding


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three runs, by the time in their names, and two things that are none."""
    for name in ("digits-20260102-000000", "mnist3-20260101-000000", "mnist3-20260103-000000"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "preset.toml").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "file-20260104-000000").touch()
    return tmp_path


def test_runs_are_listed_the_newest_first(three: Path) -> None:
    assert [run.name for run in runs(three)] == [
        "mnist3-20260103-000000",
        "digits-20260102-000000",
        "mnist3-20260101-000000",
    ]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("last", "mnist3-20260103-000000"),
        ("digits-20260102-000000", "digits-20260102-000000"),
        ("d", "digits-20260102-000000"),
        ("mnist3-20260101", "mnist3-20260101-000000"),
    ],
)
def test_a_run_is_found_by_last_its_name_or_a_beginning(three: Path, word: str, name: str) -> None:
    assert find(three, word).path == three / name


def test_a_whole_name_is_found_though_it_begins_another(three: Path) -> None:
    (three / "digits-20260102-000000-2").mkdir()
    (three / "digits-20260102-000000-2" / "preset.toml").touch()
    assert find(three, "digits-20260102-000000").name == "digits-20260102-000000"


def test_a_run_is_found_by_its_path(three: Path, tmp_path: Path) -> None:
    assert find(tmp_path / "other", str(three / "digits-20260102-000000")).name == "digits-20260102-000000"
    assert "is no run: expected a directory with a preset.toml" in refusal(lambda: find(three, str(three / "notes")))


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("mnist3", "'mnist3' begins 2 runs (mnist3-20260103-000000, mnist3-20260101-000000); expected a beginning"),
        ("digits-20260102-00000X", "Did you mean 'digits-20260102-000000'? 'inittui runs' lists them"),
        ("notes", "no run 'notes'"),
        ("~nosuchuser", "no run '~nosuchuser'"),
        ("~nosuchuser/x", "~nosuchuser/x"),
        ("a" * 5000, "no run 'aaa"),
        ("\x1b[2J", "no run '"),
    ],
    ids=["ambiguous", "nearest", "no run", "home", "path in home", "long", "control"],
)
def test_a_word_that_means_no_run_is_refused(three: Path, word: str, words: str) -> None:
    message = refusal(lambda: find(three, word))
    assert words in message
    assert message.isprintable()


@pytest.mark.parametrize("word", ["last", "x"])
def test_where_there_are_no_runs_the_message_says_where_it_looked(tmp_path: Path, word: str) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert f"no run in '{folder}'; start one" in refusal(functools.partial(find, folder, word))


# What a list shows of a run


def test_a_finished_run_is_summed_up(tmp_path: Path) -> None:
    run = write_run(tmp_path, preset(2, name="digits", seeds=2))
    found, document = only(tmp_path), run.result()
    assert document is not None
    assert (found.name, found.path, found.state, found.alive) == (run.name, str(run.path), "finished", False)
    assert (found.preset, found.device, found.reason) == ("digits", "cpu (2 cores)", "")
    assert (found.started, found.seconds) == (run.status().started, document.seconds)
    assert [(arm.name, arm.status) for arm in found.arms] == [("xavier_normal", "finished"), ("he_normal", "finished")]
    best = found.best
    assert best is found.arms[1]
    assert [arm.accuracy for arm in found.arms] == [
        arm.test_accuracy and arm.test_accuracy.mean for arm in document.arms
    ]
    assert 0 <= found.age < 60
    assert found.size == sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("ending", "state"),
    [({}, "finished"), ({"endings": {0: FAILED}}, "failed"), ({"endings": {0: STOPPED}}, "stopped")],
)
def test_a_run_that_ended_says_how(tmp_path: Path, ending: dict[str, Any], state: str) -> None:
    make_alive(write_run(tmp_path, **ending), state)  # whether its supervisor still lives is then no matter
    assert (only(tmp_path).state, only(tmp_path).alive) == (state, False)


@pytest.mark.parametrize("state", ["starting", "loading", "training", "paused"])
def test_a_run_that_lives_says_what_it_does_and_is_interrupted_once_its_supervisor_is_dead(
    tmp_path: Path, state: str
) -> None:
    run = make_alive(empty_run(tmp_path), state)
    assert (only(tmp_path).state, only(tmp_path).alive) == (state, True)
    assert [arm.name for arm in only(tmp_path).arms] == ["xavier_normal", "he_normal"]
    assert only(tmp_path).best is None
    for changes in ({"pid_started": 1}, {"pid": None}, {"boot": "the one before"}):
        said(run, **changes)
        assert (only(tmp_path).state, only(tmp_path).alive) == ("interrupted", False)


def test_a_run_of_another_host_is_not_judged_unless_it_has_ended(tmp_path: Path) -> None:
    run = said(empty_run(tmp_path), state="training", host="box7", boot="another", pid=1)
    assert (only(tmp_path).state, only(tmp_path).alive) == ("on box7", False)
    said(run, state="stopped")
    assert only(tmp_path).state == "stopped"


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b'{"state":"finished"}'])
def test_a_run_whose_status_cant_be_read_is_damaged_and_says_why_in_a_line(
    tmp_path: Path, content: bytes | None
) -> None:
    run = write_run(tmp_path)
    (run.path / "status.json").unlink()
    if content is not None:
        (run.path / "status.json").write_bytes(content)
    found = only(tmp_path)
    assert (found.state, found.alive, found.name) == ("damaged", False, run.name)
    assert found.reason.startswith("status.json can't be read: ")
    assert found.reason.isprintable()
    assert found.size > 0
    assert 0 <= found.age < 60


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"arms":1}'])
def test_a_run_without_a_whole_result_has_no_accuracies(tmp_path: Path, content: bytes | None) -> None:
    run = write_run(tmp_path)
    (run.path / "result.json").unlink()
    if content is not None:
        (run.path / "result.json").write_bytes(content)
    found = only(tmp_path)
    assert (found.state, found.best, found.seconds) == ("finished", None, None)
    assert [arm.name for arm in found.arms] == ["xavier_normal", "he_normal"]
    assert found.reason.startswith("result.json can't be read: " if content is not None else "")


def test_an_arm_that_finished_is_better_than_one_that_did_not(tmp_path: Path) -> None:
    write_run(tmp_path, endings={1: FAILED}, accuracies=lambda arm, *_: 0.5 + 0.4 * arm)
    best = only(tmp_path).best
    assert best is not None
    assert (best.name, best.accuracy) == ("xavier_normal", 0.5)


@pytest.mark.parametrize(
    ("started", "age"),
    [("2026-01-02T03:04:05Z", 60), ("2026-01-02T03:04:05", 60), ("2026-01-02T04:04:05+01:00", 60), ("2030-01-01", 0)],
)
def test_ages_are_told_whatever_the_clock_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: str, age: float
) -> None:
    said(write_run(tmp_path), started=started)
    monkeypatch.setattr(time, "time", lambda: 1767323105.0)
    assert only(tmp_path).age == age


@pytest.mark.parametrize("started", ["", "yesterday", "99999-01-01T00:00:00Z"])
def test_a_start_that_is_no_time_is_replaced_by_the_files(tmp_path: Path, started: str) -> None:
    said(write_run(tmp_path), started=started)
    assert 0 <= only(tmp_path).age < 60


def test_the_newest_run_comes_first(three: Path) -> None:
    assert [one.name for one in RunIndex(three).read()] == [run.name for run in runs(three)]
    assert RunIndex(three / "nowhere").read() == []


# Links and strange names


def test_a_linked_run_is_listed_with_its_own_size_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "elsewhere")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(run.path)
    found = only(tmp_path / "runs")
    assert (found.name, found.state) == ("link", "finished")
    assert found.size < 500


def test_links_within_a_run_are_not_followed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs")
    before = only(tmp_path / "runs").size
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "file").write_bytes(bytes(1_000_000))
    (run.path / "out").symlink_to(tmp_path / "large")
    (run.path / "file").symlink_to(tmp_path / "large" / "file")
    (run.path / "round").symlink_to(run.path)
    assert before < only(tmp_path / "runs").size < before + 500


def test_what_cant_be_looked_at_costs_its_bytes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path)
    scandir = os.scandir

    def shut(path: Any) -> Any:
        if str(path).endswith("/arms"):
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    found = only(tmp_path)
    assert found.state == "finished"
    assert found.size == sum(path.stat().st_size for path in run.path.iterdir() if path.is_file())


def test_names_are_printable_and_paths_are_kept_as_they_are_for_whoever_opens_them(tmp_path: Path) -> None:
    names = {"\x1b[2J", "\x9bx", "a\nb", os.fsdecode(b"\xff\xfe"), "漢字"}
    run = write_run(tmp_path / "run")
    (tmp_path / "runs").mkdir()
    for name in names:
        (tmp_path / "runs" / name).symlink_to(run.path)
    found = RunIndex(tmp_path / "runs").read()
    assert {one.name for one in found} == {"?[2J", "?x", "a?b", "??", "漢字"}
    assert {Path(one.path).name for one in found} == names
    for one in found:
        assert {find(tmp_path / "runs", word).path for word in (one.name, Path(one.path).name)} == {Path(one.path)}
    assert all((Path(one.path) / "preset.toml").is_file() for one in found)


# Again and again, and fast


def test_what_has_ended_is_not_read_again_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, alive = write_run(tmp_path, preset(name="ended")), make_alive(empty_run(tmp_path, preset(name="alive")))
    listing = RunIndex(tmp_path)
    first = {one.name: one for one in listing.read()}
    read: list[str] = []
    status = RunDir.status

    def counted(run: RunDir) -> Any:
        read.append(run.name)
        return status(run)

    monkeypatch.setattr(RunDir, "status", counted)
    later = time.time() + 100
    monkeypatch.setattr(time, "time", lambda: later)
    second = {one.name: one for one in listing.read()}
    assert read == [alive.name]
    assert 99 < second[ended.name].age - first[ended.name].age < 101
    assert replace(second[ended.name], age=0.0) == replace(first[ended.name], age=0.0)
    make_alive(ended)  # it goes on
    assert {one.name: one.state for one in listing.read()} == {ended.name: "training", alive.name: "training"}
    ended.delete()
    assert [one.name for one in listing.read()] == [alive.name]


COUNTED = """
import json, sys
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
from inittui.cli.main import main
code = main(["runs", *sys.argv[2:], "--runs-dir", sys.argv[1]])
ours = [path for path in opened if path.startswith(sys.argv[1])]
print(json.dumps([code, len(ours), sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_listing_opens_two_files_a_run_at_most_and_imports_nothing_that_is_slow(
    tmp_path: Path, form: list[str]
) -> None:
    for _ in range(3):
        write_run(tmp_path)
    make_alive(empty_run(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, str(tmp_path), *form], capture_output=True, text=True, check=True, timeout=60
    )
    code, opened, modules = json.loads(done.stderr)
    assert code == 0
    assert opened == 3 * 2 + 2  # status and result; of the living one the status and the lock
    slow = {"torch", "textual", "rich.console", "psutil", "scipy", "numpy", "tomllib", "tomli_w", "pynvml"}
    assert slow & set(modules) == set()
