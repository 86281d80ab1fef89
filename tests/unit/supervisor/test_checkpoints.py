import errno
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from inittui.common.checksums import NO_DIGEST, seal_tensors
from inittui.common.errors import RunError
from inittui.engine.step.replica import Replica, Snapshot
from inittui.engine.trainer import Stop, Trainer
from inittui.experiment.preset import Arm
from inittui.record import events
from inittui.record.event_log import EventLog, Tail
from inittui.record.events import Position
from inittui.supervisor.workers import checkpoints
from inittui.supervisor.workers.checkpoints import CheckpointWriter, path_of, read, write
from tests.helpers import overwrite, steady
from tests.unit.tiny import CPU, arm, dataset, figures

DATA = dataset()
STEPS = 3  # of an epoch
SEEDS = (5, 6)
TOTAL = 2 * len(SEEDS) * STEPS
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam", "weight_decay": 0.01},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.01},
    "sgd with momentum": {"optimizer": "sgd", "momentum": 0.9},
    "sgd": {"optimizer": "sgd"},
}
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


def of(optimizer: str, *, seeds: tuple[int, ...] = SEEDS) -> Arm:
    return arm(seeds=list(seeds), **OPTIMIZERS[optimizer])


def trained(trainer: Trainer, steps: float = float("inf")) -> list[events.Event]:
    """Train so many steps, of all replicas together, and then no more. What was told."""
    taken = count()

    def between_steps(_: object = None) -> float:
        if next(taken) >= steps:
            raise Stop
        return 0.0

    trainer.between_steps = between_steps
    told: list[events.Event] = []
    try:
        for event in trainer.run():
            told.append(event)
    except Stop:
        pass
    return told


def stopped_after(steps: int, optimizer: str = "adam", **options: Any) -> Trainer:
    trainer = Trainer(of(optimizer, **options), DATA, CPU)
    trained(trainer, steps)
    return trainer


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether they are equal to the last bit."""
    return a.keys() == b.keys() and all(
        a[key].dtype == b[key].dtype and a[key].shape == b[key].shape and bits(a[key]) == bits(b[key]) for key in a
    )


def bits(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def outcome(trainer: Trainer) -> list[object]:
    """All that a trained arm is: weights, the optimizers' states, and its tests."""
    return [
        *({name: bits(value) for name, value in replica.snapshot().tensors.items()} for replica in trainer.replicas),
        *(
            (seed, e.cost, e.accuracy, bits(e.classes), bits(e.probabilities))
            for seed, e in sorted(trainer.evaluations.items())
        ),
    ]


@cache
def undisturbed(optimizer: str) -> tuple[list[Any], list[object]]:
    trainer = Trainer(of(optimizer), DATA, CPU)
    return figures(trained(trainer)), outcome(trainer)


def through_a_file(folder: Path, replica: Replica) -> Snapshot:
    write(folder, replica.snapshot(), "the arm")
    found = read(folder, replica.seed, "the arm")
    assert found is not None
    return found


# All of a replica, and nothing else


@every_optimizer
@pytest.mark.parametrize("steps", [0, 1, 3, 4, 6, 8, 9, TOTAL - 1])
def test_what_is_read_is_what_was_written_to_the_last_bit(tmp_path: Path, optimizer: str, steps: int) -> None:
    trainer, fresh = stopped_after(steps, optimizer), Trainer(of(optimizer), DATA, CPU)
    for replica, other in zip(trainer.replicas, fresh.replicas, strict=True):
        snapshot = replica.snapshot()
        found = through_a_file(tmp_path, replica)
        assert (found.position, found.seconds) == (snapshot.position, snapshot.seconds)
        assert same(found.tensors, snapshot.tensors)
        assert same(other.snapshot().tensors, snapshot.tensors) == (replica.position == other.position)
        other.restore(found)
        again = other.snapshot()
        assert (again.position, again.seconds) == (snapshot.position, snapshot.seconds)
        assert same(again.tensors, snapshot.tensors)


def test_a_snapshot_knows_its_place() -> None:
    places = [stopped_after(steps).replicas[0].snapshot().position for steps in (0, 1, 3, 4, 6, 7, 9)]
    assert [(place.epochs, place.step) for place in places] == [
        (0, 0), (0, 1), (1, 0), (1, 0), (1, 0), (1, 1), (2, 0)
    ]  # fmt: skip
    assert {place.seed for place in places} == {5}


def test_a_snapshot_is_nobody_elses() -> None:
    trainer = stopped_after(4)
    snapshots = [replica.snapshot() for replica in trainer.replicas]
    kept = [{name: bits(value) for name, value in snapshot.tensors.items()} for snapshot in snapshots]
    trained(trainer)
    assert [{name: bits(value) for name, value in snapshot.tensors.items()} for snapshot in snapshots] == kept


def test_taking_a_snapshot_changes_nothing() -> None:
    trainer = Trainer(of("adam"), DATA, CPU, report_seconds=0.0)
    told = []
    for event in trainer.run():
        told.append(event)
        for replica in trainer.replicas:
            replica.snapshot()
    assert (figures(told), outcome(trainer)) == undisturbed("adam")


# Going on


@every_optimizer
@settings(steady, max_examples=10)
@given(cuts=st.lists(st.integers(0, TOTAL), max_size=4))
@example(cuts=list(range(TOTAL + 1)))
def test_training_on_from_any_step_is_training_that_was_never_stopped(optimizer: str, cuts: list[int]) -> None:
    told: list[events.Event] = []
    done = 0
    with TemporaryDirectory() as folder:
        trainer = Trainer(of(optimizer), DATA, CPU)
        for cut in sorted(cuts):
            told += trained(trainer, cut - done)
            done = cut
            for replica in trainer.replicas:
                write(Path(folder), replica.snapshot(), "the arm")
            trainer = Trainer(of(optimizer), DATA, CPU)
            for replica in trainer.replicas:
                found = read(Path(folder), replica.seed, "the arm")
                assert found is not None
                replica.restore(found)
        told += trained(trainer)
    figures_, outcome_ = undisturbed(optimizer)
    assert figures(told) == figures_
    assert outcome(trainer) == outcome_


@every_optimizer
def test_training_on_from_any_event_is_training_that_was_never_stopped(optimizer: str) -> None:
    """Where a worker saves on its way: after every report, and between an epoch and its successor."""
    first = Trainer(of(optimizer), DATA, CPU, report_seconds=0.0)
    before: list[events.Event] = []
    for event in first.run():
        before.append(event)
        on = Trainer(of(optimizer), DATA, CPU)
        for replica, other in zip(first.replicas, on.replicas, strict=True):
            other.restore(replica.snapshot())
        assert (figures([*before, *trained(on)]), outcome(on)) == undisturbed(optimizer)
    assert len(before) > TOTAL  # a report a step, but for the last one of each epoch


@pytest.mark.parametrize("steps", [1, 4, 6, 10])
def test_going_on_tells_from_where(steps: int) -> None:
    first, on = stopped_after(steps), Trainer(of("adam"), DATA, CPU)
    for replica, other in zip(first.replicas, on.replicas, strict=True):
        other.restore(replica.snapshot())
    told = trained(on)
    assert told[0] == events.Restored(places=tuple(replica.position for replica in first.replicas))
    assert not any(isinstance(event, events.Begin) for event in told)
    assert isinstance(told[1], events.Sample)


def test_a_replica_whose_checkpoint_was_deleted_is_trained_from_its_start_and_comes_to_the_same() -> None:
    first, on = stopped_after(10), Trainer(of("adam"), DATA, CPU)
    on.replicas[1].restore(first.replicas[1].snapshot())
    told = trained(on)
    assert told[0] == events.Restored(places=(Position(5), Position(6, epochs=1, step=1)))
    assert outcome(on) == undisturbed("adam")[1]
    rows = undisturbed("adam")[0]
    assert figures(told) == [row for row in rows if row[:2] != (6, 1)]


def test_the_time_of_training_goes_on_where_it_was() -> None:
    first = stopped_after(2).replicas[0].snapshot()
    assert first.seconds > 0
    on = Trainer(of("adam"), DATA, CPU)
    on.replicas[0].restore(replace(first, seconds=1000.0))
    one, *others = [event for event in trained(on) if isinstance(event, events.Epoch)]
    assert 1000.0 <= one.seconds < 2000.0
    assert all(event.seconds < 1000.0 for event in others)


# Every part is needed


def everything_after(snapshot: Snapshot, optimizer: str) -> list[object]:
    on = Trainer(of(optimizer, seeds=(5,)), DATA, CPU)
    on.replicas[0].restore(snapshot)
    return [figures(trained(on)), *outcome(on)]


@every_optimizer
def test_every_single_tensor_of_a_snapshot_matters(optimizer: str) -> None:
    snapshot = stopped_after(2, optimizer, seeds=(5,)).replicas[0].snapshot()
    whole = everything_after(snapshot, optimizer)
    assert whole == everything_after(snapshot, optimizer)
    kinds = {"adam": 4 * 4, "adamw": 4 * 4, "sgd with momentum": 4 * 2, "sgd": 4}[optimizer]
    assert len(snapshot.tensors) == kinds + len(("costs", "order", "noise"))
    for name, value in snapshot.tensors.items():
        if name == "noise":  # a perceptron draws nothing
            continue
        other = stopped_after(0, seeds=(6,)).replicas[0].order.get_state() if name == "order" else value + 1
        if name.endswith("/step"):  # of one parameter: they all took the same steps
            with pytest.raises(ValueError, match="differs between parameters"):
                everything_after(changed(snapshot, name, other), optimizer)
            continue
        assert everything_after(changed(snapshot, name, other), optimizer) != whole, name


def changed(snapshot: Snapshot, name: str, value: Tensor) -> Snapshot:
    return replace(snapshot, tensors={**snapshot.tensors, name: value})


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd with momentum"])
def test_without_the_optimizers_state_it_would_be_another_training(kind: str) -> None:
    snapshot = stopped_after(4, kind, seeds=(5,)).replicas[0].snapshot()
    bare = {name: value for name, value in snapshot.tensors.items() if not name.startswith("optimizer/")}
    assert len(bare) < len(snapshot.tensors)
    assert everything_after(replace(snapshot, tensors=bare), kind) != everything_after(snapshot, kind)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_a_place_that_is_a_step_or_an_epoch_off_would_be_another_training(steps: int) -> None:
    snapshot = stopped_after(steps, seeds=(5,)).replicas[0].snapshot()
    whole = everything_after(snapshot, "adam")
    place = snapshot.position
    wrong = [Position(5, epochs=1 - place.epochs, step=place.step)]
    if place.step:
        wrong.append(Position(5, epochs=place.epochs, step=place.step - 1))
    for other in wrong:
        costs = snapshot.tensors["costs"][: other.step]
        assert everything_after(replace(changed(snapshot, "costs", costs), position=other), "adam") != whole


@pytest.mark.parametrize("name", ["costs", "order", "network/0.weight"])
def test_a_snapshot_that_lacks_a_part_is_refused(name: str) -> None:
    snapshot = stopped_after(2, seeds=(5,)).replicas[0].snapshot()
    less = {key: value for key, value in snapshot.tensors.items() if key != name}
    with pytest.raises((KeyError, RuntimeError, ValueError)):
        Trainer(of("adam", seeds=(5,)), DATA, CPU).replicas[0].restore(replace(snapshot, tensors=less))


# On disk


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RunError) as caught:
        call()
    words = str(caught.value)
    assert words.isprintable()
    return words


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of a few numbers, of seed 5 of the arm `a`."""
    folder = tmp_path / "he_normal"
    folder.mkdir()
    write(folder, SMALL, "a")
    return path_of(folder, 5)


SMALL = Snapshot(
    Position(5, epochs=3, step=2),
    1.5,
    {"network/w": torch.tensor([0.5, -1.0]), "order": torch.arange(4, dtype=torch.uint8)},
)


def test_where_there_is_no_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, 5, "a") is None
    assert read(tmp_path / "nowhere", 5, "a") is None


def test_a_checkpoint_is_for_its_owners_eyes_alone_and_replaces_the_one_before(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    size = write(saved.parent, replace(SMALL, position=Position(5, epochs=4)), "a")
    assert saved.stat().st_size == size
    found = read(saved.parent, 5, "a")
    assert found is not None
    assert found.position == Position(5, epochs=4)
    assert list(saved.parent.iterdir()) == [saved]


def test_a_checkpoint_that_cant_be_written_leaves_the_one_before(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(saved.parent, replace(SMALL, position=Position(5, epochs=4)), "a")
    found = read(saved.parent, 5, "a")
    assert found is not None
    assert found.position == SMALL.position
    assert list(saved.parent.iterdir()) == [saved]


def test_any_reader_of_safetensors_can_read_it(saved: Path) -> None:
    read_by_others = safetensors.torch.load_file(saved)
    assert same(read_by_others, SMALL.tensors)
    with safetensors.safe_open(saved, "pt") as file:
        assert set(file.metadata()) == {"inittui", "sha256"}
        assert int(file.metadata()["sha256"], 16)
        assert '"epochs":3' in file.metadata()["inittui"]


@pytest.mark.parametrize("flip", [1, 128])
def test_a_byte_that_changes_anywhere_is_refused_in_one_line_that_says_how_to_go_on(saved: Path, flip: int) -> None:
    content = saved.read_bytes()
    for at in range(len(content)):
        overwrite(saved, content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :])
        words = refusal(lambda: read(saved.parent, 5, "a"))
        assert words.startswith("checkpoint 'he_normal/checkpoint.5.safetensors' can't be used: ")
        assert words.endswith("; move it out of the run, and this seed is trained from its start")


def test_a_file_that_is_cut_anywhere_is_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for length in reversed(range(len(content))):
        overwrite(saved, content[:length])
        assert "can't be used" in refusal(lambda: read(saved.parent, 5, "a"))


@cache
def real() -> bytes:
    with TemporaryDirectory() as folder:
        write(Path(folder), stopped_after(4).replicas[0].snapshot(), "a")
        return path_of(Path(folder), 5).read_bytes()


@steady
@given(st.data())
def test_bits_that_flip_anywhere_in_a_real_one_are_refused(data: st.DataObject) -> None:
    content = bytearray(real())
    for bit in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=8, unique=True)):
        content[bit // 8] ^= 1 << bit % 8
    with TemporaryDirectory() as folder:
        path_of(Path(folder), 5).write_bytes(content)
        refusal(lambda: read(Path(folder), 5, "a"))


@steady
@given(st.binary(max_size=200))
def test_bytes_that_are_no_checkpoint_are_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path_of(Path(folder), 5).write_bytes(content)
        refusal(lambda: read(Path(folder), 5, "a"))


@pytest.mark.parametrize(
    "words",
    [
        {"sha256": NO_DIGEST.decode()},
        {"sha256": NO_DIGEST.decode(), "inittui": "{"},
        {"sha256": NO_DIGEST.decode(), "inittui": '{"format":1}'},
        {"sha256": NO_DIGEST.decode(), "inittui": '{"format":"1","seed":5,"epochs":0,"step":0,"seconds":0,"arm":"a"}'},
    ],
    ids=["no words", "torn words", "too few words", "wrong type"],
)
def test_a_whole_file_that_is_no_checkpoint_of_ours_is_refused(saved: Path, words: dict[str, str]) -> None:
    saved.write_bytes(seal_tensors(safetensors.torch.save(SMALL.tensors, words)))
    assert "can't be used" in refusal(lambda: read(saved.parent, 5, "a"))


def test_a_header_that_lies_about_the_numbers_behind_it_is_refused(saved: Path) -> None:
    content = safetensors.torch.save({"w": torch.zeros(4)}, {"sha256": NO_DIGEST.decode(), "inittui": ""})
    for lie in (content.replace(b'"data_offsets":[0,16]', b'"data_offsets":[0,99]'), content[:-4], content + b"xxxx"):
        saved.write_bytes(seal_tensors(lie))
        assert "can't be used" in refusal(lambda: read(saved.parent, 5, "a"))


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    path_of(tmp_path, 5).mkdir()
    assert "is a directory" in refusal(lambda: read(tmp_path, 5, "a"))


def test_a_checkpoint_of_another_arm_seed_or_version_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "it is of another arm, seed or version"
    assert words in refusal(lambda: read(saved.parent, 5, "b"))
    path_of(saved.parent, 6).write_bytes(saved.read_bytes())
    assert words in refusal(lambda: read(saved.parent, 6, "a"))
    assert read(saved.parent, 5, "a") is not None
    monkeypatch.setattr(checkpoints, "FORMAT", 2)
    assert words in refusal(lambda: read(saved.parent, 5, "a"))


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, at: Path) -> None:
        self.at = at

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return _explode, (str(self.at),)


def _explode(at: str) -> None:
    Path(at).touch()


@pytest.mark.parametrize("dump", ["pickle", "torch"])
@pytest.mark.parametrize("behind", [0, 8])
def test_a_pickle_in_its_place_executes_nothing(saved: Path, tmp_path: Path, dump: str, behind: int) -> None:
    bomb, place = Bomb(tmp_path / "exploded"), tmp_path / "bomb"
    if dump == "torch":
        torch.save(bomb, place)
    else:
        place.write_bytes(pickle.dumps(bomb))
    if dump == "pickle":  # it would, if somebody unpickled it
        pickle.loads(place.read_bytes())
        (tmp_path / "exploded").unlink()
    content = place.read_bytes()
    for damaged in (content, (100).to_bytes(8, "little") + content, saved.read_bytes()[:behind] + content):
        saved.write_bytes(damaged)
        assert "can't be used" in refusal(lambda: read(saved.parent, 5, "a"))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("written", "expected", "used"), [("x", "x", True), ("x", "y", False), ("", "y", True), ("x", "", True)]
)
def test_a_checkpoint_of_other_data_or_code_is_refused(tmp_path: Path, written: str, expected: str, used: bool) -> None:
    write(tmp_path, stopped_after(3).replicas[0].snapshot(), "a", written)
    if used:
        assert read(tmp_path, 5, "a", expected) is not None
    else:
        words = refusal(lambda: read(tmp_path, 5, "a", expected))
        assert "it was trained with other data or own code; resume with --force to use it all the same" in words


# Keeping


class Clock:
    """Stands for the clocks."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    thread_time = monotonic


class Kept:
    """A checkpoint writer with its folder and log, and the trainer whose replicas it saves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = EventLog(folder / "events.jsonl", 0.0)
        self.writer = CheckpointWriter(folder, "a", self.log)
        self.trainer = Trainer(of("adam"), DATA, CPU)
        self.replicas = self.trainer.replicas

    def places(self) -> list[tuple[int, int] | None]:
        """What is on disk of each replica."""
        found = [read(self.folder, seed, "a") for seed in SEEDS]
        return [(one.position.epochs, one.position.step) if one else None for one in found]

    @property
    def told(self) -> int:
        return sum(isinstance(event, events.Saved) for event in Tail(self.folder / "events.jsonl").poll())

    def tick(self) -> bool:
        """One step of training, and whether that was followed by a snapshot. If so, wait until it is on disk."""
        before, told = [replica.position for replica in self.replicas], self.told
        trained(self.trainer, 1)
        self.writer.tick(self.replicas)
        moved = [replica for replica, place in zip(self.replicas, before, strict=True) if replica.position != place]
        begun = any(replica.saved == replica.position for replica in moved)
        patience = time.monotonic() + 30
        while begun and self.told == told:
            assert time.monotonic() < patience
            time.sleep(0.001)
            self.writer.tick(self.replicas)
        return begun


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(checkpoints, "time", clock)
    return clock


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds whose files are written."""
    seeds: list[int] = []

    def counted(folder: Path, snapshot: Snapshot, arm: str, fingerprint: str) -> int:
        seeds.append(snapshot.position.seed)
        return write(folder, snapshot, arm, fingerprint)

    monkeypatch.setattr(checkpoints, "write", counted)
    return seeds


def test_what_is_saved_is_on_disk_and_told_with_its_size(kept: Kept) -> None:
    trained(kept.trainer, 4)
    kept.writer.save(kept.replicas)
    assert kept.places() == [(1, 0), (0, 1)]
    (told,) = Tail(kept.folder / "events.jsonl").poll()
    assert isinstance(told, events.Saved)
    assert told.bytes == sum(path_of(kept.folder, seed).stat().st_size for seed in SEEDS)
    assert told.seconds >= 0


def test_only_what_has_moved_is_saved(kept: Kept, writes: list[int]) -> None:
    trained(kept.trainer, 4)
    kept.writer.save(kept.replicas)
    kept.writer.save(kept.replicas)
    assert (writes, kept.told) == ([5, 6], 1)
    trained(kept.trainer, 1)  # of the second one
    kept.writer.save(kept.replicas)
    assert (writes, kept.told) == ([5, 6, 6], 2)
    assert kept.places() == [(1, 0), (0, 2)]


def test_what_was_restored_and_has_not_moved_is_not_saved_again(kept: Kept, writes: list[int]) -> None:
    trained(kept.trainer, 4)
    kept.writer.save(kept.replicas)
    on = Kept(kept.folder)
    for replica in on.replicas:
        found = read(kept.folder, replica.seed, "a")
        assert found is not None
        replica.restore(found)
    on.writer.save(on.replicas)
    assert writes == [5, 6]


def test_it_saves_every_seven_seconds(clock: Clock, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for passed, saves in (
        (0.0, False),
        (6.9, False),
        (7.0, True),
        (7.0, False),
        (13.9, False),
        (14.1, True),
    ):
        clock.now = 1000.0 + passed
        assert kept.tick() == saves, passed
    assert kept.told == 2


def test_a_checkpoint_is_never_ahead_of_a_log_that_waits_for_room(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(kept.trainer, 1)
    kept.writer.save(kept.replicas)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        trained(kept.trainer, 1)
        kept.log.append(events.Finished(seconds=1))
        kept.writer.save(kept.replicas)
        assert kept.places()[0] == (0, 1)
    kept.writer.save(kept.replicas)
    assert kept.places()[0] == (0, 2)
    assert [type(event) for event in Tail(kept.folder / "events.jsonl").poll()] == [
        events.Saved, events.Finished, events.Saved
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "no checkpoint: no space left on device"),
        (RuntimeError("no\nidea"), "no checkpoint: no"),
        (MemoryError(), "no checkpoint: MemoryError"),
    ],
    ids=["full disk", "whatever it is", "no memory"],
)
def test_what_could_not_be_written_is_said_and_written_the_next_time(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: Exception, words: str
) -> None:
    def broken(*_: object) -> int:
        raise fault

    trained(kept.trainer, 1)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "write", broken)
        kept.writer.save(kept.replicas)
    assert (kept.places(), kept.told) == ([None, None], 0)
    assert capsys.readouterr().out == f"{words}\n"
    kept.writer.save(kept.replicas)  # though no replica has moved since
    assert (kept.places(), kept.told) == ([(0, 1), (0, 0)], 1)


def test_the_log_is_on_disk_before_the_checkpoint_is(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(kept.log, "sync", lambda: done.append("log"))
    monkeypatch.setattr(checkpoints, "replace", lambda path, _: done.append(path.name))
    trained(kept.trainer, 1)
    kept.writer.save(kept.replicas)
    assert done == ["log", "checkpoint.5.safetensors", "checkpoint.6.safetensors"]


def test_what_trains_on_while_a_snapshot_is_written_does_not_change_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(kept.trainer, 2)
    expected = [replica.snapshot() for replica in kept.replicas]
    for replica in kept.replicas:
        replica.saved = None
    original = kept.log.sync

    def while_it_trains() -> None:
        trained(kept.trainer, 5)
        original()

    monkeypatch.setattr(kept.log, "sync", while_it_trains)
    kept.writer.save(kept.replicas)
    for snapshot in expected:
        found = read(kept.folder, snapshot.position.seed, "a")
        assert found is not None
        assert found.position == snapshot.position
        assert same(found.tensors, snapshot.tensors)


def test_an_arm_that_is_trained_to_its_end_needs_no_checkpoint(kept: Kept) -> None:
    trained(kept.trainer, 4)
    kept.writer.save(kept.replicas)
    (kept.folder / "worker.log").touch()
    synced: list[bool] = []
    kept.log.sync = lambda: synced.append(bool(kept.places()[0]))  # type: ignore[method-assign]
    kept.writer.remove_all()
    assert kept.places() == [None, None]
    assert synced == [True]  # the log first
    assert sorted(path.name for path in kept.folder.iterdir()) == ["events.jsonl", "worker.log"]
