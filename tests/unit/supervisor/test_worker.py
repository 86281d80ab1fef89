import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from inittui.common.errors import RunError
from inittui.engine.trainer import Stop
from inittui.experiment.preset import Arm
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.events import Position
from inittui.supervisor.workers.worker import Control, Job, Worker
from tests.unit.tiny import CPU, arm, dataset, figures

DATA = dataset()
OF = arm(seeds=[5, 6])  # two epochs of three steps each
STEPS = 12


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


class Asked(Control):
    """Someone at the door: at the n-th look of the worker something is asked."""

    def __init__(self, at: int, ask: Callable[["Asked"], None]) -> None:
        self._reason = ""
        self._looks = count()
        self._at, self._ask = at, ask
        super().__init__()

    @property
    def stop_reason(self) -> str:
        if next(self._looks) == self._at:
            self._ask(self)
        return self._reason

    @stop_reason.setter
    def stop_reason(self, reason: str) -> None:
        self._reason = reason


def stop(control: Asked) -> None:
    control._reason = "stopped by hand"


def pause(control: Asked, then: Callable[[Asked], None] = lambda _: None) -> None:
    """Hold it; as soon as it waits, let it go on, and do something else besides."""

    def wait(_: float | None) -> None:
        then(control)
        control.pausing = False

    control.pausing = True
    control.changed = SimpleNamespace(wait=wait, clear=lambda: None, set=lambda: None)  # type: ignore[assignment]


def worker(folder: Path, control: Control | None = None, of: Arm = OF) -> Worker:
    return Worker(Job(of, folder, 0.0, CPU, 1, True), control or Control())


def trained(folder: Path, control: Control | None = None) -> list[events.AnyEvent]:
    """Train until the end or a stop. All that the log holds then."""
    one = worker(folder, control)
    try:
        one.train(DATA)
    except Stop as reason:
        one.stopped(reason)
    one.log.close()
    tail = Tail(folder / "events.jsonl")
    found = list(tail.poll())
    assert tail.faults == []
    assert [event.seq for event in found] == list(range(len(found)))
    return found


def kinds(told: list[events.AnyEvent]) -> list[str]:
    """What has been told, but for reports and measurements on the way."""
    names = [type(event).__name__ for event in told]
    return [name for name in names if name not in ("Progress", "Probe")]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def undisturbed(tmp_path: Path) -> list[events.AnyEvent]:
    (tmp_path / "undisturbed").mkdir()
    return trained(tmp_path / "undisturbed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "arm").mkdir()
    return tmp_path / "arm"


def test_an_arm_is_told_from_its_beginning_to_its_end_and_leaves_its_answers(folder: Path) -> None:
    told = trained(folder)
    assert kinds(told) == ["Hello", "Begin", "Sample", *["Epoch"] * 4, "Finished"]
    assert (told[0], left(folder)) == (
        events.Hello(seq=0, t=told[0].t, arm="arm", pid=os.getpid()),
        ["events.jsonl", "predictions.npz"],
    )
    with numpy.load(folder / "predictions.npz", allow_pickle=False) as answers:
        assert answers["seeds"].tolist() == [5, 6]
        assert answers["answers"].shape == (2, 23)


@pytest.mark.parametrize("step", range(STEPS))
def test_an_arm_that_was_stopped_at_any_step_comes_to_the_same_end(
    folder: Path, undisturbed: list[events.AnyEvent], step: int
) -> None:
    told = trained(folder, Asked(step, stop))
    assert kinds(told)[-1] == "Stopped"
    assert told[-1] == events.Stopped(seq=told[-1].seq, t=told[-1].t, reason="stopped by hand")
    assert left(folder) == ["checkpoint.5.safetensors", "checkpoint.6.safetensors", "events.jsonl"] or step == 0
    told = trained(folder)
    assert figures(told) == figures(undisturbed)
    assert kinds(told).count("Begin") == (1 if step else 2)  # without a step there is nothing to go on from
    restored = [event for event in told if isinstance(event, events.Restored)]
    assert [sum(3 * place.epochs + place.step for place in one.places) for one in restored] == ([step] if step else [])
    assert left(folder) == ["events.jsonl", "predictions.npz"]
    with (
        numpy.load(folder / "predictions.npz") as one,
        numpy.load(folder.parent / "undisturbed/predictions.npz") as two,
    ):
        assert all((one[name] == two[name]).all() for name in two.files)


@pytest.mark.parametrize("step", [1, 3, 7, 11])
def test_an_arm_that_is_held_saves_and_goes_on_as_if_nothing_had_been(
    folder: Path, undisturbed: list[events.AnyEvent], step: int
) -> None:
    saved: list[list[str]] = []
    control = Asked(step, lambda control: pause(control, lambda _: saved.append(left(folder))))
    told = trained(folder, control)
    assert figures(told) == figures(undisturbed)
    at = kinds(told).index("Saved")
    assert kinds(told)[at : at + 3] == ["Saved", "Paused", "Continued"]
    assert saved == [["checkpoint.5.safetensors", "checkpoint.6.safetensors", "events.jsonl"]]
    assert kinds(told).count("Paused") == 1


def test_an_arm_that_is_held_can_be_stopped(folder: Path, undisturbed: list[events.AnyEvent]) -> None:
    told = trained(folder, Asked(4, lambda control: pause(control, stop)))
    assert kinds(told)[-3:] == ["Saved", "Paused", "Stopped"]
    assert figures(trained(folder)) == figures(undisturbed)


def test_a_stop_that_comes_before_a_pause_is_heeded_first(folder: Path) -> None:
    def both(control: Asked) -> None:
        control.pausing = True
        stop(control)

    assert "Paused" not in kinds(trained(folder, Asked(4, both)))


def test_what_a_killed_worker_left_half_written_is_cleared_away(folder: Path) -> None:
    (folder / ".checkpoint.5.safetensors.123").write_bytes(b"half")
    (folder / "worker.log").touch()
    worker(folder).log.close()
    assert left(folder) == ["events.jsonl", "worker.log"]


def test_a_damaged_checkpoint_is_not_gone_on_from(folder: Path) -> None:
    trained(folder, Asked(4, stop))
    path = folder / "checkpoint.6.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"checkpoint 'arm/checkpoint.6.safetensors' can't be used: .* delete it"):
        worker(folder).train(DATA)
    path.unlink()
    told = trained(folder)
    restored = [event for event in told if isinstance(event, events.Restored)]
    assert [event.places for event in restored] == [(Position(5, epochs=1), Position(6))]


def test_a_checkpoint_of_an_arm_that_was_changed_meanwhile_is_not_gone_on_from(folder: Path) -> None:
    trained(folder, Asked(4, stop))
    with pytest.raises(RunError, match="it is of another arm, seed or version"):
        worker(folder, of=arm(seeds=[5, 6], learning_rate=0.02)).train(DATA)
