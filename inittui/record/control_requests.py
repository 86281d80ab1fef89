"""The small door of a run: requests to pause, go on and stop, from any viewer or shell, also from another host.

A request is an empty file in RUN/control whose name says it, so there is nothing to be torn, and a full disk takes it too.
The supervisor reads and removes them. A run can always be stopped by a signal alone.
"""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Literal

from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir

Verb = Literal["pause", "resume", "stop"]
# The time it was asked, to the nanosecond; something random; the verb; who asked; the arm's folder, which may hold dashes.
_NAME = re.compile(r"(\d{20})-[0-9a-f]{8}-(pause|resume|stop)-([A-Za-z0-9_.]{0,40})-([A-Za-z0-9._-]*)")


def ask(run: RunDir, verb: Verb, folder: str = "") -> None:
    """Ask the run's supervisor to do it to one arm, or to all. Raises RunError when the request can't be left."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}-{verb}-{_asker()}-{folder}"
    try:
        (run.path / "control").mkdir(mode=0o700, exist_ok=True)
        with _folder(run) as place:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place))
    except OSError as error:
        raise RunError(
            f"run '{run.name}' can't be asked to {verb} ({reason(error)}); 'inittui stop {run.name}' works by a signal alone"
        ) from None


def requests(run: RunDir, folders: Iterable[str]) -> list[tuple[Verb, str, str]]:
    """Take what has been asked since: verb, arm's folder ("" for all) and who asked, the oldest first. What is no request, or
    names no arm, is removed and passed over."""
    known = {"", *folders}
    taken: list[tuple[Verb, str, str]] = []
    with contextlib.suppress(OSError), _folder(run) as place:  # there is none before the first request
        for name in sorted(entry.name for entry in os.scandir(place)):
            try:
                os.unlink(name, dir_fd=place)
            except OSError:
                continue  # a folder that somebody put there
            match = _NAME.fullmatch(name)
            if match and match[4] in known:
                taken.append((match[2], match[4], match[3]))  # type: ignore[arg-type]
    return taken


@contextlib.contextmanager
def _folder(run: RunDir) -> Iterator[int]:
    """The folder of the requests. Never what a link leads to: everything in it is deleted."""
    place = os.open(run.path / "control", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield place
    finally:
        os.close(place)


def _asker() -> str:
    """Where the request comes from, for the log: host and terminal."""
    try:
        terminal = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        terminal = "no_terminal"
    return re.sub(r"[^A-Za-z0-9.]", "_", f"{os.uname().nodename}.{terminal}")[:40]
