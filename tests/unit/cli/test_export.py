"""`inittui export`: what it writes, read back by the programs that it is written for."""

import importlib.util
import json
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pandas
import pytest

from inittui.analysis.epoch_table import COLUMNS
from inittui.analysis.statistics import mean_estimate
from inittui.cli.main import main
from inittui.experiment.preset_table import build
from inittui.record import events
from inittui.record.run_directory import RunDir
from tests.helpers import REPORTS, accuracy, cost, preset, write_events, write_run

Export = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    rows: list[str | Mapping[str, Any]] = [
        "he_normal",
        {"init": "normal(std=0.01)", "name": "small, $tanh$", "model": {"activation": "tanh"}},
        "zeros",
    ]
    story: dict[str, Any] = {"endings": {2: events.Failed(kind="memory", reason="out of memory")}}
    return write_run(tmp_path / "runs", preset(rows, seeds=3, epochs=4), **story)


@pytest.fixture
def export(run: RunDir, capsys: pytest.CaptureFixture[str]) -> Export:
    def of(*words: str) -> tuple[int, str, str]:
        code = main(["export", str(run.path), *words])
        return (code, *capsys.readouterr())

    return of


def test_csv_has_a_row_an_arm_seed_and_epoch(export: Export, run: RunDir, tmp_path: Path) -> None:
    target = tmp_path / "run.csv"
    assert export("--to", str(target)) == (0, f"wrote {target}\n", "")
    table = pandas.read_csv(target)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 2 * 3 * 4 + 3  # the arm that failed has an epoch of each seed
    assert set(table["run"]) == {run.name}
    for row in table.itertuples():
        place, number = ["he_normal", "small, $tanh$", "zeros"].index(row.arm), row.seed - 777
        assert row.train_cost == cost(place, number, row.epoch)
        assert row.test_accuracy == accuracy(place, number, row.epoch)
    assert dict(zip(table["arm"], table["status"], strict=True))["zeros"] == "failed"
    assert dict(zip(table["arm"], table["scheme"], strict=True))["small, $tanh$"] == "normal(std=0.01)"


def test_parquet_holds_the_same_typed(export: Export, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs inittui[parquet]")
    assert export("--to", str(tmp_path / "run.parquet"), "--to", str(tmp_path / "run.csv"))[0] == 0
    table = parquet.read_table(tmp_path / "run.parquet")
    assert [str(table.schema.field(name).type) for name in ("seed", "epoch", "train_cost")] == [
        "int64",
        "int64",
        "double",
    ]
    pandas.testing.assert_frame_equal(
        table.to_pandas(), pandas.read_csv(tmp_path / "run.csv", keep_default_na=False), check_dtype=False
    )


def test_markdown_is_the_table_of_report(export: Export, run: RunDir, tmp_path: Path, capsys: Any) -> None:
    assert export("--to", str(tmp_path / "run.md"))[0] == 0
    assert main(["report", str(run.path), "--format", "md"]) == 0
    assert (tmp_path / "run.md").read_text("utf-8") == capsys.readouterr().out


@pytest.mark.parametrize("which", ["both", "cost", "accuracy"])
def test_a_figure_names_every_arm_and_is_the_same_twice(export: Export, tmp_path: Path, which: str) -> None:
    pytest.importorskip("matplotlib", reason="needs inittui[figures]")
    first, again = tmp_path / "a.svg", tmp_path / "b.svg"
    assert export("--to", str(first), "--to", str(again), "--figure", which)[0] == 0
    assert first.read_bytes() == again.read_bytes()
    words = "\n".join(element.text or "" for element in ElementTree.parse(first).iter() if element.tag.endswith("text"))
    for name in ("he_normal", "small, $tanh$", "zeros"):
        assert words.count(name) == (2 if which == "both" else 1)
    assert ("training cost" in words) == (which != "accuracy")
    assert ("test accuracy, %" in words) == (which != "cost")
    assert ("95 % interval" in words) == (which != "cost")


def test_png_and_pdf_are_fit_for_paper(export: Export, tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image", reason="needs inittui[figures]")
    assert export("--to", str(tmp_path / "a.png"), "--to", str(tmp_path / "a.PDF"))[0] == 0
    rows, columns, _ = image.imread(tmp_path / "a.png").shape
    assert columns >= 2000
    assert rows >= 700
    assert (tmp_path / "a.PDF").read_bytes().startswith(b"%PDF")


def test_arms_are_told_apart_without_colour() -> None:
    pytest.importorskip("matplotlib", reason="needs inittui[figures]")
    from matplotlib.colors import to_rgb

    from inittui.output.figures import look

    looks = [look(place) for place in range(28)]
    assert len({(one["linestyle"], one["marker"]) for one in looks}) == 28

    def lightness(place: int) -> float:
        red, green, blue = to_rgb(looks[place]["color"])
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert abs(lightness(0) - lightness(1)) > 0.2
    assert max(lightness(place) for place in range(28)) < 0.75  # nothing is lost on white


def test_tensorboard_reads_every_curve(export: Export, run: RunDir, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs inittui[tensorboard]")
    for _ in range(2):  # in place of the first, not beside it
        assert export("--tensorboard", str(tmp_path / "tb"))[0] == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folders = sorted(path.relative_to(tmp_path / "tb") for path in (tmp_path / "tb").glob("*/*/*"))
    assert folders == sorted(
        Path(run.name, arm, f"seed-{seed}") for arm in ("he_normal", "small_tanh", "zeros") for seed in (777, 778, 779)
    )
    read = EventAccumulator(str(tmp_path / "tb" / run.name / "small_tanh" / "seed-778"))
    read.Reload()
    assert [(point.step, point.value) for point in read.Scalars("train/cost")] == [
        (epoch, pytest.approx(cost(1, 1, epoch))) for epoch in range(1, 5)
    ]
    assert [point.value for point in read.Scalars("test/accuracy")] == [
        pytest.approx(accuracy(1, 1, epoch)) for epoch in range(1, 5)
    ]
    assert len(read.Scalars("train/cost by step")) == 4 * REPORTS
    times = [point.wall_time for point in read.Scalars("test/cost")]
    assert times == sorted(times)


def test_epochs_that_were_trained_twice_are_one_point(export: Export, run: RunDir, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs inittui[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    again = events.Epoch(
        t=30.0, seed=777, epoch=4, train_cost=1.0, test_cost=None, test_accuracy=0.5, seconds=1.0, test_seconds=0.1
    )
    write_events(run, [(again, 0)])
    assert export("--tensorboard", str(tmp_path))[0] == 0
    read = EventAccumulator(str(tmp_path / run.name / "he_normal" / "seed-777"))
    read.Reload()
    assert [point.step for point in read.Scalars("train/cost")] == [1, 2, 3, 4]


@pytest.mark.slow
def test_weights_and_biases_own_reader_finds_every_run(export: Export, run: RunDir, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="needs inittui[wandb]")
    assert export("--wandb", str(tmp_path / "wb"))[0] == 0
    found = {}
    for file in (tmp_path / "wb" / "wandb").glob("offline-run-*/*.wandb"):
        # wandb's command is the only reader that it ships: in a process of its own, offline.
        shown = subprocess.run(
            [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        records = [json.loads(line) for line in shown.stdout.splitlines()]
        (of_run,) = [record["run"] for record in records if record["type"] == "run"]
        config = of_run["config"]["update"]
        found[config["arm"], config["seed"]] = [
            record["history"]["item"] for record in records if record["type"] == "history"
        ]
        assert (of_run["project"], of_run["run_group"]) == ("inittui", run.name)
    assert set(found) == {(arm, seed) for arm in ("he_normal", "small, $tanh$", "zeros") for seed in (777, 778, 779)}
    curve = found["small, $tanh$", 779]
    assert [item["epoch"] for item in curve] == [1, 2, 3, 4]
    assert [item["train/cost"] for item in curve] == [cost(1, 2, epoch) for epoch in (1, 2, 3, 4)]


def test_a_run_that_still_trains_can_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "runs", preset(2, epochs=3), until=2.0)
    assert main(["export", str(run.path), "--to", str(tmp_path / "now.csv")]) == 0
    table = pandas.read_csv(tmp_path / "now.csv")
    assert list(table["epoch"]) == [1, 1]
    capsys.readouterr()


def test_a_files_mode_is_everybodys_as_the_umask_has_it_and_an_old_one_is_replaced(
    export: Export, tmp_path: Path
) -> None:
    target = tmp_path / "run.csv"
    target.write_text("old")
    export("--to", str(target))
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert target.read_text().startswith("run,arm,")


def test_a_private_file_stays_private_and_a_link_stays_a_link(export: Export, tmp_path: Path) -> None:
    target, link = tmp_path / "private.csv", tmp_path / "run.csv"
    target.touch(0o600)
    link.symlink_to(target)
    assert export("--to", str(link))[0] == 0
    assert link.is_symlink()
    assert target.read_text().startswith("run,arm,")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_to_a_device_is_refused_in_one_line(export: Export, tmp_path: Path) -> None:
    (tmp_path / "run.csv").symlink_to("/dev/null")
    code, _, err = export("--to", str(tmp_path / "run.csv"))
    assert code == 2
    assert err == f"inittui: '{tmp_path}/run.csv' can't be written: it is not a plain file\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nowhere to write to; expected --to FILE, --tensorboard DIR or --wandb DIR"),
        (
            ["--to", "run.xlsx"],
            "--to run.xlsx: expected a file that ends in one of .csv, .parquet, .svg, .png, .pdf, .md",
        ),
        (["--to", "nowhere/run.csv"], "--to nowhere/run.csv: there is no folder 'nowhere'; make it first"),
        (["--to", "a.csv", "--figure", "pie"], "--figure pie: expected one of both, cost, accuracy"),
        (["--to", "a.csv", "--follow"], "--follow: expected --tensorboard DIR with it"),
        (["--tensorboard", __file__], "it is a file; expected a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_nothing_is_written(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, out, err = export(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert list(Path.cwd().iterdir()) == []


class WithoutPandas(MetaPathFinder):
    """Imports as if pandas were not installed."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(fullname)


def test_no_file_needs_pandas(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow", reason="needs inittui[parquet]")
    # pyarrow takes the None of `sys.modules["pandas"] = None` for the module.
    for name in [name for name in sys.modules if name.partition(".")[0] == "pandas"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [WithoutPandas(), *sys.meta_path])
    assert export("--to", str(tmp_path / "run.parquet"), "--to", str(tmp_path / "run.csv"))[0] == 0


@pytest.mark.parametrize(
    ("words", "module", "extra"),
    [
        (["--to", "a.parquet"], "pyarrow", "parquet"),
        (["--to", "a.svg"], "matplotlib", "figures"),
        (["--tensorboard", "tb"], "tensorboard", "tensorboard"),
        (["--wandb", "wb"], "wandb", "wandb"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], module: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)  # as where it is not installed
    assert importlib.util.find_spec(module) is None
    code, _, err = export(*words)
    assert code == 2
    assert (
        err == f"inittui: {' '.join(words)}: needs {module}, which is not installed; pip install 'inittui[{extra}]'\n"
    )


def test_a_tensorboard_without_the_internals_that_are_used_is_named_with_its_version(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensorboard = pytest.importorskip("tensorboard", reason="needs inittui[tensorboard]")
    name = "tensorboard.summary.writer.event_file_writer"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))  # as where it has been renamed
    code, out, err = export("--tensorboard", str(tmp_path / "tb"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"inittui: tensorboard {tensorboard.__version__} can't write event files (")


def test_a_wandb_without_a_setting_that_is_used_is_named_with_its_version(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settings(**of: object) -> None:
        raise ValueError(f"unexpected: {', '.join(of)}")

    other = SimpleNamespace(Settings=settings, __version__="9.8.7", __spec__=ModuleSpec("wandb", None))
    monkeypatch.setitem(sys.modules, "wandb", other)
    code, out, err = export("--wandb", str(tmp_path / "wb"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("inittui: wandb 9.8.7 does not take the settings silent, ")
    assert not (tmp_path / "wb").exists()


def test_a_swept_run_is_drawn_over_its_values_scheme_by_scheme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="needs inittui[figures]")
    table = {
        "data": {"name": "digits"},
        "training": {"epochs": 2, "seeds": [1, 2, 3]},
        "sweep": {"model.depth": [2, 3, 30]},
    }
    of = build({**table, "arms": [{"init": "he_normal"}, {"init": "zeros"}]}, name="map", source="map")
    swept = write_run(tmp_path, of, accuracies=lambda arm, seed, _: 0.1 if arm == 5 else 0.9 - 0.01 * seed)
    for words in ([], ["--figure", "sweep"]):
        assert main(["export", str(swept.path), "--to", str(tmp_path / "map.svg"), *words]) == 0
        texts = [
            "".join(one.itertext())
            for one in ElementTree.parse(tmp_path / "map.svg").iter()
            if one.tag.endswith("}text")
        ]
        assert {"he_normal", "zeros", "depth", "2", "3", "30"} <= set(texts)
        assert "bars: 95 % interval of the mean; hollow: at chance" in texts
    assert main(["export", str(swept.path), "--to", str(tmp_path / "cost.svg"), "--figure", "cost"]) == 0
    plain = write_run(tmp_path / "plain", preset(2, epochs=2))
    assert main(["export", str(plain.path), "--to", str(tmp_path / "no.svg"), "--figure", "sweep"]) != 0
    assert "has swept nothing" in capsys.readouterr().err


def test_a_run_without_an_epoch_has_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="needs inittui[figures]")
    run = write_run(tmp_path / "runs", preset(2), until=0.5)
    assert main(["export", str(run.path), "--to", str(tmp_path / "a.svg")]) == 2
    assert "has no finished epoch, so there is no curve to draw" in capsys.readouterr().err


def test_the_interval_that_is_drawn_is_that_of_the_table(run: RunDir) -> None:
    document = run.result()
    assert document is not None
    values = [accuracy(0, number, 4) for number in range(3)]
    assert document.arms[0].test_accuracy == mean_estimate(values)


@pytest.mark.parametrize("option", ["--to", "--wandb"])
def test_a_result_of_another_run_is_refused_in_one_line(
    export: Export, run: RunDir, tmp_path: Path, option: str
) -> None:
    if option == "--wandb":
        pytest.importorskip("wandb", reason="needs inittui[wandb]")
    other = write_run(tmp_path / "others", preset(2))
    (run.path / "result.json").write_bytes((other.path / "result.json").read_bytes())
    target = tmp_path / "out.md"
    message = f"run '{run.name}': result.json belongs to another run: it has other arms"
    code, out, err = export(option, str(target))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert not target.exists()
