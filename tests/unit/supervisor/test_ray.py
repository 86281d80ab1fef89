"""An arm on a node and its copy here, without Ray: what Ray does is carry what the one says to the other."""

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
from inittui.supervisor.ray import actor as seats
from inittui.supervisor.ray.actor import Seat, packed, unpacked
from inittui.supervisor.ray.run_mirror import Copy
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
def seat() -> Iterator[Seat]:
    one = Seat()
    yield one
    one.tell(worker.STOP)
    one.leave()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "arm").mkdir()
    return tmp_path / "arm"


def job(folder: Path, of: Arm = SHORT) -> Job:
    return Job(of, folder, time.monotonic(), CPU, 1, True)


def begin(seat: Seat, copy: Copy, of: Job) -> None:
    last, files = copy.beginning()
    copy.begun(seat.begin(of, time.monotonic() - of.zero, last, files, packed(DATA)))


def ask(seat: Seat, copy: Copy) -> int | None:
    report = seat.poll(copy.offset, copy.printed, copy.known)
    return report.code if copy.take(report) else None


def fetch(seat: Seat, copy: Copy) -> int:
    """Until it has ended; the worker's exit code."""
    end = time.monotonic() + PATIENCE
    while (code := ask(seat, copy)) is None:
        assert time.monotonic() < end
        time.sleep(0.002)
    return code


def told(folder: Path) -> list[events.AnyEvent]:
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


def test_an_arm_on_a_node_comes_to_the_same_bits_and_files(seat: Seat, folder: Path, here: Path) -> None:
    copy = Copy(job(folder))
    begin(seat, copy, job(folder))
    assert fetch(seat, copy) == 0
    copy.close()
    assert figures(told(folder)) == figures(told(here))
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "predictions.npz", "worker.log"]
    with numpy.load(folder / "predictions.npz") as one, numpy.load(here / "predictions.npz") as two:
        assert all((one[name] == two[name]).all() for name in two.files)
    assert (folder / "worker.log").read_text() == "printed\n"


def test_a_node_that_dies_loses_nothing_that_has_arrived(folder: Path, here: Path) -> None:
    """Stop it in its midst, as the last that arrives, and go on somewhere else; then once more from an older state."""
    first, of = Seat(), job(folder)
    copy = Copy(of)
    begin(first, copy, of)
    first.tell(worker.STOP)
    fetch(first, copy)
    copy.close()
    first.leave()
    before = told(folder)
    second, copy = Seat(), Copy(of)
    begin(second, copy, of)
    assert fetch(second, copy) == 0
    copy.close()
    second.leave()
    after = told(folder)
    assert after[: len(before)] == before
    assert figures(after) == figures(told(here))


def test_an_answer_that_was_lost_can_be_asked_for_again(seat: Seat, folder: Path, here: Path) -> None:
    of = job(folder)
    copy = Copy(of)
    begin(seat, copy, of)
    end = time.monotonic() + PATIENCE
    while seat.poll(copy.offset, copy.printed, copy.known).code is None:  # nobody hears it
        assert time.monotonic() < end
        time.sleep(0.002)
    assert fetch(seat, copy) == 0
    assert figures(told(folder)) == figures(told(here))


def test_a_long_log_comes_in_pieces_of_whole_lines(
    seat: Seat, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(map(len, (here / "events.jsonl").read_bytes().split(b"\n")))
    monkeypatch.setattr(seats, "MOST_BYTES", longest + 10)
    of = job(folder)
    copy = Copy(of)
    begin(seat, copy, of)
    assert fetch(seat, copy) == 0
    assert figures(told(folder)) == figures(told(here))
    assert (folder / "predictions.npz").exists()


def test_a_full_disk_here_loses_nothing(seat: Seat, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = job(folder)
    copy = Copy(of)
    begin(seat, copy, of)
    write, full = os.write, [True] * 5

    def refuse(descriptor: int, content: bytes) -> int:
        if full and descriptor == copy._log._file:  # not the node's own
            full.pop()
            raise OSError(28, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr("inittui.record.event_log.os.write", refuse)
    time.sleep(0.3)
    assert ask(seat, copy) is None
    assert (folder / "disk-full").exists()
    while not copy.flush():
        pass
    assert fetch(seat, copy) == 0
    assert not (folder / "disk-full").exists()
    assert figures(told(folder)) == figures(told(here))


def test_an_arm_can_be_held_and_goes_on(seat: Seat, folder: Path, here: Path) -> None:
    of = job(folder)
    copy = Copy(of)
    seat_began = time.monotonic()
    begin(seat, copy, of)
    seat.tell(worker.PAUSE)
    kinds: set[str] = set()
    while not kinds & {"Paused", "Finished"}:
        assert time.monotonic() - seat_began < PATIENCE
        ask(seat, copy)
        kinds = {type(event).__name__ for event in told(folder)}
    if "Paused" in kinds:
        assert list(folder.glob("checkpoint.*.safetensors"))
    seat.tell(worker.RESUME)
    assert fetch(seat, copy) == 0
    assert figures(told(folder)) == figures(told(here))
    assert list(folder.glob("checkpoint.*")) == []


def test_a_node_is_left_as_it_was(seat: Seat, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(there))
    copy = Copy(job(folder))
    begin(seat, copy, job(folder))
    fetch(seat, copy)
    assert list(there.iterdir())
    seat.leave()
    assert list(there.iterdir()) == []


def test_versions_that_differ_are_named() -> None:
    own = versions()
    assert set(own) == {"inittui", "torch", "python"}
    assert differences(own, own) == ""
    assert differences(own, {**own, "torch": "2.1.0"}) == f"torch 2.1.0 there, {own['torch']} here"
