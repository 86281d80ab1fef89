"""An arm on a node and its mirror in the run directory, without Ray, which only carries the calls and replies."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
import torch

from inittui.experiment.preset import Arm
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.supervisor.ray import actor as actors
from inittui.supervisor.ray.actor import TrainingActor, packed, unpacked
from inittui.supervisor.ray.run_mirror import ArmMirror
from inittui.supervisor.ray.versions import differences, versions
from inittui.supervisor.workers import worker
from inittui.supervisor.workers.worker import Control, Job, Worker
from tests.unit.tiny import CPU, arm, dataset, figures

DATA = dataset()
SHORT = arm(seeds=[5, 6])
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def as_a_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(
        worker, "redirect", lambda path: path.write_bytes(b"printed\n")
    )  # the test's output stays its own
    before, mask = torch.get_num_threads(), os.umask(0o077)
    yield
    os.umask(mask)
    torch.set_num_threads(before)


@pytest.fixture
def actor() -> Iterator[TrainingActor]:
    actor = TrainingActor()
    yield actor
    actor.control(worker.STOP)
    actor.clean_up()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "arm").mkdir()
    return tmp_path / "arm"


def job(folder: Path, of: Arm = SHORT) -> Job:
    return Job(of, folder, time.monotonic(), CPU, 1, True)


def begin(actor: TrainingActor, mirror: ArmMirror, of: Job) -> None:
    mirror.stamps = actor.begin(of, time.monotonic() - of.zero, mirror.start_files(), packed(DATA))


def ask(actor: TrainingActor, mirror: ArmMirror) -> int | None:
    report = actor.poll(mirror.offset, mirror.printed, mirror.stamps)
    return report.code if mirror.write(report) else None


def fetch(actor: TrainingActor, mirror: ArmMirror) -> int:
    """Until it has ended; the worker's exit code."""
    end = time.monotonic() + PATIENCE
    while (code := ask(actor, mirror)) is None:
        assert time.monotonic() < end
        time.sleep(0.002)
    return code


def logged(folder: Path) -> list[events.Event]:
    tail = Tail(folder / "events.jsonl")
    found = list(tail.poll())
    assert tail.faults == []
    assert [event.seq for event in found] == list(range(len(found)))
    assert [event.t for event in found] == sorted(event.t for event in found)
    return found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The same arm, trained on this machine."""
    folder = tmp_path / "here" / "arm"
    folder.mkdir(parents=True)
    one = Worker(job(folder), Control())
    one.train(DATA)
    one.log.close()
    return folder


def test_data_survive_the_way_to_a_node() -> None:
    again = unpacked(packed(DATA))
    assert (again.name, again.classes, again.pixel_max) == (DATA.name, DATA.classes, DATA.pixel_max)
    assert torch.equal(again.train_images, DATA.train_images)
    assert again.train_images.data_ptr() == DATA.train_images.data_ptr()  # not copied


def test_an_arm_on_a_node_comes_to_the_same_bits_and_files(actor: TrainingActor, folder: Path, here: Path) -> None:
    mirror = ArmMirror(job(folder))
    begin(actor, mirror, job(folder))
    assert fetch(actor, mirror) == 0
    mirror.close()
    assert figures(logged(folder)) == figures(logged(here))
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "predictions.npz", "worker.log"]
    with numpy.load(folder / "predictions.npz") as one, numpy.load(here / "predictions.npz") as two:
        assert all((one[name] == two[name]).all() for name in two.files)
    assert (folder / "worker.log").read_text() == "printed\n"


def test_a_node_that_dies_loses_nothing_that_has_arrived(folder: Path, here: Path) -> None:
    """Stop it in its midst, as the last that arrives, and go on somewhere else; then once more from an older state."""
    first, of = TrainingActor(), job(folder)
    mirror = ArmMirror(of)
    begin(first, mirror, of)
    first.control(worker.STOP)
    fetch(first, mirror)
    mirror.close()
    first.clean_up()
    before = logged(folder)
    second, mirror = TrainingActor(), ArmMirror(of)
    begin(second, mirror, of)
    assert fetch(second, mirror) == 0
    mirror.close()
    second.clean_up()
    after = logged(folder)
    assert after[: len(before)] == before
    assert figures(after) == figures(logged(here))


def test_an_answer_that_was_lost_can_be_asked_for_again(actor: TrainingActor, folder: Path, here: Path) -> None:
    of = job(folder)
    mirror = ArmMirror(of)
    begin(actor, mirror, of)
    end = time.monotonic() + PATIENCE
    while actor.poll(mirror.offset, mirror.printed, mirror.stamps).code is None:  # nobody hears it
        assert time.monotonic() < end
        time.sleep(0.002)
    assert fetch(actor, mirror) == 0
    assert figures(logged(folder)) == figures(logged(here))


def test_a_long_log_comes_in_pieces_of_whole_lines(
    actor: TrainingActor, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(map(len, (here / "events.jsonl").read_bytes().split(b"\n")))
    monkeypatch.setattr(actors, "MOST_BYTES", longest + 10)
    of = job(folder)
    mirror = ArmMirror(of)
    begin(actor, mirror, of)
    assert fetch(actor, mirror) == 0
    assert figures(logged(folder)) == figures(logged(here))
    assert (folder / "predictions.npz").exists()


def test_a_full_disk_here_loses_nothing(
    actor: TrainingActor, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = job(folder)
    mirror = ArmMirror(of)
    begin(actor, mirror, of)
    write, full, log = os.write, [True] * 5, folder / "events.jsonl"

    def refuse(descriptor: int, content: bytes) -> int:
        if full and os.path.samestat(os.fstat(descriptor), log.stat()):  # not the log on the node
            full.pop()
            raise OSError(28, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr("inittui.record.event_log.os.write", refuse)
    time.sleep(0.3)
    assert ask(actor, mirror) is None
    assert (folder / "disk-full").exists()
    while not mirror.flush():
        pass
    assert fetch(actor, mirror) == 0
    assert not (folder / "disk-full").exists()
    assert figures(logged(folder)) == figures(logged(here))


def test_an_arm_is_paused_and_resumed(actor: TrainingActor, folder: Path, here: Path) -> None:
    of = job(folder)
    mirror = ArmMirror(of)
    seat_began = time.monotonic()
    begin(actor, mirror, of)
    actor.control(worker.PAUSE)
    kinds: set[str] = set()
    while not kinds & {"Paused", "Finished"}:
        assert time.monotonic() - seat_began < PATIENCE
        ask(actor, mirror)
        kinds = {type(event).__name__ for event in logged(folder)}
    if "Paused" in kinds:
        ask(actor, mirror)  # a report may have the line without the checkpoint; the next one has it
        assert list(folder.glob("checkpoint.*.safetensors"))
    actor.control(worker.RESUME)
    assert fetch(actor, mirror) == 0
    assert figures(logged(folder)) == figures(logged(here))
    assert list(folder.glob("checkpoint.*")) == []


def test_a_node_is_left_as_it_was(
    actor: TrainingActor, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(there))
    mirror = ArmMirror(job(folder))
    begin(actor, mirror, job(folder))
    fetch(actor, mirror)
    assert list(there.iterdir())
    actor.clean_up()
    assert list(there.iterdir()) == []


def test_versions_that_differ_are_named() -> None:
    own = versions()
    assert set(own) == {"inittui", "torch", "python"}
    assert differences(own, own) == ""
    assert differences(own, {**own, "torch": "2.1.0"}) == f"torch 2.1.0 there, {own['torch']} here"
