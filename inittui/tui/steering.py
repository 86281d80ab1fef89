"""What the keys for pause and stop ask of a run. Files may be slow, so none of this is called from the event loop."""

from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.launch import process
from inittui.record import control_requests
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir


def pause_or_go_on(run: RunDir, board: Board, chosen: int | None) -> str:
    """Pause what trains; let go on what is paused, stopped or was killed: of the chosen arm, or of all. Returns what has been
    asked for, in words. Raises RunError when there is nothing to ask for."""
    if board.ended:
        process.resume(run)
        return "It goes on from the last checkpoint."
    if chosen is None:
        verb: control_requests.Verb = (
            "pause" if any(arm.state not in (*ENDED, "paused") for arm in board.arms) else "resume"
        )
        control_requests.ask(run, verb)
        return "All arms pause." if verb == "pause" else "All arms go on."
    arm = board.arms[chosen]
    if arm.state in ENDED and not arm.resumable:
        raise RunError(f"{arm.name} is {arm.state}: there is nothing to go on with")
    verb = "resume" if arm.state in (*ENDED, "paused") else "pause"
    control_requests.ask(run, verb, arm.folder)
    return f"{arm.name} pauses." if verb == "pause" else f"{arm.name} goes on."


def stop(run: RunDir, board: Board, chosen: int | None) -> str:
    """Stop the chosen arm, or the run. Raises RunError when it can't be asked."""
    if chosen is None:
        process.stop(run)
        return "The run stops."
    control_requests.ask(run, "stop", board.arms[chosen].folder)
    return f"{board.arms[chosen].name} stops."
