"""A Ray cluster: started on this machine or joined, checked for room and versions, left."""

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch

from inittui.common import formatting
from inittui.common.atomic_files import one_line
from inittui.common.cores import usable_cores
from inittui.common.errors import DeviceError
from inittui.supervisor.ray import private, versions

REACH_SECONDS = 5.0  # for a cluster's port to answer
VERSIONS_SECONDS = 90.0  # for every node to report its versions: a process has to start there
STORE_BYTES = 1 << 30  # for the data and for files in transfer, of a cluster on this machine; used only as it fills
CLIENT_TRIES = 3  # to connect to a cluster through its client port


class Cluster:
    """The cluster that a run trains on. `slots` is how many arms train at the same time, on the nodes at the start. `name` is
    the device as the run records it, `label` as viewers show it."""

    def __init__(self, on: str, threads: int, gpus: float) -> None:
        """`threads` are CPUs per arm, `gpus` the share of a GPU per arm."""
        self.on, self.gpus = on, gpus
        self.device = torch.device("cuda", 0) if gpus else torch.device("cpu")  # Ray shows a process only its own GPU
        self.name = f"{self.device.type} on ray"  # without the number of nodes, which may change
        self.needs: dict[str, float] = {"CPU": 1, "GPU": gpus} if gpus else {"CPU": threads}

    def join(self) -> None:
        """Raises DeviceError if the cluster can't be reached, has no room for an arm, or has other versions."""
        _check_port(self.on)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING, "namespace": "inittui"}
        if self.on == "ray":
            # The default since Ray 2.60: other users of this machine need the user's token.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
            options |= {"address": "local", "include_dashboard": False, "num_cpus": usable_cores()}
            options |= {"object_store_memory": STORE_BYTES, "_node_ip_address": private.LOOPBACK}
        else:
            options |= {"address": self.on}
        try:
            with _own_sigterm(), private.loopback_only() if self.on == "ray" else contextlib.nullcontext():
                init(options)
        except DeviceError:
            raise
        except (Exception, SystemExit) as error:  # of many kinds, some of them Ray's own
            expected = (
                "one that runs: 'ray start --head' starts one, --on ray one on this machine alone"
                if not self.on.startswith("ray://")
                # Its port has answered. A client without the token gets no answer at all, until the time is up.
                else "Ray's client port there, and the cluster's token here if it asks for one (RAY_AUTH_MODE=token)"
            )
            raise DeviceError(
                f"--on {self.on}: no cluster of Ray can be used ({private.summary(error)}); expected {expected}"
            ) from None
        if self.on == "ray":
            private.check_loopback()
        self._check_nodes()

    def _check_nodes(self) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        alive = [node for node in ray.nodes() if node["Alive"]]
        self.slots = sum(
            int(min(node["Resources"].get(kind, 0.0) / need for kind, need in self.needs.items()) + 1e-9)
            for node in alive
        )
        self.label = f"{self.name} ({formatting.count(len(alive), 'node')}, {self.slots} arms at a time)"
        if not self.slots:
            what = f"a GPU's share of {self.gpus:g}" if self.gpus else f"{self.needs['CPU']:g} CPU(s)"
            raise DeviceError(
                f"--on {self.on}: none of its {len(alive)} node(s) has {what} for an arm; "
                f"expected {'nodes with GPUs, or no --gpus-per-arm' if self.gpus else 'fewer --threads, or more CPUs'}"
            )
        if self.on == "ray":  # the same installation
            return
        ray.cloudpickle.register_pickle_by_value(versions)
        report = ray.remote(num_cpus=0, max_retries=0)(versions.versions)
        reports = {
            report.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(): node
            for node in alive
        }
        done, _ = ray.wait(list(reports), num_returns=len(reports), timeout=VERSIONS_SECONDS)
        own = versions.versions()
        for ref, node in reports.items():
            where = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            if ref not in done:
                raise DeviceError(
                    f"--on {self.on}: node {where} does not answer within {VERSIONS_SECONDS:g} seconds; "
                    "expected an answer from every node of the cluster"
                )
            try:
                differences = versions.differences(own, ray.get(ref))
            except ray.exceptions.RayError as error:
                raise DeviceError(f"--on {self.on}: node {where} can't be asked: {one_line(error)}") from None
            if differences:
                raise DeviceError(
                    f"--on {self.on}: node {where} differs: {differences}; install the same there as here"
                )

    def close(self) -> None:
        """Leave the cluster. Its actors of this run end, and so does a cluster that this run started."""
        with contextlib.suppress(Exception):  # it may be gone
            import ray

            ray.shutdown()


def init(options: dict[str, Any]) -> None:
    """`ray.init`. The head forks a server for each client beside threads of gRPC, and that server sometimes crashes while it
    starts (ray-project/ray issue 63202). Then it is tried again."""
    import ray

    for left in reversed(range(CLIENT_TRIES)):
        try:
            ray.init(**options)
            return
        except (ConnectionError, RuntimeError) as error:
            if not private.client_server_crashed(error) or not left:
                raise
            print(f"{private.summary(error)} Once more.", flush=True)


def _check_port(on: str) -> None:
    """Raises DeviceError at once if nothing answers: Ray itself tries for a long time, and may then end this process."""
    address = os.environ.get("RAY_ADDRESS", "") if on == "auto" else on
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, OverflowError, ValueError) as error:
        what = f"RAY_ADDRESS {address}" if on == "auto" else address.removeprefix("ray://")
        raise DeviceError(
            f"--on {on}: {what} does not answer ({one_line(error)}); expected the address of a running cluster, and a "
            "network that allows the connection"
        ) from None


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep our handler of SIGTERM, which saves checkpoints and the result: `ray.init` sets one that exits."""
    set_handler = signal.signal

    def except_sigterm(number: int, handler: Any) -> Any:
        return signal.getsignal(number) if number == signal.SIGTERM else set_handler(number, handler)

    with patch.object(signal, "signal", except_sigterm):
        yield
    # Ray's handler below Python's, in C, would print a stack trace first.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
