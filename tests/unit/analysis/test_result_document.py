"""The result document as people and programs read it: its JSON keeps its shape from version to version."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.analysis.comparisons import again
from inittui.analysis.result_document import arms, document
from inittui.analysis.sentences import sentences
from inittui.board.state import Board, begin
from inittui.common.checksums import seal_json
from inittui.output import tables
from inittui.record import events
from inittui.record.result_schema import (
    DatasetInfo,
    InitInfo,
    MeanEstimate,
    ModelComparison,
    decode,
)
from tests.helpers import (
    accuracy,
    board_of,
    canned_events,
    cost,
    finished_board,
    finished_document,
    preset,
    running_board,
)

WRITTEN = Path(__file__).parents[2] / "fixtures" / "result_documents"
WITH_TANH = {"init": "zeros", "name": "tanh", "model": {"activation": "tanh"}}
ROWS: list[Any] = ["he_normal", "normal(std=0.1)", WITH_TANH]

FAILED = events.Failed(kind="cost", reason="cost not finite (nan) in epoch 2, by step 30 of 30, seed 777")
KILLED = events.Gone(arm="", reason="killed by signal 9 (SIGKILL)")
STOPPED = events.Stopped(reason="stopped by hand")


def accuracies(arm: int, replica: int, _: int) -> float:
    """Arm 1 stays at chance on some seeds, arm 2 on all."""
    return 0.1 if arm == 2 or (arm == 1 and replica % 4 == 3) else round(0.9 + 0.01 * arm + 0.001 * replica, 6)


def costs(arm: int, replica: int, epoch: int) -> float | None:
    """Arm 0 reaches the target on every seed, arm 1 on some, arm 2 never."""
    return (None if epoch == 2 else 2.3) if arm == 2 else round((0.3 + 0.2 * arm * (replica % 2)) / epoch, 6)


def swept() -> Board:
    of = preset(["he_normal", "zeros"], epochs=1, seeds=2, sweep={"model.depth": [1, 2]})
    canned = canned_events(of, accuracies=lambda arm, seed, _: 0.1 if arm > 1 else 0.9 + 0.01 * arm + 0.001 * seed)
    return board_of(of, canned)


def given_up() -> Board:
    of = preset(["he_normal", "zeros"], epochs=2)
    canned = canned_events(of, accuracies=lambda arm, *_: 0.9 - 0.8 * arm)
    return board_of(of, [*canned[:-1], (events.AtChance(t=canned[-1][0].t, seed=777, epoch=1), 1), canned[-1]])


MODELS = [
    ModelComparison("he_normal", "normal(std=0.1)", (777, 778), (3, 0), (14, 0)),
    ModelComparison("he_normal", "tanh", (777,), (200,), (1,)),
]
ENDINGS = {1: events.Failed(kind="cost", reason="cost not finite"), 2: events.Stopped()}
BOARDS: dict[str, Callable[[], Board]] = {
    "eight_seeds": lambda: finished_board(ROWS, 2, 8, accuracies=accuracies, costs=costs),
    "one_seed": lambda: finished_board(ROWS, 2, 1, accuracies=accuracies, costs=costs, note="other data"),
    "failed": lambda: finished_board(3, 1, 2, endings=ENDINGS),
    "under_way": lambda: running_board(2, 3, 1, until=1.9),
    "swept": swept,
    "given_up": given_up,
}


@pytest.mark.parametrize("name", BOARDS)
def test_the_document_of_a_run_is_byte_for_byte_what_version_0_1_wrote(name: str) -> None:
    board = BOARDS[name]()
    document = result_document.document(board, seconds=12.3456, models=MODELS if "seed" in name else ())
    assert seal_json(document) == (WRITTEN / f"{name}.json").read_bytes()


def test_a_finished_run_is_documented_figure_by_figure() -> None:
    found = finished_document(2, epochs=3, seeds=2)
    assert (found.format, found.run, found.status) == (1, "canned-20260101-120000", "finished")
    assert found.data == DatasetInfo("digits", "8x8 digits (scikit-learn)", train=1500, test=297, note="")
    assert (found.device, found.threads) == ("cpu (2 cores)", 1)
    for place, arm in enumerate(found.arms):
        assert (arm.status, arm.reason, arm.epochs) == ("finished", "", 3)
        parameters: dict[str, float | str] = {"gain": 1.0} if place == 0 else {"mode": "fan_in", "slope": 0.0}
        assert arm.init == InitInfo(arm.name, parameters)
        for number, replica in enumerate(arm.replicas):
            assert replica.seed == 777 + number
            assert replica.train_cost == tuple(cost(place, number, epoch) for epoch in (1, 2, 3))
            assert replica.test_accuracies == tuple(accuracy(place, number, epoch) for epoch in (1, 2, 3))
            assert replica.test_accuracy == accuracy(place, number, 3)
            assert (replica.seconds, replica.samples_per_second) == (1.5, 3000.0)
        mean = (accuracy(place, 0, 3) + accuracy(place, 1, 3)) / 2
        assert arm.test_accuracy is not None
        assert arm.test_accuracy.mean == pytest.approx(mean)
    (comparison,) = found.comparisons
    assert (comparison.a, comparison.b, comparison.n) == ("xavier_normal", "he_normal", 2)
    assert comparison.difference == pytest.approx(0.004)


@pytest.mark.parametrize("ending", [None, FAILED, KILLED, STOPPED], ids=["finished", "failed", "killed", "stopped"])
def test_a_document_is_json_without_exceptions(ending: Any) -> None:
    found = finished_document(
        3, endings={1: ending} if ending else {}, costs=lambda arm, _, epoch: 1 / epoch if arm else None
    )
    json.dumps(msgspec.to_builtins(found), allow_nan=False)
    assert decode(msgspec.json.encode(found)) == found
    assert found.arms[0].replicas[0].train_cost == (None, None, None)


@pytest.mark.parametrize(
    ("ending", "status"),
    [(FAILED, "failed"), (KILLED, "failed"), (STOPPED, "stopped")],
    ids=["own", "killed", "stopped"],
)
def test_an_arm_that_did_not_finish_is_documented_and_left_out_of_the_comparisons(ending: Any, status: str) -> None:
    found = finished_document(3, epochs=3, endings={1: ending}, ends_after=2)
    assert found.status == status
    assert [arm.status for arm in found.arms] == ["finished", status, "finished"]
    assert found.arms[1].reason == ending.reason
    assert len(found.arms[1].replicas[0].train_cost) == 2
    assert [(row.a, row.b) for row in found.comparisons] == [("xavier_normal", "orthogonal")]


def test_when_the_first_arm_failed_the_next_that_finished_is_what_others_are_compared_with() -> None:
    found = finished_document(4, endings={0: FAILED})
    assert [(row.a, row.b) for row in found.comparisons] == [
        ("he_normal", "orthogonal"), ("he_normal", "lecun_normal")
    ]  # fmt: skip


def test_an_arm_that_failed_before_its_first_epoch_has_no_accuracy() -> None:
    found = finished_document(2, endings={0: FAILED}, ends_after=0)
    assert found.arms[0].test_accuracy is None
    assert found.arms[0].replicas[0].test_accuracy is None
    assert found.arms[0].replicas[0].samples_per_second is None


def test_a_run_under_way_is_not_documented_as_finished() -> None:
    assert document(running_board(until=2.0), seconds=2.0).status != "finished"


def test_an_arm_at_chance_is_told_by_the_number_of_classes() -> None:
    found = finished_document(2, accuracies=lambda arm, _, __: 0.1 if arm else 0.95)
    assert found.comparisons[0].verdict.startswith("he_normal does not learn: it stays at chance")


def test_rows_of_a_run_under_way_say_what_there_is() -> None:
    board = running_board(2, epochs=3, until=2.0)
    first, _ = arms(board, interval=False)
    assert first.status == "training"
    assert first.replicas[0].train_cost == (cost(0, 0, 1),)
    assert first.test_accuracy == MeanEstimate(accuracy(0, 0, 1))


def test_a_document_does_not_depend_on_a_result_that_is_there_already() -> None:
    board = finished_board()
    assert document(replace(board, result=None), seconds=1.0) == document(board, seconds=1.0)


def test_the_precision_of_every_arm_is_part_of_the_result() -> None:
    of = preset([{"init": "he_normal"}, {"init": "lecun_normal", "training": {"precision": "bf16"}}], epochs=1)
    assert [arm.precision for arm in arms(begin(of))] == ["float32", "bf16"]


def first_version(value: Any) -> Any:
    """The fields of a document that have no default: those that the first version wrote."""
    if isinstance(value, msgspec.Struct):
        required = [field.name for field in msgspec.structs.fields(value) if field.required]
        return {name: first_version(getattr(value, name)) for name in required}
    return [first_version(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", BOARDS)
def test_a_document_without_the_keys_that_came_later_is_read_and_reported(name: str) -> None:
    document = BOARDS[name]().result or finished_document(1)
    old = decode(msgspec.json.encode(first_version(document)))
    assert [arm.name for arm in old.arms] == [arm.name for arm in document.arms]
    shown = [tables.text(old, each_seed=True), tables.markdown(old), tables.comma_separated(old)]
    assert all(document.arms[0].name in text.replace("\\", "") for text in shown)
    stuck = {sentence for sentence in sentences(document) if "does not learn" in sentence}
    assert stuck <= set(sentences(old))
    assert again(old, all_pairs=True).design
