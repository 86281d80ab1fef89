"""What is the same for every command: bad input, help, exit codes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pynvml
import pytest

from inittui import __version__
from inittui.cli.commands import runs as runs_command
from inittui.cli.main import load, main, names
from tests.helpers import write_run
from tests.unit.cli.conftest import Call, Refused

pytestmark = pytest.mark.usefixtures("nothing_starts")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> NoReturn:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "mnst3"], "no preset 'mnst3'. Did you mean 'mnist3'?"),
        (["--preset", "nowhere/x.toml"], "there is no such file"),
        (["--arm", "he_norml"], "no scheme 'he_norml'. Did you mean 'he_normal'?"),
        (["--arm", "normal(std=-1)"], "expected a finite number of at least 0"),
        (["--arm", "he_normal", "--arm", "he_normal"], 'arms[2].name = "he_normal": arm 1 has that name already'),
        (["--set", "epochs"], "expected KEY=VALUE"),
        (["--set", "training.lerning_rate=1"], "Did you mean 'learning_rate'?"),
        (["--epochs", "0"], "--epochs: training.epochs = 0: expected a whole number from 1"),
        (["--seed", "abc"], '--seed: training.seeds = ["abc"]'),
        (["--seeds", "0"], "--seeds 0: expected how many"),
        (["--seed", "1", "--seeds", "2"], "expected one of the two"),
        (["--threads", "0"], "--threads 0: expected a whole number from 1 to 1024"),
        (["--threads", "two"], "--threads two: expected a whole number"),
        (["--device", "tpu"], "--device tpu: expected auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:"], "--device cuda:: expected auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:x"], "expected auto, cpu, cuda or cuda:N"),
        (["--data", "mnsit"], '--data: data.name = "mnsit": expected one of auto, mnist'),
        (["--refresh", "nan"], "--refresh nan: expected a number above 0"),
        (["--refresh", "0"], "--refresh 0: expected a number above 0"),
        (["--epocs", "3"], "unrecognized arguments: --epocs"),
        (["--epoch", "3"], "unrecognized arguments: --epoch"),  # no abbreviations: they would change under one's hands
        (["--epochs"], "--epochs: expected one argument"),
        (["--preset", "digits", "more"], "unrecognized arguments: more"),
        (["--runs-dir", "x", "runs"], "'runs' comes after options; expected the command first: inittui runs OPTIONS"),
        (["rnus"], "no command 'rnus'. Did you mean 'runs'?"),
        (["qqqqqq"], "no command 'qqqqqq'. Known: attach, compare, "),
        (["presets", "mnst3"], "no preset 'mnst3'. Did you mean 'mnist3'?"),
        (["presets", "a", "b"], "unrecognized arguments: b"),
        (["schemes", "he_norml"], "no scheme 'he_norml'. Did you mean 'he_normal'?"),
        (["report"], "the following arguments are required: RUN"),
        (["report", "x"], "no run in '"),
        (["report", "x", "--format", "pdf"], "--format pdf: expected one of table, md, csv, json, svg"),
        (["replay", "last"], "no run in '"),
        (["stop", "last"], "no run in '"),
        (["attach"], "no run is alive"),
        (["attach", "x"], "no run in '"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_code_two(refused: Refused, words: list[str], said: str) -> None:
    message = refused(*words)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "words",
    [
        ["--preset", "\x1b[2J"],
        ["--arm", "\x1b[2J"],
        ["--set", "\x1b[2J=1"],
        ["--set", "\x1b[2J"],
        ["--device", "\x1b[2J"],
        ["--seeds", "\x1b[2J"],
        ["\x1b[2J"],
        ["two\nlines"],
    ],
    ids=repr,
)
def test_what_was_typed_is_repeated_without_control_characters(refused: Refused, words: list[str]) -> None:
    assert "\n" not in refused(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["--preset", "~nosuchuser/x.toml"],
        ["--preset", "x" * 5000],
        ["--runs-dir", "~nosuchuser/x"],
        ["--data-dir", "~nosuchuser/x", "--refresh", "0"],
        ["--runs-dir", "x" * 5000],
        ["report", "~nosuchuser/x"],
        ["report", "x" * 5000],
        ["runs", "--runs-dir", "~nosuchuser/x"],
    ],
    ids=lambda words: " ".join(word[:20] for word in words),
)
def test_a_path_that_can_be_none_is_refused(refused: Refused, words: list[str]) -> None:
    refused(*words)


@pytest.mark.parametrize("title", ["\udcff", "\x1b[2J", "a\nb"], ids=["not UTF-8", "escape", "newline"])
def test_a_title_that_cant_be_written_or_shown_is_refused(refused: Refused, title: str) -> None:
    assert "title" in refused("--preset", "digits", "--set", f"title={title}")


def test_every_fault_of_a_preset_is_listed(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'titel = "x"\n[data]\nname = "mnst"\n[model]\nhidden = [0]\n[training]\nepochs = 0\n[[arms]]\ninit = "he"\n',
        "utf-8",
    )
    head, *faults = refused("--preset", "bad.toml").split("\n")
    assert head == "inittui: preset 'bad.toml': 5 faults"
    for key in ("titel", "data.name", "model.hidden", "training.epochs", "arms[1].init"):
        assert sum(fault.startswith(f"  {key}") for fault in faults) == 1
    assert len(faults) == 5


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_gpu_is_refused_before_anything_starts(refused: Refused, device: str) -> None:
    message = refused("--device", device)
    assert f"--device {device}: no NVIDIA GPU can be used here" in message
    assert "use --device cpu" in message
    assert "\n" not in message


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    assert "no such device; expected cuda:0 to cuda:1" in refused("--device", "cuda:2")


@pytest.mark.parametrize("below", ["file", "file/runs"])
def test_a_runs_folder_below_a_file_is_refused(refused: Refused, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    message = refused("--preset", "digits", "--runs-dir", below)
    assert "can't be written" in message
    assert "--runs-dir" in message
    assert "\n" not in message


def test_damaged_data_are_refused_before_a_run_is_made(refused: Refused, tmp_path: Path) -> None:
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-labels-idx1-ubyte").touch()
    message = refused("--data", "mnist", "--data-dir", "data")
    assert "data 'mnist'" in message
    assert "0 bytes, expected 60,008" in message
    assert "\n" not in message


def test_interrupted_is_exit_code_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs_command, "run", interrupted)
    assert call("runs") == (130, "", "")


@pytest.mark.parametrize("words", [["--help"], ["-h"], *([name, "--help"] for name in names())], ids=" ".join)
def test_help_is_printed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: inittui")
    assert err == ""
    if len(words) == 1:
        assert "exit codes: 0 finished, 1 an arm failed, 2 bad input, 130 interrupted" in out
        assert all(f"\n  {name} " in out for name in names())


def test_help_has_its_words_without_docstrings_too() -> None:
    help_ = subprocess.run(
        [sys.executable, "-OO", "-m", "inittui", "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "Which weight initialisation, why, and is the difference real?" in help_
    assert re.search(r"^  attach \[RUN\] +show a run that is training", help_, re.MULTILINE)
    assert "None" not in help_


def test_a_working_directory_that_was_deleted_is_one_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    words = "inittui: the working directory has been deleted: change to another one\n"
    assert call("--preset", "digits") == (1, "", words)
    assert call("runs", "--runs-dir", "runs") == (1, "", words)
    assert call("report", "./x")[2].count("\n") == 1
    assert call("presets", "digits")[0] == 0


NINES = "9" * 5000  # Python reads no number of more than 4,300 digits
HEX = f"0x{'F' * 4000}"  # and writes none


@pytest.mark.parametrize(
    "words",
    [
        ["--epochs", NINES],
        ["--seed", NINES],
        ["--seeds", NINES],
        ["--seeds", f"{NINES},1"],
        ["--threads", NINES],
        ["--refresh", f"-{NINES}"],
        ["--stop-stuck", NINES],
        ["--device", f"cuda:{NINES}"],
        ["--on", f"ray://x:{NINES}"],
        ["--gpus-per-arm", NINES],
        *(["--set", f"{key}={digits}"] for key in ("training.epochs", "training.seeds", "model.hidden", "data.train_limit")
          for digits in (NINES, HEX, f"[{HEX}]")),
        ["--set", f"training.learning_rate={HEX}"],
        ["--set", f"title={HEX}"],
        ["--sweep", f"model.depth=3,{HEX}"],
        ["--sweep", f"training.learning_rate={HEX}"],
        ["--arm", f"normal(std={NINES})"],
        ["--arm", f"normal(std={HEX})"],
        ["--arm", f"normal({HEX})"],
        ["--arm", f"lsuv(rounds={HEX})"],
        ["report", "last", "--size", f"{NINES}x40"],
        ["serve", "--port", NINES],
        ["replay", "last", "--speed", f"-{NINES}"],
    ],
    ids=lambda words: " ".join(word[:30] for word in words),
)  # fmt: skip
@pytest.mark.usefixtures("no_gpu")
def test_a_number_of_any_length_is_refused(refused: Refused, words: list[str]) -> None:
    refused("--preset", "digits", *words) if words[0].startswith("-") else refused(*words)


@pytest.mark.parametrize("name", names())
def test_the_examples_of_a_command_are_of_it(name: str) -> None:
    examples = load(name).EXAMPLES
    assert examples
    assert all(words.startswith(f"inittui {name}") for words, _ in examples)


@pytest.mark.parametrize(
    ("name", "columns"), [*((name, "80") for name in names()), ("compare", "60"), ("compare", "200")]
)
def test_help_tells_what_it_does_with_examples_and_exit_codes(
    name: str, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        main([name, "--help"])
    out = capsys.readouterr().out
    assert " ".join(str(load(name).__doc__).split()) in " ".join(out.split())
    assert "\nexamples:\n  inittui " in out
    assert "\nexit codes: 0 " in out
    prose = out.partition("\n\n")[2].partition("\n\n")[0]
    assert max(map(len, prose.splitlines())) <= min(int(columns), 100)


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"inittui {__version__}\n"


def test_a_run_that_is_over_can_be_neither_stopped_nor_waited_for(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir)
    code, out, err = call("stop", "last")
    assert (code, out) == (2, "")
    assert err.startswith(f"inittui: run '{run.name}' is not running on this machine")
    assert call("attach")[2].startswith("inittui: no run is alive")
