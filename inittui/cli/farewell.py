"""The last line of a viewer that ends early: the state of its run, and the command that reaches it."""

import contextlib
import signal
from types import FrameType, TracebackType
from typing import Any, NoReturn

from inittui.common.errors import InittuiError, RunError, command
from inittui.record.events import ENDED
from inittui.record.run_directory import RunDir
from inittui.record.run_index import word_for

SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM)  # beside SIGINT, which Python handles


class Farewell(contextlib.AbstractContextManager["Farewell"]):
    """An error that leaves this context gets a note, which `main` prints last: the state of the run and a command.
    A signal that would end the process without a message raises SystemExit in this context. Main thread only."""

    def __init__(self, run: RunDir | None = None, *, stopping: bool = False) -> None:
        """`stopping` is whether the run has been asked to stop."""
        self._run, self._stopping = run, stopping
        self._before: dict[int, Any] = {}

    def about(self, run: RunDir) -> None:
        """The run, if it was not known before."""
        self._run = run

    def __enter__(self) -> "Farewell":
        # `nohup` ignores SIGHUP, and the dashboard has handlers of its own.
        unhandled = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
        self._before = {number: signal.signal(number, _leave) for number in unhandled}
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if error is None or getattr(error, "__notes__", None):
            return
        run = self._run
        if isinstance(error, InittuiError) and not (run and run.alive() and word_for(run) not in str(error)):
            return  # the error says it all
        error.add_note(what_became_of(run, stopping=self._stopping) if run else "no run was started")


def what_became_of(run: RunDir, *, stopping: bool = False) -> str:
    """Whether the run trains, and the command that shows it or continues it; in one line."""
    try:
        status = run.status()
    except RunError as error:
        return str(error)
    word = word_for(run)
    if stopping:
        return f"the run stops: {command('report', word)}"
    if status.state in ENDED:
        return f"the run has ended ({status.state}): {command('report', word)}"
    if run.liveness(status) == "dead":
        return f"the run was interrupted: {command('resume', word)}"
    return f"training goes on: {command('attach', word)}"


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
