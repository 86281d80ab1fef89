"""Canned experiments, for every test that needs a run and trains nothing. Imports no torch.

`canned_events` are all events of a run; the boards are folds of them, and `write_run` writes them to disk with the project's
own functions. Every number follows from (arm, replica, epoch); nothing is random.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from unittest import mock

from hypothesis import settings
from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.board.state import Board
from inittui.common import file_lock, process_identity
from inittui.experiment.preset import Arm, Preset
from inittui.experiment.preset_table import build
from inittui.record import event_log, events, gallery
from inittui.record.event_log import EventLog
from inittui.record.events import Event
from inittui.record.result_schema import ArmResult, InitInfo, ReplicaResult, ResultDocument
from inittui.record.run_directory import RunDir, arm_folders
from tests.galleries import CLASSES, COLUMNS, ROWS, TEST, TRAIN, canned_gallery, pixels

# For every property: the same examples in every run, and no failure because the machine is busy.
steady = settings(deadline=None, derandomize=True, max_examples=60)

Canned = list[tuple[Event, int | None]]  # an event, and the index of the arm in whose log it is; None: the run's log
Ending = events.Failed | events.Stopped | events.Gone
Figure = Callable[[int, int, int], float | None]  # of (index of the arm, index of the replica, epoch from 1)

SCHEMES = ("xavier_normal", "he_normal", "orthogonal", "lecun_normal", "he_uniform", "torch_default")
EPOCH_SECONDS = 0.5
REPORTS = 3  # of an epoch


def preset(
    arms: int | Sequence[str | Mapping[str, Any]] = 2,
    *,
    name: str = "canned",
    epochs: int = 3,
    seeds: int | Sequence[int] = 1,
    **table: Any,
) -> Preset:
    """A small experiment on the digits. `arms` is how many, or schemes, or whole rows; `table` is merged in."""
    rows = SCHEMES[:arms] if isinstance(arms, int) else arms
    given: dict[str, Any] = {
        "title": "Canned",
        "data": {"name": "digits"},
        "model": {"hidden": [16, 16]},
        "training": {
            "epochs": epochs,
            "batch_size": 50,
            "seeds": [777 + i for i in range(seeds)] if isinstance(seeds, int) else list(seeds),
        },
        "arms": [{"init": row} if isinstance(row, str) else row for row in rows],
    }
    for key, value in table.items():
        given[key] = {**given[key], **value} if isinstance(value, Mapping) and key in given else value
    return build(given, name=name, source="canned")


def cost(arm: int, replica: int, epoch: int) -> float:
    """A training cost that falls; each arm's above the one before it."""
    return round((2 + 0.2 * arm + 0.01 * replica) / (epoch + 1), 6)


def accuracy(arm: int, replica: int, epoch: int) -> float:
    """A test accuracy that rises; each arm's above the one before it."""
    return round(0.95 + 0.004 * arm + 0.001 * (replica % 5) - 0.2 / (epoch + 1) ** 2, 6)


def canned_events(
    of: Preset,
    *,
    costs: Figure = cost,
    accuracies: Callable[[int, int, int], float] = accuracy,
    endings: Mapping[int, Ending] | None = None,
    ends_after: int = 1,
    note: str = "",
    until: float | None = None,
) -> Canned:
    """Everything a run of `of` would log, in the order of its clock, numbered and timed.

    The arms train side by side. `endings` are arms that do not finish: after `ends_after` epochs such an arm says `Failed` or
    `Stopped` or, for a `Gone`, nothing more. `until` cuts the story at that second: a run under way.
    """
    endings = endings or {}
    logged: Canned = [
        (events.Phase(t=0.0, phase="starting", detail="starting torch"), None),
        (events.DeviceReady(t=0.2, device="cpu", label="cpu (2 cores)", threads=1, workers=len(of.arms)), None),
        (events.Phase(t=0.3, phase="loading", detail=f"loading {of.data.name}"), None),
        (_data_ready(of, note), None),
        (events.Phase(t=1.0, phase="training"), None),
    ]
    for arm_index, (arm, folder) in enumerate(zip(of.arms, arm_folders(of), strict=True)):
        story = _arm_story(arm_index, arm, costs, accuracies, endings.get(arm_index), ends_after)
        logged += [(event, arm_index) for event in story]
        logged.append((_gone(folder, endings.get(arm_index), story[-1].t + 0.1), None))
    kinds = {type(ending) for ending in endings.values()}
    over: Literal["failed", "stopped", "finished"] = (
        "failed" if kinds & {events.Failed, events.Gone} else "stopped" if kinds else "finished"
    )
    logged.append((events.Phase(t=max(event.t for event, _ in logged) + 0.1, phase=over), None))
    numbers = {arm_index: count() for _, arm_index in logged}
    whole = [
        (replace(event, seq=next(numbers[arm_index]), t=round(event.t, 4)), arm_index)
        for event, arm_index in sorted(logged, key=lambda item: item[0].t)
    ]
    return [(event, arm_index) for event, arm_index in whole if until is None or event.t <= until]


def _data_ready(of: Preset, note: str) -> events.DataReady:
    return events.DataReady(
        t=0.9,
        name=of.data.name,
        title="8x8 digits (scikit-learn)",
        train=TRAIN,
        test=TEST,
        rows=ROWS,
        columns=COLUMNS,
        classes=CLASSES,
        note=note,
    )


def _gone(folder: str, ending: Ending | None, t: float) -> events.Gone:
    words = ending.reason if isinstance(ending, events.Gone) else ""
    return events.Gone(t=t, arm=folder, reason=words or ("ended with exit code 1" if ending else ""))


def _arm_story(
    arm_index: int,
    arm: Arm,
    costs: Figure,
    accuracies: Callable[[int, int, int], float],
    ending: Ending | None,
    ends_after: int,
) -> list[Event]:
    training = arm.training
    steps = TRAIN // training.batch_size
    widths = (ROWS * COLUMNS, *arm.model.hidden, arm.model.outputs or len(CLASSES))
    layers = tuple(pairwise(widths))
    logged: list[Event] = [
        events.Hello(t=1.1, arm=arm.name, pid=4000 + arm_index),
        events.Begin(
            t=1.2,
            arm=arm.name,
            seeds=training.seeds,
            epochs=training.epochs,
            steps=steps,
            batch_size=training.batch_size,
            parameters=sum((fan_in + 1) * fan_out for fan_in, fan_out in layers),
            layers=layers,
            stds=tuple(round(math.sqrt(2 / fan_in), 6) for fan_in, _ in layers),
        ),
        events.Sample(t=1.2, index=8, label=8, rows=ROWS, columns=COLUMNS, pixels=pixels(8)),
    ]
    t = 1.2
    for epoch in range(1, (ends_after if ending else training.epochs) + 1):
        for number, seed in enumerate(training.seeds):
            value = costs(arm_index, number, epoch)
            logged += [
                events.Progress(
                    t=t + EPOCH_SECONDS * report / (REPORTS + 1),
                    seed=seed,
                    epoch=epoch,
                    step=steps * report // (REPORTS + 1),
                    cost=value,
                    samples_per_second=steps * training.batch_size / EPOCH_SECONDS,
                )
                for report in range(1, REPORTS + 1)
            ]
            t += EPOCH_SECONDS
            right = accuracies(arm_index, number, epoch)
            logged.append(
                events.Epoch(
                    t=t,
                    seed=seed,
                    epoch=epoch,
                    train_cost=value,
                    test_cost=None if value is None else round(1.1 * value, 6),
                    test_accuracy=right,
                    seconds=EPOCH_SECONDS,
                    test_seconds=0.01,
                    sample=((8, 0.9), (3, 0.06), (9, 0.04)),
                )
            )
    if ending is None:
        logged.append(events.Finished(t=t + 0.05, seconds=round(t - 1.2, 4)))
    elif not isinstance(ending, events.Gone):
        logged.append(replace(ending, t=t + 0.05))
    return logged


def board_of(of: Preset, canned: Canned, *, run: str = "canned-20260101-120000") -> Board:
    """The fold of `canned`, with its result document once the run is over."""
    board = boards.begin(of, run)
    for event, arm_index in canned:
        board = fold(board, event, arm_index)
    return replace(board, result=result_document.document(board, seconds=board.t)) if board.ended else board


def finished_board(
    arms: int | Sequence[Any] = 2, epochs: int = 3, seeds: int | Sequence[int] = 1, **story: Any
) -> Board:
    """A run that is over. `story` is for `canned_events`."""
    of = preset(arms, epochs=epochs, seeds=seeds)
    return board_of(of, canned_events(of, **story))


def finished_document(*args: Any, **story: Any) -> ResultDocument:
    """The result document of `finished_board`."""
    document = finished_board(*args, **story).result
    assert document is not None
    return document


def running_board(
    arms: int | Sequence[Any] = 2, epochs: int = 3, seeds: int | Sequence[int] = 1, *, until: float = 2.0, **story: Any
) -> Board:
    """A run `until` seconds after it began. Training begins at 1.2 and takes EPOCH_SECONDS an epoch and replica."""
    of = preset(arms, epochs=epochs, seeds=seeds)
    return board_of(of, canned_events(of, until=until, **story))


def arm_result(
    name: str,
    accuracies: Mapping[int, float | None],
    costs: Mapping[int, Sequence[float | None]] | None = None,
    **of_arm: Any,
) -> ArmResult:
    """An arm of a result document with these final test accuracies and training costs by seed; it finished."""
    replicas = tuple(
        ReplicaResult(
            seed=seed,
            train_cost=tuple((costs or {}).get(seed, ())),
            test_cost=None,
            test_accuracy=value,
            test_accuracies=(),
            seconds=1.0,
            samples_per_second=None,
        )
        for seed, value in accuracies.items()
    )
    whole: dict[str, Any] = {"changes": (), "status": "finished", "reason": "", "parameters": 1, "epochs": 1}
    return ArmResult(name=name, init=InitInfo("zeros", {}), replicas=replicas, test_accuracy=None, **whole | of_arm)


def empty_run(runs_dir: Path, of: Preset | None = None) -> RunDir:
    """The directory of a run that has just been started."""
    return RunDir.create(runs_dir, of or preset(), data_dir=runs_dir / "data", device="cpu", threads=1)


def make_alive(run: RunDir, state: str = "training") -> RunDir:
    """The run, with this process as its supervisor: it holds the lock until it ends."""
    if file_lock.held(run.path / "lock") is None:
        file_lock.acquire(run.path / "lock", 0)
    run.write_status(replace(run.status(), state=state, **process_identity.fields(os.getpid())))
    return run


def write_events(run: RunDir, canned: Canned) -> None:
    """Append `canned` to the run's logs, each event at its own time."""
    folders = arm_folders(run.preset())
    clock = SimpleNamespace(now=0.0)
    logs: dict[int | None, EventLog] = {}
    with mock.patch.object(event_log, "time", SimpleNamespace(monotonic=lambda: clock.now)):
        for event, arm_index in canned:
            if arm_index not in logs:
                logs[arm_index] = EventLog(run.log if arm_index is None else run.arm_log(folders[arm_index]), zero=0.0)
            clock.now = event.t
            logs[arm_index].append(event)
    for log in logs.values():
        log.close()


def write_run(runs_dir: Path, of: Preset | None = None, *, with_gallery: bool = True, **story: Any) -> RunDir:
    """A whole run on disk: preset, status, logs and, unless it is cut short, gallery and result. `story` as above."""
    of = of or preset()
    run = empty_run(runs_dir, of)
    canned = canned_events(of, **story)
    write_events(run, canned)
    board = board_of(of, canned, run=run.name)
    run.write_status(replace(run.status(), state=board.phase, device="cpu (2 cores)", reason=board.detail))
    if board.result is not None:
        if with_gallery:
            gallery.write(run, canned_gallery(of))
        run.write_result(board.result)
    return run


def overwrite(path: Path, content: bytes) -> None:
    """As `write_bytes`, but the file is never empty in between, which some file systems make slow."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(content)
        file.truncate()
