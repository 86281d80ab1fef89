import errno
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.common.atomic_files import slug
from inittui.common.checksums import seal_json, seal_toml
from inittui.common.errors import RunError
from inittui.record import run_directory
from inittui.record.run_directory import RunDir, arm_folders
from inittui.record.run_index import find
from tests.helpers import empty_run, make_alive, preset, steady, write_run


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RunError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Creating


def test_a_new_run_is_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "runs")
    for path in (run.path.parent, run.path, run.path / "arms", *(run.arm(folder) for folder in arm_folders(preset()))):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (run.path / "preset.toml", run.path / "status.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_run_holds_its_preset_and_who_asked_for_it(tmp_path: Path) -> None:
    of = preset(seeds=2)
    run = RunDir.create(tmp_path, of, data_dir=tmp_path / "data", device="cuda:1", threads=3)
    assert run.preset() == of
    status = run.status()
    assert (status.run, status.state, status.requested_device, status.threads) == (run.name, "starting", "cuda:1", 3)
    assert (status.pid, status.data_dir) == (None, str(tmp_path / "data"))
    assert run.result() is None
    assert not run.alive()


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is made in one second."""
    still = SimpleNamespace(strftime=lambda *_: "20260102-030405", gmtime=time.gmtime, monotonic=time.monotonic)
    monkeypatch.setattr(run_directory, "time", still)


@pytest.mark.usefixtures("stopped_clock")
def test_runs_of_one_second_have_different_names_and_the_same_preset(tmp_path: Path) -> None:
    made = [empty_run(tmp_path) for _ in range(3)]
    assert [run.name for run in made] == [f"canned-20260102-030405{end}" for end in ("", "-2", "-3")]
    assert all(run.preset() == preset() for run in made)


@pytest.mark.usefixtures("stopped_clock")
def test_last_is_the_newest_run_among_those_of_one_second(tmp_path: Path) -> None:
    for _ in range(11):
        newest = empty_run(tmp_path)
    assert find(tmp_path, "last").path == newest.path


def test_a_preset_named_like_a_path_makes_no_path(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "runs", preset(name="../../out of here"))
    assert run.path.parent == tmp_path / "runs"
    assert run.preset().arms == preset().arms


@pytest.mark.parametrize("below", ["file", "file/runs"])
def test_a_runs_folder_that_cant_be_written_is_refused_with_its_mend(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    message = refusal(lambda: empty_run(tmp_path / below))
    assert "can't be written" in message
    assert "--runs-dir" in message


def test_a_run_that_cant_be_filled_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(RunDir, "write_status", full)
    assert "no space left on device" in refusal(lambda: empty_run(tmp_path))
    assert list(tmp_path.iterdir()) == []


@steady
@given(st.text())
def test_a_slug_is_one_visible_file_name_whatever_the_name(name: str) -> None:
    made = slug(name)
    assert Path(made).name == made
    assert made[0] not in ".-_"
    assert 1 <= len(made) <= 60
    assert made.isascii()


arm_names = st.lists(
    st.one_of(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8), st.sampled_from("Aa/!-_")),
    min_size=1,
    max_size=5,
    unique_by=str.casefold,
)


@steady
@given(arm_names)
def test_arms_have_folders_of_their_own_even_where_case_is_ignored(names: list[str]) -> None:
    folders = arm_folders(preset([{"init": "zeros", "name": name} for name in names]))
    assert len({folder.casefold() for folder in folders}) == len(names)


def test_arms_whose_names_look_alike_as_files_are_told_apart() -> None:
    names = ["a b", "a/b", "a_b-2", "A_B"]
    assert arm_folders(preset([{"init": "zeros", "name": name} for name in names])) == [
        "a_b", "a_b-2", "a_b-2-2", "A_B-3"
    ]  # fmt: skip


# Status and result

NO_CHECKSUM = [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "x"}', b"null", b'"\\ud800', b'{"crc":"00000000"}\n']
DAMAGES = [*NO_CHECKSUM, seal_json({"format": "x"}), seal_json({"format": 1, "run": []}, compact=True)]


@pytest.mark.parametrize("content", DAMAGES)
def test_a_damaged_status_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    run = empty_run(tmp_path)
    (run.path / "status.json").write_bytes(content)
    assert f"run '{run.name}': status.json can't be read: " in refusal(run.status)
    assert not run.alive()


@pytest.mark.parametrize("content", [*DAMAGES, seal_json({"format": 2})])
def test_a_damaged_result_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    run = empty_run(tmp_path)
    (run.path / "result.json").write_bytes(content)
    assert f"run '{run.name}': result.json " in refusal(run.result)


def test_a_missing_status_is_refused_and_a_missing_result_is_none(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    (run.path / "status.json").unlink()
    assert "no such file" in refusal(run.status).lower()
    assert run.result() is None


@pytest.mark.parametrize("content", ["", "[data]\nname = 'x'", "arms = ", "[[arms]]\ninit = 'x'\n[[arms]]\ninit = 'y'"])
def test_a_damaged_preset_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    run = empty_run(tmp_path)
    for damaged in (content.encode(), seal_toml(content)):  # the second is whole, and no preset
        (run.path / "preset.toml").write_bytes(damaged)
        if content or damaged == b"":  # under its checksum an empty preset is the default experiment
            assert "preset.toml can't be read" in refusal(run.preset)
    (run.path / "preset.toml").unlink()
    assert "is no run: it has no preset.toml" in refusal(run.preset)


def test_what_is_replaced_is_never_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = empty_run(tmp_path)
    before = (run.path / "status.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.write_status(replace(run.status(), state="training"))
    assert (run.path / "status.json").read_bytes() == before
    assert sorted(path.name for path in run.path.iterdir()) == ["arms", "preset.toml", "status.json"]


# Alive


def set_status(run: RunDir, **changes: object) -> None:
    make_alive(run)
    run.write_status(replace(run.status(), **changes))


def test_a_run_is_alive_while_its_very_supervisor_is(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    set_status(run)
    assert run.alive()
    set_status(run, host="the name that the machine had before")
    assert run.alive()


def test_whether_a_run_of_another_host_lives_is_not_guessed(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    set_status(run, host="elsewhere", boot="another")
    assert run.liveness() == "elsewhere"


@pytest.mark.parametrize(
    "changes",
    [
        {"pid_started": 1},  # the pid was given to another process
        {"pid_started": None},
        {"pid": None},
        {"host": "elsewhere", "boot": "another"},
        {"boot": "another"},
        {"pid": 2**22 + 1},  # above Linux's largest
        {"pid": -1},
        {"pid": 2**62},
    ],
    ids=str,
)
def test_a_run_is_not_alive_unless_everything_agrees(tmp_path: Path, changes: dict[str, object]) -> None:
    run = empty_run(tmp_path)
    set_status(run, **changes)
    assert not run.alive()


def test_a_written_run_is_read_back_whole(tmp_path: Path) -> None:
    of = preset(3)
    run = write_run(tmp_path, of)
    document = run.result()
    assert document is not None
    stored = json.loads((run.path / "result.json").read_text("utf-8"))
    assert stored.pop("crc")
    assert stored == json.loads(msgspec.json.encode(document))
    assert (document.status, run.status().state) == ("finished", "finished")
    assert [arm.name for arm in document.arms] == [arm.name for arm in of.arms]


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("", ""),
        ("a\nthe \x1blast\n\n", "the ?last"),
        (
            "before\nFatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n"
            '  File "/home/me/other.py", line 1 in wait\n\nCurrent thread 0x2 (most recent call first):\n'
            '  File "/home/me/mine.py", line 5 in load\n  File "/home/me/main.py", line 9 in main\n\n'
            "Extension modules: numpy, torch (total: 2)\n",
            "Fatal Python error: Segmentation fault (mine.py:5, in load)",
        ),
    ],
    ids=["nothing", "lines", "crash"],
)
def test_the_last_words_of_a_supervisor_say_where_it_crashed(tmp_path: Path, printed: str, said: str) -> None:
    run = empty_run(tmp_path)
    (run.path / "supervisor.log").write_text(printed)
    assert run.last_words() == said
