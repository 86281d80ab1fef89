from typing import Any

import pytest

from inittui.common.errors import DeviceError, UsageError
from inittui.launch import start_run
from inittui.launch.start_run import HERE, Place, check_device, place_of


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_run, "find_spec", lambda _: object())


@pytest.mark.parametrize(
    ("on", "gpus", "place"),
    [
        (None, None, HERE),
        ("here", None, HERE),
        ("ray", None, Place("ray")),
        ("auto", "0.25", Place("auto", 0.25)),
        ("ray://gpu-box:10001", "1", Place("ray://gpu-box:10001", 1.0)),
        ("ray://[::1]:10001", None, Place("ray://[::1]:10001")),
    ],
)
def test_a_place_is_this_machine_or_a_cluster(on: str | None, gpus: str | None, place: Place) -> None:
    assert place_of(on, gpus) == place


@pytest.mark.parametrize("on", ["slurm", "ray://", "ray://box", "ray://box:0", "ray://:10001", "ray://box:port", "RAY"])
def test_what_is_no_place_is_refused(on: str) -> None:
    with pytest.raises(UsageError, match=rf"--on {on}: expected here, ray, auto or ray://HOST:PORT"):
        place_of(on, None)


@pytest.mark.parametrize("gpus", ["0", "-1", "2", "nan", "many", ""])
def test_a_share_of_a_gpu_is_above_0_and_1_at_most(gpus: str) -> None:
    with pytest.raises(UsageError, match=f"--gpus-per-arm {gpus}: expected a number above 0 and at most 1"):
        place_of("ray", gpus)


def test_a_share_of_a_gpu_is_ray_s() -> None:
    with pytest.raises(UsageError, match=r"--gpus-per-arm 0.5: is for runs on Ray; expected --on ray"):
        place_of(None, "0.5")


@pytest.mark.parametrize(("on", "missing"), [("ray", "ray"), ("ray://box:1", "ray, grpc")])
def test_ray_that_is_not_installed_is_said_with_the_mend(monkeypatch: Any, on: str, missing: str) -> None:
    monkeypatch.setattr(start_run, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=rf"--on {on}: needs {missing}, .*; pip install 'inittui\[ray\]'"):
        place_of(on, None)


@pytest.mark.parametrize(
    ("device", "place", "words"),
    [
        ("cuda:1", Place("ray", 0.5), "on Ray an arm gets whichever GPU is free"),
        ("cuda", Place("ray"), "takes --gpus-per-arm as well"),
        ("cpu", Place("ray", 0.5), "--gpus-per-arm 0.5 is given too"),
        ("gpu", Place("ray"), "expected auto, cpu, cuda or cuda:N"),
    ],
)
def test_a_device_that_does_not_go_with_the_place_is_refused(device: str, place: Place, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        check_device(device, place=place)


def test_a_device_of_other_machines_is_not_looked_for_on_this_one() -> None:
    check_device("cuda", place=Place("ray", 0.25))
    check_device("auto", place=Place("ray"))
