"""Shows a run until it ends or the person leaves, in the dashboard or as lines."""

import contextlib
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from inittui.board.follower import Follower
from inittui.cli.farewell import Farewell, what_became_of
from inittui.cli.parser import Arguments
from inittui.common.errors import RunError, command, printable
from inittui.record.run_index import word_for

if TYPE_CHECKING:
    from pathlib import Path

    from inittui.board.source import BoardSource
    from inittui.tui.app import Dashboard, Leave

EXIT_CODES = {"finished": 0, "failed": 1, "interrupted": 1, "stopped": 130, "refused": 2}
# With Python's default of 700 the first frame takes 0.42 s of CPU instead of 0.38 s (median of 20, benchmarks/screen.py).
OBJECTS_PER_COLLECTION = 50_000
Supervisor = subprocess.Popen[bytes]


def watch(follower: Follower, arguments: Arguments, supervisor: Supervisor | None = None) -> int:
    """Show the run and return the exit code. `supervisor` is set if this command started the run."""
    as_json = getattr(arguments, "json", False)
    if as_json or arguments.plain or not can_show_dashboard():
        return _watch_as_lines(follower, supervisor, as_json=as_json)
    from inittui.board.source import LiveSource

    run_dir = follower.run
    app, leave = show_dashboard(LiveSource(follower), arguments)
    other_run = app.source.run is not None and app.source.run.path != run_dir.path
    code = after_dashboard(app, leave, None if other_run else supervisor)
    if other_run and run_dir.alive():
        print(f"{run_dir.name} goes on as well: {command('attach', word_for(run_dir))}", file=sys.stderr)
    return code


def _watch_as_lines(follower: Follower, supervisor: Supervisor | None, *, as_json: bool) -> int:
    from inittui.analysis import result_document
    from inittui.launch import notify, process, start_run
    from inittui.output import lines, tables

    run_dir = follower.run
    out = sys.stderr if as_json else sys.stdout
    say: Callable[[str], None] = lambda line: print(line, file=out, flush=True)  # noqa: E731
    narrator = lines.Narrator()
    try:
        say(printable(f"run: {run_dir.path}"))
        ended_before = follower.poll().ended
        board = lines.watch(follower, say, narrator)
        if not ended_before and sys.stderr is not None and sys.stderr.isatty():
            words = f"inittui: {run_dir.name} {board.phase}"
            print(notify.to_terminal(words, os.environ), end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        if supervisor is None:
            raise
        with Farewell(run_dir, stopping=True):
            print("stopping; the result so far follows (Ctrl-C again exits at once)", file=sys.stderr)
            with contextlib.suppress(RunError):  # it has just ended
                process.stop(run_dir)
            board = lines.watch(follower, say, narrator)
    start_run.refuse_if_refused(run_dir, board, supervisor)
    if as_json:
        print(tables.as_json(result_document.of_board(board)), end="", flush=True)
    else:
        for line in ["", *lines.closing(board).rstrip().split("\n")]:
            say(line)
    return EXIT_CODES[board.phase]


def show_dashboard(
    source: "BoardSource", arguments: Arguments, runs_dir: "Path | None" = None
) -> "tuple[Dashboard, Leave | None]":
    """Show the dashboard until the person leaves: the app, and the way of leaving."""
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    from inittui.tui import run_app

    return run_app.show(
        source,
        ascii_only=arguments.ascii,
        theme=arguments.theme,
        refresh=arguments.refresh,
        mouse=not arguments.no_mouse,
        runs_dir=runs_dir,
    )


def after_dashboard(app: "Dashboard", leave: "Leave | None", supervisor: Supervisor | None = None) -> int:
    """Stop the run if the person asked for that, print the state of the run that was shown last, return the exit code."""
    from inittui.board.source import LiveSource
    from inittui.launch import process, start_run
    from inittui.output import lines

    if not isinstance(app.source, LiveSource):
        return app.return_code or 0
    run_dir, follower = app.source.run, app.source.follower
    if app.return_code:  # a signal, or an error in the dashboard; training continues either way
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(what_became_of(run_dir), file=sys.stderr, flush=True)
        return app.return_code
    board = follower.poll()
    start_run.refuse_if_refused(run_dir, board, supervisor)
    if leave == "stop" and not board.ended:
        with Farewell(run_dir, stopping=True):
            print("stopping…", file=sys.stderr)
            with contextlib.suppress(RunError):  # it has just ended
                process.stop(run_dir)
            board = lines.watch(follower, lambda _: None)
    if not board.ended:
        print(f"training goes on. Come back with: {command('attach', word_for(run_dir))}")
        return 0
    print(lines.closing(board))
    print(printable(f"run: {run_dir.path}"))
    print(f"see it again: {command('replay', word_for(run_dir))}")
    return EXIT_CODES[board.phase]


def can_show_dashboard() -> bool:
    """Whether there is a terminal that can show the dashboard, or a browser. TERM=dumb prints colour codes as text."""
    if os.environ.get("TEXTUAL_DRIVER"):  # `inittui serve` has started us for a page
        return True
    if sys.stdin is None or sys.stdout is None:  # closed by the parent process
        return False
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "")
