"""How a cluster of Ray is joined, with Ray's own part played."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from inittui.supervisor.ray import cluster

CRASHED = (
    "Initialization failure from server:\nTraceback …\nRuntimeError: Starting Ray client server failed. See x.err."
)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """What Ray answers, one time after another."""
    answers: list[Exception | None] = []

    def init(**_: Any) -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init))
    return answers


def test_a_client_s_server_that_crashed_is_asked_for_again(
    tries: list[Exception | None], capsys: pytest.CaptureFixture[str]
) -> None:
    later = CRASHED.replace("Starting Ray client server failed.", "Proxy failed to Connect to backend!")
    tries += [ConnectionAbortedError(CRASHED), ConnectionAbortedError(later), None]
    cluster.init({})
    assert tries == []
    assert capsys.readouterr().out.count("See x.err. Once more.\n") == 2


@pytest.mark.parametrize(
    "answers",
    [[ConnectionError("ray client connection timeout")], [ConnectionAbortedError(CRASHED)] * cluster.CLIENT_TRIES],
    ids=["another fault", "again and again"],
)
def test_it_is_not_asked_for_ever(tries: list[Exception | None], answers: list[Exception]) -> None:
    tries += answers
    with pytest.raises(ConnectionError):
        cluster.init({})
    assert tries == []
