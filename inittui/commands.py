"""What each command does. The only place that knows both the engine's launcher and the dashboard."""

import argparse
import contextlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from inittui.board import Board
from inittui.errors import DeviceError, InittuiError, RunError, UsageError, path_of, printable
from inittui.follow import Follower
from inittui.rundir import RunDir, default_runs_dir, find
from inittui.rundir import runs as all_runs

if TYPE_CHECKING:
    from inittui.tui.app import Leave

EXIT_CODES = {"finished": 0, "failed": 1, "stopped": 130, "refused": 2}
STOP_SECONDS = 30.0  # workers get ten before they are killed
DATA_NAMES = ("mnist", "fashion_mnist", "kmnist")


def run(arguments: argparse.Namespace) -> int:
    """`inittui`: start a run and watch it."""
    from inittui import launch, presetfiles
    from inittui.datafiles import default_data_dir

    changes = presetfiles.Changes(
        arms=arguments.arm,
        set=arguments.set,
        epochs=arguments.epochs,
        seeds=arguments.seeds,
        seed=arguments.seed,
        data=arguments.data,
    )
    if arguments.detach and arguments.json:
        raise UsageError(
            "--detach and --json: expected one of the two; 'inittui report RUN --format json' prints it later"
        )
    preset = presetfiles.load(arguments.preset or presetfiles.DEFAULT, changes)
    data_dir = path_of(arguments.data_dir).absolute() if arguments.data_dir else default_data_dir()
    _check_device(arguments.device)
    threads = _whole("--threads", arguments.threads, most=1024)
    refresh = _refresh(arguments)
    _check_data(preset.data.name, data_dir)
    run_dir = RunDir.create(runs_dir(arguments), preset, data_dir=data_dir, device=arguments.device, threads=threads)
    supervisor = launch.start(run_dir)
    if arguments.detach:
        print(run_dir.name)
        return 0
    follower = Follower(run_dir, alive=lambda: supervisor.poll() is None)
    if arguments.json or arguments.plain or not _can_show():
        return _watch_plainly(run_dir, follower, supervisor, as_json=arguments.json)
    return _watch_dashboard(run_dir, follower, arguments, refresh, supervisor)


def _watch_plainly(run_dir: RunDir, follower: Follower, supervisor: "subprocess.Popen[bytes]", *, as_json: bool) -> int:
    import msgspec

    from inittui import launch, plain, result

    out = sys.stderr if as_json else sys.stdout
    say: Callable[[str], None] = lambda line: print(printable(line), file=out, flush=True)  # noqa: E731
    narrator = plain.Narrator()
    try:
        say(f"run: {run_dir.path}")
        board = plain.watch(follower, say, narrator)
    except KeyboardInterrupt:
        print("stopping; the result so far follows (Ctrl-C again leaves at once)", file=sys.stderr)
        launch.stop_started(run_dir, supervisor)
        board = plain.watch(follower, say, narrator)
    except BrokenPipeError:
        print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr)
        raise
    _refuse_if_refused(run_dir, board, supervisor)
    if as_json:
        document = board.result or result.document(board, seconds=board.t)
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode(), flush=True)
    else:
        say("")
        for line in plain.closing(board).rstrip().split("\n"):
            say(line)
    return EXIT_CODES[board.phase]


def _watch_dashboard(
    run_dir: RunDir,
    follower: Follower,
    arguments: argparse.Namespace,
    refresh: float,
    supervisor: "subprocess.Popen[bytes] | None" = None,
) -> int:
    from inittui import launch, plain
    from inittui.tui.app import Dashboard
    from inittui.tui.feed import LiveFeed

    feed = LiveFeed(follower)
    app = Dashboard(feed, ascii_only=arguments.ascii, refresh=refresh)
    leave: Leave | None = app.run_guarded(mouse=not arguments.no_mouse)
    if app.return_code:  # a signal, or a fault in the dashboard; training goes on either way
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr, flush=True)
        return app.return_code
    board = follower.poll()
    _refuse_if_refused(run_dir, board, supervisor)
    if leave == "stop" and not board.ended:
        print("stopping…", file=sys.stderr)
        launch.stop_started(run_dir, supervisor)
        board = plain.watch(follower, lambda _: None)
    if not board.ended:
        print(f"training goes on. Come back with: inittui attach {run_dir.name}")
        return 0
    print(plain.closing(board))
    print(f"run: {run_dir.path}")
    print(f"see it again: inittui replay {run_dir.name}")
    return EXIT_CODES[board.phase]


def _refuse_if_refused(run_dir: RunDir, board: Board, supervisor: "subprocess.Popen[bytes] | None") -> None:
    """Bad input that only the engine could see: said like any other, and nothing is left behind."""
    if board.phase != "refused":
        return
    if supervisor is not None:
        supervisor.wait()
        run_dir.delete()
    raise InittuiError(board.detail)


def attach(arguments: argparse.Namespace) -> int:
    """`inittui attach`: watch a run that is going on."""
    if arguments.run:
        run_dir = find(runs_dir(arguments), arguments.run)
    else:
        living = next((one for one in all_runs(runs_dir(arguments)) if one.alive()), None)
        if living is None:
            raise RunError("no run is going on; 'inittui' starts one, 'inittui replay last' shows the newest again")
        run_dir = living
    refresh = _refresh(arguments)
    follower = Follower(run_dir, alive=run_dir.alive)
    if arguments.plain or not _can_show():
        from inittui import plain

        board = plain.watch(follower, lambda line: print(line, flush=True))
        print("\n" + plain.closing(board).rstrip())
        return EXIT_CODES[board.phase]
    return _watch_dashboard(run_dir, follower, arguments, refresh)


def stop(arguments: argparse.Namespace) -> int:
    """`inittui stop`: stop a run and wait until it has."""
    from inittui import launch

    run_dir = find(runs_dir(arguments), arguments.run)
    launch.stop(run_dir)
    asked = time.monotonic()
    while run_dir.alive():
        if time.monotonic() - asked > STOP_SECONDS:
            raise RunError(f"run '{run_dir.name}': its supervisor (pid {run_dir.status().pid}) does not react; kill it")
        time.sleep(0.05)
    print(f"stopped {run_dir.name}")
    return 0


def replay(arguments: argparse.Namespace) -> int:
    """`inittui replay`: show a finished run again, as it went."""
    run_dir = find(runs_dir(arguments), arguments.run)
    speed = None
    if arguments.speed is not None:
        speed = _number("--speed", arguments.speed, above=0)
    refresh = _refresh(arguments)
    from inittui import plain
    from inittui.tui.app import Dashboard
    from inittui.tui.feed import ReplayFeed

    feed = ReplayFeed(run_dir, speed=speed)
    if not _can_show():
        print(plain.closing(feed.last), end="")
        return 0
    app = Dashboard(feed, ascii_only=arguments.ascii, refresh=refresh)
    app.run_guarded(mouse=not arguments.no_mouse)
    return app.return_code or 0


def runs_dir(arguments: argparse.Namespace) -> Path:
    return path_of(arguments.runs_dir).absolute() if arguments.runs_dir else default_runs_dir()


def _can_show() -> bool:
    """Whether there is a terminal that can show the dashboard. TERM=dumb gets colour codes as rubbish."""
    if sys.stdin is None or sys.stdout is None:  # closed by who started us
        return False
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "")


def _check_data(name: str, data_dir: Path) -> None:
    """Refuse at once what can be seen without torch: a named data set whose files are damaged."""
    if name in DATA_NAMES:
        from inittui.datafiles import inspect
        from inittui.errors import DataError

        found = inspect(name, data_dir)
        if found.state == "damaged":
            raise DataError(f"data '{name}': {found.detail}")


def _check_device(requested: str) -> None:
    """Refuse at once what can be seen without torch: a name that is none, and CUDA without a driver."""
    kind, mark, number = requested.partition(":")
    if requested not in ("auto", "cpu", "cuda") and not (kind == "cuda" and mark and number.isdecimal()):
        raise DeviceError(f"--device {requested}: expected auto, cpu, cuda or cuda:N, as in cuda:1")
    if kind != "cuda":
        return
    import pynvml

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise DeviceError(f"--device {requested}: no NVIDIA GPU can be used here ({error}); use --device cpu") from None
    if number and int(number) >= count:
        raise DeviceError(f"--device {requested}: no such device; expected cuda:0 to cuda:{count - 1}")


def _whole(option: str, text: str, *, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= most:
        raise UsageError(f"{option} {text}: expected a whole number from 1 to {most}")
    return value


def _number(option: str, text: str, *, above: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > above):
        raise UsageError(f"{option} {text}: expected a number above {above:g}")
    return value


def _refresh(arguments: argparse.Namespace) -> float:
    return min(30.0, _number("--refresh", arguments.refresh, above=0))
