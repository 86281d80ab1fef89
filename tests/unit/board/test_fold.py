"""Pauses, stops and resumes. What a run that nothing disturbs becomes is in test_board."""

import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.board.fold import fold
from inittui.board.state import ArmBoard, Board, begin, remaining
from inittui.launch.resume_check import unfinished
from inittui.record import events
from inittui.record.events import ENDED, Position
from tests.galleries import TRAIN
from tests.helpers import EPOCH_SECONDS, Canned, board_of, canned_events, preset, running_board, steady
from tests.unit.board.stories import FOLDERS, actions, epoch_of, folded, story_of

STEPS = TRAIN // 50


def begun(arms: int = 1, *, epochs: int = 4, seeds: int = 1, at: float = 1.2) -> Board:
    """A board on which every arm has begun, at 1.2 seconds."""
    of = preset(arms, epochs=epochs, seeds=seeds)
    return board_of(of, canned_events(of, until=at))


def fresh(arms: int = 1) -> Board:
    """A board that trains, and whose arms all wait for a worker."""
    of = preset(arms)
    return board_of(of, [(event, place) for event, place in canned_events(of, until=1.1) if place is None])


# A pause


def test_a_pause_is_a_state_of_its_own_and_ends_in_training() -> None:
    paused = folded(begun(2), (events.Paused(t=2.0), 0))
    assert [arm.state for arm in paused.arms] == ["paused", "training"]
    assert (paused.arms[0].halted, paused.paused) == (2.0, False)
    both = folded(paused, (events.Paused(t=2.1), 1))
    assert (both.paused, both.ended, both.phase) == (True, False, "training")
    gone_on = folded(both, (events.Continued(t=7.0), 0))
    assert (gone_on.arms[0].state, gone_on.arms[0].halted, gone_on.arms[0].idle) == ("training", None, 5.0)
    assert not gone_on.paused


def test_where_all_others_have_ended_one_paused_arm_pauses_the_run() -> None:
    board = folded(begun(2), (events.Paused(t=2.0), 0), (events.Stopped(t=2.0), 1))
    assert board.paused
    assert not folded(begun(2), (events.Stopped(t=2.0), 0), (events.Stopped(t=2.0), 1)).paused
    assert not folded(board, (events.Phase(t=3.0, phase="stopped"), None)).paused


@pytest.mark.parametrize("pauses", [[], [(2.2, 10.0)], [(1.3, 100.0), (102.0, 1000.0)], [(1.2, 5.0), (6.2, 0.0)]])
def test_idle_time_counts_neither_in_the_pace_nor_in_what_remains(pauses: list[tuple[float, float]]) -> None:
    board = begun(1, epochs=4)
    idle = 0.0
    for at, seconds in pauses:
        board = folded(board, (events.Paused(t=at), 0), (events.Continued(t=at + seconds), 0))
        idle += seconds
    now = 1.2 + 3.0 + idle  # three seconds of training for the first epoch
    board = folded(board, (epoch_of(1, t=now), 0))
    assert board.arms[0].idle == pytest.approx(idle)
    assert board.arms[0].pace(now) == pytest.approx(12.0)
    assert remaining(board, now) == pytest.approx(9.0)


def test_while_an_arm_is_paused_its_pace_stands_still() -> None:
    board = folded(begun(2, epochs=4), (epoch_of(1, t=2.2), 0), (epoch_of(1, t=2.2), 1), (events.Paused(t=2.2), 0))
    for now in (2.2, 50.0, 5000.0):
        assert board.arms[0].pace(now) == pytest.approx(4.0)
    all_paused = folded(board, (events.Paused(t=2.2), 1))
    assert remaining(all_paused, 2.2) is None
    assert remaining(folded(all_paused, (events.Continued(t=9.2), 0), (events.Continued(t=9.2), 1)), 9.2) == (
        pytest.approx(3.0)
    )


def test_a_paused_arm_tells_the_rate_of_what_it_has_trained() -> None:
    board = folded(running_board(1), (events.Paused(t=2.1), 0))
    assert board.arms[0].rate == pytest.approx(STEPS * 50 / EPOCH_SECONDS)
    assert folded(begun(1), (events.Paused(t=2.1), 0)).arms[0].rate == 0.0


def test_the_newest_checkpoint_is_known_by_its_time() -> None:
    board = begun(2)
    assert board.arms[0].saved is None
    board = folded(
        board, (events.Saved(t=2.0, seconds=0.1, bytes=9), 0), (events.Saved(t=3.0, seconds=0.1, bytes=9), 0)
    )
    assert [arm.saved for arm in board.arms] == [3.0, None]


# What is asked of an arm without a worker


@pytest.mark.parametrize("arm", ["xavier_normal", ""])
def test_an_arm_that_waits_can_be_paused_and_waits_again(arm: str) -> None:
    board = folded(fresh(2), (events.Asked(t=2.0, verb="pause", arm=arm), None))
    assert [one.state for one in board.arms] == ["paused", "waiting" if arm else "paused"]
    assert board.paused == (not arm)
    board = folded(board, (events.Asked(t=3.0, verb="resume", arm=arm), None))
    assert {one.state for one in board.arms} == {"waiting"}


@pytest.mark.parametrize("before", [[], ["pause"], ["pause", "resume"]], ids=str)
def test_an_arm_that_has_not_begun_can_be_stopped(before: list[Any]) -> None:
    asked = [(events.Asked(t=2.0 + i, verb=verb, arm="he_normal"), None) for i, verb in enumerate([*before, "stop"])]
    arm, other = folded(fresh(2), *asked).arms[1::-1]
    assert (arm.state, arm.reason, arm.ended) == ("stopped", "stopped before it began", 2.0 + len(before))
    assert other.state == "waiting"


def test_an_arm_that_was_to_go_on_can_be_stopped_before_it_does() -> None:
    board = folded(
        running_board(1),
        (events.Stopped(t=2.1), 0),
        (events.Resumed(t=3.0, arms=("xavier_normal",)), None),
        (events.Asked(t=4.0, verb="stop", arm="xavier_normal"), None),
    )
    assert (board.arms[0].state, board.arms[0].reason) == ("stopped", "stopped before it went on")
    assert len(board.arms[0].replicas[0].points) == 1


@pytest.mark.parametrize("verb", ["pause", "resume", "stop"])
def test_an_arm_with_a_worker_says_itself_what_has_become_of_a_request(verb: Any) -> None:
    for board in (begun(2, at=1.1), begun(2), folded(begun(2), (events.Finished(t=1.5, seconds=1), 0))):
        assert folded(board, (events.Asked(t=2.0, verb=verb), None)).arms == board.arms


def test_an_arm_that_is_let_go_on_waits_until_its_worker_says_so() -> None:
    board = folded(begun(1), (events.Paused(t=2.0), 0), (events.Asked(t=3.0, verb="resume"), None))
    assert board.arms[0].state == "waiting"
    kept = folded(board, (events.Asked(t=3.5, verb="stop"), None)).arms[0]
    assert kept.state == "waiting"  # it has a worker, which will say so
    assert folded(board, (events.Asked(t=3.5, verb="pause"), None)).arms[0].state == "paused"
    assert folded(board, (events.Continued(t=4.0), 0)).arms[0].state == "training"


# Going on from a checkpoint


@pytest.mark.parametrize("epochs", [0, 1, 2, 3])
@pytest.mark.parametrize("step", [0, 1, 15, 29])
def test_going_on_from_a_checkpoint_rewinds_to_it_exactly(epochs: int, step: int) -> None:
    board = begun(1, epochs=4, at=1.2 + 3.4 * EPOCH_SECONDS)
    before = board.arms[0].replicas[0]
    assert (len(before.points), before.epoch) == (3, 4)
    board = folded(
        board,
        (events.Hello(t=9.0, arm="xavier_normal", pid=7), 0),
        (events.Restored(t=9.5, places=(Position(seed=777, epochs=epochs, step=step),)), 0),
    )
    arm, replica = board.arms[0], board.arms[0].replicas[0]
    assert (arm.state, arm.pid, arm.began) == ("training", 7, 9.5)
    assert replica.points == before.points[:epochs]
    assert (replica.step, replica.epoch) == (step, epochs + (step > 0))
    assert arm.progress == arm.done_before == pytest.approx((epochs * STEPS + step) / (4 * STEPS))
    assert set(replica.running) <= set(before.running)


def test_every_replica_goes_back_to_its_own_place() -> None:
    board = begun(1, epochs=4, seeds=3, at=1.2 + 6.4 * EPOCH_SECONDS)
    assert [len(replica.points) for replica in board.arms[0].replicas] == [2, 2, 2]
    places = (Position(seed=779, epochs=2), Position(seed=777, epochs=1, step=5))  # 778 has no checkpoint
    arm = folded(board, (events.Restored(t=9.0, places=places), 0)).arms[0]
    assert [(r.seed, len(r.points), r.step) for r in arm.replicas] == [(777, 1, 5), (778, 0, 0), (779, 2, 0)]


def test_reports_of_the_epoch_under_way_are_kept_as_far_as_the_checkpoint_has_them() -> None:
    board = begun(1)
    for step in range(1, 11):
        report = events.Progress(seed=777, epoch=1, step=step, cost=float(step), samples_per_second=1.0)
        board = fold(board, report, 0)
    for step, kept in ((4, (1.0, 2.0, 3.0, 4.0)), (10, tuple(map(float, range(1, 11)))), (0, ()), (11, ())):
        restored = events.Restored(places=(Position(seed=777, step=step),))
        assert tuple(folded(board, (restored, 0)).arms[0].replicas[0].running) == kept


def test_the_pace_after_a_resume_is_that_of_what_was_trained_since() -> None:
    board = begun(1, epochs=8, at=1.2 + 2 * EPOCH_SECONDS)
    board = folded(
        board,
        (events.Hello(t=100.0, arm="xavier_normal", pid=7), 0),
        (events.Restored(t=101.0, places=(Position(seed=777, epochs=2),)), 0),
    )
    assert board.arms[0].pace(105.0) is None
    assert remaining(board, 105.0) is None
    board = folded(board, (epoch_of(3, t=104.0), 0))
    assert board.arms[0].pace(104.0) == pytest.approx(24.0)
    assert remaining(board, 104.0) == pytest.approx(15.0)


def test_an_arm_without_a_checkpoint_begins_anew() -> None:
    board = folded(
        running_board(1),
        (events.Gone(t=2.1, arm="xavier_normal", reason="killed"), None),
        (events.Resumed(t=3.0, arms=("xavier_normal",)), None),
        (events.Hello(t=4.0, arm="xavier_normal", pid=7), 0),
    )
    anew = next(event for event, place in canned_events(preset(1)) if isinstance(event, events.Begin))
    arm = folded(board, (replace(anew, t=5.0), 0)).arms[0]
    assert (arm.state, arm.progress, arm.began, arm.done_before, arm.idle) == ("training", 0.0, 5.0, 0.0, 0.0)
    assert [replica.points for replica in arm.replicas] == [()]


def test_an_arm_that_is_taken_up_again_has_forgotten_how_it_ended() -> None:
    killed = events.Gone(t=2.1, arm="xavier_normal", reason="killed by signal 9", detail="last words")
    board = folded(running_board(2), (killed, None))
    arm = board.arms[0]
    assert (arm.state, arm.reason, arm.failure, arm.detail) == ("failed", "killed by signal 9", "killed", "last words")
    resumed = events.Resumed(t=3.0, arms=("xavier_normal",), exact=False, note="another torch")
    board = folded(board, (resumed, None))
    again = board.arms[0]
    assert (again.state, again.reason, again.failure, again.detail) == ("waiting", "", "", "")
    assert (again.ended, again.pid) == (None, None)
    assert again.replicas == arm.replicas  # its curves stay on the screen
    assert board.arms[1].state == "training"
    assert board.resumed == resumed


@pytest.mark.parametrize(
    ("notes", "exact", "told"),
    [
        (["+a", "+b"], True, "b"),
        (["-a", "+b"], False, "a"),
        (["+a", "-b"], False, "b"),
        (["-a", "-b", "+c", "-b"], False, "a; b"),
    ],
)
def test_a_result_that_was_once_not_exact_stays_so(notes: list[str], exact: bool, told: str) -> None:
    board = running_board(2)
    for at, note in enumerate(notes):
        event = events.Resumed(t=3.0 + at, arms=(f"arm{at}",), exact=note[0] == "+", note=note[1:])
        board = folded(board, (event, None))
        assert board.resumed is not None
        assert board.resumed.arms == event.arms
    assert (board.resumed.exact, board.resumed.note) == (exact, told)


def test_an_arm_that_is_not_named_is_not_taken_up_again() -> None:
    board = folded(running_board(2), (events.Stopped(t=2.1), 0), (events.Stopped(t=2.1), 1))
    board = folded(board, (events.Resumed(t=3.0, arms=("he_normal",)), None))
    assert [arm.state for arm in board.arms] == ["stopped", "waiting"]
    nothing = folded(board, (events.Resumed(t=4.0, arms=()), None))
    assert nothing.arms == board.arms


# A supervisor that dies


def test_a_run_that_was_interrupted_and_is_taken_up_again_goes_on() -> None:
    finished = folded(running_board(3), (events.Finished(t=2.05, seconds=1), 2))
    over = folded(finished, (events.Phase(t=2.05, phase="interrupted", detail="why"), None))
    assert (over.ended, over.detail, over.paused) == (True, "why", False)
    assert [arm.state for arm in over.arms] == ["interrupted", "interrupted", "finished"]
    assert remaining(over, 99.0) == 0.0
    board = folded(replace(over, result={}), (events.Phase(t=2.1, phase="starting", detail="starting torch"), None))
    assert (board.ended, board.phase, board.result) == (False, "starting", None)
    board = folded(board, (events.Resumed(t=3.0, arms=("xavier_normal", "he_normal")), None))
    assert [arm.state for arm in board.arms] == ["waiting", "waiting", "finished"]
    assert all(arm.reason == "" for arm in board.arms)


def test_an_arm_that_was_paused_or_waited_when_the_supervisor_died_is_interrupted_too() -> None:
    asked = events.Asked(t=2.0, verb="pause", arm=FOLDERS[1])
    board = folded(fresh(3), (events.Hello(t=1.5, arm="x", pid=7), 0), (asked, None))
    assert [arm.state for arm in board.arms] == ["starting", "paused", "waiting"]
    over = folded(board, (events.Phase(t=2.0, phase="interrupted"), None))
    assert [(arm.state, arm.reason) for arm in over.arms] == [
        ("interrupted", "did not come to its end"),
        ("interrupted", "did not start"),
        ("interrupted", "did not start"),
    ]


@pytest.mark.parametrize(("arms", "seeds"), [(1, 1), (2, 2)])
@pytest.mark.parametrize("saved", [0.1, 0.3, 0.6, 1.0, 1.4])
@pytest.mark.parametrize("lost", [0.0, 0.4, 9.0])
def test_the_board_of_a_resumed_run_is_that_of_one_that_nothing_disturbed_but_for_times(
    arms: int, seeds: int, saved: float, lost: float
) -> None:
    of = preset(arms, epochs=3, seeds=seeds)
    whole = canned_events(of)
    last_epoch = 1.2 + 3 * EPOCH_SECONDS * seeds
    saved, killed = 1.2 + saved * seeds, min(last_epoch, 1.2 + (saved + lost) * seeds)
    at_save = board_of(of, [item for item in whole if item[0].t <= saved])
    told: Canned = [item for item in whole if item[0].t <= killed]
    told += [
        (events.Phase(t=killed + 5, phase="starting"), None),
        (events.Resumed(t=killed + 6, arms=FOLDERS[:arms]), None),
        (events.Phase(t=killed + 7, phase="training"), None),
    ]
    for place, arm in enumerate(at_save.arms):
        places = tuple(Position(r.seed, len(r.points), r.steps_since) for r in arm.replicas)
        told.append((events.Hello(t=killed + 8, arm=arm.name, pid=4000 + place), place))
        told.append((events.Restored(t=killed + 9, places=places), place))
    told += [(replace(event, t=event.t + killed + 10 - saved), place) for event, place in whole if event.t > saved]
    assert timeless(board_of(of, told)) == timeless(board_of(of, whole))


def timeless(board: Board) -> Board:
    """Without its times; the steps of an epoch that is over count as none of the next."""
    arms = tuple(
        replace(
            arm,
            heard=0.0,
            began=None,
            ended=None,
            done_before=0.0,
            replicas=tuple(replace(replica, step=replica.steps_since) for replica in arm.replicas),
        )
        for arm in board.arms
    )
    return replace(board, arms=arms, t=0.0, resumed=None, result=None)


# Two logs, read in whatever order


def read_late(told: Canned, seed: int) -> Canned:
    """The events in an order in which a reader may meet them: each log in its own, and no word of the supervisor before
    what a worker said earlier, since the supervisor's log is read first and folded last."""
    draws = random.Random(seed)
    logs = {place: [event for event, at in told if at == place] for place in (None, 0, 1, 2)}
    order: Canned = []
    while any(logs.values()):
        heads = {place: log[0] for place, log in logs.items() if log}
        earliest = min((event.t for place, event in heads.items() if place is not None), default=float("inf"))
        ready = [place for place, event in heads.items() if place is not None or event.t < earliest]
        place = draws.choice(ready)
        order.append((logs[place].pop(0), place))
    return order


KILLED_AND_REPLACED = [("start", 0), ("epoch", 0), ("kill", 0), ("resume", 0), ("start", 0)]


@steady
@given(actions)
@example(KILLED_AND_REPLACED)
@example([("start", 0), ("pause", 0), ("resume", 0), ("stop", 0), ("resume", 0)])
def test_whatever_happens_the_board_says_what_is_true(acts: list[tuple[str, int]]) -> None:
    story = story_of(acts)
    board = folded(story.board, *story.told)
    assert [arm.state for arm in board.arms] == [arm.state for arm in story.arms]
    assert [points_of(arm) for arm in board.arms] == [list(range(1, arm.epochs + 1)) for arm in story.arms]
    assert [arm.folder for arm in unfinished(board)] == [
        FOLDERS[place] for place, arm in enumerate(story.arms) if arm.state != "finished" and not arm.hopeless
    ]
    assert (board.phase, board.t) == ("training", story.t)
    assert all((arm.ended is None) == (arm.state not in ENDED) for arm in board.arms)


def points_of(arm: ArmBoard) -> list[int]:
    return [point.epoch for replica in arm.replicas for point in replica.points]


@steady
@given(actions, st.integers(0, 10_000))
@example(KILLED_AND_REPLACED, 0)
@example(KILLED_AND_REPLACED, 1)
def test_in_whatever_order_logs_are_read_the_board_is_the_same(acts: list[tuple[str, int]], seed: int) -> None:
    story = story_of(acts)
    assert folded(story.board, *read_late(story.told, seed)) == folded(story.board, *story.told)


@steady
@given(actions, st.integers(0, 10_000))
def test_where_every_arm_has_the_last_word_the_supervisor_may_even_be_read_too_early(
    acts: list[tuple[str, int]], seed: int
) -> None:
    """As on a network file system, where what two processes wrote may come in another order."""
    story = story_of(acts)
    story.take_up()
    for place in range(3):
        story.do("start", place)
        story.do("finish", place)
    draws = random.Random(seed)
    turns = [place for _, place in story.told]
    draws.shuffle(turns)
    logs = {place: iter([event for event, at in story.told if at == place]) for place in (None, 0, 1, 2)}
    shuffled: Canned = [(next(logs[place]), place) for place in turns]
    assert folded(story.board, *shuffled) == folded(story.board, *story.told)
    assert {arm.state for arm in folded(story.board, *shuffled).arms} <= {"finished", "failed"}


# Boards share their histories


@steady
@given(actions, st.integers(0, 40))
def test_a_fold_leaves_every_board_before_it_as_it_was(acts: list[tuple[str, int]], again: int) -> None:
    """What one adds to a history must not show in another, whichever was first."""
    told = story_of(acts).told
    boards = [begin(preset(3, epochs=99))]
    for event, place in told:
        boards.append(fold(boards[-1], event, place))
    from_here = boards[min(again, len(told))]
    assert folded(from_here, *told[min(again, len(told)) :]) == boards[-1]
    other = folded(from_here, (epoch_of(50), 0), (epoch_of(51), 0))
    assert folded(from_here, (epoch_of(50), 0), (epoch_of(51), 0)) == other
    for number, board in enumerate(boards):
        assert board == folded(begin(preset(3, epochs=99)), *told[:number])
