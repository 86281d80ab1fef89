"""The folder of the runs: which runs there are, which run a word means, and a summary of each for lists."""

import contextlib
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from inittui.common.errors import RunError, UsageError, nearest, path_of, printable
from inittui.record.events import ENDED
from inittui.record.run_directory import STAMP, RunDir


def default_runs_dir() -> Path:
    """INITTUI_RUNS_DIR, or `runs` in the user's data folder. Raises UsageError."""
    if given := os.environ.get("INITTUI_RUNS_DIR"):
        return path_of(given)
    from inittui.experiment.user_folders import user_folder

    return user_folder("data", "--runs-dir") / "runs"


def word_for(run: RunDir) -> str:
    """What names the run as RUN of a command, in any folder and shell: its name, or its path if the name is not enough."""
    path = run.path.absolute()
    with contextlib.suppress(UsageError):  # no folder of runs is known
        by_name = path.name != "last" and not path.name.startswith(("-", "~"))
        if by_name and path.parent == default_runs_dir().absolute():
            return path.name
    return str(path)


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
    shown = printable(word)  # as lists show the name
    matches: Sequence[RunDir] = [run for run in known if run.name == shown] or [
        run for run in known if run.name.startswith(shown)
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
    """A run in a list. Its texts are printable; `path` is exact."""

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
    reason: str = ""  # of a failure, in one line; or of which run it is a copy

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


_RESULT = msgspec.json.Decoder(_Result)
_Mark = tuple[int, int, int] | None  # differs after each change of the run's files


class RunIndex:
    """The runs of a folder, for repeated reading. A run that has ended and has not changed since is not read again."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._known: dict[Path, tuple[_Mark, float, RunSummary]] = {}  # mark, when it was read, what was read

    def read(self) -> list[RunSummary]:
        """The runs, the newest first. Opens at most two files per run, and reads the process of a live one."""
        now = time.time()
        before, self._known = self._known, {}
        summaries = []
        for run in runs(self.runs_dir):
            mark = _mark(run.path)
            known_mark, then, summary = before.get(run.path, (None, now, None))
            if summary is None or mark is None or mark != known_mark:
                then, summary = now, _summary(run, now)
            if summary.state in ENDED:
                self._known[run.path] = mark, then, summary
            summaries.append(replace(summary, age=max(0.0, summary.age + now - then)))
        return summaries


def _mark(path: Path) -> _Mark:
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


def _summary(run: RunDir, now: float) -> RunSummary:
    size = _size(run.path)
    try:
        status = run.status()
    except RunError as error:
        age = now - _made(run.path)
        return RunSummary(run.name, str(run.path), "damaged", age=age, size=size, reason=_without_name(error))
    state, alive, reason, seconds = status.state, False, status.reason, None
    arms = tuple(map(ArmSummary, status.arms))
    if state in ENDED:
        try:
            if result := run.read_json("result.json", _RESULT.decode):  # none if it ended before training began
                seconds = result.seconds
                arms = tuple(
                    ArmSummary(arm.name, arm.status, arm.test_accuracy.mean if arm.test_accuracy else None)
                    for arm in result.arms
                )
        except RunError as error:
            reason = _without_name(error)
    else:
        liveness = run.liveness(status)
        alive = liveness == "alive"
        reason = run.copy_note(status)
        state = {"alive": state, "dead": "interrupted", "elsewhere": f"on {status.host}"}[liveness]
    began = seconds_of(status.started)
    return RunSummary(
        name=run.name,
        path=str(run.path),
        state=state,
        alive=alive,
        preset=status.preset or STAMP.sub("", run.name),
        arms=arms,
        started=status.started,
        age=now - (_made(run.path) if began is None else began),
        size=size,
        device=status.device,
        seconds=seconds,
        reason=reason,
    )


def _without_name(error: RunError) -> str:
    return str(error).partition("': ")[2]


def seconds_of(started: str) -> float | None:
    """An ISO 8601 time as seconds since 1970; None if it is not one."""
    try:
        moment = datetime.fromisoformat(started)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _size(path: Path) -> int:
    """The bytes of all files in the folder. Links are not followed: a linked run is as large as its link."""
    walk = [] if path.is_symlink() else os.walk(path)  # what can't be read can't be counted
    total = 0
    for file in [Path(folder, name) for folder, _, names in walk for name in names] or [path]:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total
