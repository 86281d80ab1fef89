"""Replicas side by side in threads come to what they come to one after the other."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from inittui.engine import trainer as training
from inittui.engine.trainer import CostNotFinite, Stop, Trainer
from inittui.engine.training_threads import ReplicaScheduler, run_in_threads
from inittui.record import events
from tests.unit.tiny import CPU, arm, dataset, epochs, figures

DATA = dataset()


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


def trainer(training_threads: int, **options: Any) -> Trainer:
    seeds = options.pop("seeds", [5, 6, 7, 8, 9])
    options.setdefault("prepare", lambda: torch.set_num_threads(1))
    return Trainer(arm(seeds=seeds, epochs=3), DATA, CPU, training_threads=training_threads, **options)


@pytest.mark.parametrize("hand_written", [True, False])
@pytest.mark.parametrize("training_threads", [2, 3, 8])
def test_they_come_to_the_same_bits(training_threads: int, hand_written: bool) -> None:
    alone = sorted(figures(trainer(1, hand_written=hand_written).run()))
    assert sorted(figures(trainer(training_threads, hand_written=hand_written).run())) == alone


def test_all_replicas_train_in_threads_of_their_own_that_were_prepared() -> None:
    prepared, seen = set(), set()
    meeting = threading.Barrier(3, timeout=30)  # passed only by three that train at the same time

    def prepare() -> None:
        prepared.add(threading.get_ident())

    met = threading.local()

    def between_steps(_: object) -> float:
        seen.add(threading.get_ident())
        if not hasattr(met, "done"):
            met.done = True
            meeting.wait()
        return 0.0

    of = arm(seeds=[5, 6, 7], epochs=2)
    list(Trainer(of, DATA, CPU, training_threads=3, prepare=prepare, between_steps=between_steps).run())
    assert seen == prepared
    assert len(seen) == 3
    assert threading.get_ident() not in seen


def test_kernels_are_chosen_before_the_threads_begin_and_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[str] = []
    monkeypatch.setattr(training, "choose_kernels", lambda: emitted.append(threading.current_thread().name))
    running = trainer(2, between_steps=lambda _: emitted.append("a step") or 0.0)  # type: ignore[func-returns-value]
    list(running.run())
    assert emitted[0] == threading.current_thread().name
    assert set(emitted[1:]) == {"a step"}


def test_no_more_threads_than_replicas_and_one_for_a_network_of_ones_own() -> None:
    assert trainer(8, seeds=[5, 6]).training_threads == 2
    assert trainer(1).training_threads == 1


def test_a_stop_ends_all_threads_between_two_steps_and_what_they_did_is_told() -> None:
    steps = 0
    lock = threading.Lock()

    def between_steps(_: object) -> float:
        nonlocal steps
        with lock:
            steps += 1
            if steps > 20:
                raise Stop("by hand")
        return 0.0

    running = trainer(2, between_steps=between_steps)
    emitted: list[events.Event] = []
    with pytest.raises(Stop, match="by hand"):
        emitted.extend(running.run())
    behind = {replica.seed: replica.epochs for replica in running.replicas}
    assert {seed: sum(e.seed == seed for e in epochs(emitted)) for seed in behind} == behind
    assert sum(behind.values()) * 3 + sum(r.step for r in running.replicas) == 20
    on = trainer(2)
    for replica, before in zip(on.replicas, running.replicas, strict=True):
        replica.restore(before.snapshot())
    both = figures(emitted) + figures(on.run())
    assert sorted(both) == sorted(figures(trainer(1).run()))


def test_a_fault_in_one_thread_ends_the_others_and_is_raised() -> None:
    def between_steps(group: Any) -> float:
        if group[0].seed == 7 and group[0].epochs == 1:
            with torch.no_grad():
                next(group[0].network.parameters()).fill_(float("nan"))
        return 0.0

    before = threading.active_count()
    with pytest.raises(CostNotFinite, match="seed 7"):
        list(trainer(2, between_steps=between_steps).run())
    for thread in threading.enumerate():
        if thread.name.startswith("training-"):
            thread.join(30)
    assert threading.active_count() == before


def test_an_event_is_dealt_with_before_its_thread_goes_on() -> None:
    at_work = threading.local()
    dealt: list[int] = []

    def train() -> Iterator[events.Event]:
        for number in range(50):
            at_work.number = number
            yield events.Stopped(reason=str(number))
            assert str(number) in {str(n) for n in dealt}

    for event in run_in_threads(train, 2, lambda: None):
        assert isinstance(event, events.Stopped)
        dealt.append(int(event.reason))
    assert sorted(dealt) == sorted([*range(50), *range(50)])


def test_whoever_has_come_least_far_is_next() -> None:
    replicas = trainer(1).replicas
    scheduler = ReplicaScheduler(replicas, 3, 2)
    replicas[0].epochs, replicas[1].epochs, replicas[2].epochs = 2, 1, 1
    replicas[3].epochs, replicas[3].step = 1, 2
    replicas[4].epochs = 3  # done
    assert scheduler.acquire() == replicas[1:3]
    with scheduler.idle() as idle:
        assert idle == [replicas[0], replicas[3], replicas[4]]
    assert scheduler.acquire() == [replicas[3]]
    assert scheduler.acquire() == [replicas[0]]
    assert scheduler.acquire() == []
    scheduler.release(replicas[1:3])
    assert scheduler.acquire() == replicas[1:3]
