"""Asks the supervisor of a run to pause, resume or stop arms, and waits until they have done it."""

import time
from collections.abc import Callable

from inittui.board.follower import Follower
from inittui.board.state import ArmBoard, Board
from inittui.common.errors import RunError, UsageError, in_quotes, nearest
from inittui.record import control_requests
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir
from inittui.record.run_index import word_for

ANSWER_SECONDS = 15.0
POLL_SECONDS = 0.05


def request(run_dir: RunDir, verb: control_requests.Verb, arm_name: str | None) -> str:
    """Request `verb` for one arm, or for all arms if `arm_name` is None, and wait until they have done it. Returns the name
    of the run, or of the arm and its run.

    Raises UsageError for an unknown arm; RunError if no process trains the run, if no arm can do it, or if the supervisor
    does not answer.
    """
    if run_dir.liveness() not in ("alive", "elsewhere"):  # a request reaches another host through the shared folder
        raise RunError(
            f"run '{run_dir.name}' is {run_dir.copy_note() or 'not running'}; "
            "'inittui runs' lists the runs that are, 'inittui resume' continues one"
        )
    follower = Follower(run_dir)
    before = follower.poll()
    arms = before.arms if arm_name is None else (_arm(before, arm_name),)
    pending = [arm.folder for arm in arms if _can(verb, arm)]
    if not pending:
        subject = f"arm '{arm_name}'" if arm_name is not None else f"run '{run_dir.name}'"
        states = ", ".join(sorted({arm.state for arm in arms}))
        raise RunError(f"{subject} has nothing to {verb}: it is {states}")
    control_requests.ask(run_dir, verb, "" if arm_name is None else arms[0].folder)

    def done() -> bool:
        board = follower.poll()
        return all(_done(verb, before, board, arm_folder) for arm_folder in pending)

    if not wait_until(done, ANSWER_SECONDS):
        if why := run_dir.waiting_for():
            raise RunError(f"run '{run_dir.name}' can't answer the request to {verb}: {why}")
        raise RunError(f"run '{run_dir.name}' has not answered the request to {verb} in {ANSWER_SECONDS:.0f} s")
    return run_dir.name if arm_name is None else f"{arm_name} of {run_dir.name}"


def wait_for_first_event(follower: Follower, length: int) -> None:
    """Wait for the first event of a run's new supervisor, before which its log had `length` bytes. Until then the log ends
    with the old supervisor's end, and a viewer would exit. Raises RunError."""
    run_dir = follower.run

    def resumed() -> bool:
        if log_length(run_dir) != length and not follower.poll().ended:
            return True
        if not run_dir.alive():
            why = run_dir.last_words() or "its supervisor ended before it wrote an event"
            raise RunError(f"run '{run_dir.name}' could not be resumed: {why}")
        return False

    if not wait_until(resumed, ANSWER_SECONDS):
        raise RunError(
            f"run '{run_dir.name}': its supervisor writes no event; {in_quotes('attach', word_for(run_dir))} looks again"
        )


def log_length(run_dir: RunDir) -> int:
    """The bytes of the supervisor's log."""
    return run_dir.log.stat().st_size if run_dir.log.exists() else 0


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll `condition` until it holds, for `seconds` at most. Returns whether it held."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _can(verb: control_requests.Verb, arm: ArmBoard) -> bool:
    if verb == "resume":  # an arm whose cost was not finite would only diverge again
        return arm.state in (*ENDED, "paused") and arm.resumable
    return arm.state not in ENDED and not (verb == "pause" and arm.state == "paused")


def _done(verb: control_requests.Verb, before: Board, now: Board, folder: str) -> bool:
    """Whether the arm has done what was requested, or has ended meanwhile."""
    (arm,) = [arm for arm in now.arms if arm.folder == folder]
    if verb != "resume":
        return arm.state == {"pause": "paused", "stop": "stopped"}[verb] or arm.state in ENDED
    # The arm may have been resumed and have ended again between two polls.
    resumed = now.resumed is not None and now.resumed != before.resumed and folder in now.resumed.arms
    return resumed or arm.state in ("waiting", "starting", "training", "finished")


def _arm(board: Board, name: str) -> ArmBoard:
    """The arm with this name or folder. Raises UsageError."""
    for arm in board.arms:
        if name in (arm.name, arm.folder):
            return arm
    names = [arm.name for arm in board.arms]
    raise UsageError(f"--arm {name}: no such arm.{nearest(name, names) or ' Known: ' + ', '.join(names) + '.'}")
