"""A log read in slices of any size, and without the reports that do not matter any more, gives the board of every event."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.board import follower as follow
from inittui.board.follower import Follower
from inittui.board.state import Board, begin
from inittui.record import event_lines, events
from inittui.record.event_log import Tail
from inittui.record.events import Event, Position
from inittui.record.run_directory import RunDir, arm_folders
from tests.helpers import Canned, board_of, canned_events, empty_run, preset, running_board, steady, write_events
from tests.unit.board.stories import actions, folded, story_of

OF = preset(3, epochs=99, seeds=2)
BEGIN = next(event for event, _ in canned_events(OF) if isinstance(event, events.Begin))
seeds = st.integers(776, 779)  # 777 and 778 are those of the run

reports = st.builds(
    events.Progress,
    seed=seeds,
    epoch=st.integers(1, 3),
    step=st.integers(1, 30),
    cost=st.none() | st.floats(0, 9),
    samples_per_second=st.floats(1, 9),
    device_bytes=st.integers(0, 9),
)
ends = st.builds(
    events.Epoch,
    seed=seeds,
    epoch=st.integers(1, 3),
    train_cost=st.floats(0, 9),
    test_cost=st.none(),
    test_accuracy=st.floats(0, 1),
    seconds=st.sampled_from([0.0, 2.0]),
    test_seconds=st.just(0.0),
)
others: st.SearchStrategy[Event] = st.sampled_from(
    [
        events.Paused(),
        events.Continued(),
        events.Saved(seconds=0.1, bytes=9),
        events.Probe(seed=777, epoch=1, images=1, layers=()),
        events.Restored(places=(Position(777, 1, 3),)),
        events.Finished(seconds=1.0),
    ]
)
# Runs of reports, as a log has them, and everything else between any two.
logs = st.lists(st.lists(reports, max_size=9) | st.tuples(ends | others), max_size=20).map(
    lambda parts: [
        replace(event, seq=seq, t=2.0 + seq / 8) for seq, event in enumerate(e for part in parts for e in part)
    ]
)


def written(folder: str | Path, told: Canned) -> RunDir:
    """A run with these events in its logs, each as it is."""
    run = empty_run(Path(folder), OF)
    folders = arm_folders(OF)
    for event, place in told:
        path = run.log if place is None else run.arm_log(folders[place])
        with path.open("ab") as file:
            file.write(event_lines.encode(event))
    return run


def followed(run: RunDir, sizes: list[int]) -> Board:
    """The board at the end, read in slices of `sizes` bytes, and in ever larger ones after them."""
    follower = Follower(run)
    for size in [*sizes, *(100 * 2**k for k in range(20))]:
        board = follower.poll(size)
        if not follower.behind:
            return board
        assert not board.ended
    raise AssertionError("the logs never came to their end")


@steady
@given(logs, st.lists(st.integers(1, 2000), max_size=9))
def test_whatever_an_arm_says_it_can_be_read_in_slices(log: list[Any], sizes: list[int]) -> None:
    told: Canned = [(replace(BEGIN, t=1.0), 0), *((event, 0) for event in log)]
    with TemporaryDirectory() as folder:
        run = written(folder, told)
        assert followed(run, sizes) == folded(begin(OF, run.name), *told)


@steady
@given(actions, st.lists(st.integers(1, 400), max_size=20))
def test_whatever_happens_in_a_run_it_can_be_read_in_slices(acts: list[tuple[str, int]], sizes: list[int]) -> None:
    told = story_of(acts).told
    with TemporaryDirectory() as folder:
        run = written(folder, told)
        assert followed(run, sizes) == folded(begin(OF, run.name), *told)


def test_while_a_log_is_read_the_arms_ends_wait_and_what_is_trained_on_is_told(tmp_path: Path) -> None:
    killed = events.Gone(t=9.0, arm="xavier_normal", reason="killed by signal 9")
    told = [*canned_events(OF, until=8.0), (killed, None), (events.Phase(t=9.0, phase="failed"), None)]
    follower = Follower(written(tmp_path, told))
    board = follower.poll(500)
    assert (follower.behind, board.phase, board.ended) == (True, "training", False)
    assert board.data is not None
    assert board.device is not None
    assert {arm.state for arm in board.arms} == {"training"}
    board = follower.poll()
    assert (follower.behind, board.phase) == (False, "failed")
    assert board.arms[0].reason == "killed by signal 9"
    assert follower.poll() is board


@pytest.mark.parametrize("liveness", ["dead", "alive"])
def test_a_dead_supervisor_is_told_once_all_is_read_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, liveness: Any
) -> None:
    follower = Follower(written(tmp_path, canned_events(OF, until=8.0)), lambda: liveness)
    assert (follower.poll(500).phase, follower.behind) == ("training", True)
    monkeypatch.setattr(follow, "LIVENESS_SECONDS", 1e9)  # it is not asked again
    assert follower.poll().phase == ("interrupted" if liveness == "dead" else "training")


def test_nearly_all_reports_of_a_long_log_are_left_out_and_none_of_those_that_are_drawn(tmp_path: Path) -> None:
    run = empty_run(tmp_path, preset(1, epochs=50))
    write_events(run, canned_events(preset(1, epochs=50), until=20.0))
    path = run.arm_log("xavier_normal")
    every = list(Tail(path).poll())
    few = [event for batch in Tail(path).batches(reports=False) for event in batch]
    over = max(place for place, event in enumerate(every) if isinstance(event, events.Epoch))
    kept = [event for event in every[:over] if not isinstance(event, events.Progress)]
    assert [event for event in few if not isinstance(event, events.Progress)] == [*kept, every[over]]
    under_way = every[over + 1 :]
    assert few[-len(under_way) :] == under_way
    assert (
        sum(isinstance(event, events.Progress) for event in few[: -len(under_way)])
        == board_of(OF, canned_events(preset(1, epochs=50), until=20.0)).arms[0].epochs_done
    )
    assert Follower(run).poll() == board_of(run.preset(), canned_events(run.preset(), until=20.0), run=run.name)


@pytest.mark.parametrize("stacked", [False, True])
def test_of_every_seed_one_report_an_epoch_is_enough_also_where_seeds_train_together_and_checkpoints_are_saved(
    stacked: bool,
) -> None:
    def report(seed: int, epoch: int, step: int) -> events.Progress:
        return events.Progress(seed=seed, epoch=epoch, step=step, cost=0.5, samples_per_second=1.0)

    log: list[Event] = []
    for epoch in range(1, 6):
        told = [report(seed, epoch, step) for seed in (777, 778) for step in range(1, 10)]
        if stacked:
            told.sort(key=lambda one: one.step)
        log += told
        log.insert(-5, events.Saved(seconds=0.1, bytes=9))
        log += [
            events.Epoch(
                seed=seed, epoch=epoch, train_cost=1.0, test_cost=1.0, test_accuracy=0.5, seconds=1.0, test_seconds=0.1
            )
            for seed in (777, 778)
        ]
    found, _ = event_lines.decode_block(b"".join(map(event_lines.encode, log)), reports=False)
    kept = [event for event in found if isinstance(event, events.Progress)]
    assert [(one.seed, one.epoch) for one in kept] == [(seed, epoch) for epoch in range(1, 6) for seed in (777, 778)]
    assert {one.step for one in kept} == {9}


def test_a_damaged_report_of_an_epoch_that_is_over_is_told_by_its_number(tmp_path: Path) -> None:
    told = canned_events(OF, until=8.0)
    run = written(tmp_path, told)
    path = run.arm_log("xavier_normal")
    lines = path.read_bytes().split(b"\n")
    damaged = [number for number, line in enumerate(lines, 1) if b'"progress"' in line][3:9:2]
    for number in damaged:
        lines[number - 1] = lines[number - 1].replace(b'"step":', b'"stop":')
    path.write_bytes(b"\n".join(lines))
    follower = Follower(run)
    while follower.poll(300).phase and follower.behind:
        pass
    assert follower.poll().faults == tuple(
        f"xavier_normal/events.jsonl, line {number}: the checksum does not match" for number in damaged
    )
    assert follower.poll().arms == replace(running_board(3, epochs=99, seeds=2, until=8.0), faults=()).arms
