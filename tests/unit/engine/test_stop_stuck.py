"""Replicas that are given up because they are still at chance: in training, on the board, in the result and in words."""

from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.board.fold import fold
from inittui.board.state import Board
from inittui.engine import trainer
from inittui.engine.trainer import Stop, Trainer
from inittui.output import lines, tables
from inittui.record import events
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.views import arm as arm_view
from tests.helpers import finished_board, running_board
from tests.tui.builders import many, text_of
from tests.unit.tiny import CPU, arm, dataset, figures

DATA = dataset()


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of the few test images are right: it counts as chance."""
    monkeypatch.setattr(trainer, "stuck_below", lambda _: 1.1)


def given_up(emitted: list[events.Event]) -> list[tuple[int, int]]:
    return [(event.seed, event.epoch) for event in emitted if isinstance(event, events.AtChance)]


@pytest.mark.parametrize("options", [{}, {"training_threads": 2}, {"max_batched": 2}, {"hand_written": False}])
@pytest.mark.usefixtures("hopeless")
def test_what_is_still_at_chance_is_trained_no_further(options: dict[str, Any]) -> None:
    trainer = Trainer(arm("zeros", seeds=[1, 2], epochs=4, stop_stuck=2), DATA, CPU, **options)
    emitted = list(trainer.run())
    assert sorted(given_up(emitted)) == [(1, 2), (2, 2)]
    assert sorted((seed, epoch) for seed, epoch, *_ in figures(emitted)) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert set(trainer.evaluations) == {1, 2}


def test_what_learns_is_trained_as_if_there_were_no_such_rule() -> None:
    plainly = list(Trainer(arm(epochs=6, learning_rate=0.05), DATA, CPU).run())
    ruled = list(Trainer(arm(epochs=6, learning_rate=0.05, stop_stuck=5), DATA, CPU).run())
    assert given_up(ruled) == []
    assert figures(ruled) == figures(plainly)


def test_nothing_is_given_up_after_its_last_epoch() -> None:
    assert given_up(list(Trainer(arm("zeros", epochs=2, stop_stuck=2), DATA, CPU).run())) == []


@pytest.mark.usefixtures("hopeless")
def test_what_was_given_up_before_a_checkpoint_is_not_trained_after_it() -> None:
    of = arm("zeros", seeds=[1, 2], epochs=4, stop_stuck=1)
    steps = count()

    def stops(_: object) -> float:
        if next(steps) == 4:  # in the second replica's first epoch
            raise Stop
        return 0.0

    first = Trainer(of, DATA, CPU, between_steps=stops)
    with pytest.raises(Stop):
        list(first.run())
    again = Trainer(of, DATA, CPU)
    for replica, before in zip(again.replicas, first.replicas, strict=True):
        replica.restore(before.snapshot())
    after = list(again.run())
    assert given_up(after) == [(1, 1), (2, 1)]
    assert [(seed, epoch) for seed, epoch, *_ in figures(after)] == [(2, 1)]
    assert set(again.evaluations) == {1, 2}


def stopped(board: Board, index: int = 0, seed: int = 777) -> Board:
    """As if that replica had been given up after what it has."""
    epochs = next(len(one.points) for one in board.arms[index].replicas if one.seed == seed)
    return fold(board, events.AtChance(t=board.t, seed=seed, epoch=epochs), index)


def test_board_result_and_report_say_so_and_its_accuracy_counts_as_it_is() -> None:
    board = stopped(replace(finished_board(epochs=2), result=None))
    document = result_document.document(board, seconds=1.0)
    (replica,) = document.arms[0].replicas
    assert replica.given_up == 2
    assert document.arms[0].test_accuracy.mean == replica.test_accuracy
    emitted = tables.text(document)
    assert "% (stopped)" in emitted
    assert "Stopped at chance after 2 epochs, with the last result kept: xavier_normal." in emitted
    assert "xavier_normal  stopped at chance after 2 epochs" in list(lines.Narrator().lines(board))


def test_an_arms_panel_and_line_say_so() -> None:
    board = stopped(running_board(until=2.2))
    glyphs = Glyphs()
    assert "stopped at chance after 2 epochs" in "".join(
        map(text_of, arm_view.panel(board, 0, 100, 8, glyphs, log=True))
    )
    assert "stopped at chance after 2 epochs" in text_of(arm_view.line(board, 0, 100, glyphs, log=True))
    assert board.arms[0].progress == 1.0


def test_of_several_seeds_it_is_said_how_many_and_the_mean_has_them_all() -> None:
    board = finished_board(seeds=3, epochs=2, accuracies=lambda _, seed, __: 0.1 if seed == 0 else 0.7)
    board = stopped(replace(board, result=None))
    assert board.arms[0].given_up == "1 of 3 seeds stopped at chance after 2 epochs"
    assert "50.00 %" in "".join(map(text_of, arm_view.panel(board, 0, 120, 8, Glyphs(), log=True)))
    emitted = tables.text(result_document.document(board, seconds=1.0))
    assert "Stopped at chance after 2 epochs, with the last result kept: xavier_normal (1 of 3 seeds)." in emitted


def test_a_sentence_names_few_of_many() -> None:
    board = replace(finished_board(many(9), epochs=1), result=None)
    for index in range(9):
        board = stopped(board, index)
    emitted = tables.text(result_document.document(board, seconds=1.0))
    assert " and 3 more." in emitted


def test_a_resume_goes_back_to_before_it() -> None:
    board = fold(stopped(running_board(until=2.2)), events.Restored(t=3.0, places=(events.Position(seed=777),)), 0)
    assert not board.arms[0].given_up
