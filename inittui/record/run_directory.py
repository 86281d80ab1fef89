"""The directory of a run: creates it, and reads and writes its preset, status and result.

Each file has one writer. Logs are only appended to; other files are replaced atomically. A reader needs only the directory,
so it may run on another machine, or read a copy.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from inittui.common import failures, file_lock, process_identity
from inittui.common.atomic_files import make_folder, one_line, read_end, read_plain, reason, replace, slug
from inittui.common.checksums import seal_json, seal_toml, unseal_json, unseal_toml
from inittui.common.clean_text import decode_clean
from inittui.common.errors import InittuiError, RunError, command, printable
from inittui.common.process_identity import Liveness
from inittui.common.user_code_refs import DATA_FILE
from inittui.experiment.preset import Preset
from inittui.experiment.preset_table import build, to_table
from inittui.record import disk_room, result_schema
from inittui.record.result_schema import ResultDocument

T = TypeVar("T")
FORMAT = 1
DATA_NAME = f"data{DATA_FILE}"  # of arrays that were passed from Python
STAMP = re.compile(r"-(\d{8}-\d{6})(?:-(\d+))?$")  # how a run's name ends
LOCK_SECONDS = 5.0  # workers of a killed supervisor end within this time


class Status(Struct, frozen=True):
    """Who trains the run, and how; written by the holder of the run's lock. Host, boot id, pid with its namespace and start
    time identify the supervisor (see process_identity)."""

    format: int
    run: str
    state: str  # starting, loading, training, finished, failed, stopped
    started: str  # ISO 8601, UTC
    monotonic: float  # the run's beginning on the monotonic clock of `boot`
    host: str
    boot: str
    pid: int | None = None
    pid_started: int | None = None
    pid_namespace: str = ""
    folder: str = ""  # device and inode of the run's folder while that boot lasts: a copy has others
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


_STATUS = msgspec.json.Decoder(Status)


class RunDir:
    """The directory of one run. Reading does not change it."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = name or printable(path.name)

    @property
    def log(self) -> Path:
        """The supervisor's events."""
        return self.path / "events.jsonl"

    def waiting_for(self) -> str:
        """Why processes of the run wait to write: `disk full`; "" if none waits."""
        folders = (self.path, *(self.path / "arms").glob("*"))
        return next(filter(None, map(disk_room.waiting_for, folders)), "")

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
            path = make_folder(runs_dir, f"{slug(preset.name)}-{_stamp(runs_dir)}")
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
                    **run.identity(),
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
            raise run.unwritable(error) from None
        return run

    def write_preset(self, preset: Preset) -> None:
        import tomli_w

        head = f"# {preset.name}, resolved: `{command('--preset', f'{self.name}/preset.toml')}` repeats this run."
        replace(self.path / "preset.toml", seal_toml(f"{printable(head)}\n\n{tomli_w.dumps(to_table(preset))}"))

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
        """The document in a file of the run, its texts cleaned, or None if there is no such file. Raises RunError if it is
        damaged, of another format, or if `decode` raises ValueError or msgspec.DecodeError."""
        try:
            document = decode_clean(unseal_json(read_plain(self.path / name)), decode)
            if getattr(document, "format", FORMAT) != FORMAT:
                raise ValueError(f"it is not of format {FORMAT}; this inittui reads no other")
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise self._unreadable(name, error) from None
        return document

    def _unreadable(self, file: str, error: Exception) -> RunError:
        return RunError(f"run '{self.name}': {file} can't be read: {one_line(error)}")

    def unwritable(self, error: OSError) -> RunError:
        return RunError(f"run '{self.path}' can't be written ({reason(error)}); expected room and permission")

    def last_words(self) -> str:
        """How the supervisor crashed, or else the last line that it or one of its libraries printed; "" if there is none."""
        try:
            place, output = failures.crash(read_end(self.path / "supervisor.log", 1 << 16))
        except OSError:
            return ""
        lines = [line.strip() for line in output.split("\n") if line.strip()] or [""]
        return printable(f"{lines[0]}{place}" if place else lines[-1])[:200]

    def delete(self) -> None:
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)

    def identity(self) -> dict[str, Any]:
        """What identifies the run's folder in this boot, by the names of these fields in its status."""
        folder = self.path.stat()
        return {"run": self.name, "folder": f"{folder.st_dev}:{folder.st_ino}"}

    def _is_copy(self, status: Status) -> bool:
        """Whether the status was written in another folder. After a reboot this is not known: devices get other numbers."""
        return status.boot == process_identity.boot_id() and status.folder not in ("", self.identity()["folder"])

    def copy_note(self, status: Status | None = None) -> str:
        """Says of which run this is a copy, by its `status`; "" if it is none."""
        with contextlib.suppress(RunError, OSError):
            status = status or self.status()
            if status.run != self.name and self._is_copy(status):
                return f"a copy of '{status.run}', not running"
        return ""

    def liveness(self, status: Status | None = None) -> Liveness:
        """Whether the supervisor lives, by the run's `status`. A run without a readable status is dead.

        The folder and its lock decide, which a copy does not share, then the process that the status names.
        """
        locked = file_lock.held(self.path / "lock")
        try:
            status = status or self.status()
            if self._is_copy(status):
                return "dead"
        except (RunError, OSError):
            return "dead"
        by_process = process_identity.liveness(
            at_host=status.host,
            boot=status.boot,
            pid=status.pid,
            start=status.pid_started,
            namespace=status.pid_namespace,
            locked=locked,
        )
        if locked is None and by_process == "alive":  # a status can be edited
            return "alive" if process_identity.supervises(status.pid or 0, self.path) else "dead"
        return by_process

    def alive(self) -> bool:
        """Whether the supervisor lives on this machine."""
        return self.liveness() == "alive"

    @contextlib.contextmanager
    def lock(self, seconds: float = LOCK_SECONDS) -> Iterator[int]:
        """Hold the run's lock: its descriptor, for a supervisor to inherit. Supervisor and workers share it, so that nobody
        resumes a run whose workers still write. Raises RunError if another process keeps it for that many seconds."""
        try:
            lock = file_lock.acquire(self.path / "lock", seconds)
        except TimeoutError:
            raise RunError(f"run '{self.name}': a process of it still writes; try again when it has ended") from None
        except OSError as error:
            raise self.unwritable(error) from None
        try:
            yield lock
        finally:
            file_lock.close(lock)


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
