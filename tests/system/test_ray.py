"""Runs on Ray: real clusters on this machine, nodes that die, and the same bits as without."""

import contextlib
import fcntl
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil
import pytest

from inittui.board.follower import Follower
from inittui.record import events
from inittui.record.events import Event
from inittui.record.run_directory import RunDir

from . import logs
from .conftest import Command, until

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'inittui[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = pytest.mark.slow

E = TypeVar("E", bound=Event)

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


@dataclass
class ClientPort:
    """A cluster as `ray start` starts it, which asks for a token, and where it is reached from outside."""

    on: str
    head: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """Nothing of it is left: `ray stop` would stop other people's clusters too, and a SIGTERM is heard half a minute
        later."""
        with contextlib.suppress(psutil.NoSuchProcess):
            whole = psutil.Process(self.head.pid)
            whole.suspend()  # it would report its children's deaths
            processes = [whole, *whole.children(recursive=True)]
            for one in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            _, alive = psutil.wait_procs(processes[1:], timeout=10)
            assert alive == []
        self.head.wait(10)


@pytest.fixture
def client_port(inittui: Command, tmp_path: Path) -> Iterator[ClientPort]:
    # Each cluster's client port serves through ports from 23000 on: two on one machine get into each other's way.
    alone = (Path(tempfile.gettempdir()) / "inittui-tests-client-port").open("w")
    fcntl.flock(alone, fcntl.LOCK_EX)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inittui.environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    # Half a minute each, otherwise.
    inittui.environment |= {"RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S": "2", "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S": "2"}
    inittui.environment |= {"RAY_CLIENT_RECONNECT_GRACE_PERIOD": "3"}
    # Or one client in five crashes its server, and waits for 40 s (ray-project/ray issue 63202).
    inittui.environment["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    home = tempfile.mkdtemp(prefix="ray-")  # for sockets, whose paths must be short
    command = ["start", "--head", "--block", "--port=0", f"--ray-client-server-port={port}", "--num-cpus=2"]
    command += ["--min-worker-port=0", "--max-worker-port=0"]  # any free ones; a range could have ours in it
    command += ["--include-dashboard=false", "--disable-usage-stats", f"--object-store-memory={1 << 28}"]
    said = tmp_path / "ray.log"
    with said.open("wb") as file:
        head = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", *command, f"--temp-dir={home}"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=inittui.environment,
        )
    one = ClientPort(f"ray://127.0.0.1:{port}", head)
    try:
        until(lambda: head.poll() is not None or answers(port), "Ray's client port")
        assert head.poll() is None, said.read_text("utf-8")
        yield one
    finally:
        one.kill()
        shutil.rmtree(home, ignore_errors=True)
        alone.close()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def figures(document: dict[str, Any]) -> dict[tuple[str, int], tuple[Any, ...]]:
    return {
        (arm["name"], replica["seed"]): (replica["train_cost"], replica["test_accuracies"], replica["test_cost"])
        for arm in document["arms"]
        for replica in arm["replicas"]
    }


def trained(run: RunDir) -> dict[tuple[str, int], tuple[Any, ...]]:
    document = run.result()
    assert document is not None
    assert document.status == "finished"
    return figures(msgspec.json.decode(msgspec.json.encode(document)))


def at_home(tmp_path: Path, *arguments: str) -> dict[tuple[str, int], tuple[Any, ...]]:
    """The same run without Ray."""
    here = Command(tmp_path / "here")
    going = here.start(*arguments, "--json")
    out, err = going.communicate(timeout=PATIENT)
    assert going.returncode == 0, err
    return figures(json.loads(out))


def state(run: RunDir) -> list[str]:
    return [arm.state for arm in Follower(run).poll().arms]


def kinds(told: dict[str, list[Event]], kind: type[E]) -> list[E]:
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


def test_through_the_client_port_it_comes_to_the_same_bits(
    inittui: Command, client_port: ClientPort, tmp_path: Path
) -> None:
    three = ["--preset", "digits", "--epochs", "3"]
    assert figures(inittui.result(*three, "--on", client_port.on)) == at_home(tmp_path, *three)
    told = logs.all_whole(inittui.run_dir())
    assert "cpu on ray (1 node, 2 arms at a time)" in [one.label for one in kinds(told, events.DeviceReady)]
    del inittui.environment["RAY_AUTH_TOKEN"]
    inittui.environment["HOME"] = str(tmp_path)  # where no token is either
    done = inittui(*three, "--on", client_port.on, "--plain")
    assert done.returncode == 2
    assert "the cluster's token here if it asks for one (RAY_AUTH_MODE=token)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_client_s_run_is_steered_as_any_and_outlives_worker_and_cluster(
    inittui: Command, client_port: ClientPort
) -> None:
    name = inittui(*TWO, ENDLESS, "--on", client_port.on, "--detach").stdout.strip()
    run = inittui.run_dir()
    until(lambda: state(run) == ["training", "training"], "training")
    assert inittui("pause", name).returncode == 0
    assert len(list(run.path.glob("arms/*/checkpoint.*"))) == 4
    assert inittui("resume", name, "--detach").returncode == 0
    until(lambda: state(run) == ["training", "training"], "going on")
    done = inittui("stop", name)
    assert (done.returncode, done.stdout) == (0, f"stopped {name}\n"), done.stderr
    assert inittui("resume", name, "--detach").returncode == 0
    until(lambda: state(run) == ["training", "training"], "going on in the same cluster")
    actors = [
        one
        for one in psutil.Process(client_port.head.pid).children(recursive=True)
        if one.name() == "ray::TrainingActor"
    ]
    assert len(actors) == 2
    actors[0].kill()
    until(lambda: "died; from its last checkpoint" in last_resumed(run), "another worker in its place")
    until(lambda: state(run) == ["training", "training"], "going on after a death")
    client_port.kill()
    until(lambda: not run.alive(), "the end")
    assert run.status().state == "failed"
    assert (
        run.status().reason == f"--on {client_port.on}: the cluster is lost; 'inittui resume {name}' continues the run"
    )
    assert inittui("resume", name, "--on", "here", "--detach").returncode == 0
    until(lambda: state(run) == ["training", "training"], "going on without Ray")
    assert inittui("stop", name).returncode == 0
    logs.all_whole(run)


def last_resumed(run: RunDir) -> str:
    resumed = Follower(run).poll().resumed
    return resumed.note if resumed is not None else ""


@pytest.mark.parametrize("on", ["ray://127.0.0.1:1", "auto"])
def test_a_cluster_that_does_not_answer_is_one_line(inittui: Command, on: str) -> None:
    inittui.environment["RAY_ADDRESS"] = "127.0.0.1:1"
    done: subprocess.CompletedProcess[str] = inittui("--preset", "digits", "--on", on, "--plain")
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(inittui.runs_dir.glob("*")) == []
