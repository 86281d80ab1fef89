"""Whole runs in real processes, without a terminal."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from inittui.board.follower import Follower
from inittui.record import run_index

from .conftest import until

DIGITS = ("--preset", "digits", "--epochs", "2")


def test_json_on_standard_output_alone_and_the_run_directory_as_agreed(inittui):
    done = inittui(*DIGITS, "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert [arm["name"] for arm in document["arms"]] == ["xavier_normal", "he_normal", "zeros"]
    assert all(len(arm["replicas"][0]["train_cost"]) == 2 for arm in document["arms"])
    assert "epoch 2 of 2" in done.stderr
    run = inittui.run_dir()
    assert json.loads(msgspec.json.encode(run.result())) == document
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
    for folder in ("xavier_normal", "he_normal", "zeros"):
        lines = run.arm_log(folder).read_bytes().splitlines()
        assert [json.loads(line)["seq"] for line in lines] == list(range(len(lines)))
        assert (run.arm(folder) / "worker.log").read_text() == ""
    for form, word in (
        ("table", "test accuracy"),
        ("md", "|---|"),
        ("csv", "run,arm"),
        ("json", '"arms"'),
        ("svg", "<svg"),
    ):
        report = inittui("report", "last", "--format", form)
        assert report.returncode == 0, report.stderr
        assert word in report.stdout
        assert "he_normal" in report.stdout.replace("\\_", "_")
    everything = [run.path, *run.path.rglob("*")]
    assert not [path for path in everything if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_the_same_seed_gives_the_same_costs_to_the_last_digit_also_from_the_resolved_preset(inittui):
    first = inittui.result(*DIGITS, "--seed", "5")
    again = inittui.result("--preset", str(inittui.run_dir().path / "preset.toml"))

    def costs(document):
        return [replica["train_cost"] for arm in document["arms"] for replica in arm["replicas"]]

    assert costs(first) == costs(again)


@pytest.mark.slow
def test_modules_in_the_folder_where_one_happens_to_be_are_not_taken_for_ours(inittui, tmp_path, monkeypatch):
    for name in ("torch", "random", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not the module that was meant')")
    monkeypatch.chdir(tmp_path)
    inittui.environment["PYTHONSAFEPATH"] = "1"  # as the installed command has it
    inittui.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    assert inittui.result(*DIGITS, "--arm", "he_normal")["status"] == "finished"


@pytest.mark.slow
def test_seeds_are_summarised_and_compared_in_pairs(inittui):
    document = inittui.result(*DIGITS, "--seeds", "3", "--arm", "xavier_normal", "--arm", "he_normal")
    assert [replica["seed"] for replica in document["arms"][0]["replicas"]] == [777, 778, 779]
    (comparison,) = document["comparisons"]
    assert comparison["n"] == 3
    assert comparison["p"] is not None
    assert comparison["verdict"].startswith("indicative only")


def test_an_arm_whose_cost_is_not_finite_fails_and_the_others_go_on(inittui):
    done = inittui(*DIGITS, "--json", "--arm", "he_normal", "--arm", "normal(std=1e20)")
    assert done.returncode == 1
    healthy, sick = json.loads(done.stdout)["arms"]
    assert healthy["status"] == "finished"
    assert sick["status"] == "failed"
    assert "not finite" in sick["reason"]


def test_a_killed_worker_is_told_and_the_others_go_on(inittui):
    viewer = inittui.start("--preset", "digits", "--epochs", "100", "--arm", "he_normal", "--arm", "zeros", "--plain")
    until(lambda: bool(run_index.runs(inittui.runs_dir)), "the run")
    run = inittui.run_dir()
    until(lambda: "zeros" in run.status().workers, "the worker")
    os.kill(run.status().workers["zeros"], signal.SIGKILL)
    out, _ = viewer.communicate(timeout=60)
    assert viewer.returncode == 1
    assert "zeros" in out
    assert "killed by signal 9" in out
    healthy, killed = run.result().arms
    assert (healthy.status, killed.status) == ("finished", "failed")


def test_a_killed_supervisor_leaves_no_orphan_and_the_viewer_says_so(inittui):
    viewer = inittui.start("--preset", "digits", "--epochs", "5000", "--plain")
    until(lambda: bool(run_index.runs(inittui.runs_dir)), "the run")
    run = inittui.run_dir()
    until(lambda: len(run.status().workers) == 2, "the workers")
    workers = [psutil.Process(pid) for pid in run.status().workers.values()]
    os.kill(run.status().pid, signal.SIGKILL)
    out, _ = viewer.communicate(timeout=60)
    assert viewer.returncode == 1
    assert "the supervisor is gone" in out
    until(lambda: not any(worker.is_running() for worker in workers), "the workers' end")


def test_interrupting_plain_output_stops_the_run_and_prints_what_there_is(inittui):
    viewer = inittui.start("--preset", "digits", "--epochs", "5000", "--plain")
    until(lambda: bool(run_index.runs(inittui.runs_dir)), "the run")
    run = inittui.run_dir()
    until(lambda: any(arm.epochs_done for arm in Follower(run).poll().arms), "an epoch")
    viewer.send_signal(signal.SIGINT)
    out, _ = viewer.communicate(timeout=60)
    assert viewer.returncode == 130
    assert "stopped" in out
    assert run.result().status == "stopped"
    until(lambda: not run.alive(), "the supervisor's end")


def test_detach_returns_at_once_and_attach_and_stop_find_the_run(inittui):
    done = inittui("--preset", "digits", "--epochs", "5000", "--detach")
    assert done.returncode == 0
    name = done.stdout.strip()
    assert name == inittui.run_dir().name
    until(lambda: inittui.run_dir().alive(), "the supervisor")
    assert name in inittui("runs").stdout
    stopped = inittui("stop", name[:10])
    assert (stopped.returncode, stopped.stdout.strip()) == (0, f"stopped {name}")
    attached = inittui("attach", "last", "--plain")
    assert attached.returncode == 130
    assert "stopped" in attached.stdout


def test_auto_without_a_network_takes_digits_and_says_so_to_the_last_table(inittui, tmp_path):
    done = inittui("--epochs", "2", "--data-dir", str(tmp_path / "empty"), "--set", "model.hidden=[32]")
    assert done.returncode == 0, done.stderr
    note = next(line for line in done.stdout.splitlines() if line.startswith("note:"))
    assert "MNIST" in note
    assert "digits" in note
    assert "Data: MNIST" in done.stdout.split("test accuracy")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "fashion_mnist"), ["Fashion-MNIST", "could not be downloaded"]),
        (("--preset", "digits", "--set", "training.batch_size=5000"), ["training.batch_size = 5000", "1,500"]),
        (("--preset", "digits", "--set", "model.outputs=3"), ["model.outputs = 3", "10 classes"]),
    ],
)
def test_bad_input_that_only_the_engine_sees_is_one_line_and_leaves_nothing(inittui, tmp_path, arguments, words):
    done = inittui(*arguments, "--json", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 2
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("inittui: ")
    assert all(word in last for word in words), last
    assert "Traceback" not in done.stderr
    assert not list(inittui.runs_dir.iterdir())
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_a_truncated_file_of_mnist_is_one_line_and_leaves_nothing(inittui, tmp_path, mnist_dir: Path):
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (mnist_dir / "MNIST" / "raw").iterdir():
        (raw / file.name).symlink_to(file)
    (raw / "t10k-images-idx3-ubyte").unlink()
    (raw / "t10k-images-idx3-ubyte").write_bytes(b"\x00" * 1000)
    done = inittui("--data", "mnist", "--data-dir", str(tmp_path / "data"), "--plain")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "t10k-images-idx3-ubyte" in done.stderr
    assert "1,000 bytes, expected 7,840,016" in done.stderr
    assert not inittui.runs_dir.exists()


def test_mnist_from_a_folder(inittui, mnist_dir: Path):
    document = inittui.result("--data-dir", str(mnist_dir), "--epochs", "1", "--set", "data.train_limit=6000")
    assert document["data"] == {"name": "mnist", "title": "MNIST", "train": 6000, "test": 10000, "note": ""}
    assert all(arm["test_accuracy"]["mean"] > 0.85 for arm in document["arms"])


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["mnist3", "deep5", "notebook"])
def test_every_preset_of_mnist_trains_to_its_accuracy(inittui, mnist_dir: Path, preset):
    done = inittui.start("--preset", preset, "--data-dir", str(mnist_dir), "--epochs", "2", "--json")
    out, err = done.communicate(timeout=600)
    assert done.returncode == 0, err
    for arm in json.loads(out)["arms"]:
        assert 0.95 < arm["test_accuracy"]["mean"] < 0.99
        assert 0.15 < arm["replicas"][0]["train_cost"][0] < 0.35


def test_an_interrupt_in_the_first_moment_stops_the_run_too(inittui):
    viewer = inittui.start("--preset", "digits", "--epochs", "5000", "--plain")
    assert viewer.stdout.readline().startswith("run: ")
    viewer.send_signal(signal.SIGINT)  # the supervisor still imports, and has not said its pid
    out, _ = viewer.communicate(timeout=60)
    assert viewer.returncode == 130
    assert any(line.startswith("scheme  ") for line in out.splitlines()), "the table stands on lines of its own"
    assert inittui.run_dir().status().state == "stopped"


def test_a_reader_that_goes_away_is_no_error_and_a_full_disk_is_one_line(inittui):
    done = inittui("schemes")
    assert done.returncode == 0
    for target, code, words in (("| true; exit ${PIPESTATUS[0]}", 0, ""), ("> /dev/full", 1, "inittui: ")):
        shell = f"'{sys.executable}' -m inittui schemes {target}"
        done = subprocess.run(
            ["bash", "-c", shell], capture_output=True, text=True, env=inittui.environment, timeout=60
        )
        assert done.returncode == code
        assert done.stderr.startswith(words)
        assert len(done.stderr.splitlines()) == (1 if words else 0)


@pytest.mark.slow
def test_curves_arrive_in_tensorboard_while_it_trains_and_a_detached_run_has_them_too(inittui, tmp_path):
    pytest.importorskip("tensorboard", reason="needs inittui[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = inittui(
        "--preset",
        "digits",
        "--epochs",
        "5000",
        "--arm",
        "he_normal",
        "--detach",
        "--tensorboard",
        str(tmp_path / "tb"),
    )
    assert done.returncode == 0, done.stderr
    run = inittui.run_dir()
    place = tmp_path / "tb" / run.name / "he_normal" / "seed-777"

    def epochs() -> list[int]:
        read = EventAccumulator(str(place))
        read.Reload()
        return [point.step for point in read.Scalars("train/cost")] if "train/cost" in read.Tags()["scalars"] else []

    until(lambda: place.is_dir() and len(epochs()) > 1, "the first epochs in TensorBoard")
    assert run.alive()
    assert inittui("stop", "last").returncode == 0
    last = Follower(run).poll().arms[0].epochs_done
    until(lambda: epochs()[-1] == last, "the last epoch in TensorBoard")
    assert epochs() == list(range(1, last + 1))
    until(lambda: "wrote" in (run.path / "tensorboard.log").read_text(), "the end of the writer")
