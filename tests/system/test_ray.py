"""Runs on Ray: real clusters on this machine, nodes that die, and the same bits as without."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inittui import events
from inittui.events import AnyEvent
from inittui.follow import Follower
from inittui.rundir import RunDir

from . import logs
from .conftest import Command, until

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'inittui[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = pytest.mark.slow

SCHEMES = ("xavier_normal", "xavier_uniform", "he_normal", "he_uniform", "lecun_normal", "orthogonal")
SIX = ["--preset", "digits", "--seeds", "2", "--epochs", "4", *(w for one in SCHEMES for w in ("--arm", one))]
TWO = ["--preset", "digits", "--seeds", "2", "--arm", "he_normal", "--arm", "xavier_normal", "--set"]
TWO += ["training.batch_size=25", "--epochs"]
LONG, ENDLESS = "250", "100000"
PATIENT = 240.0  # seconds, for a run of LONG beside whatever else the machine does


@pytest.fixture
def cluster(inittui: Command) -> Iterator[Any]:
    """Two nodes with one CPU each, where `--on auto` goes."""
    one = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 1 << 28}
    )
    one.other = one.add_node(num_cpus=1, object_store_memory=1 << 28)
    inittui.environment["RAY_ADDRESS"] = one.address
    yield one
    one.shutdown()


def figures(document: dict[str, Any]) -> dict[tuple[str, int], tuple[Any, ...]]:
    return {
        (arm["name"], replica["seed"]): (replica["train_cost"], replica["test_accuracies"], replica["test_cost"])
        for arm in document["arms"]
        for replica in arm["replicas"]
    }


def trained(run: RunDir) -> dict[tuple[str, int], tuple[Any, ...]]:
    document = run.result()
    assert document is not None
    assert document["status"] == "finished"
    return figures(document)


def at_home(tmp_path: Path, *arguments: str) -> dict[tuple[str, int], tuple[Any, ...]]:
    """The same run without Ray."""
    here = Command(tmp_path / "here")
    going = here.start(*arguments, "--json")
    out, err = going.communicate(timeout=PATIENT)
    assert going.returncode == 0, err
    return figures(json.loads(out))


def state(run: RunDir) -> list[str]:
    return [arm.state for arm in Follower(run).poll().arms]


def kinds(told: dict[str, list[AnyEvent]], kind: type) -> list[AnyEvent]:
    return [event for some in told.values() for event in some if isinstance(event, kind)]


def test_six_arms_on_two_nodes_come_to_the_same_bits(inittui: Command, cluster: Any, tmp_path: Path) -> None:  # noqa: ARG001
    assert figures(inittui.result(*SIX, "--on", "auto")) == at_home(tmp_path, *SIX)
    run = inittui.run_dir()
    told = logs.all_whole(run)
    assert len(kinds(told, events.Finished)) == len(SCHEMES)
    assert "cpu on ray (2 nodes, 2 arms at a time)" in [one.label for one in kinds(told, events.DeviceReady)]
    for folder in told:
        if folder:
            assert {path.name for path in run.arm(folder).iterdir()} <= {
                "events.jsonl",
                "predictions.npz",
                "worker.log",
            }
            assert (run.arm(folder) / "predictions.npz").exists()


def test_a_node_that_is_killed_takes_no_arm_with_it(inittui: Command, cluster: Any, tmp_path: Path) -> None:
    started = inittui.start(*TWO, LONG, "--on", "auto", "--plain")
    until(lambda: bool(list(inittui.runs_dir.glob("*/arms/*/checkpoint.*"))), "a checkpoint that has arrived")
    run = inittui.run_dir()
    cluster.remove_node(cluster.other, allow_graceful=False)
    out, err = started.communicate(timeout=PATIENT)
    assert started.returncode == 0, out + err
    told = logs.all_whole(run)
    (resumed,) = kinds(told, events.Resumed)
    assert isinstance(resumed, events.Resumed)
    assert "died" in resumed.note
    assert f"resumed: {resumed.arms[0]}; " in out
    assert trained(run) == at_home(tmp_path, *TWO, LONG)


def test_a_run_on_ray_is_paused_resumed_and_stopped_as_any(inittui: Command) -> None:
    name = inittui(*TWO, ENDLESS, "--on", "ray", "--detach").stdout.strip()
    run = inittui.run_dir()
    until(lambda: state(run) == ["training", "training"], "training")
    assert inittui("pause", name).returncode == 0
    assert state(run) == ["paused", "paused"]
    assert len(list(run.path.glob("arms/*/checkpoint.*"))) == 4
    assert inittui("resume", name, "--detach").returncode == 0
    until(lambda: state(run) == ["training", "training"], "going on")
    done = inittui("stop", name)
    assert (done.returncode, done.stdout) == (0, f"stopped {name}\n"), done.stderr
    assert state(run) == ["stopped", "stopped"]
    logs.all_whole(run)
    assert inittui("resume", name, "--on", "here", "--detach").returncode == 0
    until(lambda: state(run) == ["training", "training"], "going on without Ray")
    assert inittui("stop", name).returncode == 0
    told = logs.all_whole(run)
    assert len(kinds(told, events.Restored)) == 2


def test_compare_trains_on_ray_too(inittui: Command, tmp_path: Path) -> None:
    code = (
        "import inittui, json\n"
        "result = inittui.compare('he_normal', preset='digits', epochs=2, on='ray', progress=False)\n"
        "print(json.dumps(result.document))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=inittui.environment, timeout=PATIENT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert inittui.run_dir().status().on == "ray"
    here = at_home(tmp_path, "--preset", "digits", "--arm", "he_normal", "--epochs", "2")
    assert figures(json.loads(done.stdout)) == here


@pytest.mark.parametrize("on", ["ray://127.0.0.1:1", "auto"])
def test_a_cluster_that_does_not_answer_is_one_line(inittui: Command, on: str) -> None:
    inittui.environment["RAY_ADDRESS"] = "127.0.0.1:1"
    done: subprocess.CompletedProcess[str] = inittui("--preset", "digits", "--on", on, "--plain")
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(inittui.runs_dir.glob("*")) == []
