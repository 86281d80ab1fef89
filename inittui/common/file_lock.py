"""Locks on files that end with the processes that hold them, however these end (flock), and who inherits them.

A descriptor that a fork inherits stays open until the fork ends too, so its lock stays locked and its pipe never closes.
Own code may fork at any time, with multiprocessing for example: such a fork closes every descriptor that is private. Python
itself closes all descriptors when it executes another program.
"""

import fcntl
import os
import time
from pathlib import Path

RETRY_SECONDS = 0.05

_private: dict[int, bool] = {}  # descriptor: whether a fork of ours keeps it
_forking_ours = False
_writer: int | None = None  # the pid of this process if it writes into a run


def acquire(path: Path, seconds: float) -> int:
    """Lock `path`, which is created, for this process and those of `fork`, until all of them have ended or closed the
    returned descriptor with `close`. On a file system without locks every process gets it.

    Raises TimeoutError if another process keeps the lock for that many seconds; OSError if the file can't be opened.
    """
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)  # to write: NFS locks nothing else
    try:
        file = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 3)  # not a standard stream, even if that is closed here
    finally:
        os.close(opened)
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(file)
                raise TimeoutError(f"{path.name} is locked by another process") from None
            time.sleep(RETRY_SECONDS)
            continue
        except OSError:
            pass
        return make_private(file, ours_keep=True)


def held(path: Path) -> bool | None:
    """Whether a process holds the lock; None if that can't be determined: there is no such file, or no permission, or the
    file system has no locks. A process on another host is seen only on a file system that shares locks."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # for a moment; `acquire` tries again
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(file)
    return False


def make_private(descriptor: int, *, ours_keep: bool = False) -> int:
    """Close `descriptor` in every later fork; with `ours_keep` not in those of `fork`. Returns it."""
    os.set_inheritable(descriptor, False)
    _private[descriptor] = ours_keep
    return descriptor


def close(descriptor: int) -> None:
    """Close a private descriptor."""
    del _private[descriptor]
    os.close(descriptor)


def adopt(descriptor: int) -> None:
    """Hold the lock that this process has inherited, and be its only writer."""
    global _writer
    make_private(descriptor, ours_keep=True)
    _writer = os.getpid()


def fork() -> int:
    """As os.fork, for a process of this program: it keeps the locks, and may write."""
    global _forking_ours, _writer
    _forking_ours = True
    try:
        if (pid := os.fork()) == 0:
            _writer = os.getpid()
        return pid
    finally:
        _forking_ours = False


def end_if_forked() -> None:
    """End this process if own code forked it and returned in it: the files already have a writer."""
    if _writer not in (None, os.getpid()):
        os._exit(1)


def _close_in_fork() -> None:
    for descriptor, ours_keep in list(_private.items()):
        if not (ours_keep and _forking_ours):
            close(descriptor)


os.register_at_fork(after_in_child=_close_in_fork)
