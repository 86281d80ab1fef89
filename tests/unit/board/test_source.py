from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.board import source as source_module
from inittui.board import state as boards
from inittui.board.follower import Follower
from inittui.board.source import LiveSource, ReplaySource, gallery_of
from inittui.common.errors import RunError
from inittui.common.process_identity import Liveness
from inittui.record import events
from inittui.record.run_directory import RunDir
from tests.galleries import canned_gallery
from tests.helpers import canned_events, empty_run, preset, write_events, write_run
from tests.tui.builders import FAILED, NOTE

OF = preset(2, seeds=2)


class Clock:
    """Stands for the monotonic clock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(source_module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def of_status(run: RunDir, **changes: object) -> LiveSource:
    run.write_status(replace(run.status(), **changes))
    return LiveSource(Follower(run))


def test_a_live_source_tells_what_is_written_as_it_is_written(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    live = LiveSource(Follower(run))
    assert (live.live, live.tag, live.gallery()) == (True, "", None)
    assert live.poll() == boards.begin(OF, run.name)
    told = canned_events(OF)
    for start in range(0, len(told), 11):
        write_events(run, told[start : start + 11])
        board = live.poll()
        assert board.t == told[: start + 11][-1][0].t
        assert live.poll() is board
    assert board.ended
    assert [arm.epochs_done for arm in board.arms] == [3, 3]


def test_a_long_run_is_shown_at_once_and_read_to_its_end_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(tmp_path, OF)
    monkeypatch.setattr(source_module, "FIRST_BYTES", 2000)
    live = LiveSource(Follower(run))
    first = live.poll()
    assert (first.phase, first.ended, live.tag) == ("training", False, "reading")
    assert all(arm.replicas for arm in first.arms)
    assert live.poll() == Follower(run).poll()
    assert live.tag == ""


def test_a_live_clock_counts_from_the_run_s_beginning(tmp_path: Path, clock: Clock) -> None:
    run = empty_run(tmp_path, OF)
    live = of_status(run, monotonic=990.0)
    assert live.now(live.poll()) == 10.0
    clock.now += 2.5
    assert live.now(live.poll()) == 12.5


def test_after_a_reboot_or_on_another_machine_the_newest_event_is_the_clock(tmp_path: Path, clock: Clock) -> None:
    run = empty_run(tmp_path, OF)
    write_events(run, canned_events(OF, until=2.0))
    live = of_status(run, boot="another", monotonic=990.0)
    clock.now += 100
    board = live.poll()
    assert live.now(board) == board.t


def test_the_clock_of_a_run_that_is_taken_up_again_is_the_new_supervisor_s(tmp_path: Path, clock: Clock) -> None:
    run = empty_run(tmp_path, OF)
    write_events(run, [*canned_events(OF, until=2.0), (events.Phase(t=2.0, phase="stopped"), None)])
    live = of_status(run, monotonic=990.0)
    assert live.now(live.poll()) == 10.0
    clock.now += 3600  # an hour in which nothing ran
    run.write_status(replace(run.status(), monotonic=clock.now - 2.0))
    write_events(run, [(events.Phase(t=2.0, phase="starting"), None)])
    assert live.now(live.poll()) == 2.0
    clock.now += 1.5
    assert live.now(live.poll()) == 3.5


def test_a_status_that_is_damaged_while_one_looks_on_costs_the_clock_s_news_alone(tmp_path: Path, clock: Clock) -> None:
    run = empty_run(tmp_path, OF)
    live = of_status(run, monotonic=990.0)
    (run.path / "status.json").write_bytes(b"{")
    write_events(run, canned_events(OF, until=2.0))
    board = live.poll()
    assert board.phase == "training"
    assert live.now(board) == 10.0
    assert clock.now == 1000.0


@pytest.mark.parametrize(
    ("liveness", "ended", "tag"),
    [("elsewhere", False, "on gpu7"), ("elsewhere", True, ""), ("alive", False, ""), ("dead", False, "")],
)
def test_a_run_on_another_host_says_so_while_it_goes_on(
    tmp_path: Path, liveness: Liveness, ended: bool, tag: str
) -> None:
    run = empty_run(tmp_path, OF)
    run.write_status(replace(run.status(), host="gpu7"))
    write_events(run, canned_events(OF, until=99.0 if ended else 2.0))
    live = LiveSource(Follower(run, lambda: liveness))
    assert live.poll().ended == (ended or liveness == "dead")
    assert live.tag == tag


def test_a_live_run_can_be_steered_and_a_replay_can_t(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF)
    assert LiveSource(Follower(run)).run is not None
    assert ReplaySource(run).run is None


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("story", [{}, {"endings": {0: FAILED}}, {"note": NOTE}, {"until": 2.0}])
def test_a_replay_ends_on_the_very_board_of_the_run(tmp_path: Path, story: dict[str, Any]) -> None:
    run = write_run(tmp_path, OF, **story)
    replay = ReplaySource(run)
    assert replay.poll().arms == boards.begin(OF, run.name).arms
    replay.to_end()
    assert replay.poll() == Follower(run).poll()
    assert replay.poll() is replay.poll()
    assert replay.tag == "replay"


def test_a_replay_goes_as_fast_as_it_is_told(tmp_path: Path, clock: Clock) -> None:
    run = write_run(tmp_path, OF)
    replay = ReplaySource(run, speed=2)
    board = replay.poll()
    assert (replay.live, replay.tag, replay.now(board)) == (False, "replay x2", 0.0)
    clock.now += 1.0
    board = replay.poll()
    assert replay.now(board) == 2.0
    expected = [event.t for event, _ in canned_events(OF) if event.t <= 2.0]
    assert board.t == expected[-1]
    replay.speed *= 2  # from here on, not from the beginning
    clock.now += 0.25
    assert replay.now(replay.poll()) == 3.0


def test_a_replay_that_is_held_stands_still_and_goes_on_without_a_jump(tmp_path: Path, clock: Clock) -> None:
    replay = ReplaySource(write_run(tmp_path, OF), speed=1)
    replay.poll()
    clock.now += 1.5
    before = replay.poll()
    replay.paused = True
    assert replay.tag == "replay, paused"
    clock.now += 60
    assert replay.poll() is before
    replay.paused = False
    clock.now += 0.5
    assert replay.now(replay.poll()) == 2.0


@pytest.mark.usefixtures("clock")
def test_a_held_replay_can_still_be_brought_to_its_end(tmp_path: Path) -> None:
    replay = ReplaySource(write_run(tmp_path, OF), speed=1)
    replay.paused = True
    replay.to_end()
    assert replay.poll().ended


def test_a_long_run_is_replayed_in_the_time_of_a_short_one(tmp_path: Path, clock: Clock) -> None:
    of = preset(2, epochs=100)
    replay = ReplaySource(write_run(tmp_path, of))
    replay.poll()
    clock.now += source_module.REPLAY_SECONDS
    assert replay.poll().ended
    assert ReplaySource(write_run(tmp_path, OF)).speed == 1  # and never slower than it went


def test_a_replay_shows_the_run_s_pictures(tmp_path: Path) -> None:
    assert ReplaySource(write_run(tmp_path, OF)).gallery() == canned_gallery(OF)


def test_a_run_without_events_is_refused(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    with pytest.raises(RunError, match=f"run '{run.name}' has no events to replay"):
        ReplaySource(run)


def test_a_damaged_gallery_costs_its_pictures_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF)
    (run.path / "gallery.json").write_bytes(b"{")
    assert gallery_of(run) is None
    assert LiveSource(Follower(run)).poll().ended
