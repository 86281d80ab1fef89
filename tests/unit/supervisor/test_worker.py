import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy
import pytest
from msgspec import structs

from inittui.common.atomic_files import read_end
from inittui.common.errors import RunError
from inittui.experiment.preset import Arm, Model
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.events import Position
from inittui.supervisor.workers.forked_pool import ForkedPool
from inittui.supervisor.workers.worker import PAUSE, RESUME, STOP, Control, Job, Worker, work
from tests.unit.tiny import CPU, arm, dataset, figures

DATA = dataset()
OF = arm(seeds=[5, 6])  # two epochs of three steps each
STEPS = 12


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


class Scripted(Control):
    """Requests of a person: `request` is called before step `at`, counted from 0; `while_paused` when the worker waits."""

    def __init__(
        self, at: int, request: Callable[[Control], None], while_paused: Callable[[Control], None] = lambda _: None
    ) -> None:
        super().__init__()
        self._steps = count()
        self._at, self._request, self._while_paused = at, request, while_paused

    def pending(self) -> bool:
        if next(self._steps) == self._at:
            self._request(self)
        return super().pending()

    def wait(self, timeout: float | None) -> None:
        self._while_paused(self)
        self.handle(RESUME)
        super().wait(timeout)


def stop(control: Control) -> None:
    control.handle(STOP)


def pause(control: Control) -> None:
    control.handle(PAUSE)


def worker(folder: Path, control: Control | None = None, of: Arm = OF, **options: Any) -> Worker:
    return Worker(Job(of, folder, 0.0, CPU, 1, True, **options), control or Control())


def trained(folder: Path, control: Control | None = None, **options: Any) -> list[events.Event]:
    """Train until the end or a stop. All that the log holds then."""
    one = worker(folder, control, **options)
    one.train(DATA)
    one.log.close()
    tail = Tail(folder / "events.jsonl")
    found = list(tail.poll())
    assert tail.faults == []
    assert [event.seq for event in found] == list(range(len(found)))
    return found


def kinds(logged: list[events.Event]) -> list[str]:
    """The names of the events, without reports and measurements."""
    names = [type(event).__name__ for event in logged]
    return [name for name in names if name not in ("Progress", "Probe")]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def undisturbed(tmp_path: Path) -> list[events.Event]:
    (tmp_path / "undisturbed").mkdir()
    return trained(tmp_path / "undisturbed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "arm").mkdir()
    return tmp_path / "arm"


def test_an_arm_is_logged_from_its_beginning_to_its_end_and_leaves_its_answers(folder: Path) -> None:
    logged = trained(folder)
    assert kinds(logged) == ["Hello", "Begin", "Sample", *["Epoch"] * 4, "Finished"]
    assert (logged[0], left(folder)) == (
        events.Hello(seq=0, t=logged[0].t, arm="arm", pid=os.getpid()),
        ["events.jsonl", "predictions.npz"],
    )
    with numpy.load(folder / "predictions.npz", allow_pickle=False) as answers:
        assert answers["seeds"].tolist() == [5, 6]
        assert answers["answers"].shape == (2, 23)


@pytest.mark.parametrize("step", range(STEPS))
def test_an_arm_that_was_stopped_at_any_step_comes_to_the_same_end(
    folder: Path, undisturbed: list[events.Event], step: int
) -> None:
    logged = trained(folder, Scripted(step, stop))
    assert kinds(logged)[-1] == "Stopped"
    assert logged[-1] == events.Stopped(seq=logged[-1].seq, t=logged[-1].t, reason="stopped by hand")
    assert left(folder) == ["checkpoint.5.safetensors", "checkpoint.6.safetensors", "events.jsonl"] or step == 0
    logged = trained(folder)
    assert figures(logged) == figures(undisturbed)
    assert kinds(logged).count("Begin") == (1 if step else 2)  # without a step there is nothing to go on from
    restored = [event for event in logged if isinstance(event, events.Restored)]
    assert [sum(3 * place.epochs + place.step for place in one.places) for one in restored] == ([step] if step else [])
    assert left(folder) == ["events.jsonl", "predictions.npz"]
    with (
        numpy.load(folder / "predictions.npz") as one,
        numpy.load(folder.parent / "undisturbed/predictions.npz") as two,
    ):
        assert all((one[name] == two[name]).all() for name in two.files)


@pytest.mark.parametrize("step", [1, 3, 7, 11])
def test_a_paused_arm_saves_and_goes_on_as_if_nothing_had_been(
    folder: Path, undisturbed: list[events.Event], step: int
) -> None:
    saved: list[list[str]] = []
    logged = trained(folder, Scripted(step, pause, lambda _: saved.append(left(folder))))
    assert figures(logged) == figures(undisturbed)
    at = kinds(logged).index("Saved")
    assert kinds(logged)[at : at + 3] == ["Saved", "Paused", "Continued"]
    assert saved == [["checkpoint.5.safetensors", "checkpoint.6.safetensors", "events.jsonl"]]
    assert kinds(logged).count("Paused") == 1


def test_a_paused_arm_can_be_stopped(folder: Path, undisturbed: list[events.Event]) -> None:
    logged = trained(folder, Scripted(4, pause, stop))
    assert kinds(logged)[-3:] == ["Saved", "Paused", "Stopped"]
    assert figures(trained(folder)) == figures(undisturbed)


def test_a_stop_that_comes_before_a_pause_is_handled_first(folder: Path) -> None:
    def both(control: Control) -> None:
        pause(control)
        stop(control)

    assert "Paused" not in kinds(trained(folder, Scripted(4, both)))


def test_what_a_killed_worker_left_half_written_is_cleared_away(folder: Path) -> None:
    (folder / ".checkpoint.5.safetensors.123").write_bytes(b"half")
    (folder / "worker.log").touch()
    worker(folder).log.close()
    assert left(folder) == ["events.jsonl", "worker.log"]


def test_a_damaged_checkpoint_is_not_resumed_from(folder: Path) -> None:
    trained(folder, Scripted(4, stop))
    path = folder / "checkpoint.6.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        RunError, match=r"checkpoint 'arm/checkpoint.6.safetensors' can't be used: .* move it out of the run"
    ):
        worker(folder).train(DATA)
    path.unlink()
    logged = trained(folder)
    restored = [event for event in logged if isinstance(event, events.Restored)]
    assert [event.places for event in restored] == [(Position(5, epochs=1), Position(6))]


def test_a_checkpoint_of_an_arm_that_was_changed_meanwhile_is_not_resumed_from(folder: Path) -> None:
    trained(folder, Scripted(4, stop))
    with pytest.raises(RunError, match="it is of another arm, seed or version"):
        worker(folder, of=arm(seeds=[5, 6], learning_rate=0.02)).train(DATA)


# Own code that fails, or ends the process


FAILING = """
import ctypes, os, sys
from torch import nn

class Odd(Exception):
    def __str__(self):
        raise ValueError

ERRORS = {
    "half": lambda: RuntimeError("\\udcff"), "silent": Odd, "interrupt": KeyboardInterrupt, "generator": GeneratorExit,
    "iteration": StopIteration, "exit": lambda: SystemExit(0),
}

class Net(nn.Sequential):
    steps = 0
    def forward(self, x):
        Net.steps += self.training
        if self.training and Net.steps > 4:
            raise ERRORS[NAME]()
        return super().forward(x)

def build(*, inputs, classes):
    if NAME == "crash":
        ctypes.string_at(0)
    return Net(nn.Flatten(), nn.Linear(16, classes))
"""
FAULTS = {
    "half": "RuntimeError: ? (mine.py:19, in forward)",
    "silent": "Odd: (its message can't be read: ValueError) (mine.py:19, in forward)",
    "interrupt": "KeyboardInterrupt (mine.py:19, in forward)",
    "generator": "GeneratorExit (mine.py:19, in forward)",
    "iteration": "StopIteration (mine.py:19, in forward)",
    "exit": "SystemExit: 0 (mine.py:19, in forward)",
}


def failing(folder: Path, fault: str) -> Job:
    (folder / "mine.py").write_text(FAILING.replace("NAME", repr(fault)))
    of = structs.replace(OF, model=Model(factory=f"{folder}/mine.py:build"))
    return Job(of, folder, 0.0, CPU, 1, True)


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_own_code_raises_is_logged_with_its_type_its_file_and_its_function(folder: Path, fault: str) -> None:
    with ThreadPoolExecutor(1) as thread:  # of its own: `work` sets how it treats denormal numbers
        assert thread.submit(work, failing(folder, fault), DATA, Control()).result() == 1
    last = list(Tail(folder / "events.jsonl").poll())[-1]
    assert isinstance(last, events.Failed)
    assert last.reason == FAULTS[fault]
    assert "mine.py" in last.detail


def test_a_crash_of_own_code_is_told_with_the_file_and_the_function(folder: Path) -> None:
    logged: list[events.Event] = []
    pool = ForkedPool([failing(folder, "crash")], DATA, 1, logged.append, lambda *_: None)
    while pool.busy:
        pool.tick()
        time.sleep(0.01)
    (gone,) = logged
    assert isinstance(gone, events.Gone)
    assert gone.reason == "killed by signal 11 (SIGSEGV) (mine.py:24, in build)"
    assert gone.detail.startswith("Fatal Python error: Segmentation fault")


def test_of_a_huge_output_the_end_alone_is_read(folder: Path) -> None:
    with (folder / "worker.log").open("wb") as file:
        file.truncate(1 << 34)  # sparse
        file.seek(0, os.SEEK_END)
        file.write(b"end\n")
    assert read_end(folder / "worker.log", 100) == "\0" * 96 + "end\n"


def test_a_stopped_arm_goes_on_with_the_data_that_it_was_trained_with_or_is_forced(tmp_path: Path) -> None:
    trained(tmp_path, Scripted(5, stop), fingerprints={"data": "1"})
    with pytest.raises(RunError, match="it was trained with other data or own code; resume with --force"):
        trained(tmp_path, fingerprints={"data": "2"})
    assert isinstance(trained(tmp_path, fingerprints={"data": "2"}, force=True)[-1], events.Finished)
