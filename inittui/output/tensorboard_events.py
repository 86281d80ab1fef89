"""A run's curves as TensorBoard event files: DIR/RUN/ARM/seed-N.

It reads the run's logs in a process of its own. Training neither knows of it nor waits for it.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

from inittui.board.follower import Follower
from inittui.common.atomic_files import reason
from inittui.common.child_process import child_environment
from inittui.common.errors import RunError
from inittui.output.tensorboard_private import EventFile
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.run_directory import RunDir, arm_folders
from inittui.record.run_index import seconds_of

POLL_SECONDS = 1.0
OURS = ".inittui"  # ending of the names of our event files


def start(run: RunDir, folder: Path) -> None:
    """Start a detached process that writes while the run trains, and ends when the run does."""
    with (run.path / "tensorboard.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "inittui", "export", str(run.path), "--tensorboard", str(folder), "--follow"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=child_environment(),
            start_new_session=True,
        )


def write(run: RunDir, folder: Path, *, follow: bool = False) -> Path:
    """Write what the run's logs hold, and replace what an earlier call wrote; with `follow`, continue until the run has
    ended. Returns the folder of the files. Raises RunError."""
    target = folder / run.name
    follower = Follower(run, run.liveness)
    try:
        with contextlib.closing(_Stream(run, target)) as stream:
            while True:
                ended = follower.poll().ended  # before the last poll, which then reads everything that was written
                stream.poll()
                if ended or not follow:
                    return target
                time.sleep(POLL_SECONDS)
    except OSError as error:
        raise RunError(f"'{target}' can't be written: {reason(error)}") from None


class _Stream:
    """Copies events from the workers' logs to one event file per arm and seed."""

    def __init__(self, run: RunDir, target: Path) -> None:
        self._target = target
        self._began = seconds_of(run.status().started) or 0.0
        self._tails = {folder: Tail(run.arm_log(folder)) for folder in arm_folders(run.preset())}
        self._steps = dict.fromkeys(self._tails, 0)  # per epoch
        self._files: dict[tuple[str, int], EventFile] = {}
        self._newest: dict[tuple[str, int, type[events.Event]], int] = {}  # epoch or step

    def poll(self) -> None:
        for folder, tail in self._tails.items():
            for event in tail.poll():
                if isinstance(event, events.Begin):
                    self._steps[folder] = event.steps
                elif isinstance(event, events.Epoch):
                    of_epoch = {
                        "train/cost": event.train_cost,
                        "test/cost": event.test_cost,
                        "test/accuracy": event.test_accuracy,
                        "seconds of an epoch": event.seconds,
                    }
                    self._add(folder, event, event.epoch, of_epoch)
                elif isinstance(event, events.Progress):
                    step = (event.epoch - 1) * self._steps[folder] + event.step
                    of_step = {"train/cost by step": event.cost, "images a second": event.samples_per_second}
                    self._add(folder, event, step, of_step)
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def _add(
        self, folder: str, event: events.Epoch | events.Progress, step: int, values: dict[str, float | None]
    ) -> None:
        newest = folder, event.seed, type(event)
        if step > self._newest.get(newest, 0):  # else trained again after a resume, with the same values
            self._newest[newest] = step
            finite = {tag: value for tag, value in values.items() if value is not None}
            self._file((folder, event.seed)).add(self._began + event.t, step, finite)

    def _file(self, key: tuple[str, int]) -> EventFile:
        if key not in self._files:
            folder = self._target / key[0] / f"seed-{key[1]}"
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"events.out.tfevents.*{OURS}"):  # or TensorBoard shows every point twice
                with contextlib.suppress(FileNotFoundError):
                    old.unlink()
            self._files[key] = EventFile(folder, OURS)
        return self._files[key]
