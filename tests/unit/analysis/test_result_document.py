"""The result document as people and programs read it: its JSON keeps its shape from version to version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inittui.analysis import result_document
from inittui.board.state import Board
from inittui.common.checksums import seal_json
from inittui.record import events
from inittui.record.result_schema import ModelComparison
from tests.helpers import board_of, canned_events, finished_board, preset, running_board

WRITTEN = Path(__file__).parents[2] / "fixtures" / "result_documents"
WITH_TANH = {"init": "zeros", "name": "tanh", "model": {"activation": "tanh"}}
ROWS: list[Any] = ["he_normal", "normal(std=0.1)", WITH_TANH]


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
