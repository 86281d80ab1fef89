"""Pause, resume and stop requests, left as files in RUN/control by any viewer or shell, also on another host.

A request is an empty file: its name has all of it. So it is never torn, and a full disk has room for it. The supervisor reads
and removes the files. A signal to the supervisor stops a run without a request.
"""

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from inittui.common.atomic_files import reason
from inittui.common.errors import RunError
from inittui.record.run_directory import RunDir

Verb = Literal["pause", "resume", "stop"]
# Time in nanoseconds, random digits, verb, who asks, and the arm's folder, which may contain dashes.
_NAME = re.compile(r"(\d{20})-[0-9a-f]{8}-(pause|resume|stop)-([A-Za-z0-9_.]{0,40})-([A-Za-z0-9._-]*)")


def ask(run: RunDir, verb: Verb, folder: str = "") -> None:
    """Leave a request for one arm, or for all with folder "". Raises RunError if it can't be written."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}-{verb}-{_asker()}-{folder}"
    try:
        folder_of_requests = _folder(run)
        folder_of_requests.mkdir(mode=0o700, exist_ok=True)
        (folder_of_requests / name).touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise RunError(
            f"run '{run.name}' can't be asked to {verb} ({reason(error)}); expected room and permission to "
            "write to its folder"
        ) from None


def take(run: RunDir, folders: Iterable[str]) -> list[tuple[Verb, str, str]]:
    """Take the requests since the last call, the oldest first: verb, the arm's folder ("" for all) and who asked. Files that
    are no request, or for no arm in `folders`, are removed too."""
    known = {"", *folders}
    taken: list[tuple[Verb, str, str]] = []
    with contextlib.suppress(OSError):  # the folder does not exist before the first request
        for path in sorted(_folder(run).iterdir()):
            try:
                path.unlink()
            except OSError:
                continue  # a folder
            match = _NAME.fullmatch(path.name)
            if match and match[4] in known:
                taken.append((match[2], match[4], match[3]))  # type: ignore[arg-type]
    return taken


def _folder(run: RunDir) -> Path:
    """The folder of requests. Raises OSError if it is a link: every file in the folder is deleted."""
    folder = run.path / "control"
    if folder.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return folder


def _asker() -> str:
    """Host and terminal of this process, for the log."""
    try:
        terminal = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        terminal = "no_terminal"
    return re.sub(r"[^A-Za-z0-9.]", "_", f"{os.uname().nodename}.{terminal}")[:40]
