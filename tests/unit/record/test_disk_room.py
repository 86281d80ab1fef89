"""How a writer waits for a disk, for what it does not wait, and how readers learn of it."""

import errno
import os
from pathlib import Path

import pytest

from inittui.record import disk_room
from inittui.record.disk_room import MARKS, DiskRoom, NotWritable, mark, waiting_for


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


def refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(("number", "words"), [(28, "disk full"), (122, "disk quota exceeded"), (5, "disk error")])
def test_the_mark_is_there_as_long_as_the_writer_waits_and_says_why(
    tmp_path: Path, clock: Clock, number: int, words: str
) -> None:
    seen: list[str] = []

    def write() -> int:
        seen.append(waiting_for(tmp_path))
        if len(seen) == 2:
            raise refusal(number)
        return 0 if len(seen) == 3 else number

    assert DiskRoom(tmp_path).wait(write)
    assert seen == ["", words, words]
    assert not list(tmp_path.iterdir())
    assert clock.now == 100 + 2 * disk_room.RETRY_SECONDS


def test_a_mark_that_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    mark(tmp_path, errno.ENOSPC)
    DiskRoom(tmp_path)
    assert not waiting_for(tmp_path)


def test_another_reason_has_another_mark(tmp_path: Path) -> None:
    room = DiskRoom(tmp_path)
    assert not room.attempt(lambda: errno.ENOSPC)
    assert not room.attempt(lambda: errno.EIO)
    assert [path.name for path in tmp_path.iterdir()] == ["disk-error"]
    assert room.attempt(lambda: None)
    assert not list(tmp_path.iterdir())


def test_without_a_stop_a_writer_waits_as_long_as_it_takes(tmp_path: Path, clock: Clock) -> None:
    assert DiskRoom(tmp_path).wait(lambda: 0 if clock.now > 10_000 else errno.ENOSPC)


def test_after_a_stop_it_waits_a_few_seconds_in_all_and_says_what_is_lost(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping = False
    room = DiskRoom(tmp_path, lambda: stopping)
    stopping = True
    assert not room.wait(lambda: errno.ENOSPC)
    assert clock.now - 100 == pytest.approx(disk_room.STOP_SECONDS, abs=2 * disk_room.RETRY_SECONDS)
    began = clock.now
    assert not room.wait(lambda: errno.EDQUOT, "result.json is missing")
    assert clock.now == began, "the seconds are for everything that waits"
    assert (
        capsys.readouterr().out == "disk full: the last events are lost\ndisk quota exceeded: result.json is missing\n"
    )
    assert waiting_for(tmp_path) == "disk quota exceeded"


@pytest.mark.parametrize("number", [number for number in errno.errorcode if number not in MARKS])
def test_every_other_error_ends_the_writer_with_its_reason(tmp_path: Path, clock: Clock, number: int) -> None:
    def write() -> None:
        raise refusal(number)

    room = DiskRoom(tmp_path)
    for call in (room.attempt, room.wait):
        with pytest.raises(NotWritable) as raised:
            call(write)
        assert str(raised.value) == f"the run's folder can't be written: {os.strerror(number).lower()}"
    assert (clock.now, list(tmp_path.iterdir())) == (100.0, [])


def test_a_folder_that_takes_no_mark_is_no_error(tmp_path: Path) -> None:
    mark(tmp_path / "absent", errno.ENOSPC)
    mark(tmp_path / "absent", 0)
