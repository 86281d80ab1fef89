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
from inittui.errors import DeviceError, InittuiError, RunError, UsageError, path_of
from inittui.follow import Follower
from inittui.rundir import RunDir, default_runs_dir, find
from inittui.rundir import runs as all_runs

if TYPE_CHECKING:
    from inittui.tui.app import Leave

FORMATS = ("table", "md", "csv", "json", "svg")
EXIT_CODES = {"finished": 0, "failed": 1, "stopped": 130, "refused": 2}
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
    preset = presetfiles.load(arguments.preset or presetfiles.DEFAULT, changes)
    data_dir = path_of(arguments.data_dir).absolute() if arguments.data_dir else default_data_dir()
    _check_device(arguments.device)
    threads = _whole("--threads", arguments.threads, most=1024)
    refresh = _refresh(arguments)
    _check_data(preset.data.name, data_dir)
    run_dir = RunDir.create(_runs_dir(arguments), preset, data_dir=data_dir, device=arguments.device, threads=threads)
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
    say: Callable[[str], None] = lambda line: print(line, file=out, flush=True)  # noqa: E731
    say(f"run: {run_dir.path}")
    try:
        board = plain.watch(follower, say)
    except KeyboardInterrupt:
        print("stopping; the result so far follows (Ctrl-C again leaves at once)", file=sys.stderr)
        if run_dir.alive():
            launch.stop(run_dir)
        board = plain.watch(follower, say)
    except BrokenPipeError:
        print(f"training goes on: inittui attach {run_dir.name}", file=sys.stderr)
        raise
    _refuse_if_refused(run_dir, board, supervisor)
    if as_json:
        document = board.result or result.document(board, seconds=board.t)
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode(), flush=True)
    else:
        say("")
        say(plain.closing(board).rstrip())
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
        if run_dir.alive():
            launch.stop(run_dir)
        print("stopping…", file=sys.stderr)
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
        run_dir = find(_runs_dir(arguments), arguments.run)
    else:
        living = next((one for one in all_runs(_runs_dir(arguments)) if one.alive()), None)
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


def runs(arguments: argparse.Namespace) -> int:
    """`inittui runs`: list the runs."""
    folder = _runs_dir(arguments)
    rows = []
    for run_dir in all_runs(folder):
        try:
            status = run_dir.status()
            state = status.state
            if state not in EXIT_CODES and not run_dir.alive():
                state = "dead" if status.host == os.uname().nodename else f"on {status.host}"
            rows.append((run_dir.name, state, status.started, status.device))
        except InittuiError as error:
            rows.append((run_dir.name, "damaged", "", str(error)))
    if not rows:
        print(f"no run in {folder}; start one with: inittui")
        return 0
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def stop(arguments: argparse.Namespace) -> int:
    """`inittui stop`: stop a run and wait until it has."""
    from inittui import launch

    run_dir = find(_runs_dir(arguments), arguments.run)
    launch.stop(run_dir)
    while run_dir.alive():
        time.sleep(0.05)
    print(f"stopped {run_dir.name}")
    return 0


def replay(arguments: argparse.Namespace) -> int:
    """`inittui replay`: show a finished run again, as it went."""
    run_dir = find(_runs_dir(arguments), arguments.run)
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


def report(arguments: argparse.Namespace) -> int:
    """`inittui report`: a run's table, in the format asked for."""
    import msgspec

    from inittui import report as tables
    from inittui import result

    if arguments.format not in FORMATS:
        raise UsageError(f"--format {arguments.format}: expected one of {', '.join(FORMATS)}")
    run_dir = find(_runs_dir(arguments), arguments.run)
    if arguments.format == "svg":
        from inittui.tui.picture import screenshot

        columns, rows = _size(arguments.size)
        print(screenshot(run_dir, columns, rows))
        return 0
    document = run_dir.result()
    if document is None:  # still going on, or its supervisor was killed: what the logs hold
        board = Follower(run_dir).poll()
        document = result.document(board, seconds=board.t)
        print(f"no result.json yet (the run is {board.phase}): this is what its logs hold", file=sys.stderr)
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print(
            {"table": tables.text, "md": tables.markdown, "csv": tables.comma_separated}[arguments.format](document),
            end="",
        )
    return 0


def presets(arguments: argparse.Namespace) -> int:
    """`inittui presets`: list them, or print one."""
    from inittui import presetfiles

    if arguments.name:
        print(presetfiles.read_text(presetfiles.locate(arguments.name)), end="")
        return 0
    known = presetfiles.known()
    width = max(len(name) for name in known)
    for name in known:
        try:
            preset = presetfiles.load(name)
            print(f"{name:<{width}}  {preset.shows or preset.title}")
        except InittuiError as error:
            print(f"{name:<{width}}  can't be run: {str(error).splitlines()[0]}")
    print(f"\nYour own: {presetfiles.user_dir()}/NAME.toml, or any file by its path. inittui presets NAME prints one.")
    return 0


def schemes(arguments: argparse.Namespace) -> int:
    """`inittui schemes`: list them, or explain one."""
    from inittui.schemes import SCHEMES, parse

    if not arguments.name:
        width = max(len(name) for name in SCHEMES)
        formulas = max(len(row.formula) for row in SCHEMES.values())
        for name, row in SCHEMES.items():
            print(f"{name:<{width}}  {row.formula:<{formulas}}  {row.derived_for}")
        return 0
    name = arguments.name if arguments.name in SCHEMES else parse(arguments.name)[0]
    row = SCHEMES[name]
    print(f"{name}\n")
    for title, words in (
        ("weights", row.formula),
        ("variance", row.variance),
        ("biases", row.bias),
        ("for", row.derived_for),
        ("paper", row.paper),
        ("elsewhere", row.elsewhere),
    ):
        print(f"  {title:<10} {words}")
    for key, parameter in row.parameters.items():
        default = "has to be given" if parameter.default is None else f"default {parameter.default:g}"
        print(f"  {key:<10} {parameter.meaning}; {default}")
    example = f"{name}({', '.join(f'{key}=0.01' for key, p in row.parameters.items() if p.default is None)})"
    print(f"\n  inittui --arm {name if example.endswith('()') else repr(example)} --arm he_uniform")
    return 0


def _runs_dir(arguments: argparse.Namespace) -> Path:
    return path_of(arguments.runs_dir).absolute() if arguments.runs_dir else default_runs_dir()


def _can_show() -> bool:
    """Whether there is a terminal that can show the dashboard. TERM=dumb gets colour codes as rubbish."""
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


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 1 <= int(columns) <= 1000 and 1 <= int(rows) <= 1000):
        raise UsageError(f"--size {text}: expected columns x rows, as in 120x40")
    return int(columns), int(rows)
