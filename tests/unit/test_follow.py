from pathlib import Path

import pytest
from msgspec.structs import replace

from inittui import events, follow
from inittui.board import begin, fold
from inittui.errors import RunError
from inittui.follow import Follower, timeline
from inittui.rundir import RunDir
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
    run.write_result({"format": 1})
    assert follower.poll().result == {"format": 1}


def under_way(tmp_path: Path) -> tuple[RunDir, Canned]:
    run = empty_run(tmp_path, OF)
    told = canned_events(OF, until=2.0)
    write_events(run, told)
    return run, told


@pytest.mark.usefixtures("asked_at_once")
def test_a_run_whose_supervisor_died_without_a_word_has_failed_with_the_last_that_was_printed(tmp_path: Path) -> None:
    run, _ = under_way(tmp_path)
    (run.path / "supervisor.log").write_bytes(b"first\nSegmentation \x1b[31mfault \xff\n\n  \n")
    board = Follower(run, alive=lambda: False).poll()
    assert (board.phase, board.ended) == ("failed", True)
    assert board.detail == "the supervisor is gone: Segmentation ?[31mfault \ufffd"
    assert {arm.state for arm in board.arms} == {"failed"}
    assert all(arm.replicas[0].points for arm in board.arms)


@pytest.mark.usefixtures("asked_at_once")
def test_a_supervisor_that_left_no_word_is_told_too(tmp_path: Path) -> None:
    run, _ = under_way(tmp_path)
    assert "it left no word" in Follower(run, alive=lambda: False).poll().detail


@pytest.mark.usefixtures("asked_at_once")
def test_a_supervisor_that_wrote_its_end_and_left_has_not_failed(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    told = canned_events(OF)
    write_events(run, told[:-1])

    def ends_now() -> bool:
        write_events(run, [told[-1]])
        return False

    board = Follower(run, alive=ends_now).poll()
    assert (board.phase, {arm.state for arm in board.arms}) == ("finished", {"finished"})


@pytest.mark.usefixtures("asked_at_once")
def test_a_run_whose_supervisor_lives_goes_on(tmp_path: Path) -> None:
    run, told = under_way(tmp_path)
    assert Follower(run, alive=lambda: True).poll() == board_of(OF, told, run=run.name)


def test_whether_the_supervisor_lives_is_not_asked_at_every_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = under_way(tmp_path)
    monkeypatch.setattr(follow, "LIVENESS_SECONDS", 1e9)
    asked: list[bool] = []
    follower = Follower(run, alive=lambda: bool(asked.append(True)))
    assert not follower.poll().ended
    assert not asked


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
