import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from inittui.board import follower as follow
from inittui.board.fold import fold
from inittui.board.follower import Follower, timeline
from inittui.board.state import begin
from inittui.common.errors import RunError
from inittui.common.process_identity import Liveness
from inittui.record import disk_room, events
from inittui.record.run_directory import RunDir
from tests.helpers import Canned, board_of, canned_events, empty_run, preset, write_events, write_run

OF = preset(2, seeds=2)


@pytest.fixture
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the supervisor lives is asked at every poll, not once a second."""
    monkeypatch.setattr(follow, "LIVENESS_SECONDS", 0)


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_a_run_read_while_it_is_written_is_at_every_step_the_fold_so_far(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    follower = Follower(run)
    assert follower.poll() == begin(OF, run.name)
    told = canned_events(OF)
    board = begin(OF, run.name)
    for start in range(0, len(told), 7):
        part = told[start : start + 7]
        # Within one poll the arms' events are folded before the supervisor's.
        for event, place in sorted(part, key=lambda item: item[1] is None):
            board = fold(board, event, place)
        write_events(run, part)
        assert follower.poll() == board
    assert board.ended


def test_the_same_board_is_given_when_nothing_has_happened(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    follower = Follower(run)
    write_events(run, canned_events(OF, until=2.0))
    assert follower.poll() is follower.poll()


def test_a_finished_run_is_followed_to_its_result(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF)
    board = Follower(run).poll()
    assert board == board_of(OF, canned_events(OF), run=run.name)
    assert board.result == run.result() is not None


def test_a_result_that_comes_after_the_end_is_still_shown(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    write_events(run, canned_events(OF))
    follower = Follower(run)
    assert follower.poll().result is None
    document = board_of(OF, canned_events(OF), run=run.name).result
    assert document is not None
    run.write_result(document)
    assert follower.poll().result == document


def test_a_result_of_other_arms_is_a_fault_and_the_table_is_made_from_the_events(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF)
    other = write_run(tmp_path / "other", preset(3)).result()
    assert other is not None
    run.write_result(other)
    board = Follower(run).poll()
    assert board.result is None
    assert board.faults == (f"run '{run.name}': result.json belongs to another run: it has other arms",)


def test_a_damaged_result_is_a_fault_that_is_told_once_and_stays(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF)
    (run.path / "result.json").write_bytes(b"{")
    follower = Follower(run)
    board = follower.poll()
    assert (board.result, len(board.faults)) == (None, 1)
    assert "result.json can't be read: the checksum does not match" in board.faults[0]
    assert follower.poll() is board


def under_way(tmp_path: Path) -> tuple[RunDir, Canned]:
    run = empty_run(tmp_path, OF)
    told = canned_events(OF, until=2.0)
    write_events(run, told)
    return run, told


def always(liveness: Liveness) -> Callable[[], Liveness]:
    return lambda: liveness


@pytest.mark.usefixtures("asked_at_once")
def test_a_run_whose_supervisor_died_without_a_word_is_interrupted_with_the_last_that_was_printed(
    tmp_path: Path,
) -> None:
    run, _ = under_way(tmp_path)
    (run.path / "supervisor.log").write_bytes(b"first\nSegmentation \x1b[31mfault \xff\n\n  \n")
    board = Follower(run, always("dead")).poll()
    assert (board.phase, board.ended) == ("interrupted", True)
    assert board.detail == (
        f"the supervisor is gone (Segmentation ?[31mfault \ufffd); 'inittui resume {run.path}' goes on"
    )
    assert {arm.state for arm in board.arms} == {"interrupted"}
    assert all(arm.replicas[0].points for arm in board.arms)


@pytest.mark.usefixtures("asked_at_once")
def test_a_supervisor_that_left_no_word_is_told_without_one(tmp_path: Path) -> None:
    run, _ = under_way(tmp_path)
    detail = Follower(run, always("dead")).poll().detail
    assert detail == f"the supervisor is gone; 'inittui resume {run.path}' goes on"


@pytest.mark.usefixtures("asked_at_once")
def test_a_supervisor_that_wrote_its_end_and_left_has_not_been_interrupted(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    told = canned_events(OF)
    write_events(run, told[:-1])

    def ends_now() -> Liveness:
        write_events(run, [told[-1]])
        return "dead"

    board = Follower(run, ends_now).poll()
    assert (board.phase, {arm.state for arm in board.arms}) == ("finished", {"finished"})


@pytest.mark.usefixtures("asked_at_once")
@pytest.mark.parametrize("liveness", ["alive", "elsewhere"])
def test_a_run_whose_supervisor_may_live_goes_on(tmp_path: Path, liveness: Liveness) -> None:
    run, told = under_way(tmp_path)
    follower = Follower(run, always(liveness))
    assert follower.poll() == board_of(OF, told, run=run.name)
    assert follower.liveness == liveness


@pytest.mark.parametrize(("seconds", "times"), [(1e9, 1), (0.0, 3)])
def test_whether_the_supervisor_lives_is_asked_at_once_and_then_not_at_every_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, times: int
) -> None:
    run, _ = under_way(tmp_path)
    monkeypatch.setattr(follow, "LIVENESS_SECONDS", seconds)
    asked: list[Liveness] = []

    def ask() -> Liveness:
        asked.append("alive")
        return "alive"

    follower = Follower(run, ask)
    for _ in range(3):
        assert not follower.poll().ended
    assert len(asked) == times


def test_who_does_not_ask_whether_it_lives_is_told_what_the_logs_say(tmp_path: Path) -> None:
    run, told = under_way(tmp_path)
    disk_room.mark(run.path, errno.ENOSPC)
    assert Follower(run).poll() == board_of(OF, told, run=run.name)


@pytest.mark.usefixtures("asked_at_once")
def test_an_interrupted_run_that_is_taken_up_again_is_followed_on(tmp_path: Path) -> None:
    run, _ = under_way(tmp_path)
    lives: list[Liveness] = ["dead"]
    follower = Follower(run, lambda: lives[0])
    assert follower.poll().phase == "interrupted"
    assert follower.poll() is follower.poll()
    lives[0] = "alive"
    again: list[tuple[events.Event, int | None]] = [
        (events.Phase(t=2.0, phase="training"), None),
        (events.Resumed(t=2.1, arms=("xavier_normal", "he_normal"), note="bit for bit"), None),
        (events.Hello(t=2.2, arm="xavier_normal", pid=7), 0),
    ]
    write_events(run, again)
    board = follower.poll()
    assert (board.phase, board.ended) == ("training", False)
    assert [(arm.state, arm.pid) for arm in board.arms] == [("starting", 7), ("waiting", None)]
    assert board.resumed == replace(again[1][0], seq=board.resumed.seq if board.resumed else -1)
    lives[0] = "dead"
    assert follower.poll().phase == "interrupted"


# A full disk


@pytest.mark.usefixtures("asked_at_once")
@pytest.mark.parametrize("where", ["", "arms/he_normal"])
def test_a_full_disk_is_seen_while_it_lasts(tmp_path: Path, where: str) -> None:
    run, told = under_way(tmp_path)
    follower = Follower(run, always("alive"))
    expected = board_of(OF, told, run=run.name)
    assert follower.poll() == expected
    disk_room.mark(run.path / where, errno.ENOSPC)
    assert follower.poll() == replace(expected, waiting_for="disk full")
    disk_room.mark(run.path / where, 0)
    assert follower.poll() == expected


@pytest.mark.usefixtures("asked_at_once")
def test_a_mark_that_a_dead_supervisor_left_says_why_it_died_and_no_more(tmp_path: Path) -> None:
    run, _ = under_way(tmp_path)
    disk_room.mark(run.path, errno.ENOSPC)
    board = Follower(run, always("dead")).poll()
    assert (board.phase, board.waiting_for) == ("interrupted", "")
    assert board.detail.startswith("the supervisor is gone (disk full); ")


@pytest.mark.usefixtures("asked_at_once")
@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_run_whose_folder_is_gone_is_over_for_its_viewer_who_learns_why(tmp_path: Path, how: str) -> None:
    run, _ = under_way(tmp_path)
    follower = Follower(run, lambda: "alive" if run.path.exists() else "dead")
    follower.poll()
    if how == "moved":
        run.path.rename(tmp_path / "elsewhere")
    else:
        shutil.rmtree(run.path)
    board = follower.poll()
    assert (board.phase, board.detail) == ("interrupted", f"its folder '{run.path}' was moved or deleted")


def test_damaged_lines_are_faults_of_the_board_and_the_rest_is_folded(tmp_path: Path) -> None:
    run, told = under_way(tmp_path)
    append(run.arm_log("he_normal"), b"garbage\n")
    append(run.log, b"garbage\n")
    board = Follower(run).poll()
    assert len(board.faults) == 2
    assert all("the checksum does not match" in fault for fault in board.faults)
    assert replace(board, faults=()) == board_of(OF, told, run=run.name)


def test_a_directory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        Follower(RunDir(tmp_path))


def test_the_timeline_holds_every_event_in_the_order_of_its_clock(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF)
    found = timeline(run)
    times = [event.t for event, _ in found]
    assert times == sorted(times)
    assert {place for _, place in found} == {None, 0, 1}
    told = canned_events(OF)
    for place in (None, 0, 1):
        assert [e for e, at in found if at == place] == [e for e, at in told if at == place]


def test_a_timeline_folds_into_the_board_that_a_follower_gives(tmp_path: Path) -> None:
    run = write_run(tmp_path, OF, endings={0: events.Failed(kind="memory", reason="out of memory")})
    board = begin(run.preset(), run.name)
    for event, place in timeline(run):
        board = fold(board, event, place)
    assert board == replace(Follower(run).poll(), result=None)
