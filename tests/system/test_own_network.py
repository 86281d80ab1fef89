"""A network and data of a person's own, from files outside the package, through whole runs."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy
import psutil
import pytest

from inittui.board.follower import Follower
from inittui.record import events
from inittui.record.run_directory import RunDir

from . import logs
from .conftest import Command, until
from .run_processes import kill, processes, started

# The data ask NumPy's global stream, and the network drops units, keeps running statistics and takes its time: all that a
# resume could get wrong.
DATA = """
import numpy

def load():
    labels = numpy.arange(300) % 4
    pictures = numpy.random.normal(0, 0.6, (300, 6, 6)).astype("float32")
    for picture, label in zip(pictures, labels):
        picture[label] += 1
    return pictures[:240], labels[:240], pictures[240:], labels[240:], ["north", "east", "south", "west"]

def raises():
    raise OSError("the disk\\nis gone")

def crooked():
    pictures, labels, *rest = load()
    return pictures, labels[:7], *rest
"""
NETWORK = """
import time
from torch import nn

class Net(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        channels, rows, columns = inputs
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.2), nn.Flatten()
        )
        self.head = nn.Linear(6 * rows * columns, classes)

    def forward(self, x):
        if self.training:
            time.sleep(0.002)
        return self.head(self.features(x))

def build(*, inputs, classes):
    return Net(inputs, classes)

def raises(*, inputs, classes):
    raise ValueError("no such\\narchitecture")

def crooked(*, inputs, classes):
    return nn.Linear(7, classes)

class Two(Net):
    def forward(self, x):
        return (super().forward(x),) * 2 if self.training else super().forward(x)
"""
PRESET = """
title = "Mine"

[data]
factory = "my_data.py:load"

[model]
factory = "./my_network.py:build"
exclude = ["head"]

[training]
epochs = {epochs}
batch_size = 20
seeds = [5, 6]

[[arms]]
init = "he_normal"

[[arms]]
init = "normal(std=0.001)"
name = "small"
"""
LAYERS = ["features.0", "head"]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "my_data.py").write_text(DATA)
    (folder / "my_network.py").write_text(NETWORK)
    (folder / "mine.toml").write_text(PRESET.format(epochs=40))
    return folder


def figures(document: dict[str, Any]) -> list[Any]:
    return [
        (arm["name"], replica["seed"], replica["train_cost"], replica["test_accuracies"], replica["test_cost"])
        for arm in document["arms"]
        for replica in arm["replicas"]
    ]


def probed(run: RunDir, folder: str) -> list[events.Probe]:
    return [event for event in logs.whole(run.arm_log(folder)) if isinstance(event, events.Probe)]


def test_a_whole_run_its_probes_and_its_report_are_of_a_persons_own(
    inittui: Command, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the paths in the preset count from its file
    document = inittui.result("--preset", str(mine / "mine.toml"))
    run = inittui.run_dir()
    assert document["status"] == "finished"
    assert document["data"] == {"name": "auto", "title": "my_data.py", "train": 240, "test": 60, "note": ""}
    he, small = document["arms"]
    assert [replica["seed"] for replica in he["replicas"]] == [5, 6]
    assert he["parameters"] == (9 + 1) * 6 + 2 * 6 + (6 * 36 + 1) * 4
    assert he["test_accuracy"]["mean"] > 0.5  # four classes, and a pattern that is easy to see
    assert he["replicas"][0]["train_cost"] != small["replicas"][0]["train_cost"]

    # Probes: in the log, for the first seed, at the start and after every epoch; the head is excluded, and the same.
    for folder in ("he_normal", "small"):
        probes = probed(run, folder)
        assert [(probe.seed, probe.epoch) for probe in probes] == [(5, epoch) for epoch in range(41)]
        assert all([layer.name for layer in probe.layers] == LAYERS for probe in probes)
        assert all(layer.rms and layer.grad_w and sum(layer.bins) for probe in probes for layer in probe.layers)
        assert (probes[0].images, len(probes[0].jacobian), probes[0].signal) == (20, 4, ())
    first, other = (probed(run, folder)[0].layers for folder in ("he_normal", "small"))
    assert first[0].high != other[0].high
    assert (first[1].low, first[1].high, first[1].bins) == (other[1].low, other[1].high, other[1].bins)

    # What is left of the run, read where the files are not: the fold, the report, the replay.
    board = Follower(run).poll()
    assert board.data is not None
    assert (board.data.shape, board.data.classes) == ((1, 6, 6), ("north", "east", "south", "west"))
    assert [len(arm.probes) for arm in board.arms] == [41, 41]
    hidden = mine.with_name("elsewhere")
    mine.rename(hidden)
    for words in (("report", "last"), ("report", "last", "--format", "csv"), ("replay", "last")):
        done = inittui(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "small" in done.stdout


@pytest.mark.slow
def test_the_resolved_preset_stopped_and_resumed_in_another_folder_comes_to_the_same_bits(
    inittui: Command, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = inittui.result("--preset", str(mine / "mine.toml"))
    run = inittui.run_dir()
    monkeypatch.chdir(tmp_path)
    resolved = tmp_path / "resolved.toml"
    resolved.write_bytes((run.path / "preset.toml").read_bytes())
    done = inittui("--preset", str(resolved), "--detach")
    assert done.returncode == 0, done.stderr
    again = RunDir(inittui.runs_dir / done.stdout.strip())
    until(lambda: all(arm.epochs_done for arm in Follower(again).poll().arms), "an epoch of both arms")
    assert inittui("stop", again.name).returncode == 0
    until(lambda: again.status().state == "stopped" and not again.alive(), "the stop")
    stopped = Follower(again).poll()
    assert all(0 < len(arm.replicas[1].points) < 40 for arm in stopped.arms)
    done = inittui("resume", again.name, "--plain")
    assert done.returncode == 0, done.stderr
    result = again.result()
    assert result is not None
    assert figures(json.loads(msgspec.json.encode(result))) == figures(document)
    for one, two in zip(Follower(again).poll().arms, Follower(run).poll().arms, strict=True):
        assert [(probe.epoch, probe.layers) for probe in one.probes] == [
            (probe.epoch, probe.layers) for probe in two.probes
        ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("data.factory=nope.py:load", "nope.py:load': there is no such file; expected a Python file that has a function"),
        ("data.factory=my_data.py:raises", "my_data.py:raises': it raised OSError: the disk is gone"),
        ("data.factory=my_data.py:crooked", "my_data.py:crooked': train_labels are torch.int64 of shape [7]; expected 240"),
        ("data.factory=my_data.py:laod", "my_data.py:laod': it has no such function; it has load, raises, crooked"),
        ("model.factory=nope.py:build", "nope.py:build': there is no such file; expected a Python file that has a"),
        ("model.factory=my_network.py:Two", "my_network.py:Two': in training mode, its network made tuple of inputs of"),
        ("model.hidden=[32]", "model.hidden: means nothing beside model.factory"),
    ],
    ids=["no file", "raises", "crooked", "no function", "no file of a network", "two heads", "idle key"],
)  # fmt: skip
def test_a_fault_before_any_arm_is_one_line_and_leaves_nothing(
    inittui: Command, mine: Path, monkeypatch: pytest.MonkeyPatch, change: str, words: str
) -> None:
    monkeypatch.chdir(mine)
    done = inittui("--preset", "mine.toml", "--set", change, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    printed = [line for line in done.stderr.splitlines() if not line.startswith(("run: ", "starting", "loading"))]
    assert printed[-1].startswith("inittui: ")
    assert words in printed[-1]
    assert "Traceback" not in done.stderr
    assert not inittui.runs_dir.exists() or not list(inittui.runs_dir.iterdir())


@pytest.mark.slow
def test_a_run_whose_data_or_code_changed_goes_on_only_by_force_and_says_so(inittui: Command, mine: Path) -> None:
    source = "numpy.load(__file__[:-3] + '.npy')"
    (mine / "my_data.py").write_text(DATA.replace('numpy.random.normal(0, 0.6, (300, 6, 6)).astype("float32")', source))
    noise = numpy.random.default_rng(1).normal(0, 0.6, (300, 6, 6)).astype("float32")
    numpy.save(mine / "my_data.npy", noise)
    run = started(inittui, "--preset", str(mine / "mine.toml"))
    until(lambda: all(arm.epochs_done for arm in Follower(run).poll().arms), "an epoch of both arms")
    assert inittui("stop", run.name).returncode == 0
    assert f'"detail":"loading {mine}/my_data.py:load"' in run.log.read_text()
    numpy.save(mine / "my_data.npy", noise + 1)
    refused = inittui("resume", run.name, "--plain")
    assert refused.returncode == 1
    assert f"failed: run '{run.name}': data changed since it was trained; expected the same" in refused.stdout
    numpy.save(mine / "my_data.npy", noise)
    (mine / "my_network.py").write_text(NETWORK + "# a remark")
    refused = inittui("resume", run.name, "--plain")
    assert refused.returncode == 2
    assert f"run '{run.name}': my_network.py changed since it was trained" in refused.stderr
    done = inittui("resume", run.name, "--plain", "--force")
    assert done.returncode == 0
    assert "not bit for bit, because this changed: my_network.py" in done.stdout


@pytest.mark.slow
def test_a_network_at_fault_is_an_arm_that_failed_with_one_line_and_the_others_go_on(
    inittui: Command, mine: Path
) -> None:
    text = PRESET.format(epochs=2)
    for function in ("raises", "crooked", "biuld"):
        text += f'\n[[arms]]\nname = "{function}"\ninit = "he_normal"\nmodel.factory = "my_network.py:{function}"\n'
    text += '\n[[arms]]\nname = "wrong name"\ninit = "he_normal"\nmodel.exclude = ["haed"]\n'
    (mine / "mine.toml").write_text(text)
    done = inittui("--preset", str(mine / "mine.toml"), "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    he, small, raises, crooked, absent, wrong = document["arms"]
    assert [arm["status"] for arm in document["arms"]] == ["finished"] * 2 + ["failed"] * 4
    assert len(he["replicas"][1]["train_cost"]) == len(small["replicas"][0]["train_cost"]) == 2
    at = f"own network '{mine}/my_network.py"
    assert raises["reason"] == f"{at}:raises': it raised ValueError: no such architecture"
    assert crooked["reason"].startswith(
        f"{at}:crooked': given inputs of shape [2, 1, 6, 6], its network raised RuntimeError: "
    )
    assert absent["reason"] == f"{at}:biuld': it has no such function; it has build, raises, crooked"
    assert wrong["reason"] == 'model.exclude: no layer is called "haed"; this network has features.0, head'
    assert "Traceback" not in done.stderr
    run = inittui.run_dir()
    assert "ValueError: no such\narchitecture" in (run.arm("raises") / "worker.log").read_text()  # for who wrote it
    assert not [path.name for path in run.path.rglob("*") if path.name.startswith((".", "checkpoint"))]


@pytest.mark.slow
def test_the_cnn_preset_trains_on_five_hundred_images(inittui: Command, mnist_dir: Path) -> None:
    words = ("--preset", "cnn", "--epochs", "1", "--set", "data.train_limit=500", "--data-dir", str(mnist_dir))
    document = inittui.result(*words)
    assert [arm["name"] for arm in document["arms"]] == ["xavier_normal", "he_normal", "lsuv"]
    assert document["data"]["train"] == 500
    for arm in document["arms"]:
        assert arm["status"] == "finished"
        assert arm["replicas"][0]["train_cost"][0] < 3
        probes = probed(inittui.run_dir(), arm["name"])
        assert [(probe.epoch, len(probe.layers), probe.images) for probe in probes] == [(0, 4, 100), (1, 4, 100)]
        assert [layer.fan_in for layer in probes[0].layers] == [9, 144, 288, 256]
        if arm["name"] == "lsuv":  # fitted to these images; a probe sees a part of them
            assert [layer.rms for layer in probes[0].layers] == pytest.approx([1.0] * 4, rel=0.3)


FORKS = """
import os, time
from my_network import build as alone

def build(**sizes):
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
    os.fork()  # which comes back from here too
    return alone(**sizes)
"""


@pytest.fixture
def forks_ended(runs_dir: Path) -> Iterator[None]:
    yield
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(f"{runs_dir}{os.sep}") for word in process.info["cmdline"] or ()):
            process.kill()


@pytest.mark.slow
@pytest.mark.usefixtures("forks_ended")
def test_processes_that_own_code_forks_hold_no_run_and_write_into_none(inittui: Command, mine: Path) -> None:
    (mine / "forks.py").write_text(FORKS)
    words = ("--preset", str(mine / "mine.toml"), "--set", f"model.factory={mine / 'forks.py'}:build", "--detach")
    run = started(inittui, *words)
    until(lambda: all(arm.epochs_done for arm in Follower(run).poll().arms), "an epoch of both arms")
    kill(*processes(run).values())
    until(lambda: not run.alive(), "the end")
    assert inittui("resume", run.name, "--plain").returncode == 0
    for told in logs.all_whole(run).values():
        sequence = [event.seq for event in told]
        assert sequence == list(range(len(sequence)))
    assert inittui("delete", run.name, "--yes").returncode == 0
