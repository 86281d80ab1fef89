"""What a run has to tell now, whether it has ended or not."""

from typing import Any

from inittui.analysis import result_document
from inittui.board.follower import Follower
from inittui.record.run_directory import RunDir


def document_of(run: RunDir) -> tuple[dict[str, Any], bool]:
    """The result document, and whether it is the last word: where there is no result.json yet, since the run goes on or its
    supervisor was killed, it is made from what the logs hold. Raises RunError where the run can't be read."""
    document = run.result()
    if document is not None:
        return document, True
    board = Follower(run, run.liveness).poll()
    return result_document.document(board, seconds=board.t), False
