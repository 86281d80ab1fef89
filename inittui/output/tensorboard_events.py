"""A run's curves as TensorBoard's event files: DIR/RUN/ARM/seed-N.

A reader of the run's logs like any other: it runs in a process of its own, and training neither knows of it nor waits.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from inittui.board.follower import Follower
from inittui.common.atomic_files import reason
from inittui.common.child_process import child_environment
from inittui.common.errors import RunError
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.run_directory import RunDir, arm_folders
from inittui.record.run_index import seconds_of

POLL_SECONDS = 1.0
OURS = ".inittui"  # how the names of our event files end


def start(run: RunDir, folder: Path) -> None:
    """Write while the run trains, detached as its supervisor is. Ends when the run does."""
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
    """Write what the run's logs hold, in place of what an earlier call wrote of it; with `follow` until it ends. Returns
    where it lies. Raises RunError."""
    place = folder / run.name
    follower = Follower(run, run.liveness)
    try:
        stream = _Stream(run, place)
        try:
            while True:
                ended = follower.poll().ended  # asked before the last reading: what is written until then is read
                stream.poll()
                if ended or not follow:
                    return place
                time.sleep(POLL_SECONDS)
        finally:
            stream.close()
    except OSError as error:
        raise RunError(f"'{place}' can't be written: {reason(error)}") from None


class _Stream:
    """Event after event, from the workers' logs to the writers of their seeds."""

    def __init__(self, run: RunDir, place: Path) -> None:
        self._place = place
        self._began = seconds_of(run.status().started) or 0.0
        self._tails = {folder: Tail(run.arm_log(folder)) for folder in arm_folders(run.preset())}
        self._steps = dict.fromkeys(self._tails, 0)  # of an epoch
        self._writers: dict[tuple[str, int], Any] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._reports: dict[tuple[str, int], int] = {}

    def poll(self) -> None:
        for folder, tail in self._tails.items():
            for event in tail.poll():
                if isinstance(event, events.Begin):
                    self._steps[folder] = event.steps
                elif isinstance(event, events.Epoch):
                    self._epoch(folder, event)
                elif isinstance(event, events.Progress):
                    self._progress(folder, event)
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _epoch(self, folder: str, event: events.Epoch) -> None:
        key = folder, event.seed
        if event.epoch <= self._epochs.get(key, 0):
            return  # trained once more after a resume: the figures are the same
        self._epochs[key] = event.epoch
        told = {
            "train/cost": event.train_cost,
            "test/cost": event.test_cost,
            "test/accuracy": event.test_accuracy,
            "seconds of an epoch": event.seconds,
        }
        self._say(key, event.t, event.epoch, told)

    def _progress(self, folder: str, event: events.Progress) -> None:
        key = folder, event.seed
        step = (event.epoch - 1) * self._steps[folder] + event.step
        if step <= self._reports.get(key, 0):
            return
        self._reports[key] = step
        self._say(key, event.t, step, {"train/cost by step": event.cost, "images a second": event.samples_per_second})

    def _say(self, key: tuple[str, int], t: float, step: int, told: dict[str, float | None]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        finite = {tag: value for tag, value in told.items() if value is not None}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in finite.items()]
        event = Event(wall_time=self._began + t, step=step, summary=Summary(value=values))
        self._writer(key).add_event(event)

    def _writer(self, key: tuple[str, int]) -> Any:
        if key not in self._writers:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            folder = self._place / key[0] / f"seed-{key[1]}"
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"events.out.tfevents.*{OURS}"):  # or every point would be there twice
                with contextlib.suppress(FileNotFoundError):
                    old.unlink()
            self._writers[key] = EventFileWriter(str(folder), filename_suffix=OURS)
        return self._writers[key]
