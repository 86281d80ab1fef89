"""`--dry-run`: what a run would take."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.cli.main import main
from inittui.common.errors import InittuiError
from inittui.common.formatting import duration
from inittui.engine.networks.build import build as network
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset import Model
from inittui.experiment.preset_files import load
from inittui.launch import estimate
from inittui.launch.estimate import parameters
from inittui.launch.start_run import Place
from tests.helpers import write_run
from tests.system.conftest import Command, inittui, runs_dir  # noqa: F401  fixtures


def told(changes: Overrides, folder: Path, preset: str = "digits") -> list[str]:
    return estimate.lines_of(load(preset, changes), runs_dir=folder, data_dir=folder, device="cpu", threads=1)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("hidden", [(), (7,), (7, 5)])
def test_parameters_are_those_of_the_network(hidden: tuple[int, ...], norm: str) -> None:
    model = Model(hidden=hidden, norm=norm)  # type: ignore[arg-type]
    built = network(model, (1, 8, 8), 10, 1)
    assert parameters(model, 64, 10) == sum(one.numel() for one in built.parameters())


def test_arms_trainings_and_steps_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_measured", lambda *_: (1e6, "measured"))
    monkeypatch.setattr(estimate, "usable_cores", lambda: 2)
    changes = Overrides(
        arms=["he_normal", "zeros"], sweep=["model.depth=2,3"], set=["training.batch_size=100", "model.width=10"],
        epochs="4", seeds="3", stop_stuck="2",
    )  # fmt: skip
    # 1,500 images: 15 steps an epoch; (64+1)·10 + (10+1)·10 = 760 parameters, and 110 more for one layer more.
    work = 2 * (760 + 870) * 3 * 4 * 15 * 100
    assert told(changes, tmp_path) == [
        "digits: 4 arms, 12 trainings (arms x seeds)",
        "8x8 digits (scikit-learn), 1,500 training images: 720 steps; networks of 760 to 870 parameters",
        f"about {duration(work / 1e6 / 2)}, 2 at a time, at the rate measured",
        "3 seeds per arm can't establish a difference: 2 comparisons would need --seeds 7",
        "less if trainings stop at chance after 2 epochs",
        "nothing was started",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "device", "lines"),
    [
        (
            Place("ray"),
            "auto",
            ["about 46 seconds, and some seconds until Ray is up, 2 at a time, at the rate measured"],
        ),
        (
            Place("ray://box:10001"),
            "auto",
            [
                "about 23 seconds on this machine alone, 4 at a time, at the rate measured",
                "--on ray://box:10001: how many arms train at a time there is not known before the cluster is joined",
            ],
        ),
        (
            Place("auto", 0.25),
            "cuda",
            [
                "time: not known before Ray is asked; each arm gets 0.25 of a GPU there",
                "--on auto: how many arms train at a time there is not known before the cluster is joined",
            ],
        ),
        (Place("ray", 1.0), "cuda", ["time: not known before Ray is asked; each arm gets a GPU there"]),
    ],
    ids=str,
)
def test_of_a_cluster_is_said_what_can_be_known_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place, device: str, lines: list[str]
) -> None:
    monkeypatch.setattr(estimate, "_measured", lambda *_: (1e6, "measured"))
    monkeypatch.setattr(estimate, "usable_cores", lambda: 4)
    chosen = load("digits", Overrides(arms=["he_normal", "zeros"], set=["model.hidden=[10]"], epochs="10", seeds="4"))
    said = estimate.lines_of(chosen, runs_dir=tmp_path, data_dir=tmp_path, device=device, threads=1, place=place)
    assert said[0] == "digits: 2 arms, 8 trainings (arms x seeds)"
    few = "4 seeds per arm can't establish a difference: 1 comparison would need --seeds 6"
    assert said[2:] == [*lines, few, "nothing was started"]


def test_a_rate_is_not_remembered_from_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_measured", lambda *_: (1e6, "measured just now"))
    run = write_run(tmp_path, load("digits"))
    run.write_status(replace(run.status(), on="auto"))
    assert "measured just now" in "\n".join(told(Overrides(), tmp_path))


def test_a_rate_is_remembered_from_a_run_like_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_measured", lambda *_: (1e6, "measured just now"))
    like = load("digits")
    run = write_run(tmp_path, like)
    assert f"at the rate of the run {run.name}" in "\n".join(told(Overrides(), tmp_path))
    assert "measured just now" in "\n".join(told(Overrides(set=["model.hidden=[2000,2000]"]), tmp_path))
    for unlike in ("training.optimizer=sgd", "training.batch_size=10"):
        assert "measured just now" in "\n".join(told(Overrides(set=[unlike]), tmp_path))


def test_data_that_are_not_there_are_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_measured", lambda *_: (1e6, "measured"))
    said = estimate.lines_of(load("mnist3"), runs_dir=tmp_path, data_dir=tmp_path / "none", device="cpu", threads=1)
    assert f"MNIST is not in {tmp_path / 'none'}: it would be downloaded" in "\n".join(said)
    assert "is not in" not in "\n".join(told(Overrides(), tmp_path))


def test_of_a_network_of_ones_own_no_time_is_known(tmp_path: Path) -> None:
    assert "steps and time: not known" in told(Overrides(), tmp_path, "cnn")[1]


def test_what_can_be_seen_to_be_impossible_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InittuiError, match=r"training.batch_size = 2000: 8x8 digits"):
        told(Overrides(set=["training.batch_size=2000"]), tmp_path)
    with pytest.raises(
        InittuiError, match=r"arm 'xavier_normal': training.batch_size = 1 with model.norm = \"batch\": "
    ):
        told(Overrides(set=["training.batch_size=1", "model.norm=batch"]), tmp_path)


def test_the_command_measures_says_so_and_starts_nothing(inittui: Command) -> None:  # noqa: F811
    done = inittui("--preset", "digits", "--sweep", "model.depth=2,3", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "measured now on a few steps of" in done.stdout
    assert done.stdout.endswith("nothing was started\n")
    assert not inittui.runs_dir.exists()


def test_a_bad_number_of_epochs_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--preset", "digits", "--stop-stuck", "no", "--dry-run"]) == 2
    assert '--stop-stuck: training.stop_stuck = "no": expected a whole number from 1' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "1 seed per arm can't establish a difference: 2 comparisons would need --seeds 7",
        ),  # the digits' three arms
        ({"seeds": "6"}, "6 seeds per arm can't establish a difference: 2 comparisons would need --seeds 7"),
        ({"seeds": "7"}, None),
        ({"arms": ["he_normal", "xavier_normal"], "seeds": "6"}, None),
        ({"arms": ["he_normal"]}, None),  # nothing to be compared with
        (
            {"arms": ["he_normal", "xavier_normal"], "sweep": ["model.depth=2,3,4"], "seeds": "6"},
            "6 seeds per arm can't establish a difference: 3 comparisons would need --seeds 7",
        ),
    ],
)
def test_seeds_that_can_establish_nothing_are_called_that(
    changes: dict[str, Any], words: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "_measured", lambda *_: (1e6, "measured"))
    lines = told(Overrides(**changes), tmp_path)
    assert [line for line in lines if "establish" in line] == ([] if words is None else [words])
