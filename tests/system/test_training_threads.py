"""Seeds of one arm side by side, in one worker: the same bits as one after the other, whatever happens meanwhile."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inittui.common.cores import usable_cores
from inittui.record import events

from . import logs
from .conftest import until
from .run_processes import figures, kill, processes, resumed, started

SEEDS = 3
ROOT = Path(__file__).parents[2]
ALONE = [
    *("--preset", "digits", "--arm", "he_normal", "--seeds", str(SEEDS)),
    *("--set", "training.batch_size=25", "--set", "model.hidden=[32]"),
]
several_cores = pytest.mark.skipif(
    usable_cores() < 2 or not hasattr(os, "sched_setaffinity"), reason="there is one core, or none can be chosen"
)


def told(run):
    log = run.arm_log("he_normal")
    return logs.whole(log) if log.exists() else []


@several_cores
def test_on_one_core_and_on_several_a_run_comes_to_the_same(inittui):
    _, said = inittui.start(*ALONE, "--epochs", "2", "--json").communicate(timeout=300)
    assert "Traceback" not in said
    several = figures(inittui.run_dir())
    (run,) = inittui.runs_dir.iterdir()
    shutil.rmtree(run)
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})  # what is started in here keeps to it
    try:
        inittui.start(*ALONE, "--epochs", "2", "--json").communicate(timeout=300)
    finally:
        os.sched_setaffinity(0, mine)
    assert figures(inittui.run_dir()) == several


@several_cores
def test_a_pause_holds_all_of_them_and_is_told_once(inittui):
    run = started(inittui, *ALONE, "--epochs", "100000")
    until(lambda: len({e.seed for e in told(run) if isinstance(e, events.Progress | events.Epoch)}) >= 2, "two seeds")
    for _ in range(2):
        assert inittui("pause", run.name).returncode == 0
        worker = processes(run)["he_normal"]
        before, length = worker.cpu_times(), len(told(run))
        time.sleep(0.5)
        assert sum(worker.cpu_times()[:2]) - sum(before[:2]) < 0.1
        assert len(told(run)) == length
        assert inittui("resume", run.name, "--detach").returncode == 0
        until(lambda length=length: len(told(run)) > length + 5, "training to go on")  # type: ignore[misc]
    assert inittui("stop", run.name).returncode == 0
    said = [type(event) for event in told(run)]
    assert said.count(events.Paused) == said.count(events.Continued) == 2
    assert said[-1] is events.Stopped


@pytest.mark.slow
@several_cores
def test_killed_at_random_and_resumed_it_comes_to_the_same_bits(inittui):
    _, said = inittui.start(*ALONE, "--epochs", "200", "--json").communicate(timeout=300)
    assert "Traceback" not in said
    expected = figures(inittui.run_dir())
    (run,) = inittui.runs_dir.iterdir()
    shutil.rmtree(run)
    chance = random.Random(20251125)
    run = started(inittui, *ALONE, "--epochs", "200")
    before = 0
    for number in range(6):
        until(lambda before=before: any(isinstance(event, events.Epoch) for event in told(run)[before:]), "an epoch")  # type: ignore[misc]
        time.sleep(chance.uniform(0, 1.5))
        if run.status().state == "finished":
            break
        if number % 2:
            assert inittui("pause", run.name).returncode == 0  # with a checkpoint of all of them
        kill(*processes(run).values())
        before = len(told(run))
        resumed(inittui, run)
    until(lambda: run.status().state == "finished" and not run.alive(), "the run's end")
    found = figures(run)
    for one, (costs, accuracies, test_cost) in expected.items():
        places = [event.places for event in told(run) if isinstance(event, events.Restored)]
        differing = [epoch for epoch, (a, b) in enumerate(zip(found[one][0], costs, strict=True), 1) if a != b]
        assert not differing, (one, differing[0], places)
        assert found[one][1:] == (accuracies, test_cost), (one, places)


FORKS = """
import hashlib, os, sys
import torch

from inittui.engine.device import set_up_thread
from inittui.engine.trainer import Trainer
from tests.unit.tiny import CPU, arm, dataset, figures

torch.set_num_threads(1)
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))]).zero_grad()  # imports much, here and not in every fork
of, data = arm(seeds=[5, 6, 7, 8], epochs=4), dataset()

def digest(training_threads):
    read, write = os.pipe()
    if os.fork() == 0:
        set_up_thread(1)
        options = {"prepare": lambda: set_up_thread(1), "report_seconds": 1e9}
        trainer = Trainer(of, data, CPU, training_threads=training_threads, **options)
        for replica in trainer.replicas:
            replica.epochs = 1  # as after a resume: nothing has been computed before the training threads begin
        told = repr(sorted(figures(trainer.run())))
        os.write(write, hashlib.sha256(told.encode()).hexdigest().encode())
        os._exit(0)
    os.close(write)
    os.wait()
    return os.read(read, 100)

print(len({digest(1), *(digest(2) for _ in range(120))}))
"""


@pytest.mark.slow
def test_threads_that_compute_the_first_products_of_a_process_come_to_the_same_bits():
    """Without `choose_kernels` one fork in sixty did not."""
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.stdout == "1\n", done.stderr
