"""Run directories that version 0.1.0 wrote are listed, reported, replayed and resumed by this version."""

import json
import shutil
from pathlib import Path

import pytest

from inittui.board.follower import Follower
from inittui.record.run_directory import RunDir

from . import logs

WRITTEN = Path(__file__).parents[1] / "fixtures" / "runs"
# Both were stopped. `cnn` names its network by the address that the example had then.
DIGITS, CNN = "digits-20261128-170343", "cnn-20261128-170415"


@pytest.fixture
def old_runs(runs_dir: Path) -> Path:
    shutil.copytree(WRITTEN, runs_dir)
    return runs_dir


@pytest.mark.usefixtures("old_runs")
def test_old_runs_are_listed_with_their_arms_and_best_accuracy(inittui):
    listed = inittui("runs", "--json")
    assert listed.returncode == 0, listed.stderr
    runs = {run["name"]: run for run in json.loads(listed.stdout)}
    assert {name: (run["state"], [arm["name"] for arm in run["arms"]]) for name, run in runs.items()} == {
        DIGITS: ("stopped", ["he_normal", "xavier_normal"]),
        CNN: ("stopped", ["he_normal"]),
    }


@pytest.mark.parametrize("name", [DIGITS, CNN])
def test_an_old_run_has_no_fault_and_is_reported_in_every_format(inittui, old_runs, name):
    assert Follower(RunDir(old_runs / name)).poll().faults == ()
    for form, word in (("table", "accuracy"), ("md", "|---|"), ("csv", "run,arm"), ("json", '"arms"'), ("svg", "<svg")):
        report = inittui("report", name, "--format", form)
        assert report.returncode == 0, report.stderr
        assert word in report.stdout
        assert "he_normal" in report.stdout.replace("\\_", "_")


@pytest.mark.usefixtures("old_runs")
@pytest.mark.parametrize("name", [DIGITS, CNN])
def test_replay_of_an_old_run_prints_its_table_where_there_is_no_terminal(inittui, name):
    replayed = inittui("replay", name)
    assert replayed.returncode == 0, replayed.stderr
    assert name in replayed.stdout
    assert "(stopped)" in replayed.stdout


@pytest.mark.parametrize(
    ("name", "arm", "seeds", "last"), [(DIGITS, "xavier_normal", (777, 778), 24), (CNN, "he_normal", (777,), 40)]
)
def test_an_old_run_is_resumed_to_its_end_and_what_it_had_logged_stays(inittui, old_runs, name, arm, seeds, last):
    run = RunDir(old_runs / name)
    before = run.arm_log(arm).read_bytes()
    resumed = inittui("resume", name, "--plain")
    assert resumed.returncode == 0, resumed.stderr
    assert run.arm_log(arm).read_bytes().startswith(before)
    epochs = logs.epochs(logs.whole(run.arm_log(arm)))
    assert {seed: sorted(set(done)) for seed, done in epochs.items()} == {seed: [*range(1, last + 1)] for seed in seeds}
    replicas = {arm.name: arm.replicas for arm in run.result().arms}[arm]
    assert [len(replica.train_cost) for replica in replicas] == [last] * len(seeds)
    assert run.status().state == "finished"
