"""Takes requests while a run starts, when the main thread imports torch or runs a user's own code that loads data."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from inittui.record import control_requests, events
from inittui.record.disk_room import NotWritable
from inittui.record.run_directory import RunDir
from inittui.supervisor.journal import Journal

TICK_SECONDS = 0.05
STOP_SECONDS = 0.7  # the time in which the main thread has to end its work
STOPPED_EARLY = "stopped before training began"
Request = tuple[control_requests.Verb, str, str]  # the arm's folder, "" for all, and who asks


class StoppedEarly(BaseException):
    """A stop was requested before training began. It is no Exception, because a user's own code may catch those."""


class EarlyRequests:
    """A thread that takes and logs requests as long as the context lasts. It must end before the first fork."""

    def __init__(self, run: RunDir, folders: Sequence[str], journal: Journal, end: Callable[[str, str], None]) -> None:
        """`end` ends the process in a phase with a reason. It is called if the context lasts STOP_SECONDS longer than a stop:
        own code may ignore signals and catch every exception. It is also called if the run's folder can't be written."""
        self.taken: list[Request] = []
        self.stopping = False  # set by the handler of signals too
        self._run, self._folders, self._journal, self._end = run, folders, journal, end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True, name="early requests")

    def __enter__(self) -> Self:
        with contextlib.suppress(RuntimeError):  # no thread can be started: requests are handled when training begins
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def take(self) -> None:
        """Take and log requests. A stop of the run becomes a SIGTERM for this process."""
        for verb, folder, by in control_requests.take(self._run, self._folders):
            if verb != "resume" or self.taken:  # it only withdraws an earlier request
                self.taken.append((verb, folder, by))
            self._journal.emit(events.Asked(verb=verb, arm=folder, by=by))
            if verb == "stop" and not folder:
                self.stopping = True
                os.kill(os.getpid(), signal.SIGTERM)  # interrupts the main thread

    def _listen(self) -> None:
        stop_at: float | None = None
        while not self._over.wait(TICK_SECONDS):
            try:
                self.take()
                self._journal.flush()
            except NotWritable as error:
                self._end("failed", str(error))
            if self.stopping and stop_at is None:
                stop_at = time.monotonic() + STOP_SECONDS
            if stop_at is not None and time.monotonic() > stop_at:
                self._end("stopped", STOPPED_EARLY)
