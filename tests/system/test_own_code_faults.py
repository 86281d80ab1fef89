"""Own code that never ends, ignores signals or ends its process, and the folder of a run that is moved or deleted."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from inittui.board.follower import Follower
from inittui.record import events
from inittui.record.run_directory import RunDir

from . import logs
from .conftest import Command, until
from .run_processes import processes, started

DATA = """
import signal, time
from pathlib import Path
import numpy

HERE = Path(__file__).parent

def ready():
    labels = numpy.arange(300) % 4
    inputs = numpy.zeros((300, 6, 6), "float32")
    inputs[numpy.arange(300), labels] = 1
    return inputs[:240], labels[:240], inputs[240:], labels[240:]

def slow():
    (HERE / "loading").touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return ready()

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    (HERE / "loading").touch()
    while not (HERE / "go").exists():
        try:
            time.sleep(0.01)
        except BaseException:
            pass
    return ready()
"""
NETWORK = """
import os, signal, time
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def __init__(self, inputs, fault):
        super().__init__()
        self.layers, self.fault, self.calls = nn.Sequential(nn.Flatten(), nn.Linear(36, 4)), fault, 0

    def forward(self, x):
        self.calls += 1
        if self.calls > 100 and self.fault:
            self.fault()
        return self.layers(x)

def hang():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while not (Path(__file__).parent / "healed").exists():
        time.sleep(0.05)

def good(*, inputs, classes):
    return Net(inputs, None)

def leaves(*, inputs, classes):
    return Net(inputs, lambda: os._exit(0))

def hangs(*, inputs, classes):
    return Net(inputs, hang)
"""
PRESET = """
title = "Faults"

[data]
factory = "./code.py:{data}"

[model]
factory = "./code.py:good"

[training]
epochs = {epochs}
batch_size = 20

[[arms]]
init = "he_normal"

[[arms]]
init = "he_normal"
name = "second"
model = {{ factory = "./code.py:{network}" }}
"""
Preset = Callable[..., list[str]]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "code.py").write_text(DATA + NETWORK)
    return folder


@pytest.fixture
def words(mine: Path) -> Preset:
    def make(data: str = "ready", network: str = "good", epochs: int = 30) -> list[str]:
        (mine / "faults.toml").write_text(PRESET.format(data=data, network=network, epochs=epochs))
        return ["--preset", str(mine / "faults.toml")]

    return make


def until_loading(mine: Path) -> None:
    until((mine / "loading").exists, "own code that loads data")


def until_over(run: RunDir) -> None:
    until(lambda: not run.alive(), "the end of the run")


# Stop and pause while data load


@pytest.mark.parametrize("data", [pytest.param("slow", marks=pytest.mark.slow), "deaf"])
def test_a_stop_is_heard_while_own_code_loads_data(inittui: Command, mine: Path, words: Preset, data: str) -> None:
    run = started(inittui, *words(data))
    until_loading(mine)
    done = inittui("stop", run.name)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"stopped {run.name}\n", "")
    assert not run.alive()
    assert (run.status().state, run.status().reason) == ("stopped", "stopped before training began")


@pytest.mark.slow
def test_ctrl_c_is_heard_while_own_code_loads_data(inittui: Command, mine: Path, words: Preset) -> None:
    viewer = inittui.start(*words("deaf"), "--plain")
    until_loading(mine)
    viewer.send_signal(signal.SIGINT)
    viewer.communicate(timeout=30)
    assert viewer.returncode == 130
    assert inittui.run_dir().status().state == "stopped"


@pytest.mark.slow
def test_a_pause_is_heard_while_own_code_loads_data_and_a_stop_afterwards(
    inittui: Command, mine: Path, words: Preset
) -> None:
    run = started(inittui, *words("deaf"))
    until_loading(mine)
    done = inittui("pause", run.name)
    assert done.returncode == 0, done.stderr
    (mine / "go").touch()
    until(lambda: run.status().state == "paused", "the pause")
    assert inittui("resume", run.name, "--detach").returncode == 0
    until_over(run)  # its workers can be waited for, though own code has ignored SIGCHLD
    assert run.status().state == "finished"
    asked = [(event.verb, event.arm) for event in logs.whole(run.log) if isinstance(event, events.Asked)]
    assert asked == [("pause", ""), ("pause", ""), ("resume", "")]


# Own code in a worker


def test_own_code_that_leaves_with_exit_code_0_has_not_finished(inittui: Command, words: Preset) -> None:
    done = inittui(*words(network="leaves"), "--plain")
    assert done.returncode == 1
    assert "ended with exit code 0, but its log has no end" in done.stdout
    run = inittui.run_dir()
    document = run.result()
    assert document is not None
    assert (run.status().state, document.status) == ("failed", "failed")
    assert [arm.status for arm in document.arms] == ["finished", "failed"]


@pytest.mark.slow
def test_a_run_that_cant_hear_a_stop_is_killed_told_as_stopped_and_resumed(
    inittui: Command, mine: Path, words: Preset
) -> None:
    run = started(inittui, *words(network="hangs"))
    until(lambda: Follower(run).poll().arms[0].state == "finished", "the other arm")
    assert inittui("stop", run.name).returncode == 0
    arm = Follower(run).poll().arms[1]
    assert (run.status().state, arm.state) == ("stopped", "stopped")
    assert arm.reason.startswith("killed, since it did not stop within 10 s")
    assert "memory" not in inittui("report", run.name).stdout
    (mine / "healed").touch()
    assert inittui("resume", run.name, "--detach").returncode == 0
    until_over(run)
    assert run.status().state == "finished"


# A run whose folder is not where it was


@pytest.mark.slow
@pytest.mark.parametrize("deleted", ["the run", "an arm"])
def test_a_deleted_folder_ends_the_run_or_its_arm(inittui: Command, words: Preset, deleted: str) -> None:
    run = started(inittui, *words(epochs=100_000))
    until(lambda: len(processes(run)) == 3, "workers")
    family = processes(run)
    if deleted == "the run":
        while run.path.exists():  # a file may be written while it is deleted
            shutil.rmtree(run.path, ignore_errors=True)
        until(lambda: not any(process.is_running() for process in family.values()), "the end of the processes")
        assert not run.path.exists()
        return
    shutil.rmtree(run.arm("second"))
    until(lambda: Follower(run).poll().arms[1].state == "failed", "the failure of the arm")
    first, second = Follower(run).poll().arms
    assert (first.state, second.reason) == ("training", "its log was deleted: its last events are lost")
    assert inittui("stop", run.name).returncode == 0


@pytest.mark.slow
def test_a_run_that_is_moved_trains_on_where_it_is(inittui: Command, words: Preset) -> None:
    run = started(inittui, *words(epochs=60))
    until(lambda: len(processes(run)) == 3, "workers")
    moved = RunDir(run.path.with_name("moved"))
    run.path.rename(moved.path)
    run.path.mkdir()  # another folder with its name gets nothing
    until_over(moved)
    assert moved.status().state == "finished"
    logs.all_whole(moved)
    assert moved.result() is not None
    assert not list(run.path.iterdir())


@pytest.mark.slow
def test_a_folder_that_cant_be_written_ends_the_run_with_the_reason(inittui: Command, words: Preset) -> None:
    run = started(inittui, *words())
    in_the_way = run.path / "result.json"
    in_the_way.mkdir()
    until_over(run)
    board = Follower(run).poll()
    assert (board.phase, board.detail) == ("failed", "the run's folder can't be written: is a directory")
    assert [arm.state for arm in board.arms] == ["finished", "finished"]
    in_the_way.rmdir()
    assert inittui("resume", run.name, "--detach").returncode == 0
    until_over(run)
    assert run.status().state == "finished"
    assert run.result() is not None
