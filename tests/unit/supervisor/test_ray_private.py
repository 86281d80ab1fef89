"""What inittui uses of Ray's private parts: refused in one line where Ray has changed."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from inittui.common.errors import DeviceError
from inittui.supervisor.ray import private

CRASHED = (
    "Initialization failure from server:\nTraceback …\nRuntimeError: Starting Ray client server failed. See x.err."
)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Ray 9.9.9, with the two functions, which return another address."""
    module = ModuleType("ray._private.services")
    module.__dict__.update(resolve_ip_for_localhost=lambda host: "10.0.0.7", get_node_ip_address=lambda: "10.0.0.7")
    ray = SimpleNamespace(__version__="9.9.9", nodes=lambda: [{"NodeManagerAddress": "10.0.0.7"}])
    for name, part in (("ray", ray), ("ray._private", ModuleType("ray._private")), ("ray._private.services", module)):
        monkeypatch.setitem(sys.modules, name, part)
    return module


def test_ray_is_kept_on_this_machine_and_its_functions_are_put_back(services: ModuleType) -> None:
    with private.loopback_only():
        assert services.resolve_ip_for_localhost("127.0.0.1") == services.get_node_ip_address() == "127.0.0.1"
    assert services.get_node_ip_address() == "10.0.0.7"


@pytest.mark.parametrize("name", ["resolve_ip_for_localhost", "get_node_ip_address"])
def test_a_ray_without_one_of_the_functions_is_refused_in_one_line(services: ModuleType, name: str) -> None:
    delattr(services, name)
    with (
        pytest.raises(
            DeviceError, match=rf"^--on ray: Ray 9\.9\.9 can't be kept on 127\.0\.0\.1 \(.*{name}"
        ) as refused,
        private.loopback_only(),
    ):
        pytest.fail("nothing may start")
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("services")
def test_a_ray_without_the_module_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray._private.services", None)
    with pytest.raises(DeviceError, match=r"Ray 9\.9\.9 can't be kept"), private.loopback_only():
        pytest.fail("nothing may start")


@pytest.mark.usefixtures("services")
def test_a_cluster_that_listens_elsewhere_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"its node has the address 10\.0\.0\.7"):
        private.check_loopback()


def test_the_installed_ray_has_the_functions() -> None:
    pytest.importorskip("ray", reason="needs inittui[ray]")
    with private.loopback_only():
        from ray._private import services

        assert services.get_node_ip_address() == "127.0.0.1"


def test_a_crash_of_a_client_s_server_is_told_from_other_errors() -> None:
    assert private.client_server_crashed(ConnectionAbortedError(CRASHED))
    assert private.client_server_crashed(ConnectionAbortedError("Proxy failed to Connect to backend!"))
    assert not private.client_server_crashed(ConnectionError("ray client connection timeout"))


def test_the_summary_of_a_trace_has_its_cause() -> None:
    summary = "Initialization failure from server: RuntimeError: Starting Ray client server failed. See x.err."
    assert private.summary(ConnectionAbortedError(CRASHED)) == summary
    assert private.summary(OSError("one line")) == "one line"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("The actor is dead because its node has died. Node Id: ab", "died with its node"),
        ("The actor died because of an out of memory condition", "was killed, since its node's memory ran out"),
        ("The actor died unexpectedly before finishing this task.", "died"),
    ],
)
def test_why_an_actor_died(text: str, cause: str) -> None:
    assert private.cause_of_death(RuntimeError(text)) == cause
