"""The requests behind the keys for pause and stop. Files may be slow, so these functions run in a thread."""

from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.launch import process
from inittui.record import control_requests
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir


def pause_or_continue(run: RunDir, board: Board, chosen: int | None) -> str:
    """Ask the chosen arm, or all arms, to pause, or to continue if they are paused, stopped or killed. Returns a
    sentence that says what was asked. Raises RunError if nothing can be asked."""
    if board.ended:
        process.resume(run)
        return "It continues from the last checkpoint."
    arm = None if chosen is None else board.arms[chosen]
    if arm and arm.state in ENDED and not arm.resumable:
        raise RunError(f"{arm.name} is {arm.state}: it can't be resumed")
    pauses = any(each.state not in (*ENDED, "paused") for each in ((arm,) if arm else board.arms))
    control_requests.ask(run, "pause" if pauses else "resume", arm.folder if arm else "")
    if arm is None:
        return "All arms pause." if pauses else "All arms continue."
    return f"{arm.name} pauses." if pauses else f"{arm.name} continues."


def stop(run: RunDir, board: Board, chosen: int | None) -> str:
    """Ask the chosen arm, or the run, to stop. Returns a sentence that says so. Raises RunError if the run can't be asked."""
    if chosen is None:
        process.stop(run)
        return "The run stops."
    control_requests.ask(run, "stop", board.arms[chosen].folder)
    return f"{board.arms[chosen].name} stops."
