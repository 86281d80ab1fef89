"""How a writer waits for room on a full disk, and how readers learn of it."""

import errno
from pathlib import Path

import pytest

from inittui.record import disk_room
from inittui.record.disk_room import DISK_FULL, DiskRoom, mark_full


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(disk_room, "time", clock)
    return clock


def marked(folder: Path) -> bool:
    return (folder / DISK_FULL).exists()


def test_the_mark_is_there_as_long_as_the_writer_has_no_room(tmp_path: Path, clock: Clock) -> None:
    seen: list[bool] = []

    def write() -> bool:
        seen.append(marked(tmp_path))
        return len(seen) == 3

    assert DiskRoom(tmp_path).wait(write)
    assert seen == [False, True, True]
    assert not marked(tmp_path)
    assert clock.now == 100 + 2 * disk_room.RETRY_SECONDS


def test_a_mark_that_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    mark_full(tmp_path, True)
    DiskRoom(tmp_path)
    assert not marked(tmp_path)


def test_without_a_stop_a_writer_waits_as_long_as_it_takes(tmp_path: Path, clock: Clock) -> None:
    assert DiskRoom(tmp_path).wait(lambda: clock.now > 10_000)


def test_after_a_stop_it_waits_a_few_seconds_in_all_and_says_what_is_lost(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping = False
    room = DiskRoom(tmp_path, lambda: stopping)
    stopping = True
    assert not room.wait(lambda: False)
    assert clock.now - 100 == pytest.approx(disk_room.STOP_SECONDS, abs=2 * disk_room.RETRY_SECONDS)
    began = clock.now
    assert not room.wait(lambda: False, "result.json is missing")
    assert clock.now == began, "the seconds are for everything that waits"
    assert capsys.readouterr().out == (
        "the disk is full: the last events are lost\nthe disk is full: result.json is missing\n"
    )
    assert marked(tmp_path)


def test_a_write_that_raises_is_repeated_and_its_reason_is_printed_once(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    def write() -> None:
        if clock.now < 102:
            raise PermissionError(errno.EACCES, "Permission denied")

    assert DiskRoom(tmp_path).wait(write, "result.json is not written")
    assert capsys.readouterr().out == f"writing to {tmp_path.name} failed: permission denied\n"
    clock.now = 0  # the write fails again
    assert not DiskRoom(tmp_path, lambda: True).wait(write, "result.json is not written")
    assert capsys.readouterr().out.endswith("permission denied: result.json is not written\n")


def test_a_folder_that_takes_no_mark_is_no_error(tmp_path: Path) -> None:
    mark_full(tmp_path / "absent", True)
    mark_full(tmp_path / "absent", False)
