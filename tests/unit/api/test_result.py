"""`inittui.load` and what a result shows, on canned runs; `inittui.compare`'s arguments, with nothing started."""

import inspect
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest.mock import ANY

import numpy
import pandas
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import inittui
from inittui.analysis.epoch_table import COLUMNS
from inittui.common.errors import InittuiError, RunError, UsageError
from inittui.engine.data.load import load as load_data
from inittui.engine.networks import example_cnn
from inittui.experiment import preset_files
from inittui.experiment.preset import Data
from inittui.launch import process, start_run
from inittui.record import events
from inittui.record.run_directory import RunDir
from tests.helpers import EPOCH_SECONDS, accuracy, cost, preset, write_run


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_a_finished_run_has_tables_sentences_and_figures(runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(2, seeds=3, epochs=2))
    result = inittui.load("last", runs_dir=runs_dir)
    assert (result.run, result.path, result.status) == (run.name, run.path, "finished")
    assert result.document | {"crc": ANY} == json.loads((run.path / "result.json").read_text())
    of_he = result.accuracy["he_normal"]
    assert of_he is not None
    assert of_he.mean == pytest.approx(sum(accuracy(1, seed, 2) for seed in range(3)) / 3)
    (comparison,) = result.comparisons
    assert (comparison.a, comparison.b, comparison.n) == ("xavier_normal", "he_normal", 3)
    assert comparison.verdict.lower().rstrip(".") in result.verdict[0].lower()
    assert list(result.table["test_accuracy"]) == [accuracy(arm, seed, 2) for arm in range(2) for seed in range(3)]
    assert list(result.table["arm"].unique()) == ["xavier_normal", "he_normal"]


def test_the_long_table_has_a_row_an_arm_seed_and_epoch(runs_dir: Path) -> None:
    rows: list[Any] = [{"init": "zeros", "name": "tanh", "model": {"activation": "tanh"}}, "normal(std=0.1)"]
    write_run(runs_dir, preset(rows, seeds=2, epochs=3))
    frame = inittui.load(runs_dir=runs_dir).epochs
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 2 * 2 * 3
    of_one = frame[(frame["arm"] == "tanh") & (frame["seed"] == 778)]
    assert list(of_one["epoch"]) == [1, 2, 3]
    assert list(of_one["train_cost"]) == [cost(0, 1, epoch) for epoch in (1, 2, 3)]
    assert set(of_one["changes"]) == {'model.activation = "tanh"'}
    assert set(of_one["seconds"]) == {EPOCH_SECONDS}
    assert set(frame["scheme"]) == {"zeros", "normal(std=0.1)"}


@pytest.mark.parametrize("table", ["table", "epochs"])
def test_without_pandas_a_table_says_what_to_install(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    write_run(runs_dir, preset(2))
    result = inittui.load(runs_dir=runs_dir)
    monkeypatch.setitem(sys.modules, "pandas", None)  # as where it is not installed
    with pytest.raises(InittuiError) as caught:
        getattr(result, table)
    assert str(caught.value) == (f"result.{table}: needs pandas, which is not installed; pip install 'inittui[pandas]'")


def test_a_cost_that_is_not_finite_is_missing_in_the_tables(runs_dir: Path) -> None:
    write_run(runs_dir, preset(2), costs=lambda arm, _, epoch: None if arm and epoch > 1 else 1.0)
    result = inittui.load(runs_dir=runs_dir)
    assert list(result.epochs["train_cost"].isna()) == [False] * 4 + [True] * 2
    assert list(result.table["train_cost"].isna()) == [False, True]


@pytest.mark.parametrize(
    ("story", "status", "told"),
    [
        ({"until": 2.0}, "interrupted", "So far (the run is interrupted): "),
        (
            {"endings": {1: events.Failed(kind="memory", reason="out of memory")}},
            "failed",
            "he_normal failed: out of memory.",
        ),
        ({"until": 0.1}, "interrupted", "xavier_normal"),
    ],
    ids=["cut short", "an arm failed", "before it began"],
)
def test_a_run_without_a_happy_end_can_be_loaded_too(
    runs_dir: Path, story: dict[str, Any], status: str, told: str
) -> None:
    run = write_run(runs_dir, preset(2), **story)
    result = inittui.load(run.path)
    assert result.status == status
    assert told in str(result)
    assert run.name in repr(result)
    assert isinstance(result.epochs, pandas.DataFrame)
    assert len(result.table) == 2


def test_a_prompt_shows_a_line_and_a_notebook_a_table(runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(["he_normal", {"init": "zeros", "name": "<b>bold</b>"}], seeds=2))
    result = inittui.load(runs_dir=runs_dir)
    assert repr(result).startswith(f"<inittui run {run.name}, finished: he_normal 9")
    assert "\n" not in repr(result)
    data, _ = InteractiveShell.instance().display_formatter.format(result)
    assert set(data) >= {"text/plain", "text/html"}
    assert "<td>he_normal</td>" in data["text/html"]
    assert "&lt;b&gt;bold&lt;/b&gt;" in data["text/html"]
    assert "<b>" not in data["text/html"]
    assert "<li>Indicative only" in data["text/html"]


def test_no_such_run_and_no_such_name_are_said(runs_dir: Path) -> None:
    with pytest.raises(InittuiError, match="no run in"):
        inittui.load("last", runs_dir=runs_dir)
    with pytest.raises(AttributeError, match="has no attribute 'compar'"):
        inittui.compar  # noqa: B018
    assert set(inittui.__all__) <= set(dir(inittui))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"preset": "digts"}, "no preset 'digts'. Did you mean 'digits'?"),
        ({"arms": ["he_norml"]}, "no scheme 'he_norml'"),
        ({"arms": [len]}, "arms: <built-in function len>: expected a scheme such as 'he_normal'"),
        ({"epochs": 0}, "epochs: training.epochs = 0: expected a whole number from 1"),
        ({"epochs": 1.5}, "epochs: training.epochs"),
        ({"seeds": 0}, "seeds 0: expected how many"),
        ({"seeds": 10**5000}, "seeds a huge number: expected how many"),
        ({"epochs": 10**5000}, "epochs: training.epochs"),
        ({"set": {"training.learning_rate": 10**5000}}, "training.learning_rate"),
        ({"seeds": []}, "seeds: training.seeds"),
        ({"set": {"training.lerning_rate": 1}}, "Did you mean 'learning_rate'?"),
        ({"set": {"model.hidden": [0]}}, "set model.hidden: model.hidden"),
        ({"device": "tpu"}, "device tpu: expected auto, cpu, cuda or cuda:N"),
        ({"threads": 0}, "threads 0: expected a whole number from 1 to 1024"),
        ({"on": "slurm"}, "on slurm: expected here, ray, auto or ray://HOST:PORT"),
        ({"on": 3}, "on 3: expected here, ray, auto or ray://HOST:PORT"),
        ({"on": "ray", "gpus_per_arm": 2}, "gpus_per_arm 2: expected a number above 0 and at most 1"),
        ({"on": "ray", "gpus_per_arm": True}, "gpus_per_arm True: expected a number above 0 and at most 1"),
        ({"gpus_per_arm": 0.5}, 'gpus_per_arm 0.5: is for runs on Ray; expected on="ray"'),
        ({"on": "auto", "device": "cuda"}, "on Ray it takes gpus_per_arm as well, as in gpus_per_arm=0.25"),
        ({"on": "auto", "device": "cpu", "gpus_per_arm": 0.5}, "device cpu: gpus_per_arm 0.5 is given too"),
        ({"data": "mnsit"}, 'data: data.name = "mnsit"'),
        ({"runs_dir": "~nosuchuser/x"}, "path '~nosuchuser/x' can't be used"),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_bad_arguments_are_one_line_in_pythons_words(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], said: str
) -> None:
    def refused(run: RunDir, _: int) -> NoReturn:
        pytest.fail(f"a run was started: {run.path}")

    monkeypatch.setattr(process, "start", refused)
    monkeypatch.setattr(start_run, "find_spec", lambda _: object())  # as if Ray were installed
    with pytest.raises(InittuiError) as caught:
        inittui.compare(**{"preset": "digits", "runs_dir": runs_dir, **arguments})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)
    assert not runs_dir.exists()


# What Python people pass


X, Y = torch.arange(40.0).reshape(10, 4), torch.arange(10) % 2


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[RunDir]:
    """The runs that would have been started."""
    runs: list[RunDir] = []

    def start(run: RunDir, _: int) -> NoReturn:
        runs.append(RunDir(run.path.with_name("kept")))
        run.path.rename(runs[0].path)
        raise RunError("as far as this test goes")

    monkeypatch.setattr(process, "start", start)
    return runs


def begun(runs_dir: Path, started: list[RunDir], **arguments: Any) -> RunDir:
    with pytest.raises(RunError, match="as far as this test goes"):
        inittui.compare(**{"preset": "digits", "runs_dir": runs_dir, **arguments})
    return started[0]


def test_numbers_and_arrays_of_other_libraries_are_settings(runs_dir: Path, started: list[RunDir]) -> None:
    run = begun(
        runs_dir,
        started,
        arms=numpy.array(["he_normal", "zeros"]),
        seeds=numpy.arange(3),
        epochs=numpy.float64(2),
        set={"training.learning_rate": numpy.float32(0.001), "model.hidden": torch.tensor([8, 8])},
        sweep={
            "training.weight_decay": numpy.array([0, 0.1], dtype="float32"),
            "model.activation": pandas.Series(["relu"]),
        },
        threads=numpy.int64(1),
        device=torch.device("cpu"),
    )
    preset = run.preset()
    assert [arm.name for arm in preset.rows] == ["he_normal", "zeros"]
    assert (preset.training.seeds, preset.training.epochs, preset.training.learning_rate) == ((0, 1, 2), 2, 0.001)
    assert preset.model.hidden == (8, 8)
    assert [axis.values for axis in preset.sweep] == [(0.0, 0.1), ("relu",)]
    assert (run.status().threads, run.status().requested_device) == (1, "cpu")


@pytest.mark.parametrize(
    "data",
    [
        (X[:8], Y[:8], X[8:], Y[8:]),
        ((X[:8].numpy(), Y[:8].tolist()), (X[8:].bfloat16(), Y[8:].int())),
        (pandas.DataFrame(X[:8].numpy()), pandas.Series(Y[:8]), X[8:].tolist(), Y[8:], ["even", "odd"]),
    ],
    ids=["tensors", "pairs", "columns"],
)
def test_arrays_are_data_which_the_run_keeps(runs_dir: Path, started: list[RunDir], data: Any) -> None:
    run = begun(runs_dir, started, data=data)
    assert run.preset().data == Data(factory=str(run.path / "data.npz"))
    assert run.preset().title.endswith(" (changed)")
    assert (run.path / "data.npz").stat().st_mode & 0o777 == 0o600
    loaded = load_data(run.preset().data, run.path, lambda *_: None)
    assert torch.equal(loaded.train_images, X[:8])
    assert torch.equal(loaded.test_labels, Y[8:])
    assert loaded.classes == (("even", "odd") if len(data) == 5 else ("0", "1"))
    moved = RunDir(run.path.rename(runs_dir / "elsewhere"))
    assert moved.preset().data.factory == str(moved.path / "data.npz")
    again = preset_files.load(str(moved.path / "preset.toml"))
    assert again.data == moved.preset().data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((X, Y), "data: a tuple of 2: expected the name of a data set, a function in a Python file, or arrays"),
        (X, "data: a Tensor: expected the name"),
        (3, "data: a int: expected the name"),
        ((X, Y, X, ["a"] * 10), "data: test_labels, a list: it is <U1 of shape [10]; expected numbers"),
        ((X.to_sparse(), Y, X, Y), "data: train_inputs, a Tensor: "),
        ((X, Y, [[1], [1, 2]], Y), "data: test_inputs, a list: "),
        ((numpy.ma.masked_less(X.numpy(), 3), Y, X, Y), "data: train_inputs, a MaskedArray: it has masked values"),
        (lambda: 0, "data: <function"),
    ],
)
def test_data_that_are_none_are_refused_in_one_line(
    runs_dir: Path, started: list[RunDir], data: Any, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        inittui.compare(preset="digits", runs_dir=runs_dir, data=data)
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()
    assert started == []


def test_functions_are_arms_networks_and_data(runs_dir: Path, started: list[RunDir]) -> None:
    run = begun(
        runs_dir,
        started,
        arms=[example_cnn.small_cnn, {"init": "zeros"}],
        set={"model.factory": example_cnn.small_cnn},
        data=example_cnn.small_cnn,
    )
    text = "inittui.engine.networks.example_cnn:small_cnn"
    assert (run.preset().data.factory, run.preset().model.factory, run.preset().arms[0].init.name) == (text, text, text)


def test_a_disk_without_room_for_the_data_leaves_no_run(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(numpy, "savez", full)
    with pytest.raises(RunError, match=r"can't be written .no space left on device.; expected room and permission"):
        inittui.compare(preset="digits", runs_dir=runs_dir, data=(X, Y, X, Y))
    assert list(runs_dir.iterdir()) == []


def test_a_file_that_a_run_imports_starts_no_run_of_its_own(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name="inittui.supervisor.__main__"))
    with pytest.raises(UsageError, match="put it under: if __name__ == '__main__'"):
        inittui.compare(runs_dir=runs_dir)


class Hostile:
    """An object that fails at whatever it is asked."""

    def __getattr__(self, name: str) -> NoReturn:
        raise OSError(name)

    def __repr__(self) -> NoReturn:
        raise OSError("repr")

    __str__ = __iter__ = __repr__


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
HOSTILE = {
    "hostile": Hostile(),
    "endless": ENDLESS,
    "huge": 10**5000,
    "half a pair": "\udcff",
    "escape": "\x1b[5m",
    "bytes": b"x",
    "complex": 1j,
    "array": numpy.zeros((2, 2, 2)),
    "objects": numpy.array([None, object()], dtype=object),
    "masked": numpy.ma.masked,
    "NA": pandas.NA,
    "table": pandas.DataFrame({"a": [1]}),
    "sparse": torch.zeros(2, 2).to_sparse(),
    "without data": torch.zeros(2, device="meta"),
    "module": torch,
    "network": torch.nn.Linear(1, 1),
    "lambda": lambda: 0,
    "nested": {"a": {"b": Hostile()}},
    "row": {"init": {"name": "normal", "std": Hostile()}},
    "five": [numpy.zeros((3, 2)), numpy.zeros(3, int), numpy.zeros((3, 2)), numpy.zeros(3, int), Hostile()],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_object_as_any_argument_is_taken_or_refused_in_one_line(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def start(*_: object) -> NoReturn:
        raise RunError("as far as this test goes")

    monkeypatch.setattr(process, "start", start)
    monkeypatch.chdir(runs_dir.parent)
    value = HOSTILE[name]
    arguments = [*inspect.signature(inittui.compare).parameters]
    calls: list[dict[str, Any]] = [{argument: given} for argument in arguments[:-1] for given in (value, [value])]
    calls += [
        {"set": {"training.learning_rate": value}},
        {"sweep": {"model.hidden": [value]}},
        {"arms": [{"init": value}]},
    ]
    for call in calls:
        with pytest.raises(InittuiError) as caught:
            inittui.compare(**{"preset": "digits", "runs_dir": runs_dir, "progress": False, **call})
        assert all(line.isprintable() for line in str(caught.value).split("\n"))
    calls = [{"scheme": value}, {"scheme": "zeros", "seed": value}, {"scheme": {"name": "normal", "std": value}}]
    for call in calls:
        with pytest.raises(InittuiError):
            inittui.init_(torch.nn.Linear(2, 2), **call)
