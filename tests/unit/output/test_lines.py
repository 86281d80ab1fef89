import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.board.fold import fold
from inittui.board.follower import Follower
from inittui.board.state import Board, begin
from inittui.experiment.preset import Preset
from inittui.output.lines import Narrator, closing, watch
from inittui.record import events
from tests.helpers import (
    accuracy,
    board_of,
    canned_events,
    cost,
    empty_run,
    preset,
    running_board,
    steady,
    write_events,
    write_run,
)

OF = preset(2, epochs=2, seeds=2)
FAILED = events.Failed(kind="cost", reason="cost not finite")


def told(of: Preset, **story: object) -> list[str]:
    """The lines of a run that is looked at after every event."""
    narrator, board, lines = Narrator(), begin(of), list[str]()
    for event, place in canned_events(of, **story):  # type: ignore[arg-type]
        board = fold(board, event, place)
        lines += narrator.lines(board)
    return lines


def test_a_run_is_told_line_by_line() -> None:
    of = preset(1, epochs=2)
    assert told(of, note="the network is down") == [
        "device: cpu (2 cores), 1 thread(s) per worker",
        "data: 8x8 digits (scikit-learn), 1,500 training and 297 test images",
        "note: the network is down",
        *(
            f"xavier_normal  epoch {epoch} of 2  cost {cost(0, 0, epoch):.4f}  test cost {1.1 * cost(0, 0, epoch):.4f}  "
            f"accuracy {100 * accuracy(0, 0, epoch):.2f} %  3,000 images/s"
            for epoch in (1, 2)
        ),
    ]


def test_every_epoch_of_every_replica_is_told_once_with_its_seed() -> None:
    lines = [line for line in told(OF) if " epoch " in line]
    assert len(lines) == len(set(lines)) == 2 * 2 * 2
    for arm in ("xavier_normal", "he_normal    "):
        for seed in (777, 778):
            assert [line for line in lines if line.startswith(f"{arm}  seed {seed}  epoch ")]


@steady
@given(st.sets(st.integers(0, 60)))
def test_however_seldom_one_looks_the_same_is_told(looks: set[int]) -> None:
    narrator, board, lines = Narrator(), begin(OF), list[str]()
    everything = canned_events(OF, endings={1: FAILED}, note="a note")
    for number, (event, place) in enumerate(everything, 1):
        board = fold(board, event, place)
        if number in looks or number == len(everything):
            lines += narrator.lines(board)
    assert sorted(lines) == sorted(told(OF, endings={1: FAILED}, note="a note"))
    assert list(narrator.lines(board)) == []


def test_a_cost_that_was_not_finite_is_called_so() -> None:
    lines = told(preset(1, epochs=1), costs=lambda *_: None)
    assert "cost not finite  test cost not finite  accuracy" in lines[-1]


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (FAILED, "he_normal      failed: cost not finite"),
        (
            events.Gone(arm="", reason="killed by signal 9 (SIGKILL)"),
            "he_normal      failed: killed by signal 9 (SIGKILL)",
        ),
        (events.Stopped(reason="stopped by hand"), "he_normal      stopped: stopped by hand"),
    ],
    ids=["failed", "killed", "stopped"],
)
def test_an_arm_that_ends_early_is_told_once_with_its_reason(
    ending: events.Failed | events.Gone | events.Stopped, line: str
) -> None:
    assert told(OF, endings={1: ending}).count(line) == 1


def test_a_run_that_fails_as_a_whole_says_why() -> None:
    over = fold(begin(OF), events.Phase(phase="failed", detail="the supervisor is gone"))
    assert "failed: the supervisor is gone" in list(Narrator().lines(over))


Step = tuple[events.Event, int | None]


def told_of(*steps: Step) -> list[str]:
    """The lines of what happens to two arms under way, each looked at after it has happened."""
    narrator, board = Narrator(), running_board(until=2.0)
    list(narrator.lines(board))
    lines = list[str]()
    for event, place in steps:
        board = fold(board, event, place)
        lines += narrator.lines(board)
        assert list(narrator.lines(board)) == []
    return lines


PAUSED: Step = (events.Paused(t=2.1), 1)
ASKED: Step = (events.Asked(t=2.5, verb="resume", arm="he_normal"), None)
CONTINUED: Step = (events.Continued(t=3.0), 1)
STOPPED: Step = (events.Stopped(t=3.0, reason="stopped by hand"), 1)
KILLED: Step = (events.Gone(t=3.0, arm="he_normal", reason="killed by signal 9"), None)
NOTED = events.Resumed(t=4.0, arms=("he_normal",), note="bit for bit: the same torch")


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        ([PAUSED], ["he_normal      paused"]),
        ([PAUSED, CONTINUED], ["he_normal      paused", "he_normal      goes on"]),
        ([PAUSED, ASKED, CONTINUED], ["he_normal      paused", "he_normal      goes on"]),
        ([PAUSED, STOPPED], ["he_normal      paused", "he_normal      stopped: stopped by hand"]),
        ([PAUSED, KILLED], ["he_normal      paused", "he_normal      failed: killed by signal 9"]),
        ([STOPPED, (NOTED, None)], [
            "he_normal      stopped: stopped by hand", "resumed: he_normal; bit for bit: the same torch",
        ]),
        ([(events.Phase(t=3.0, phase="interrupted", detail="the supervisor is gone"), None)], [
            "xavier_normal  interrupted: did not come to its end", "he_normal      interrupted: did not come to its end",
            "interrupted: the supervisor is gone",
        ]),
    ],
    ids=["paused", "goes on", "asked to", "stopped", "killed", "resumed", "interrupted"],
)  # fmt: skip
def test_what_is_done_to_an_arm_is_told_once(steps: list[Step], lines: list[str]) -> None:
    assert told_of(*steps) == lines


def test_epochs_that_are_trained_again_are_not_told_again() -> None:
    def epoch(number: int, t: float) -> Step:
        return events.Epoch(
            t=t, seed=777, epoch=number, train_cost=0.5, test_cost=0.5, test_accuracy=0.5, seconds=1, test_seconds=0
        ), 1

    back = (events.Restored(t=5.0, places=(events.Position(777, epochs=1),)), 1)
    lines = told_of(epoch(2, 3.0), back, epoch(2, 6.0), epoch(3, 7.0))
    assert [line.partition("  cost")[0] for line in lines] == [
        "he_normal      epoch 2 of 3",
        "he_normal      epoch 3 of 3",
    ]


def test_a_full_disk_is_told_when_it_begins_and_when_it_is_over() -> None:
    narrator, board = Narrator(), running_board()
    list(narrator.lines(board))
    lines = [
        line
        for why in ("disk full", "disk full", "", "", "disk error")
        for line in narrator.lines(replace(board, waiting_for=why))
    ]
    assert lines == [
        "disk full: events wait in memory",
        "the disk can be written again: nothing was lost",
        "disk error: events wait in memory",
    ]


def test_a_download_is_told_in_tenths() -> None:
    narrator, board, lines = Narrator(), begin(OF), list[str]()
    for done in range(0, 1001, 5):
        board = fold(board, events.Download(name="MNIST", done=done, total=1000))
        lines += narrator.lines(board)
    assert lines == [f"downloading MNIST: {percent} %" for percent in range(0, 101, 10)]


def test_every_damaged_line_is_told_once_whichever_log_it_is_in(tmp_path: Path) -> None:
    run = empty_run(tmp_path, OF)
    write_events(run, canned_events(OF, until=1.2))
    follower, narrator, lines = Follower(run), Narrator(), list[str]()
    for path in (run.arm_log("he_normal"), run.arm_log("xavier_normal"), run.log):
        with path.open("ab") as file:
            file.write(b"garbage\n")
        lines += [line for line in narrator.lines(follower.poll()) if line.startswith("damaged record: ")]
    assert [line.split(": ")[1].split(",")[0] for line in lines] == [
        "he_normal/events.jsonl", "xavier_normal/events.jsonl", f"{run.name}/events.jsonl"
    ]  # fmt: skip


def test_watching_says_everything_and_gives_the_last_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = empty_run(tmp_path, OF)
    told_so_far, rest = canned_events(OF)[:20], canned_events(OF)[20:]
    write_events(run, told_so_far)
    lines: list[str] = []

    def wait(_: float) -> None:
        assert lines
        write_events(run, rest)

    monkeypatch.setattr(time, "sleep", wait)
    board = watch(Follower(run), lines.append)
    assert board == replace(board_of(OF, canned_events(OF), run=run.name), result=None)
    assert sorted(lines) == sorted(told(OF))


def test_the_closing_is_the_table_of_the_result_or_of_the_board(tmp_path: Path) -> None:
    board: Board = Follower(write_run(tmp_path, OF)).poll()
    assert board.result is not None
    assert "Indicative only" in closing(board)
    assert "* the highest" in closing(board)
    over = board_of(OF, canned_events(OF, endings={0: FAILED}))
    assert "failed: cost not finite" in closing(over)


def test_a_stack_that_does_not_fit_is_told_once_each_time_it_gets_smaller() -> None:
    narrator, board, lines = Narrator(), running_board(1, seeds=8), list[str]()
    list(narrator.lines(board))
    smaller: list[events.Event] = [
        events.Stacked(together=4, seeds=8),
        events.Saved(seconds=0, bytes=1),
        events.Stacked(together=2, seeds=8),
    ]
    for event in smaller:
        board = fold(board, event, 0)
        lines += narrator.lines(board)
    assert [line.split("  ")[-1] for line in lines] == [
        "4 of 8 seeds train at a time: more do not fit on the device",
        "2 of 8 seeds train at a time: more do not fit on the device",
    ]


def test_one_test_image_is_told_as_one() -> None:
    data = events.DataReady(t=0.1, name="auto", title="Mine", train=1200, test=1, rows=2, columns=2, classes=("a",))
    begun = fold(begin(preset(1)), data, None)
    assert list(Narrator().lines(begun)) == ["data: Mine, 1,200 training and 1 test image"]
