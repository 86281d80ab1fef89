"""The directory of a run: creates it, and reads and writes its preset, status and result.

Each file has one writer. Logs are only appended to; other files are replaced atomically. A reader needs only the directory,
so it may run on another machine, or read a copy.
"""

import contextlib
import errno
import fcntl
import os
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from inittui.common import process_identity
from inittui.common.atomic_files import one_line, read_end, read_plain, reason, replace
from inittui.common.checksums import seal_json, seal_toml, unseal_json, unseal_toml
from inittui.common.errors import InittuiError, RunError, printable
from inittui.common.process_identity import Liveness
from inittui.common.user_code_refs import DATA_FILE
from inittui.experiment.preset import Preset
from inittui.experiment.preset_table import build, to_table
from inittui.record import result_schema
from inittui.record.disk_room import DISK_FULL
from inittui.record.result_schema import ResultDocument

T = TypeVar("T")
FORMAT = 1
DATA_NAME = f"data{DATA_FILE}"  # of arrays that were passed from Python
STAMP = re.compile(r"-(\d{8}-\d{6})(?:-(\d+))?$")  # how a run's name ends
LOCK_SECONDS = 5.0  # workers of a killed supervisor end within this time


class Status(Struct, frozen=True):
    """Who trains the run, and how. Host, boot id, pid and its start time identify the supervisor (see process_identity)."""

    format: int
    run: str
    state: str  # starting, loading, training, finished, failed, stopped
    started: str  # ISO 8601, UTC
    monotonic: float  # the run's beginning on the monotonic clock of `boot`
    host: str
    boot: str
    pid: int | None = None
    pid_started: int | None = None
    preset: str = ""
    arms: tuple[str, ...] = ()  # their names, in order
    workers: dict[str, int] = {}
    device: str = ""
    threads: int = 1
    data_dir: str = ""
    requested_device: str = "auto"
    versions: dict[str, str] = {}
    on: str = ""  # "" for this machine, or a Ray cluster: ray, auto, ray://HOST:PORT
    gpus_per_arm: float = 0.0  # on Ray
    reason: str = ""
    fingerprints: dict[str, str] = {}  # SHA-256 of `data` and, by path, of a user's own files
    force: bool = False  # whether to continue although fingerprints differ

    def liveness(self) -> Liveness:
        """Whether the supervisor lives."""
        return process_identity.liveness(at_host=self.host, boot=self.boot, pid=self.pid, start=self.pid_started)


_STATUS = msgspec.json.Decoder(Status)


class RunDir:
    """The directory of one run. Reading does not change it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        """The supervisor's events."""
        return self.path / "events.jsonl"

    def disk_full(self) -> bool:
        """Whether a process of the run can't write because the disk is full."""
        return any((folder / DISK_FULL).exists() for folder in (self.path, *(self.path / "arms").glob("*")))

    def arm(self, folder: str) -> Path:
        return self.path / "arms" / folder

    def arm_log(self, folder: str) -> Path:
        return self.arm(folder) / "events.jsonl"

    @classmethod
    def create(
        cls,
        runs_dir: Path,
        preset: Preset,
        *,
        data_dir: Path,
        device: str,
        threads: int,
        on: str = "",
        gpus_per_arm: float = 0.0,
    ) -> "RunDir":
        """Create a directory for `preset` that only the user can read. Raises RunError if it can't be written."""
        try:
            runs_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = _fresh(runs_dir, f"{slug(preset.name)}-{_stamp(runs_dir)}")
        except OSError as error:
            raise RunError(
                f"runs folder '{runs_dir}' can't be written ({reason(error)}); expected a folder that you may write to: "
                "change its permissions, or give another folder with --runs-dir"
            ) from None
        run = cls(path)
        try:
            (path / "arms").mkdir(mode=0o700)  # not by `parents=True`, which gives it the umask's mode
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
                    host=process_identity.host(),
                    boot=process_identity.boot_id(),
                    preset=preset.name,
                    arms=tuple(arm.name for arm in preset.arms),
                    data_dir=str(data_dir),
                    requested_device=device,
                    threads=threads,
                    on=on,
                    gpus_per_arm=gpus_per_arm,
                )
            )
        except BaseException as error:
            run.delete()
            if not isinstance(error, OSError):
                raise
            raise RunError(f"run '{path}' can't be written ({reason(error)}); expected room and permission") from None
        return run

    def write_preset(self, preset: Preset) -> None:
        import tomli_w

        head = f"# {preset.name}, resolved: `inittui --preset {self.name}/preset.toml` repeats this run.\n\n"
        replace(self.path / "preset.toml", seal_toml(head + tomli_w.dumps(to_table(preset))))

    def preset(self) -> Preset:
        """The resolved preset. Raises RunError."""
        import tomllib

        try:
            table = tomllib.loads(unseal_toml(read_plain(self.path / "preset.toml")))
            preset = build(table, name=STAMP.sub("", self.name), source="preset.toml")
        except FileNotFoundError:
            raise RunError(f"'{self.path}' is no run: it has no preset.toml; 'inittui runs' lists the runs") from None
        except (OSError, ValueError, RecursionError, InittuiError) as error:
            raise self._unreadable("preset.toml", error) from None
        if (text := preset.data.factory) and text.endswith(DATA_FILE):  # DATA_NAME moves with the run
            return structs.replace(preset, data=structs.replace(preset.data, factory=str(self.path / text)))
        return preset

    def write_status(self, status: Status) -> None:
        replace(self.path / "status.json", seal_json(status))

    def status(self) -> Status:
        """Raises RunError if there is none, or it is damaged."""
        status = self.read_json("status.json", _STATUS.decode)
        if status is None:
            raise self._unreadable("status.json", FileNotFoundError("no such file"))
        return status

    def write_result(self, document: ResultDocument) -> None:
        replace(self.path / "result.json", seal_json(document))

    def result(self) -> ResultDocument | None:
        """The result document, or None while there is none. Raises RunError when it is damaged."""
        return self.read_json("result.json", result_schema.decode)

    def read_json(self, name: str, decode: Callable[[bytes], T]) -> T | None:
        """The document in a file of the run, or None if there is no such file. Raises RunError if it is damaged, of another
        format, or if `decode` raises ValueError or msgspec.DecodeError."""
        try:
            document = decode(unseal_json(read_plain(self.path / name)))
            if getattr(document, "format", FORMAT) != FORMAT:
                raise ValueError(f"it is not of format {FORMAT}; this inittui reads no other")
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise self._unreadable(name, error) from None
        return document

    def _unreadable(self, file: str, error: Exception) -> RunError:
        return RunError(f"run '{self.name}': {file} can't be read: {one_line(error)}")

    def last_words(self) -> str:
        """The last line that the supervisor or one of its libraries printed; "" if there is none."""
        try:
            lines = read_end(self.path / "supervisor.log", 1 << 16).split("\n")
        except OSError:
            return ""
        return printable(next((line.strip() for line in reversed(lines) if line.strip()), ""))[:200]

    def delete(self) -> None:
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)

    def liveness(self) -> Liveness:
        """Whether the supervisor lives. A run without a readable status is dead."""
        try:
            return self.status().liveness()
        except RunError:
            return "dead"

    def alive(self) -> bool:
        """Whether the supervisor lives on this machine."""
        return self.liveness() == "alive"

    def lock(self, seconds: float = LOCK_SECONDS) -> int:
        """Lock the run for this process and its forks, until all of them have ended or closed the returned descriptor.

        Raises RunError if another process keeps the lock for that many seconds.

        The forks share the lock, so no supervisor starts while workers of a killed one still write.
        """
        file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError:
                if time.monotonic() > end:
                    os.close(file)
                    raise RunError(
                        f"run '{self.name}': a process of it still writes; try again when it has ended"
                    ) from None
            except OSError:
                return file  # the file system has no locks: the identity in the status has to suffice
            time.sleep(0.05)


def slug(name: str) -> str:
    """`name` as a file name of letters, digits, dots, dashes and underscores: never hidden, empty or a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:60] or "run"


def arm_folders(preset: Preset) -> list[str]:
    """A folder name per arm, in order. If two arm names give the same file name, the second gets a number."""
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


def _stamp(runs_dir: Path) -> str:
    """The time for a run's name, not before the newest run's: after the end of summer time, or when the clock is set back,
    the newest run must still sort as the newest. A stamp more than a day ahead is ignored as a mistake."""
    now = time.strftime("%Y%m%d-%H%M%S")
    tomorrow = f"{datetime.now() + timedelta(days=1):%Y%m%d-%H%M%S}"
    stamps = [match[1] for entry in os.scandir(runs_dir) if (match := STAMP.search(entry.name))]
    return max([now, *(stamp for stamp in stamps if stamp <= tomorrow)])


def _fresh(runs_dir: Path, stem: str) -> Path:
    for number in range(1, 10_000):
        path = runs_dir / (stem if number == 1 else f"{stem}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return path
    raise OSError(errno.EEXIST, f"too many runs named {stem}")
