from pathlib import Path
from typing import Any

import pytest

from inittui.common.errors import DeviceError, PresetError, UsageError
from inittui.launch import start_run
from inittui.launch.start_run import HERE, Place, check_device, place_of
from tests.helpers import preset


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


BATCH_NORM = {"norm": "batch", "hidden": [8]}


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        (["zeros"], {"model": BATCH_NORM, "training": {"batch_size": 1}}),
        (["he_normal", {"init": "zeros", "model": BATCH_NORM}], {"training": {"batch_size": 1}}),
        (["he_normal", {"init": "zeros", "training": {"batch_size": 1}}], {"model": BATCH_NORM}),
    ],
)
def test_batch_norm_over_one_example_is_refused_before_a_run_exists(
    rows: list[Any], table: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(PresetError, match=r"arm 'zeros': training\.batch_size = 1 with model\.norm") as caught:
        start_run.begin(preset(rows, **table), runs_dir=tmp_path, data_dir=tmp_path, device="cpu")
    assert 'expected a batch of at least 2, or model.norm = "layer"' in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_other_norms_and_batches_of_one_are_accepted() -> None:
    for norm, hidden, batch in (("layer", [8], 1), ("batch", [8], 2), ("batch", [], 1), ("none", [8], 1)):
        start_run.check_norm(preset(1, model={"norm": norm, "hidden": hidden}, training={"batch_size": batch}))
