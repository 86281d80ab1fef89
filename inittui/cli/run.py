"""What each command does. The only place that knows both the engine's launcher and the dashboard."""

import argparse
import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from inittui.board.follower import Follower
from inittui.common.errors import RunError, UsageError, path_of, printable
from inittui.record.run_directory import RunDir
from inittui.record.run_index import default_runs_dir, find
from inittui.record.run_index import runs as all_runs

if TYPE_CHECKING:
    from inittui.tui.app import Dashboard, Leave

EXIT_CODES = {"finished": 0, "failed": 1, "interrupted": 1, "stopped": 130, "refused": 2}


def run(arguments: argparse.Namespace) -> int:
    """`inittui`: start a run and watch it."""
    from inittui.common.optional_extras import folder_of
    from inittui.experiment import preset_files
    from inittui.experiment.dataset_files import default_data_dir
    from inittui.launch import notify, start_run
    from inittui.output import tensorboard_events

    changes = preset_files.Changes(
        arms=arguments.arm,
        set=arguments.set,
        sweep=arguments.sweep,
        epochs=arguments.epochs,
        stop_stuck=arguments.stop_stuck,
        precision=arguments.precision,
        seeds=arguments.seeds,
        seed=arguments.seed,
        data=arguments.data,
    )
    if arguments.detach and arguments.json:
        raise UsageError(
            "--detach and --json: expected one of the two; 'inittui report RUN --format json' prints it later"
        )
    preset = preset_files.load(arguments.preset or preset_files.DEFAULT, changes)
    data_dir = path_of(arguments.data_dir).absolute() if arguments.data_dir else default_data_dir()
    threads = _whole("--threads", arguments.threads, most=1024)
    place = start_run.place_of(arguments.on, arguments.gpus_per_arm)
    refresh = refresh_of(arguments)
    curves = folder_of("--tensorboard", arguments.tensorboard)
    if arguments.dry_run:
        from inittui.launch import estimate

        for line in estimate.told(
            preset,
            runs_dir=runs_dir(arguments),
            data_dir=data_dir,
            device=arguments.device,
            threads=threads,
            place=place,
        ):
            print(printable(line))
        return 0
    notify.ask(arguments.notify)
    run_dir, supervisor = start_run.begin(
        preset,
        runs_dir=runs_dir(arguments),
        data_dir=data_dir,
        device=arguments.device,
        threads=threads,
        place=place,
    )
    if curves is not None:
        tensorboard_events.start(run_dir, curves)
    if arguments.detach:
        print(run_dir.name)
        return 0
    return watch(run_dir, Follower(run_dir, run_dir.liveness), arguments, refresh, supervisor)


def watch(
    run_dir: RunDir,
    follower: Follower,
    arguments: argparse.Namespace,
    refresh: float,
    supervisor: "subprocess.Popen[bytes] | None" = None,
) -> int:
    """Show a run until it ends or the person leaves, in the dashboard or in lines. `supervisor` is one that we started."""
    as_json = getattr(arguments, "json", False)
    if as_json or arguments.plain or not _can_show():
        return _watch_plainly(run_dir, follower, supervisor, as_json=as_json)
    return _watch_dashboard(run_dir, follower, arguments, refresh, supervisor)


def _watch_plainly(
    run_dir: RunDir, follower: Follower, supervisor: "subprocess.Popen[bytes] | None", *, as_json: bool
) -> int:
    import msgspec

    from inittui.analysis import result_document
    from inittui.launch import notify, process, start_run
    from inittui.output import lines

    out = sys.stderr if as_json else sys.stdout
    say: Callable[[str], None] = lambda line: print(printable(line), file=out, flush=True)  # noqa: E731
    narrator = lines.Narrator()
    try:
        say(f"run: {run_dir.path}")
        over_before = follower.poll().ended
        board = lines.watch(follower, say, narrator)
        if not over_before and sys.stderr is not None and sys.stderr.isatty():
            words = f"inittui: {run_dir.name} {board.phase}"
            print(notify.to_terminal(words, os.environ), end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        if supervisor is None:  # a run that we only look at
            print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr)
            raise
        print("stopping; the result so far follows (Ctrl-C again leaves at once)", file=sys.stderr)
        process.stop(run_dir)
        board = lines.watch(follower, say, narrator)
    except BrokenPipeError:
        print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr)
        raise
    start_run.refuse_if_refused(run_dir, board, supervisor)
    if as_json:
        document = result_document.of_board(board)
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode(), flush=True)
    else:
        say("")
        for line in lines.closing(board).rstrip().split("\n"):
            say(line)
    return EXIT_CODES[board.phase]


def _watch_dashboard(
    run_dir: RunDir,
    follower: Follower,
    arguments: argparse.Namespace,
    refresh: float,
    supervisor: "subprocess.Popen[bytes] | None" = None,
) -> int:
    try:
        from inittui.board.source import LiveSource
        from inittui.tui import run_app

        app, leave = run_app.show(
            LiveSource(follower),
            ascii_only=arguments.ascii,
            theme=arguments.theme,
            refresh=refresh,
            mouse=not arguments.no_mouse,
        )
    except KeyboardInterrupt:  # before the dashboard could ask
        print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr)
        raise
    another = app.source.run is not None and app.source.run.path != run_dir.path
    code = _after(app, leave, None if another else supervisor)
    if another and run_dir.alive():
        print(f"{run_dir.name} goes on as well: inittui attach {run_dir.name}", file=sys.stderr)
    return code


def _after(app: "Dashboard", leave: "Leave | None", supervisor: "subprocess.Popen[bytes] | None" = None) -> int:
    """What is done and said once the dashboard has gone: about the run that it showed last."""
    from inittui.board.source import LiveSource
    from inittui.launch import process, start_run
    from inittui.output import lines

    if not isinstance(app.source, LiveSource):
        return app.return_code or 0
    run_dir, follower = app.source.run, app.source.follower
    if app.return_code:  # a signal, or a fault in the dashboard; training goes on either way
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr, flush=True)
        return app.return_code
    board = follower.poll()
    start_run.refuse_if_refused(run_dir, board, supervisor)
    if leave == "stop" and not board.ended:
        print("stopping…", file=sys.stderr)
        process.stop(run_dir)
        board = lines.watch(follower, lambda _: None)
    if not board.ended:
        print(f"training goes on. Come back with: inittui attach {run_dir.name}")
        return 0
    print(lines.closing(board))
    print(f"run: {run_dir.path}")
    print(f"see it again: inittui replay {run_dir.name}")
    return EXIT_CODES[board.phase]


def attach(arguments: argparse.Namespace) -> int:
    """`inittui attach`: watch a run that is going on."""
    if arguments.run:
        run_dir = find(runs_dir(arguments), arguments.run)
    else:
        living = next((one for one in all_runs(runs_dir(arguments)) if one.alive()), None)
        if living is None:
            raise RunError(
                "no run is going on; 'inittui' starts one, 'inittui resume last' goes on with the newest, "
                "'inittui replay last' shows it again"
            )
        run_dir = living
    refresh = refresh_of(arguments)
    return watch(run_dir, Follower(run_dir, run_dir.liveness), arguments, refresh)


def replay(arguments: argparse.Namespace) -> int:
    """`inittui replay`: show a finished run again, as it went."""
    run_dir = find(runs_dir(arguments), arguments.run)
    speed = None
    if arguments.speed is not None:
        speed = _number("--speed", arguments.speed, above=0)
    refresh = refresh_of(arguments)
    from inittui.board.source import ReplaySource
    from inittui.output import lines
    from inittui.tui import run_app

    source = ReplaySource(run_dir, speed=speed)
    if not _can_show():
        print(lines.closing(source.last), end="")
        return 0
    app, leave = run_app.show(
        source,
        ascii_only=arguments.ascii,
        theme=arguments.theme,
        refresh=refresh,
        mouse=not arguments.no_mouse,
        runs_dir=runs_dir(arguments),
    )
    return _after(app, leave)


def runs_dir(arguments: argparse.Namespace) -> Path:
    return path_of(arguments.runs_dir).absolute() if arguments.runs_dir else default_runs_dir()


def _can_show() -> bool:
    """Whether there is a terminal that can show the dashboard, or a browser. TERM=dumb gets colour codes as rubbish."""
    if os.environ.get("TEXTUAL_DRIVER"):  # `inittui serve` has started us for a page
        return True
    if sys.stdin is None or sys.stdout is None:  # closed by who started us
        return False
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "")


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


def refresh_of(arguments: argparse.Namespace) -> float:
    return min(30.0, _number("--refresh", arguments.refresh, above=0))
