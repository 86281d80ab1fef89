import itertools
import random
import typing
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.board.curves import FIGURES, band_of, mean_of
from inittui.board.fold import fold
from inittui.board.state import ArmBoard, Board, begin, remaining
from inittui.board.thinned_series import BUCKETS, MOST
from inittui.record import events
from tests.galleries import TRAIN
from tests.helpers import EPOCH_SECONDS, accuracy, board_of, canned_events, cost, preset, running_board, steady

STEPS = TRAIN // 50
KILLED = events.Gone(arm="", reason="killed by signal 9 (SIGKILL)")
FAILED = events.Failed(kind="cost", reason="cost not finite", detail="more")


def progress(epoch: int, step: int, cost: float | None = 0.5, *, seed: int = 777) -> events.Progress:
    return events.Progress(seed=seed, epoch=epoch, step=step, cost=cost, samples_per_second=100.0)


def started(arms: int = 1, *, epochs: int = 4, seeds: int = 1) -> Board:
    """A board on which every arm has begun, at 1.2 seconds."""
    of = preset(arms, epochs=epochs, seeds=seeds)
    return board_of(of, canned_events(of, until=1.2))


def test_the_first_board_waits_and_knows_the_arms() -> None:
    of = preset(
        [{"init": "normal(std=0.1)", "name": "small / tanh", "model": {"activation": "tanh"}}, "torch_default"],
        seeds=2,
        epochs=5,
    )
    board = begin(of, "run")
    small, default = board.arms
    assert (small.name, small.folder, small.scheme) == ("small / tanh", "small_tanh", "normal(std=0.1)")
    assert (small.formula, small.bias, small.changes) == ("std fixed", "zero", ('model.activation = "tanh"',))
    assert (default.state, default.epochs, default.seeds, default.bias) == ("waiting", 5, (777, 778), "U(±1/√in)")
    assert (small.progress, small.rate, small.active, small.epochs_done) == (0.0, 0.0, None, 0)
    assert (board.phase, board.ended, board.run) == ("starting", False, "run")


def test_a_whole_run_is_folded_into_every_figure_it_logged() -> None:
    of = preset(2, epochs=3, seeds=2)
    told = canned_events(of, note="the network is down")
    board = board_of(of, told)
    assert (board.phase, board.ended, board.t) == ("finished", True, told[-1][0].t)
    assert board.data is not None
    assert (board.data.train, board.data.note) == (TRAIN, "the network is down")
    assert board.device is not None
    assert board.sample is not None
    assert board.device.label == "cpu (2 cores)"
    assert board.sample.label == 8
    for place, arm in enumerate(board.arms):
        assert (arm.state, arm.reason, arm.steps, arm.batch_size, arm.pid) == ("finished", "", STEPS, 50, 4000 + place)
        assert arm.parameters == 65 * 16 + 17 * 16 + 17 * 10
        assert [replica.seed for replica in arm.replicas] == [777, 778]
        assert arm.began == 1.2
        for number, replica in enumerate(arm.replicas):
            assert [point.epoch for point in replica.points] == [1, 2, 3]
            assert [point.train_cost for point in replica.points] == [cost(place, number, e) for e in (1, 2, 3)]
            assert replica.points[-1].test_accuracy == accuracy(place, number, 3)
            assert replica.sample[0] == (8, 0.9)


def test_progress_is_the_share_of_the_steps_of_all_replicas() -> None:
    board = started(epochs=4, seeds=2)
    assert board.arms[0].progress == 0.0
    board = fold(board, progress(1, STEPS // 2), 0)
    assert board.arms[0].progress == pytest.approx(0.5 / 8)
    of = preset(1, epochs=4, seeds=2)
    for done in range(1, 9):
        at = board_of(of, canned_events(of, until=1.2 + done * EPOCH_SECONDS)).arms[0]
        assert at.progress == pytest.approx(done / 8)
        assert at.epochs_done == done // 2


def test_progress_never_falls_and_ends_at_one() -> None:
    of = preset(2, epochs=3, seeds=3)
    board = begin(of)
    before = [0.0, 0.0]
    for event, place in canned_events(of):
        board = fold(board, event, place)
        now = [arm.progress for arm in board.arms]
        assert all(new >= old for new, old in zip(now, before, strict=True))
        before = now
    assert before == [1.0, 1.0]


def test_the_rate_is_the_last_reports_and_in_the_end_the_whole_trainings() -> None:
    board = fold(started(), progress(1, 3), 0)
    assert board.arms[0].rate == 100.0
    of = preset(1, seeds=2)
    assert board_of(of, canned_events(of)).arms[0].rate == pytest.approx(STEPS * 50 / EPOCH_SECONDS)


def test_between_two_replicas_the_rate_is_that_of_the_one_that_reported_last() -> None:
    arm = running_board(1, seeds=3, until=1.2 + EPOCH_SECONDS).arms[0]
    assert [len(replica.points) for replica in arm.replicas] == [1, 0, 0]
    assert arm.active == arm.replicas[0]
    assert arm.rate == pytest.approx(STEPS * 50 / EPOCH_SECONDS)


def test_the_active_replica_is_the_one_whose_epoch_is_under_way() -> None:
    board = fold(started(seeds=3), progress(1, 3, seed=778), 0)
    assert board.arms[0].active == board.arms[0].replicas[1]


def epoch_of(seed: int, epoch: int, train_cost: float | None) -> events.Epoch:
    return events.Epoch(
        seed=seed, epoch=epoch, train_cost=train_cost, test_cost=None, test_accuracy=0.5, seconds=1, test_seconds=0
    )


def costs(arm: ArmBoard) -> tuple[float | None, ...]:
    return tuple(map(mean_of, arm.by_epoch("train_cost")))


def test_a_mean_is_over_the_replicas_that_have_the_epoch() -> None:
    board = started(seeds=2)
    assert costs(board.arms[0]) == ()
    for seed, epoch, value in ((777, 1, 1.0), (778, 1, 3.0), (777, 2, 4.0)):
        board = fold(board, epoch_of(seed, epoch, value), 0)
    assert costs(board.arms[0]) == (2.0, 4.0)


def test_a_mean_is_none_where_a_replica_was_not_finite() -> None:
    board = started(seeds=2)
    for seed, epoch, value in ((777, 1, 1.0), (778, 1, None), (777, 2, 2.0), (778, 2, 4.0)):
        board = fold(board, epoch_of(seed, epoch, value), 0)
    assert costs(board.arms[0]) == (None, 3.0)


@pytest.mark.parametrize("reports", [1, BUCKETS, BUCKETS + 1, 5 * BUCKETS])
def test_the_reports_of_an_epoch_are_kept_in_bounds_and_in_order(reports: int) -> None:
    board = started()
    for step in range(1, reports + 1):
        board = fold(board, progress(1, step, float(step)), 0)
        assert 1 <= len(board.arms[0].replicas[0].running) <= MOST
    kept = [value for value in board.arms[0].replicas[0].running if value is not None]
    assert kept == sorted(kept)
    assert (kept[0], kept[-1]) == (1.0, float(reports))


def test_a_report_of_the_next_epoch_begins_a_new_series_and_an_epochs_end_clears_it() -> None:
    board = started()
    for event in (progress(1, 1, 9.0), progress(1, 2, 8.0)):
        board = fold(board, event, 0)
    assert tuple(board.arms[0].replicas[0].running) == (9.0, 8.0)
    assert tuple(fold(board, progress(2, 1, 7.0), 0).arms[0].replicas[0].running) == (7.0,)
    over = fold(board, epoch_of(777, 1, 5.0), 0).arms[0].replicas[0]
    assert (tuple(over.running), over.step, over.epoch) == ((), STEPS, 1)


def test_a_report_that_is_not_finite_is_folded_like_any_other() -> None:
    board = started()
    for step in range(2 * BUCKETS):
        board = fold(board, progress(1, step + 1, None if step % 2 else 1.0), 0)
    assert set(board.arms[0].replicas[0].running) <= {1.0, None}


# What is drawn


@pytest.mark.parametrize(("seeds", "epochs"), [(1, 1), (1, 3), (3, 2), (3, 3)])
def test_a_curve_of_few_epochs_is_every_epoch_with_those_that_some_seeds_have_yet_to_end(
    seeds: int, epochs: int
) -> None:
    for until in (1.2 + EPOCH_SECONDS * done for done in range(seeds * epochs + 1)):
        arm = running_board(1, epochs=epochs, seeds=seeds, until=until).arms[0]
        for figure in FIGURES:
            curve = arm.curve(figure)
            assert list(curve.mean) == list(map(mean_of, arm.by_epoch(figure)))
            assert list(zip(curve.low, curve.high, strict=True)) == list(map(band_of, arm.by_epoch(figure)))


@steady
@given(st.lists(st.tuples(st.integers(0, 2), st.none() | st.floats(0.1, 9)), max_size=40), st.integers(0, 30))
def test_a_curve_is_that_of_the_epochs_however_far_the_seeds_are_apart_and_after_a_rewind(
    told: list[tuple[int, float | None]], back: int
) -> None:
    board = started(seeds=3, epochs=99)
    reached = [0, 0, 0]
    for number, value in told:
        reached[number] += 1
        board = fold(board, epoch_of(777 + number, reached[number], value), 0)
    places = tuple(events.Position(777 + number, min(back, epochs)) for number, epochs in enumerate(reached))
    for arm in (board.arms[0], fold(board, events.Restored(places=places), 0).arms[0]):
        curve = arm.curve("train_cost")
        assert tuple(curve.mean) == costs(arm)
        assert list(zip(curve.low, curve.high, strict=True)) == list(map(band_of, arm.by_epoch("train_cost")))


def test_of_a_long_run_every_epoch_is_known_exactly_and_few_are_drawn() -> None:
    board = started(2, epochs=5000)
    values = [1.0 + (epoch * 7919 % 1000) / 1000 for epoch in range(5000)]
    values[1234], values[4321] = 99.0, 0.001
    for epoch, value in enumerate(values, 1):
        board = fold(board, epoch_of(777, epoch, value), 0)
    arm = board.arms[0]
    assert [point.train_cost for point in arm.replicas[0].points] == values
    assert result_document.arms(board)[0].replicas[0].train_cost == tuple(values)
    drawn = arm.curve("train_cost").mean
    assert len(drawn) <= MOST
    assert (1235, 99.0) in drawn.spots
    assert (4322, 0.001) in drawn.spots
    assert (drawn[0], drawn[-1], drawn.seen) == (values[0], values[-1], 5000)


def test_a_worker_that_ends_without_a_word_has_failed() -> None:
    of = preset(2)
    board = board_of(of, canned_events(of, endings={1: KILLED}))
    assert [arm.state for arm in board.arms] == ["finished", "failed"]
    assert board.arms[1].reason == KILLED.reason
    assert board.arms[1].ended is not None
    assert board.phase == "failed"


@pytest.mark.parametrize(
    ("ending", "state"), [(FAILED, "failed"), (events.Stopped(reason="by hand"), "stopped")], ids=["failed", "stopped"]
)
def test_an_arms_own_last_word_holds_whether_its_end_is_noticed_before_or_after(
    ending: events.Failed | events.Stopped, state: str
) -> None:
    gone = events.Gone(arm="xavier_normal", reason="ended with exit code 1")
    for order in itertools.permutations([(ending, 0), (gone, None)]):
        board = started(2)
        for event, place in order:
            board = fold(board, event, place)
        assert (board.arms[0].state, board.arms[0].reason) == (state, ending.reason)
        assert board.arms[1].state == "training"


def test_a_clean_end_and_the_end_of_no_known_arm_change_no_arm() -> None:
    board = fold(started(), events.Finished(t=2.0, seconds=1), 0)
    for gone in (events.Gone(arm="xavier_normal"), events.Gone(arm="who", reason="killed")):
        assert fold(board, gone).arms == board.arms


def test_an_arm_has_finished_when_its_log_says_so_and_not_by_an_exit_code() -> None:
    before = board_of(preset(1), canned_events(preset(1), until=1.1))  # it has said hello
    for board in (before, started(), fold(started(), progress(1, 1), 0)):
        arm = fold(board, events.Gone(t=5.0, arm="xavier_normal")).arms[0]
        assert (arm.state, arm.failure, arm.resumable) == ("failed", "killed", True)
        assert arm.reason == "ended with exit code 0, but its log has no end; own code may have called os._exit"


def test_an_arm_that_was_killed_because_it_did_not_stop_is_stopped() -> None:
    gone = events.Gone(t=5.0, arm="xavier_normal", reason="killed, since it did not stop", stopped=True)
    arm = fold(started(), gone).arms[0]
    assert (arm.state, arm.reason, arm.failure) == ("stopped", "killed, since it did not stop", "")


@pytest.mark.parametrize(
    ("phase", "state"),
    [("failed", "failed"), ("stopped", "stopped"), ("interrupted", "interrupted"), ("finished", "failed")],
)
def test_when_the_run_is_over_no_arm_is_left_under_way(phase: Any, state: str) -> None:
    board = fold(started(2), events.Finished(t=2.0, seconds=1), 0)
    board = fold(board, events.Phase(t=2.0, phase=phase, detail="why"))
    assert [arm.state for arm in board.arms] == ["finished", state]
    assert (board.ended, board.detail) == (True, "why")
    assert board.arms[1].reason


def test_a_refused_run_is_over_and_blames_no_arm() -> None:
    before = begin(preset())
    board = fold(before, events.Phase(phase="refused", detail="no such device"))
    assert (board.ended, board.detail, board.arms) == (True, "no such device", before.arms)


def test_a_download_is_shown_until_the_data_are_there() -> None:
    board = fold(begin(preset()), events.Download(name="MNIST", done=1, total=2))
    assert board.download is not None
    ready, _ = next(item for item in canned_events(preset()) if isinstance(item[0], events.DataReady))
    assert fold(board, ready).download is None
    assert fold(board, events.Phase(phase="failed")).download is None


@steady
@given(st.integers(0, 10_000))
def test_logs_folded_in_any_order_of_their_own_give_one_board(seed: int) -> None:
    of = preset(3, epochs=2, seeds=2)
    told = canned_events(of, endings={2: FAILED})
    logs = {place: [event for event, at in told if at == place] for place in (None, 0, 1, 2)}
    turns = [place for _, place in told[:-1]]  # the run's end comes last: whoever folds reads the arms before it
    random.Random(seed).shuffle(turns)
    board = begin(of)
    for place in [*turns, None]:
        board = fold(board, logs[place].pop(0), place)
    assert board == replace(board_of(of, told), run="", result=None)


def test_a_fold_leaves_the_board_before_it_as_it_was() -> None:
    before = started()
    kept = replace(before)
    fold(before, progress(1, 1), 0)
    fold(before, events.Phase(phase="failed"))
    assert before == kept


# How long it will last


def test_nothing_remains_to_be_known_before_training_and_nothing_after_it() -> None:
    assert remaining(begin(preset()), 5.0) is None
    assert remaining(started(), 1.2) is None
    of = preset()
    assert remaining(board_of(of, canned_events(of)), 100.0) == 0.0


def test_at_an_even_pace_the_rest_is_what_it_will_be() -> None:
    of = preset(2, epochs=4)
    for done in (1, 2, 3):
        now = 1.2 + done * EPOCH_SECONDS
        board = board_of(of, canned_events(of, until=now))
        assert remaining(board, now) == pytest.approx((4 - done) * EPOCH_SECONDS)


def test_arms_that_wait_for_a_worker_count_as_long_as_those_that_ran() -> None:
    of = preset(3, epochs=4)
    now = 1.2 + 2 * EPOCH_SECONDS
    told = [(event, place) for event, place in canned_events(of, until=now) if place in (None, 0)]
    board = board_of(of, told)
    assert board.device is not None
    board = replace(board, device=replace(board.device, workers=1))
    assert remaining(board, now) == pytest.approx((2 + 4 + 4) * EPOCH_SECONDS)


@steady
@given(st.integers(1, 3), st.integers(1, 3), st.floats(1.2, 6), st.floats(0, 10))
def test_what_remains_is_never_negative(arms: int, seeds: int, until: float, later: float) -> None:
    of = preset(arms, seeds=seeds)
    left = remaining(board_of(of, canned_events(of, until=until)), until + later)
    assert left is None or 0 <= left < 1000


def test_ended_states_are_those_that_a_phase_can_end_in() -> None:
    assert set(events.ENDED) == {"finished", "failed", "stopped", "interrupted", "refused"}
    phases = set(get_args(typing.get_type_hints(events.Phase)["phase"]))
    assert phases - set(events.ENDED) == {"starting", "loading", "training"}
