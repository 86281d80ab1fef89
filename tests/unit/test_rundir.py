import errno
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest import mock

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui import events, rundir
from inittui.errors import RunError
from inittui.eventlog import EventLog, Tail
from inittui.rundir import RunDir, arm_folders, find, runs, slug
from tests.helpers import empty_run, preset, steady, write_run


def numbered(count: int) -> list[events.AnyEvent]:
    return [events.Download(name="digits", done=i, total=count) for i in range(count)]


def stored(path: Path) -> list[int]:
    """What a reader finds: the numbers of the events, in order. Nothing may be damaged."""
    tail = Tail(path)
    found = [event.done for event in tail.poll() if isinstance(event, events.Download)]
    assert tail.faults == []
    return found


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
    monkeypatch.setattr(rundir, "time", still)


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


# Appending


def test_a_log_numbers_and_times_its_events(tmp_path: Path) -> None:
    zero = time.monotonic()
    log = EventLog(tmp_path / "log", zero)
    for event in numbered(3):
        log.append(event)
    log.close()
    found = list(Tail(tmp_path / "log").poll())
    times = [event.t for event in found]
    assert [event.seq for event in found] == [0, 1, 2]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= time.monotonic() - zero + 1e-4


def test_a_log_that_is_opened_again_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        log = EventLog(tmp_path / "log", 0.0)
        log.append(events.Finished(seconds=1))
        log.close()
    assert [event.seq for event in Tail(tmp_path / "log").poll()] == [0, 1]


def test_a_log_that_was_torn_goes_on_without_losing_the_next_event(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = EventLog(path, 0.0)
    for event in numbered(2):
        log.append(event)
    log.close()
    path.write_bytes(path.read_bytes()[:-5])
    log = EventLog(path, 0.0)
    log.append(events.Finished(seconds=1))
    log.close()
    assert events.Finished in {type(event) for event in Tail(path).poll()}


class Disk:
    """Stands for `os.write`: takes as many bytes as there is room, and none with ENOSPC."""

    def __init__(self) -> None:
        self.room: float = float("inf")
        self.write = os.write

    def __call__(self, file: int, data: bytes) -> int:
        taken = int(min(len(data), self.room))
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= taken
        return self.write(file, data[:taken])


@steady
@given(st.lists(st.integers(0, 400), min_size=1, max_size=12))
def test_a_full_disk_loses_no_event_and_tears_none(rooms: list[int]) -> None:
    disk = Disk()
    with TemporaryDirectory() as folder, mock.patch.object(os, "write", disk):
        path = Path(folder) / "log"
        log = EventLog(path, 0.0)
        for event, room in zip(numbered(len(rooms)), rooms, strict=True):
            disk.room = room
            log.append(event)
            found = stored(path)
            assert found == list(range(len(found)))
            assert not path.stat().st_size or path.read_bytes().endswith(b"\n")
        disk.room = float("inf")
        assert log.flush()
        log.close()
        assert stored(path) == list(range(len(rooms)))


def test_a_fault_that_is_no_lack_of_room_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(tmp_path / "log", 0.0)

    def broken(*_: object) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(os, "write", broken)
    with pytest.raises(OSError, match="Bad file descriptor"):
        log.append(events.Finished(seconds=1))


# Tailing


def lines(count: int) -> list[bytes]:
    return [events.encode(replace(event, seq=i)) for i, event in enumerate(numbered(count))]


@steady
@given(st.lists(st.integers(0, 600), max_size=8))
def test_a_growing_log_gives_every_event_once_wherever_it_is_cut(cuts: list[int]) -> None:
    whole = b"".join(lines(5))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        tail = Tail(path)
        found = list(tail.poll())  # not there yet
        for cut in [*sorted(cuts), len(whole)]:
            path.write_bytes(whole[:cut])
            found += tail.poll()
            assert len(found) == whole[:cut].count(b"\n")
        assert [event.seq for event in found] == [0, 1, 2, 3, 4]
        assert tail.faults == []


def test_a_line_without_its_end_is_not_yet_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    first, second = lines(2)
    path.write_bytes(first + second[:-1])
    tail = Tail(path)
    assert [event.seq for event in tail.poll()] == [0]
    path.write_bytes(first + second)
    assert [event.seq for event in tail.poll()] == [1]
    assert tail.faults == []


@pytest.mark.parametrize("byte", [b"\0", b"x", b"\r", b"\xff"])
def test_a_damaged_line_is_told_by_its_number_and_the_rest_is_read(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "arm" / "events.jsonl"
    path.parent.mkdir()
    written = lines(4)
    written[1] = written[1][:20] + byte + written[1][21:]
    path.write_bytes(b"".join(written[:3]))
    tail = Tail(path)
    assert [event.seq for event in tail.poll()] == [0, 2]
    assert tail.faults == ["arm/events.jsonl, line 2: the checksum does not match"]
    path.write_bytes(b"".join([*written, b"?\n"]))
    assert [event.seq for event in tail.poll()] == [3]
    assert tail.faults[1:] == ["arm/events.jsonl, line 5: the checksum does not match"]


# Status and result

DAMAGES = [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "x"}', b"null", b'"\\ud800']


@pytest.mark.parametrize("content", DAMAGES)
def test_a_damaged_status_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    run = empty_run(tmp_path)
    (run.path / "status.json").write_bytes(content)
    assert f"run '{run.name}': status.json can't be read: " in refusal(run.status)
    assert not run.alive()


@pytest.mark.parametrize("content", [*DAMAGES, b'{"format": 2}'])
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
    (run.path / "preset.toml").write_text(content, "utf-8")
    if content:  # an empty preset is the default experiment
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
    own = psutil.Process()
    identity = {"pid": own.pid, "pid_started": own.create_time()}
    run.write_status(replace(run.status(), **(identity | changes)))


def test_a_run_is_alive_while_its_very_supervisor_is(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    set_status(run)
    assert run.alive()


@pytest.mark.parametrize(
    "changes",
    [
        {"pid_started": 1.0},  # the pid was given to another process
        {"pid_started": None},
        {"pid": None},
        {"host": "elsewhere"},
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
        assert f"no run in '{folder}'; start one" in refusal(lambda folder=folder: find(folder, word))


def test_a_written_run_is_read_back_whole(tmp_path: Path) -> None:
    of = preset(3)
    run = write_run(tmp_path, of)
    document = run.result()
    assert document is not None
    assert json.loads((run.path / "result.json").read_text("utf-8")) == document
    assert (document["status"], run.status().state) == ("finished", "finished")
    assert [arm["name"] for arm in document["arms"]] == [arm.name for arm in of.arms]
