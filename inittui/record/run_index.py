"""The folder of the runs: which runs there are, which run a word means, and a summary of each for lists."""

import contextlib
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from inittui.common import process_identity
from inittui.common.atomic_files import one_line, read_plain
from inittui.common.checksums import unseal_json
from inittui.common.errors import RunError, UsageError, nearest, path_of
from inittui.record.events import ENDED
from inittui.record.run_directory import STAMP, RunDir, Status


def default_runs_dir() -> Path:
    """INITTUI_RUNS_DIR, or `runs` in the user's data folder."""
    if given := os.environ.get("INITTUI_RUNS_DIR"):
        return path_of(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("inittui")) / "runs"


def runs(runs_dir: Path) -> list[RunDir]:
    """Every run in the folder, the newest first. Other and unreadable entries are skipped."""
    try:
        paths = [Path(entry.path) for entry in os.scandir(runs_dir)]
    except OSError:
        return []
    ordered: list[tuple[tuple[str, float, int], Path]] = []
    for path in paths:
        with contextlib.suppress(OSError):
            if (path / "preset.toml").is_file():
                ordered.append((_order(path), path))
    return [RunDir(path) for _, path in sorted(ordered, reverse=True)]


def _order(path: Path) -> tuple[str, float, int]:
    """The sort key: the second at the end of the name, or of the preset's time; the preset's time; the name's number."""
    match = STAMP.search(path.name)
    if match is not None:
        return (match[1], 0.0, int(match[2] or 1))
    made = (path / "preset.toml").stat().st_mtime
    return (time.strftime("%Y%m%d-%H%M%S", time.localtime(made)), made, 0)


def find(runs_dir: Path, word: str) -> RunDir:
    """The run that `word` means: `last`, a name, an unambiguous beginning of a name, or a path. Raises RunError.

    A link to a run is not resolved: deleting it must not delete its target.
    """
    try:
        as_path = path_of(word)
    except UsageError as error:
        if os.sep in word:
            raise RunError(str(error)) from None
        as_path = runs_dir / "no path at all"  # then it can only be a name
    if word not in ("", "last") and (os.sep in word or as_path.is_dir()):
        if (as_path / "preset.toml").is_file():
            return RunDir(Path(os.path.normpath(as_path.absolute())))
        raise RunError(
            f"'{word}' is no run: expected a directory with a preset.toml in it; 'inittui runs' lists the runs"
        )
    known = runs(runs_dir)
    if not known:
        raise RunError(f"no run in '{runs_dir}'; start one with 'inittui', or give another folder with --runs-dir")
    if word == "last":
        return known[0]
    names = [run.name for run in known]
    matches: Sequence[RunDir] = [run for run in known if run.name == word] or [
        run for run in known if run.name.startswith(word)
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        some = ", ".join(run.name for run in matches[:4]) + (", …" if len(matches) > 4 else "")
        raise RunError(f"'{word}' begins {len(matches)} runs ({some}); expected a beginning that only one has")
    raise RunError(f"no run '{word}' in '{runs_dir}'.{nearest(word, names)} 'inittui runs' lists them")


class ArmSummary(Struct, frozen=True):
    """An arm in a list: its name and, from the result, how it ended and its mean test accuracy."""

    name: str
    status: str = ""
    accuracy: float | None = None


class RunSummary(Struct, frozen=True):
    """A run in a list. Texts are as the files have them: the caller makes them printable."""

    name: str
    path: str
    state: str  # of the status; or interrupted, damaged, or `on HOST` if its liveness can't be determined here
    alive: bool = False  # whether its supervisor lives on this machine
    preset: str = ""
    arms: tuple[ArmSummary, ...] = ()
    started: str = ""  # ISO 8601
    age: float = 0.0  # seconds since then
    size: int = 0  # bytes that its deletion frees
    device: str = ""
    seconds: float | None = None  # wall time of the run
    reason: str = ""  # of a failure, in one line

    @property
    def best(self) -> ArmSummary | None:
        """The finished arm with the highest accuracy; if none finished, any arm."""
        known = [arm for arm in self.arms if arm.accuracy is not None]
        return max(known, key=lambda arm: (arm.status == "finished", arm.accuracy or 0.0), default=None)


class _Mean(Struct, frozen=True):
    mean: float


class _Arm(Struct, frozen=True):
    name: str
    status: str
    test_accuracy: _Mean | None


class _Result(Struct, frozen=True):
    """The part of result.json that a list needs: decoding the rest would take most of the time."""

    seconds: float
    arms: tuple[_Arm, ...]


_Mark = tuple[int, int, int]  # differs after each change of the run's files


@dataclass(frozen=True)
class _Known:
    mark: _Mark
    began: float
    summary: RunSummary


class RunIndex:
    """The runs of a folder, for repeated reading. A run that has ended and has not changed since is not read again."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._known: dict[Path, _Known] = {}

    def read(self) -> list[RunSummary]:
        """The runs, the newest first. Opens at most two files per run, and reads the process of a live one."""
        now = time.time()
        before, self._known = self._known, {}
        return [self._summary(run, now, before.get(run.path)) for run in runs(self.runs_dir)]

    def _summary(self, run: RunDir, now: float, before: _Known | None) -> RunSummary:
        mark = _mark(run.path)
        if before is not None and before.mark == mark:
            self._known[run.path] = before
            return replace(before.summary, age=max(0.0, now - before.began))
        try:
            status = run.status()
        except RunError as error:
            age, reason = max(0.0, now - _made(run.path)), str(error).partition("': ")[2]
            return RunSummary(run.name, str(run.path), "damaged", age=age, size=_size(run.path), reason=reason)
        began = seconds_of(status.started)
        if began is None:
            began = _made(run.path)
        summary = _of(run, status, max(0.0, now - began))
        if status.state in ENDED and mark is not None:
            self._known[run.path] = _Known(mark, began, summary)
        return summary


def summaries(runs_dir: Path) -> list[RunSummary]:
    """Every run in the folder, the newest first."""
    return RunIndex(runs_dir).read()


def _mark(path: Path) -> _Mark | None:
    """Files are replaced, never overwritten: the folder's time changes with every one of them."""
    try:
        folder, status = path.stat(), (path / "status.json").stat()
    except OSError:
        return None
    return (folder.st_mtime_ns, status.st_mtime_ns, status.st_ino)


def _made(path: Path) -> float:
    try:
        return (path / "preset.toml").stat().st_mtime
    except OSError:  # it has just been deleted
        return 0.0


def _of(run: RunDir, status: Status, age: float) -> RunSummary:
    state, alive = _state(status)
    arms = tuple(ArmSummary(name) for name in status.arms)
    seconds = None
    reason = status.reason
    if status.state in ENDED:
        try:
            content = unseal_json(read_plain(run.path / "result.json"))
            result = msgspec.json.decode(content, type=_Result)
            seconds = result.seconds
            arms = tuple(
                ArmSummary(arm.name, arm.status, arm.test_accuracy.mean if arm.test_accuracy else None)
                for arm in result.arms
            )
        except FileNotFoundError:
            pass  # it ended before there was anything to tell
        except (OSError, msgspec.DecodeError, ValueError, RecursionError) as error:
            reason = f"result.json can't be read: {one_line(error)}"
    return RunSummary(
        name=run.name,
        path=str(run.path),
        state=state,
        alive=alive,
        preset=status.preset or STAMP.sub("", run.name),
        arms=arms,
        started=status.started,
        age=age,
        size=_size(run.path),
        device=status.device,
        seconds=seconds,
        reason=reason,
    )


def _state(status: Status) -> tuple[str, bool]:
    """The state in a word, and whether the supervisor lives on this machine."""
    if status.state in ENDED:
        return status.state, False
    liveness = process_identity.liveness(
        at_host=status.host, boot=status.boot, pid=status.pid, start=status.pid_started
    )
    if liveness == "alive":
        return status.state, True
    return ("interrupted" if liveness == "dead" else f"on {status.host}"), False


def seconds_of(started: str) -> float | None:
    """An ISO 8601 time as seconds since 1970; None if it is not one."""
    try:
        moment = datetime.fromisoformat(started)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _size(path: Path) -> int:
    """The bytes of all files in the folder. Links are not followed: a linked run is as large as its link."""
    try:
        own = path.lstat()
    except OSError:
        return 0
    if not stat.S_ISDIR(own.st_mode):
        return own.st_size
    total = 0
    folders = [str(path)]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:  # what can't be read can't be counted
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total
