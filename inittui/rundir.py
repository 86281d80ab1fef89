"""A run on disk: create, find, read; preset, status, result.

One writer a file, append only; what is replaced is replaced atomically. A reader needs nothing but the directory, so it
may be on another machine, or read a copy.
"""

import contextlib
import errno
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from inittui.errors import InittuiError, RunError, UsageError, nearest, path_of, printable
from inittui.preset import Preset, build, to_table

FORMAT = 1


class Status(Struct, frozen=True):
    """Who runs it and how. `pid` with `pid_started` (seconds since the epoch) names the supervisor beyond doubt."""

    format: int
    run: str
    state: str  # starting, loading, training, finished, failed, stopped
    started: str  # ISO 8601, UTC
    monotonic: float  # the run's zero on the monotonic clock of `boot`
    host: str
    boot: str
    pid: int | None = None
    pid_started: float | None = None
    workers: dict[str, int] = {}
    device: str = ""
    threads: int = 1
    data_dir: str = ""
    requested_device: str = "auto"
    versions: dict[str, str] = {}
    reason: str = ""


class RunDir:
    """The directory of one run. Reading never writes to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        """The supervisor's events."""
        return self.path / "events.jsonl"

    @property
    def gallery(self) -> Path:
        """Test images with every arm's prediction, written once at the end."""
        return self.path / "gallery.json"

    def arm(self, folder: str) -> Path:
        return self.path / "arms" / folder

    def arm_log(self, folder: str) -> Path:
        return self.arm(folder) / "events.jsonl"

    @classmethod
    def create(cls, runs_dir: Path, preset: Preset, *, data_dir: Path, device: str, threads: int) -> "RunDir":
        """A new directory for `preset`, for the user's eyes alone. Raises RunError when it can't be written."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        stem = f"{slug(preset.name)}-{stamp}"
        try:
            runs_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = _fresh(runs_dir, stem)
        except OSError as error:
            raise RunError(
                f"runs folder '{runs_dir}' can't be written ({reason(error)}); expected a folder that you may write to: "
                "mend it, or give another with --runs-dir"
            ) from None
        run = cls(path)
        try:
            (path / "arms").mkdir(mode=0o700)  # on its own: `parents` would give it the umask's mode
            for folder in arm_folders(preset):
                run.arm(folder).mkdir(mode=0o700)
            run.write_preset(preset)
            run.write_status(
                Status(
                    format=FORMAT,
                    run=run.name,
                    state="starting",
                    started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    monotonic=time.monotonic(),
                    host=os.uname().nodename,
                    boot=boot_id(),
                    data_dir=str(data_dir),
                    requested_device=device,
                    threads=threads,
                )
            )
        except OSError as error:
            run.delete()
            raise RunError(f"run '{path}' can't be written ({reason(error)}); expected room and permission") from None
        except BaseException:
            run.delete()
            raise
        return run

    def write_preset(self, preset: Preset) -> None:
        import tomli_w

        head = f"# {preset.name}, resolved: `inittui --preset {self.name}/preset.toml` repeats this run.\n\n"
        replace(self.path / "preset.toml", (head + tomli_w.dumps(to_table(preset))).encode())

    def preset(self) -> Preset:
        """The resolved preset. Raises RunError."""
        import tomllib

        try:
            table = tomllib.loads((self.path / "preset.toml").read_text("utf-8"))
            return build(table, name=re.sub(r"-\d{8}-\d{6}(-\d+)?$", "", self.name), source="preset.toml")
        except FileNotFoundError:
            raise RunError(f"'{self.path}' is no run: it has no preset.toml; 'inittui runs' lists the runs") from None
        except (OSError, ValueError, InittuiError) as error:
            raise RunError(f"run '{self.name}': preset.toml can't be read: {one_line(error)}") from None

    def write_status(self, status: Status) -> None:
        replace(self.path / "status.json", msgspec.json.format(msgspec.json.encode(status), indent=2) + b"\n")

    def status(self) -> Status:
        """Raises RunError when there is none, or it is damaged."""
        try:
            return msgspec.json.decode((self.path / "status.json").read_bytes(), type=Status)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RunError(f"run '{self.name}': status.json can't be read: {one_line(error)}") from None

    def write_result(self, document: dict[str, Any]) -> None:
        replace(self.path / "result.json", msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")

    def result(self) -> dict[str, Any] | None:
        """The result document, or None while there is none. Raises RunError when it is damaged."""
        try:
            document = msgspec.json.decode((self.path / "result.json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RunError(f"run '{self.name}': result.json can't be read: {one_line(error)}") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise RunError(f"run '{self.name}': result.json is not of format {FORMAT}; this inittui reads no other")
        return document

    def delete(self) -> None:
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)

    def alive(self) -> bool:
        """Whether the supervisor lives, by identity: this host, this boot, pid and start time. Never a guess."""
        import psutil

        try:
            status = self.status()
        except RunError:
            return False
        if status.pid is None or status.host != os.uname().nodename or status.boot != boot_id():
            return False
        try:
            process = psutil.Process(status.pid)
            return abs(process.create_time() - (status.pid_started or 0)) < 1 and process.status() != "zombie"
        except (psutil.Error, ValueError):  # ValueError: a damaged status with a pid that can't be one
            return False


def slug(name: str) -> str:
    """`name` as a file name: letters, digits, dot, dash and underscore; never hidden, never empty, never a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:60] or "run"


def arm_folders(preset: Preset) -> list[str]:
    """A folder name for each arm, in order; different even where the arms' names look alike as file names."""
    taken: set[str] = set()
    folders = []
    for arm in preset.arms:
        stem = folder = slug(arm.name)
        number = 2
        while folder.casefold() in taken:
            folder, number = f"{stem}-{number}", number + 1
        taken.add(folder.casefold())
        folders.append(folder)
    return folders


def boot_id() -> str:
    """Which boot of the machine this is, so that a pid from before a reboot is not taken for a living process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import psutil

        return f"{psutil.boot_time():.0f}"


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def one_line(error: BaseException) -> str:
    """The error's first line, without control characters."""
    return printable((str(error).strip() or type(error).__name__).splitlines()[0])


def replace(path: Path, content: bytes) -> None:
    """Write `content` so that a reader sees the old file or the new one, whole. Mode 0600."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _fresh(runs_dir: Path, stem: str) -> Path:
    for number in range(1, 10_000):
        path = runs_dir / (stem if number == 1 else f"{stem}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return path
    raise OSError(errno.EEXIST, f"too many runs named {stem}")


def default_runs_dir() -> Path:
    """INITTUI_RUNS_DIR, or `runs` in the user's data folder."""
    if given := os.environ.get("INITTUI_RUNS_DIR"):
        return path_of(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("inittui")) / "runs"


def runs(runs_dir: Path) -> list[RunDir]:
    """Every run in the folder, the newest first. What is no run, or can't be read, is passed over."""
    try:
        paths = [Path(entry.path) for entry in os.scandir(runs_dir)]
    except OSError:
        return []
    found: list[tuple[tuple[str, float, int], Path]] = []
    for path in paths:
        with contextlib.suppress(OSError):
            if _is_run(path):
                found.append((_started(path), path))
    return [RunDir(path) for _, path in sorted(found, reverse=True)]


def _is_run(path: Path) -> bool:
    return (path / "preset.toml").is_file()


def _started(path: Path) -> tuple[str, float, int]:
    """For sorting: the second in the name's end (else the file's), the preset's time within it, the name's number."""
    made = (path / "preset.toml").stat().st_mtime
    match = re.search(r"-(\d{8}-\d{6})(?:-(\d+))?$", path.name)
    if match is None:
        return (time.strftime("%Y%m%d-%H%M%S", time.localtime(made)), made, 0)
    return (match[1], 0.0, int(match[2] or 1))


def find(runs_dir: Path, word: str) -> RunDir:
    """The run that `word` means: `last`, a name, an unambiguous beginning of one, or a path. Raises RunError."""
    try:
        as_path = path_of(word)
    except UsageError as error:
        if os.sep in word:
            raise RunError(str(error)) from None
        as_path = runs_dir / "no path at all"  # then it can only be a name
    if word not in ("", "last") and (os.sep in word or as_path.is_dir()):
        if _is_run(as_path):
            return RunDir(as_path.resolve())
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
