"""The commands that change what a run does: pause, resume, stop."""

import argparse
import sys
import time
from collections.abc import Callable

from inittui.board.follower import Follower
from inittui.board.state import ArmBoard, Board
from inittui.cli import run
from inittui.common.errors import RunError, UsageError, nearest, path_of
from inittui.launch import notify, process, start_run
from inittui.record import control_requests
from inittui.record.run_directory import RunDir
from inittui.record.run_index import find

STOP_SECONDS = 30.0  # workers get ten before they are killed
HEARD_SECONDS = 15.0  # how long a request may go unheard before that is a fault
POLL_SECONDS = 0.05


def pause(arguments: argparse.Namespace) -> int:
    """`inittui pause`: hold an arm, or all of them, with a checkpoint. A paused arm uses no device time."""
    run_dir = _living(arguments)
    _ask(run_dir, "pause", arguments.arm, lambda arm: arm.state != "paused")
    print(f"paused {_what(run_dir, arguments.arm)}; 'inittui resume {run_dir.name}' goes on")
    return 0


def stop(arguments: argparse.Namespace) -> int:
    """`inittui stop`: stop a run, or one arm of it, and wait until it has."""
    if arguments.arm is not None:
        run_dir = _living(arguments)
        _ask(run_dir, "stop", arguments.arm, lambda arm: True)
        print(f"stopped {_what(run_dir, arguments.arm)}")
        return 0
    run_dir = find(run.runs_dir(arguments), arguments.run)
    process.stop(run_dir)
    asked = time.monotonic()
    while run_dir.alive():
        if time.monotonic() - asked > STOP_SECONDS:
            raise RunError(f"run '{run_dir.name}': its supervisor (pid {run_dir.status().pid}) does not react; kill it")
        time.sleep(POLL_SECONDS)
    print(f"stopped {run_dir.name}")
    if run_dir.starved():
        print(
            f"inittui: the disk is full: what waited in memory is lost; free some space, and 'inittui resume {run_dir.name}' "
            "trains it again",
            file=sys.stderr,
        )
    return 0


def resume(arguments: argparse.Namespace) -> int:
    """`inittui resume`: let a run go on, paused, stopped or killed, and watch it."""
    run_dir = find(run.runs_dir(arguments), arguments.run)
    refresh = run.refresh_of(arguments)
    place = _place(run_dir, arguments)
    start_run.check_device(arguments.device or "auto", place=place)
    data_dir = path_of(arguments.data_dir).absolute() if arguments.data_dir else None
    moved = [
        option
        for option in ("--device", "--data-dir", "--notify", "--on", "--gpus-per-arm")
        if getattr(arguments, option.removeprefix("--").replace("-", "_"))
    ]
    if run_dir.alive() and moved:
        raise UsageError(
            f"run '{run_dir.name}' is alive: {' and '.join(moved)} {'are' if len(moved) > 1 else 'is'} for one that has "
            "ended; stop it first"
        )
    notify.ask(arguments.notify)
    if arguments.arm is not None:
        if not run_dir.alive():
            raise UsageError(
                f"--arm {arguments.arm}: run '{run_dir.name}' is not alive, and goes on as a whole; "
                f"'inittui resume {run_dir.name}' does that"
            )
        _ask(run_dir, "resume", arguments.arm, _can_go_on)
        print(f"{_what(run_dir, arguments.arm)} goes on")
        return 0
    supervisor = process.resume(run_dir, device=arguments.device, data_dir=data_dir, **place._asdict())
    if arguments.detach:
        print(run_dir.name)
        return 0
    follower = Follower(run_dir, run_dir.liveness)
    if supervisor is not None:
        _wait_until_taken_up(run_dir, follower)
    return run.watch(run_dir, follower, arguments, refresh, supervisor)


def _place(run_dir: RunDir, arguments: argparse.Namespace) -> start_run.Place:
    """Where it goes on: where it was, but for what is asked for."""
    status = run_dir.status()
    on = arguments.on if arguments.on is not None else status.on
    was = f"{status.gpus_per_arm:g}" if status.gpus_per_arm and on not in ("", "here") else None
    return start_run.place_of(on, arguments.gpus_per_arm or was)


def _wait_until_taken_up(run_dir: RunDir, follower: Follower) -> None:
    """Until the new supervisor has spoken: before that the logs tell the end of the old one, and a viewer would leave."""
    asked = time.monotonic()
    while follower.poll().ended:
        if not run_dir.alive():
            raise RunError(f"run '{run_dir.name}' could not be taken up: {run_dir.last_words()}")
        if time.monotonic() - asked > HEARD_SECONDS:
            raise RunError(
                f"run '{run_dir.name}': its supervisor says nothing; 'inittui attach {run_dir.name}' looks again"
            )
        time.sleep(POLL_SECONDS)


def _living(arguments: argparse.Namespace) -> RunDir:
    run_dir = find(run.runs_dir(arguments), arguments.run)
    liveness = run_dir.liveness()
    if liveness == "elsewhere" or liveness == "alive":  # a request reaches another host through the shared folder
        return run_dir
    raise RunError(
        f"run '{run_dir.name}' is not running; 'inittui runs' shows what is, 'inittui resume' lets one go on"
    )


def _ask(run_dir: RunDir, verb: control_requests.Verb, name: str | None, pending: Callable[[ArmBoard], bool]) -> None:
    """Leave the request, and wait until it has been heard and every arm it is for has done it. `pending` says of an arm
    that it still has to."""
    follower = Follower(run_dir)
    board = before = follower.poll()
    folder = _folder(board, name) if name is not None else ""
    concerned = [arm.folder for arm in board.arms if folder in ("", arm.folder) and pending(arm)]
    concerned = [one for one in concerned if verb == "resume" or not _over(board, one)]
    if not concerned:
        what = f"arm '{name}'" if name is not None else f"run '{run_dir.name}'"
        states = ", ".join(sorted({arm.state for arm in board.arms if folder in ("", arm.folder)}))
        raise RunError(f"{what} has nothing to {verb}: it is {states}")
    control_requests.ask(run_dir, verb, folder)
    asked = time.monotonic()
    while True:
        board = follower.poll()
        if all(_done(verb, before, board, one) for one in concerned):
            return
        if time.monotonic() - asked > HEARD_SECONDS:
            if run_dir.starved():
                raise RunError(
                    f"run '{run_dir.name}' can't tell whether it has heard the request to {verb}: the disk is full"
                )
            raise RunError(f"run '{run_dir.name}' has not heard the request to {verb} in {HEARD_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _can_go_on(arm: ArmBoard) -> bool:
    """A cost that was not finite would only come out again."""
    return arm.state in ("paused", "stopped", "failed") and arm.failure != "cost"


def _done(verb: control_requests.Verb, before: Board, now: Board, folder: str) -> bool:
    """Whether the arm has done what was asked for, or has come to its end meanwhile."""
    (state,) = [arm.state for arm in now.arms if arm.folder == folder]
    if verb != "resume":
        return state == {"pause": "paused", "stop": "stopped"}[verb] or _over(now, folder)
    # It may have been taken up and have ended again, well or not, between two looks.
    taken_up = now.resumed is not None and now.resumed != before.resumed and folder in now.resumed.arms
    return taken_up or state in ("waiting", "starting", "training", "finished")


def _over(board: Board, folder: str) -> bool:
    return any(arm.folder == folder and arm.state in ("finished", "failed", "stopped") for arm in board.arms)


def _folder(board: Board, name: str) -> str:
    """The folder of the arm that `name` means. Raises UsageError."""
    for arm in board.arms:
        if name in (arm.name, arm.folder):
            return arm.folder
    names = [arm.name for arm in board.arms]
    raise UsageError(f"--arm {name}: no such arm.{nearest(name, names) or ' Known: ' + ', '.join(names) + '.'}")


def _what(run_dir: RunDir, arm: str | None) -> str:
    return run_dir.name if arm is None else f"{arm} of {run_dir.name}"
