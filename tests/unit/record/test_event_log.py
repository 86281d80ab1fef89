import errno
import os
import stat
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.record import event_lines, event_log, events
from inittui.record.disk_room import MARKS
from inittui.record.event_log import FAULTS_KEPT, EventLog, Tail
from tests.helpers import canned_events, overwrite, preset, steady


def numbered(count: int) -> list[events.Event]:
    return [events.Download(name="digits", done=i, total=count) for i in range(count)]


def stored(path: Path) -> list[int]:
    """What a reader finds: the numbers of the events, in order. Nothing may be damaged."""
    tail = Tail(path)
    found = [event.done for event in tail.poll() if isinstance(event, events.Download)]
    assert tail.faults == []
    return found


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


def reopened(path: Path, *more: events.Event) -> EventLog:
    """The log at `path` as a later process continues it."""
    log = EventLog(path, 0.0)
    for event in more:
        log.append(event)
    return log


def seqs(path: Path) -> list[int]:
    tail = Tail(path)
    found = [event.seq for event in tail.poll()]
    assert tail.faults == []
    return found


def test_a_log_is_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    reopened(tmp_path / "log", *numbered(1)).close()
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_torn_end_is_cut_off_wherever_it_was_torn_and_the_next_event_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    written = lines(3)
    for left in range(len(written[2]) - 1):
        overwrite(path, b"".join(written[:2]) + written[2][:left])
        reopened(path, events.Finished(seconds=1)).close()
        assert path.read_bytes().startswith(b"".join(written[:2]))
        assert path.read_bytes().count(b"\n") == 3
        assert seqs(path) == [0, 1, 2]


def test_a_last_line_that_lacks_nothing_but_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines(3))[:-1])
    log = reopened(path)
    assert path.read_bytes() == b"".join(lines(3))[:-1]  # the newline is written with the next event, or by a flush
    assert log.append(events.Finished(seconds=1)) == 0
    log.close()
    assert seqs(path) == [0, 1, 2, 3]
    assert path.read_bytes().startswith(b"".join(lines(3)))


def test_a_newline_that_was_missing_is_written_though_nothing_more_happens(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines(3))[:-1])
    reopened(path).close()
    assert path.read_bytes() == b"".join(lines(3))


@pytest.mark.parametrize("later", [0.0, 3.0, 1e6])
def test_the_time_of_a_log_that_is_continued_never_goes_back(tmp_path: Path, later: float) -> None:
    """A run that is taken up again begins its clock where a reader saw it last, which may be a little early."""
    path, now = tmp_path / "log", time.monotonic()
    EventLog(path, now - 100.0).append(events.Finished(seconds=1))
    log = EventLog(path, now + later)
    for event in numbered(2):
        log.append(event)
    log.close()
    times = [event.t for event in Tail(path).poll()]
    assert times == sorted(times)
    assert 100.0 <= times[0] <= times[-1] < 200.0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_numbers_go_on_after_the_largest_that_can_be_read(tmp_path: Path, place: int) -> None:
    path = tmp_path / "log"
    written = lines(3)
    written[place] = written[place].replace(b"digits", b"d1gits")
    path.write_bytes(b"".join(written))
    log = reopened(path, *numbered(2))
    log.close()
    tail = Tail(path)
    known = [seq for seq in (0, 1, 2) if seq != place]
    assert [event.seq for event in tail.poll()] == [*known, known[-1] + 1, known[-1] + 2]
    assert len(tail.faults) == 1


def test_an_empty_log_and_one_of_rubbish_alone_begin_with_0(tmp_path: Path) -> None:
    for content in (b"", b"\0\0\0", b"rubbish\n"):
        (tmp_path / "log").write_bytes(content)
        reopened(tmp_path / "log", events.Finished(seconds=1)).close()
        assert [event.seq for event in Tail(tmp_path / "log").poll()] == [0]


@pytest.mark.parametrize("to", ["another", "nowhere"])
def test_a_log_that_is_a_link_is_refused(tmp_path: Path, to: str) -> None:
    (tmp_path / "another").write_bytes(b"precious")
    (tmp_path / "log").symlink_to(tmp_path / to)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        EventLog(tmp_path / "log", 0.0)
    assert (tmp_path / "another").read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


class Disk:
    """Stands for `os.write`: takes as many bytes as there is room, and none with ENOSPC, or what else it says."""

    def __init__(self, refusal: int = errno.ENOSPC) -> None:
        self.room: float = float("inf")
        self.write = os.write
        self.refusal = refusal

    def __call__(self, file: int, data: bytes) -> int:
        taken = int(min(len(data), self.room))
        if not taken:
            raise OSError(self.refusal, os.strerror(self.refusal))
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
        assert log.flush() == 0
        log.close()
        assert stored(path) == list(range(len(rooms)))


@pytest.mark.parametrize("deleted", ["the log", "its folder"])
def test_a_log_that_was_deleted_is_an_error_and_not_written_to_nowhere(tmp_path: Path, deleted: str) -> None:
    folder = tmp_path / "arm"
    folder.mkdir()
    log = EventLog(folder / "log", 0.0)
    log.append(events.Finished(seconds=1))
    (folder / "log").unlink()
    if deleted == "its folder":
        folder.rmdir()
    with pytest.raises(FileNotFoundError, match="its log was deleted"):
        log.append(events.Finished(seconds=1))
    with pytest.raises(FileNotFoundError, match="its log was deleted"):
        log.flush()
    log.close()


def test_a_log_that_was_moved_is_written_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    log = EventLog(tmp_path / "here/log", 0.0)
    log.append(events.Finished(seconds=1))
    (tmp_path / "here").rename(tmp_path / "there")
    assert log.append(events.Finished(seconds=1)) == 0
    log.close()
    assert seqs(tmp_path / "there/log") == [0, 1]


def test_a_fault_that_is_no_lack_of_room_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(tmp_path / "log", 0.0)

    def broken(*_: object) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(os, "write", broken)
    with pytest.raises(OSError, match="Bad file descriptor"):
        log.append(events.Finished(seconds=1))


@pytest.mark.parametrize("refusal", MARKS)
def test_without_room_events_wait_and_come_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    disk = Disk(refusal)
    monkeypatch.setattr(os, "write", disk)
    log = EventLog(tmp_path / "log", 0.0)
    assert log.flush() == 0
    disk.room = 0
    assert [log.append(event) for event in numbered(3)] == [refusal] * 3
    assert log.flush() == refusal
    assert stored(tmp_path / "log") == []
    disk.room = float("inf")
    assert log.flush() == 0
    assert stored(tmp_path / "log") == [0, 1, 2]


REPORT = events.Progress(seed=777, epoch=1, step=1, cost=0.5, samples_per_second=1.0)


@steady
@given(st.lists(st.booleans(), min_size=40, max_size=120))
def test_when_too_many_wait_reports_of_progress_go_and_every_other_event_stays(reports: list[bool]) -> None:
    disk = Disk()
    with (
        TemporaryDirectory() as folder,
        mock.patch.object(os, "write", disk),
        mock.patch.object(event_log, "SPOOLED_EVENTS", 30),
    ):
        path = Path(folder) / "log"
        log = EventLog(path, 0.0)
        disk.room = 0
        for is_report in reports:
            log.append(REPORT if is_report else events.Finished(seconds=1))
        disk.room = float("inf")
        log.close()
        found = seqs(path)
    others = [seq for seq, is_report in enumerate(reports) if not is_report]
    assert found == sorted(set(found))
    assert set(others) <= set(found)
    assert len(found) - len(others) <= 30


def test_reports_that_are_given_up_are_every_second_one_and_those_before_are_thinned_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(os, "write", disk)
    monkeypatch.setattr(event_log, "SPOOLED_EVENTS", 8)
    log = EventLog(tmp_path / "log", 0.0)
    disk.room = 0
    for _ in range(9):
        log.append(REPORT)
    disk.room = float("inf")
    log.close()
    assert seqs(tmp_path / "log") == [0, 2, 4, 6, 8]


# Tailing


def lines(count: int) -> list[bytes]:
    return [event_lines.encode(replace(event, seq=i)) for i, event in enumerate(numbered(count))]


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


def test_very_many_damaged_lines_are_described_and_beyond_that_counted(tmp_path: Path) -> None:
    path = tmp_path / "arm" / "events.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"x\n" * FAULTS_KEPT)
    tail = Tail(path)
    assert list(tail.poll()) == []
    assert len(tail.faults) == FAULTS_KEPT
    assert tail.faults[-1].startswith(f"arm/events.jsonl, line {FAULTS_KEPT}: ")
    for more in (1, 1000):
        with path.open("ab") as file:
            file.write(b"x\n" * more)
        assert list(tail.poll()) == []
        assert len(tail.faults) == FAULTS_KEPT + 1
    assert tail.faults[-1] == "arm/events.jsonl: 1,001 damaged lines more"


# Damage of every kind, in a log as a run writes it


def a_story() -> bytes:
    """The supervisor's and the arm's events of a small run, in one log."""
    told = canned_events(preset(1, epochs=1))
    return b"".join(event_lines.encode(replace(event, seq=seq)) for seq, (event, _) in enumerate(told))


def read_back(path: Path, content: bytes) -> tuple[list[int], list[str]]:
    overwrite(path, content)
    tail = Tail(path)
    return [event.seq for event in tail.poll()], tail.faults


def test_a_log_cut_anywhere_gives_exactly_the_events_before_the_cut(tmp_path: Path) -> None:
    story = a_story()
    for cut in range(len(story) + 1):
        whole = story[:cut].count(b"\n")
        assert read_back(tmp_path / "log", story[:cut]) == (list(range(whole)), [])


def test_a_log_cut_anywhere_is_continued_with_the_number_after_its_last(tmp_path: Path) -> None:
    story, path = a_story(), tmp_path / "log"
    ends = {at for at, byte in enumerate(story) if byte == ord("\n")}
    for cut in range(0, len(story) + 1):
        overwrite(path, story[:cut])
        reopened(path, events.Stopped(reason="again")).close()
        whole = story[:cut].count(b"\n") + (cut in ends)  # its newline alone was missing
        assert seqs(path) == list(range(whole + 1))


@pytest.mark.parametrize("change", ["lowest bit", "highest bit", "newline", "carriage return", "zero"])
def test_a_byte_changed_anywhere_costs_its_own_event_alone_and_is_reported(tmp_path: Path, change: str) -> None:
    story = a_story()
    count = story.count(b"\n")
    for at, byte in enumerate(story):
        now = {
            "lowest bit": byte ^ 1,
            "highest bit": byte ^ 128,
            "newline": 10,
            "carriage return": 13,
            "zero": 0,
        }[change]
        if now == byte:
            continue
        line = story[:at].count(b"\n")
        # Without the newline between them two lines are one.
        lost = {line, line + 1} if byte == ord("\n") else {line}
        found, faults = read_back(tmp_path / "log", story[:at] + bytes([now]) + story[at + 1 :])
        assert found == [seq for seq in range(count) if seq not in lost]
        if at == len(story) - 1:
            assert faults == []  # the last line has no end: it may yet come
        else:
            assert faults[0].startswith(f"{tmp_path.name}/log, line {line + 1}: ")
            assert len(faults) == (2 if now == ord("\n") else 1)


@steady
@given(st.dictionaries(st.integers(0, len(a_story()) - 1), st.integers(0, 255), max_size=30))
def test_damage_of_any_kind_loses_no_event_of_a_line_that_it_did_not_touch(changes: dict[int, int]) -> None:
    story = a_story()
    damaged = bytearray(story)
    touched = set[int]()
    for at, byte in changes.items():
        damaged[at] = byte
        line = story[:at].count(b"\n")
        touched |= {line, line + 1} if story[at] == ord("\n") else {line}
    with TemporaryDirectory() as folder:
        found, _ = read_back(Path(folder) / "log", bytes(damaged))
    assert found == sorted(set(found))
    assert set(found) >= set(range(story.count(b"\n"))) - touched
