"""A cluster of Ray: joined, or started on this machine alone; looked at; left."""

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch

from inittui.common.atomic_files import one_line
from inittui.common.cores import usable_cores
from inittui.common.errors import DeviceError, printable
from inittui.supervisor.ray import versions

REACH_SECONDS = 5.0  # for a cluster's port to answer
LOOK_SECONDS = 90.0  # for every node to say which versions it has: a process has to start there
STORE_BYTES = 1 << 30  # of a cluster of our own, for the data and for files on their way; taken only as it fills
CLIENT_TRIES = 3  # for a cluster that is reached through its client port
CRASHED = ("Starting Ray client server failed", "Proxy failed to Connect to backend")  # what it is called there
HOME = "127.0.0.1"


class Nodes:
    """The cluster that a run trains on. `slots`: arms that train at a time, on the nodes that there were at the beginning."""

    def __init__(self, on: str, threads: int, gpus: float) -> None:
        """Raises DeviceError where the cluster can't be reached, has no room for an arm, or differs in its versions."""
        self.on, self.gpus = on, gpus
        self.device = torch.device("cuda", 0) if gpus else torch.device("cpu")  # Ray shows a process only its own GPU
        self.needs: dict[str, float] = {"num_cpus": 1, "num_gpus": gpus} if gpus else {"num_cpus": threads}
        self._joined = False
        try:
            self._join()
            self._look()
        except BaseException:
            self.close()
            raise

    def _join(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if self.on == "ray":
            # Ray's own default since 2.60: whoever else is on this machine needs the user's token.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
        address = os.environ.get("RAY_ADDRESS", "") if self.on == "auto" else self.on
        _check_port(self.on, address)

        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING, "namespace": "inittui"}
        if self.on == "ray":
            options |= {"address": "local", "include_dashboard": False, "num_cpus": usable_cores()}
            options |= {"object_store_memory": STORE_BYTES, "_node_ip_address": HOME}
        else:
            options |= {"address": self.on}
        try:
            with _quiet(at_home=self.on == "ray"):
                _init(options)
        except (Exception, SystemExit) as error:  # whatever it is: of many kinds, some of them Ray's own
            expected = (
                "one that runs: 'ray start --head' starts one, --on ray one on this machine alone"
                if not self.on.startswith("ray://")
                # Its port has answered. Whoever comes without the token is told nothing at all, until the time is up.
                else "Ray's client port there, and the cluster's token here if it asks for one (RAY_AUTH_MODE=token)"
            )
            raise DeviceError(
                f"--on {self.on}: no cluster of Ray can be used ({_why(error)}); expected {expected}"
            ) from None
        self._joined = True
        # Ray's own handler, below Python's, would print a trace of the stack first.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))

    def _look(self) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        alive = [node for node in ray.nodes() if node["Alive"]]
        self.slots = sum(self._room(node["Resources"]) for node in alive)
        self.count = len(alive)
        if not self.slots:
            what = f"a GPU's share of {self.gpus:g}" if self.gpus else f"{self.needs['num_cpus']:g} CPU(s)"
            raise DeviceError(
                f"--on {self.on}: none of its {len(alive)} node(s) has {what} for an arm; "
                f"expected {'nodes with GPUs, or no --gpus-per-arm' if self.gpus else 'fewer --threads, or more CPUs'}"
            )
        if self.on == "ray":  # it runs what we run
            return
        ray.cloudpickle.register_pickle_by_value(versions)
        look = ray.remote(num_cpus=0, max_retries=0)(versions.versions)
        asked = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(): node
            for node in alive
        }
        done, _ = ray.wait(list(asked), num_returns=len(asked), timeout=LOOK_SECONDS)
        own = versions.versions()
        for ref, node in asked.items():
            where = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            if ref not in done:
                raise DeviceError(
                    f"--on {self.on}: node {where} does not answer; mend it, or take it out of the cluster"
                )
            try:
                differences = versions.differences(own, ray.get(ref))
            except ray.exceptions.RayError as error:
                raise DeviceError(f"--on {self.on}: node {where} can't be asked: {one_line(error)}") from None
            if differences:
                raise DeviceError(
                    f"--on {self.on}: node {where} differs: {differences}; install the same there as here"
                )

    def _room(self, resources: dict[str, float]) -> int:
        """Arms for which a node has room."""
        by_cpu = resources.get("CPU", 0.0) / self.needs["num_cpus"]
        by_gpu = resources.get("GPU", 0.0) / self.gpus if self.gpus else by_cpu
        return int(min(by_cpu, by_gpu) + 1e-9)

    @property
    def name(self) -> str:
        """What trains, however many nodes there are just now."""
        return f"{self.device.type} on ray"

    @property
    def label(self) -> str:
        """The cluster as the screen names it."""
        plural = "s" if self.count != 1 else ""
        return f"{self.name} ({self.count} node{plural}, {self.slots} arms at a time)"

    def close(self) -> None:
        """Leave the cluster: what trains there ends; one of our own ends too."""
        if self._joined:
            import ray

            self._joined = False
            with contextlib.suppress(Exception):  # it may be gone
                ray.shutdown()


def _init(options: dict[str, Any]) -> None:
    """A client is served by a process of its own, which the head forks beside threads of gRPC: now and then that one crashes
    before it has begun (ray-project/ray issue 63202). The next one does not know of it."""
    import ray

    for left in reversed(range(CLIENT_TRIES)):
        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError) as error:
            if not any(words in str(error) for words in CRASHED) or not left:
                raise
            print(f"{_why(error)} Once more.", flush=True)
        else:
            return


def _why(error: BaseException) -> str:
    """In one line. What a client's server says ends with the cause, below a trace."""
    first, last = one_line(error), printable(str(error).strip().rpartition("\n")[2])
    return f"{first} {last}" if first.endswith(":") else first


def _check_port(on: str, address: str) -> None:
    """Refuse at once what does not answer: Ray itself tries for a long time, and may end this process then."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if on == "ray" or not address or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        what = f"RAY_ADDRESS {address}" if on == "auto" else address.removeprefix("ray://")
        raise DeviceError(
            f"--on {on}: {what} does not answer ({one_line(error)}); expected the address of a cluster that runs, and a "
            "network that lets us through"
        ) from None


@contextlib.contextmanager
def _quiet(*, at_home: bool) -> Iterator[None]:
    """Ray leaves our SIGTERM alone, which means a checkpoint and a result; and `at_home` it listens on 127.0.0.1 alone: it
    would take the machine's address in its place, for other machines that are to join."""
    import ray._private.services as services
    import ray._private.utils as utils

    with contextlib.ExitStack() as changed:
        if hasattr(utils, "set_sigterm_handler"):
            changed.enter_context(patch.object(utils, "set_sigterm_handler", lambda _: None))
        for name in ("resolve_ip_for_localhost", "get_node_ip_address"):
            if at_home and hasattr(services, name):
                changed.enter_context(patch.object(services, name, lambda *_, **__: HOME))
        yield
