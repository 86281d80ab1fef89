"""`inittui compare`: the arms of several runs."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.analysis.across_runs import document_of_runs
from inittui.cli.main import main
from inittui.experiment.preset import Data
from inittui.record.run_directory import RunDir
from tests.helpers import accuracy, preset, write_run

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def of(*words: str) -> tuple[int, str, str]:
        code = main(["compare", *words, "--runs-dir", str(tmp_path / "runs")])
        return (code, *capsys.readouterr())

    return of


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., RunDir]:
    def of(arms: Any, name: str, seeds: Any = 8, lead: float = 0.0, **table: Any) -> RunDir:
        of_run = preset(arms, name=name, seeds=seeds, **table)
        better = lambda arm, number, epoch: accuracy(arm, number, epoch) + lead  # noqa: E731
        return write_run(tmp_path / "runs", of_run, accuracies=better)

    return of


def test_arms_of_two_runs_are_paired_by_seed(make: Callable[..., RunDir], call: Call) -> None:
    first, second = make(["he_normal"], "one"), make(["orthogonal"], "two", lead=0.01)
    document = document_of_runs([first, second])
    (row,) = document.comparisons
    assert (row.a, row.b, row.n, row.wins) == ("he_normal", "orthogonal", 8, 8)
    assert row.difference == pytest.approx(0.01)
    assert row.p_holm is not None
    assert row.p_holm < 0.05
    code, out, err = call("one", "two")
    assert (code, err) == (0, "")
    assert "orthogonal is higher than he_normal by 1.00 points" in " ".join(out.split())
    assert first.name in out
    assert second.name in out


def test_arms_of_one_name_get_their_runs_and_what_is_otherwise_is_told(make: Callable[..., RunDir], call: Call) -> None:
    first = make(["he_normal", "zeros"], "one")
    second = make(["he_normal"], "two", model={"hidden": [8]}, training={"learning_rate": 0.01})
    document = json.loads(call("one", "two", "--format", "json")[1])
    assert [arm["name"] for arm in document["arms"]] == [f"he_normal@{first.name}", "zeros", f"he_normal@{second.name}"]
    assert [arm["changes"] for arm in document["arms"]] == [
        [],
        [],
        ["model.hidden = [8]", "training.learning_rate = 0.01"],
    ]
    assert document["design"]["family"] == 2
    table = list(csv.DictReader(io.StringIO(call("one", "two", "--format", "csv")[1])))
    assert {row["changes"] for row in table} == {"", "model.hidden = [8]; training.learning_rate = 0.01"}


def test_seeds_that_are_not_shared_pair_nothing_and_that_is_said(make: Callable[..., RunDir], call: Call) -> None:
    make(["he_normal"], "one", seeds=[1, 2, 3])
    make(["orthogonal"], "two", seeds=[4, 5])
    code, out, _ = call("one", "two", "--format", "md")
    assert code == 0
    assert "he\\_normal and orthogonal are not compared: they share no seed." in out
    some = document_of_runs([make(["zeros"], "three", seeds=[3, 4]), make(["identity"], "four", seeds=[4, 5])])
    assert [row.n for row in some.comparisons] == [1]


def test_baseline_and_all_pairs(make: Callable[..., RunDir], call: Call) -> None:
    make(["he_normal"], "one")
    make(["orthogonal"], "two")
    make(["zeros"], "three")
    document = json.loads(call("one", "two", "three", "--format", "json", "--baseline", "zeros")[1])
    assert [(row["a"], row["b"]) for row in document["comparisons"]] == [
        ("zeros", "he_normal"),
        ("zeros", "orthogonal"),
    ]
    assert len(json.loads(call("one", "two", "three", "--format", "json", "--all-pairs")[1])["comparisons"]) == 3


def test_one_shared_seed_of_several_is_told_pair_by_pair(make: Callable[..., RunDir], call: Call) -> None:
    make(["he_normal"], "one", seeds=1)
    make(["orthogonal", "lecun_normal"], "two", seeds=3)
    out = call("one", "two", "--format", "md")[1]
    assert out.count("on one seed, which proves nothing") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one"], "compare one: that is one run; expected two or more different ones"),
        (["one", "one"], "that is one run"),
        (["one", "nowhere"], "no run 'nowhere'"),
        (["one", "slip"], "test pixels not scaled, run 'one-"),
        (["one", "two", "--format", "svg"], "--format svg: expected one of table, md, csv, json"),
        (["one", "two", "--baseline", "he_norml"], "--baseline he_norml: no such arm. Did you mean 'he_normal'?"),
        (["one", "two", "--baseline", "a", "--all-pairs"], "expected one of the two"),
        ([], "the following arguments are required: RUN"),
    ],
    ids=" ".join,
)
def test_what_cant_be_compared_is_one_line(
    make: Callable[..., RunDir], call: Call, words: list[str], said: str
) -> None:
    make(["he_normal"], "one", seeds=1)
    make(["orthogonal"], "two", seeds=1)
    make(["orthogonal"], "slip", seeds=1, data={"scale_test": False})
    code, out, err = call(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_other_images_are_refused(make: Callable[..., RunDir], call: Call) -> None:
    make(["he_normal"], "one", seeds=1)
    other = make(["he_normal"], "two", seeds=1)
    document = other.result()
    assert document is not None
    other.write_result(replace(document, data=replace(document.data, train=10)))
    code, _, err = call("one", "two")
    assert code == 2
    assert "10 training and 297 test images, run 'one-" in err
    assert err.rstrip().endswith("expected runs on the same images")


def test_of_ones_own_data_the_digest_decides_and_not_the_path(tmp_path: Path, call: Call) -> None:
    experiments = (preset(["he_normal"], name="one"), preset(["he_normal"], name="two"))
    runs = [
        write_run(tmp_path / "runs", replace(each, data=Data(factory=f"./{each.name}.py:load"))) for each in experiments
    ]

    def with_digests(*digests: str) -> tuple[int, str]:
        for run, digest in zip(runs, digests, strict=True):
            run.write_status(replace(run.status(), fingerprints={"data": digest}))
        code, _, err = call("one", "two")
        return code, err

    assert with_digests("a" * 64, "a" * 64)[0] == 0
    code, err = with_digests("a" * 64, "b" * 64)
    assert code == 2
    assert "with SHA-256 bbbbbbbbbbbb" in err
