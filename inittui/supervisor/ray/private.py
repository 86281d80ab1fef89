"""What inittui uses of Ray that Ray does not document: two private functions, and the texts of its errors.

Ray has no setting that keeps a cluster on 127.0.0.1: it replaces this address by the machine's, so that other machines can
join. A version of Ray without these functions is refused, because its cluster could be reached from the network.
"""

import contextlib
import importlib
from collections.abc import Iterator
from unittest.mock import patch

from inittui.common.atomic_files import one_line
from inittui.common.errors import DeviceError, printable

LOOPBACK = "127.0.0.1"
_SERVICES = "ray._private.services"
_ADDRESS_FUNCTIONS = ("resolve_ip_for_localhost", "get_node_ip_address")
_CLIENT_SERVER_CRASHED = ("Starting Ray client server failed", "Proxy failed to Connect to backend")


@contextlib.contextmanager
def loopback_only() -> Iterator[None]:
    """A cluster that `ray.init` starts in this context listens on 127.0.0.1 alone. Raises DeviceError if this is
    impossible."""
    with contextlib.ExitStack() as replaced:
        try:
            services = importlib.import_module(_SERVICES)
            for name in _ADDRESS_FUNCTIONS:
                replaced.enter_context(patch.object(services, name, lambda *_, **__: LOOPBACK))
        except (ImportError, AttributeError) as error:
            raise _cannot_restrict(one_line(error)) from None
        yield


def check_loopback() -> None:
    """Raises DeviceError if a node of the cluster has another address than 127.0.0.1."""
    import ray

    others = sorted({node["NodeManagerAddress"] for node in ray.nodes()} - {LOOPBACK})
    if others:
        raise _cannot_restrict(f"its node has the address {', '.join(others)}")


def _cannot_restrict(why: str) -> DeviceError:
    import ray

    return DeviceError(
        f"--on ray: Ray {ray.__version__} can't be kept on {LOOPBACK} ({why}); expected another version of Ray, or a cluster "
        "of your own with --on auto"
    )


def client_server_crashed(error: BaseException) -> bool:
    """Whether the head's server for this client crashed while it started, which may succeed at the next attempt."""
    return any(text in str(error) for text in _CLIENT_SERVER_CRASHED)


def summary(error: BaseException) -> str:
    """The error in one line. A client's server puts the cause into the last line, below a trace."""
    first, last = one_line(error), printable(str(error).strip().rpartition("\n")[2])
    return f"{first} {last}" if first.endswith(":") else first


def cause_of_death(error: BaseException) -> str:
    """Why an actor died, from the text of Ray's ActorDiedError."""
    text = str(error)
    if "its node" in text and ("dead" in text or "died" in text):
        return "died with its node"
    return "was killed, since its node's memory ran out" if "out of memory" in text.lower() else "died"
