import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import pynvml
import pytest
from msgspec.structs import replace

from inittui import __version__
from inittui.cli.commands import runs as runs_command
from inittui.cli.main import main, names
from inittui.common import process_identity
from inittui.experiment.preset_files import known
from inittui.launch import process
from inittui.record import events, gallery
from inittui.record.run_directory import RunDir
from inittui.schemes.catalogue import SCHEMES
from tests.galleries import canned_gallery
from tests.helpers import canned_events, empty_run, preset, write_events, write_run

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may get as far as a supervisor, and no folder of the person who runs them is touched."""

    def refused(run: RunDir) -> NoReturn:
        pytest.fail(f"a run was started: {run.path}")

    monkeypatch.setattr(process, "start", refused)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("INITTUI_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def refused(call: Call, tmp_path: Path) -> Callable[..., str]:
    """Calls with what must be bad input: exit code 2, nothing on standard output, no run left. Gives what was said."""

    def of(*words: str) -> str:
        code, out, err = call(*words)
        assert (code, out) == (2, "")
        assert err.startswith("inittui: ")
        assert err.endswith("\n")
        assert err[:-1].replace("\n", "").isprintable()
        left = tmp_path / "runs"
        assert not left.exists() or list(left.iterdir()) == []
        return err[:-1]

    return of


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
def test_bad_input_is_one_line_and_exit_code_two(refused: Callable[..., str], words: list[str], said: str) -> None:
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
def test_what_was_typed_is_repeated_without_control_characters(refused: Callable[..., str], words: list[str]) -> None:
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
def test_a_path_that_can_be_none_is_refused(refused: Callable[..., str], words: list[str]) -> None:
    refused(*words)


@pytest.mark.parametrize("title", ["\udcff", "\x1b[2J", "a\nb"], ids=["not UTF-8", "escape", "newline"])
def test_a_title_that_cant_be_written_or_shown_is_refused(refused: Callable[..., str], title: str) -> None:
    assert "title" in refused("--preset", "digits", "--set", f"title={title}")


def test_every_fault_of_a_preset_is_listed(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'titel = "x"\n[data]\nname = "mnst"\n[model]\nhidden = [0]\n[training]\nepochs = 0\n[[arms]]\ninit = "he"\n',
        "utf-8",
    )
    head, *faults = refused("--preset", "bad.toml").split("\n")
    assert head == "inittui: preset 'bad.toml': 5 faults"
    for place in ("titel", "data.name", "model.hidden", "training.epochs", "arms[1].init"):
        assert sum(fault.startswith(f"  {place}") for fault in faults) == 1
    assert len(faults) == 5


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_gpu_is_refused_before_anything_starts(refused: Callable[..., str], device: str) -> None:
    message = refused("--device", device)
    assert f"--device {device}: no NVIDIA GPU can be used here" in message
    assert "use --device cpu" in message
    assert "\n" not in message


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    assert "no such device; expected cuda:0 to cuda:1" in refused("--device", "cuda:2")


@pytest.mark.parametrize("below", ["file", "file/runs"])
def test_a_runs_folder_below_a_file_is_refused(refused: Callable[..., str], tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    message = refused("--preset", "digits", "--runs-dir", below)
    assert "can't be written" in message
    assert "--runs-dir" in message
    assert "\n" not in message


def test_damaged_data_are_refused_before_a_run_is_made(refused: Callable[..., str], tmp_path: Path) -> None:
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


# What works without a run


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


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"inittui {__version__}\n"


def test_presets_are_listed_with_what_they_show(call: Call) -> None:
    code, out, err = call("presets")
    assert (code, err) == (0, "")
    listed = [line.split("  ")[0].strip() for line in out.split("\n\n")[0].splitlines()]
    assert listed == list(known())
    assert "can't be run" not in out


def test_a_users_preset_at_fault_is_listed_as_such(call: Call, tmp_path: Path) -> None:
    own = tmp_path / "home" / "config" / "inittui" / "presets"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text("titel = 1\n", "utf-8")
    (own / "torn.toml").write_bytes(b"\xff")
    code, out, _ = call("presets")
    assert code == 0
    assert "mine" in out
    assert out.count("can't be run: ") == 2


def test_a_preset_is_printed_as_it_is_written(call: Call) -> None:
    code, out, _ = call("presets", "digits")
    assert (code, out) == (0, known()["digits"].read_text("utf-8"))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\0" * 8 + b"\x80"], ids=["not UTF-8", "binary"])
def test_a_file_that_cant_be_printed_is_refused(refused: Callable[..., str], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    assert "mine.toml" in refused("presets", "mine.toml")


def test_schemes_are_listed_with_formula_and_purpose(call: Call) -> None:
    code, out, err = call("schemes")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "--arm ./my_scheme.py:my_init" in lines[-1]
    for line, row in zip(lines, SCHEMES.values(), strict=False):
        assert line.startswith(row.name)
        assert row.formula in line
        assert line.endswith(row.short)
        assert len(line) <= 80


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("he_normal", ["std √(2/in)", "He, Zhang, Ren and Sun 2015", "kaiming_normal_", "inittui --arm he_normal "]),
        ("he_normal(mode=fan_out)", ["std √(2/out)", "--arm 'he_normal(mode=fan_out)'"]),
        ("normal(std=0.1)", ["standard deviation of every weight; has to be given", "--arm 'normal(std=0.1)'"]),
        ("normal", ["has to be given", "--arm 'normal(std=0.01)'"]),
        ("orthogonal", ["gain", "default 1", "inittui --arm orthogonal "]),
        ("torch_default", ["U(±1/√in)"]),
    ],
)
def test_a_scheme_is_explained(call: Call, typed: str, words: list[str]) -> None:
    code, out, err = call("schemes", typed)
    assert (code, err) == (0, "")
    assert out.startswith(f"{typed}\n")
    assert [word for word in words if word not in out] == []


# What works on runs that are there


def test_runs_are_listed_with_their_state(call: Call, runs_dir: Path) -> None:
    assert call("runs")[1].startswith(f"no run in {runs_dir}; start one")
    finished = write_run(runs_dir, preset(name="finished"))
    dead = empty_run(runs_dir, preset(name="dead"))
    damaged = empty_run(runs_dir, preset(name="torn"))
    (damaged.path / "status.json").write_bytes(b"{")
    code, out, err = call("runs")
    assert (code, err) == (0, "")
    table, _, closing = out.partition("\n\n")
    states = {line.split()[0]: line.split()[1] for line in table.splitlines()[1:]}
    assert states == {finished.name: "finished", dead.name: "interrupted", damaged.name: "damaged"}
    assert closing.splitlines()[0].startswith("3 runs, ")
    assert "inittui resume NAME" in closing
    assert "inittui delete NAME" in closing


def test_runs_for_programs_are_a_list_of_objects(call: Call, runs_dir: Path) -> None:
    assert call("runs", "--json")[1] == "[]\n"
    run = write_run(runs_dir, preset(2, name="digits"))
    (runs_dir / "e\x1b[2Jvil\x9b").symlink_to(run.path)
    code, out, err = call("runs", "--json")
    assert (code, err) == (0, "")
    assert out.replace("\n", "").isprintable()
    assert out.isascii()
    found = {row["name"]: row for row in json.loads(out)}
    assert set(found) == {run.name, "e\x1b[2Jvil\x9b"}
    row = found[run.name]
    assert set(row) == {
        "name", "path", "state", "alive", "preset", "arms", "started", "age", "size", "device", "seconds", "reason"
    }  # fmt: skip
    assert (row["state"], row["alive"], row["preset"], row["path"]) == ("finished", False, "digits", str(run.path))
    assert [(arm["name"], arm["status"]) for arm in row["arms"]] == [
        ("xavier_normal", "finished"), ("he_normal", "finished")
    ]  # fmt: skip


def test_a_run_is_deleted_by_name_beginning_or_path(call: Call, runs_dir: Path) -> None:
    runs = [write_run(runs_dir, preset(name=name)) for name in ("aa", "bb", "cc", "dd")]
    code, out, err = call("delete", runs[0].name, "bb", str(runs[2].path), "aa", "--yes")
    assert (code, out, err) == (0, "".join(f"deleted {run.name}\n" for run in runs[:3]), "")
    assert list(runs_dir.iterdir()) == [runs[3].path]


def test_without_a_terminal_delete_needs_yes(call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(runs_dir)
    for stdin in (io.StringIO("y\n"), None):
        monkeypatch.setattr("sys.stdin", stdin)
        code, out, err = call("delete", "last")
        assert (code, out) == (2, "")
        assert "expected --yes" in err
    assert run.path.is_dir()


@pytest.mark.parametrize(("typed", "gone"), [("y", True), ("YES ", True), ("n", False), ("", False), ("yonder", False)])
def test_at_a_terminal_delete_asks(
    call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, typed: str, gone: bool
) -> None:
    run = write_run(runs_dir)
    answer = io.StringIO(f"{typed}\n")
    monkeypatch.setattr(answer, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answer)
    code, out, err = call("delete", run.name)
    assert str(run.path) in err
    assert (code, run.path.exists()) == (0 if gone else 1, not gone)
    assert out == (f"deleted {run.name}\n" if gone else "")


def test_where_one_run_must_not_be_deleted_none_is(call: Call, runs_dir: Path) -> None:
    ended, alive = write_run(runs_dir, preset(name="ended")), empty_run(runs_dir, preset(name="alive"))
    own = os.getpid()
    alive.write_status(replace(alive.status(), state="training", pid=own, pid_started=process_identity.started(own)))
    code, out, err = call("delete", "ended", "alive", "--yes")
    assert (code, out) == (2, "")
    assert err == f"inittui: run '{alive.name}' is alive; 'inittui stop {alive.name}' ends it, then it can be deleted\n"
    assert ended.path.is_dir()


def test_a_report_is_printed_in_each_format(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(2, seeds=2))
    for form, words in (("table", "* the highest"), ("md", "|---|---:|"), ("csv", "run,arm,init,changes,status,seed")):
        code, out, err = call("report", run.name, "--format", form)
        assert (code, err) == (0, "")
        assert words in out
    code, out, _ = call("report", "last", "--format", "json")
    document = json.loads(out)
    confusion = document.pop("confusion")
    assert (code, document) == (0, json.loads(msgspec.json.encode(run.result())))
    assert list(confusion) == ["xavier_normal", "he_normal"]


def test_a_report_has_the_confusions_of_every_arm(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(2, seeds=2))
    gallery.write(run, canned_gallery(preset(2), seeds=2))
    confusion = json.loads(call("report", "last", "--format", "json")[1])["confusion"]
    assert confusion["he_normal"]["seeds"] == 2
    assert sum(map(sum, confusion["he_normal"]["counts"])) == 24


def test_a_report_has_each_seed_another_baseline_and_all_pairs_on_request(call: Call, runs_dir: Path) -> None:
    write_run(runs_dir, preset(3, seeds=8))
    table = call("report", "last")[1]
    assert " 778 " not in table
    assert "All against xavier_normal; p corrected for 2" in table
    assert " 778 " in call("report", "last", "--each-seed")[1]
    assert "All against he_normal; p corrected for 2" in call("report", "last", "--baseline", "he_normal")[1]
    assert "All pairs of 3 arms; p corrected for 3" in call("report", "last", "--all-pairs", "--format", "md")[1]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--baseline", "he_norma"), "--baseline he_norma: no such arm. Did you mean 'he_normal'?"),
        (("--baseline", "he_normal", "--all-pairs"), "--baseline and --all-pairs: expected one of the two"),
        (("--format", "svg", "--each-seed"), "--each-seed: the dashboard shows the run's own comparisons"),
    ],
)
def test_a_report_that_can_t_be_is_refused(call: Call, runs_dir: Path, words: tuple[str, ...], fault: str) -> None:
    write_run(runs_dir)
    code, out, err = call("report", "last", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"inittui: {fault}")


def test_a_run_without_result_is_reported_from_its_logs(call: Call, runs_dir: Path) -> None:
    run = empty_run(runs_dir)
    write_events(run, canned_events(preset(), until=2.0))
    code, out, err = call("report", run.name)
    assert code == 0
    assert "xavier_normal" in out
    assert err == "no result.json yet (the run is interrupted): this is what its logs hold\n"


def test_a_damaged_result_is_refused_and_kept(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir)
    (run.path / "result.json").write_bytes(b"{")
    code, out, err = call("report", run.name)
    assert (code, out) == (2, "")
    assert err.startswith(f"inittui: run '{run.name}': result.json can't be read")
    assert (run.path / "result.json").read_bytes() == b"{"


def test_a_run_that_is_over_can_be_neither_stopped_nor_waited_for(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir)
    code, out, err = call("stop", "last")
    assert (code, out) == (2, "")
    assert err.startswith(f"inittui: run '{run.name}' is not running on this machine")
    assert call("attach")[2].startswith("inittui: no run is alive")


def test_without_a_terminal_attach_and_replay_print_the_table(
    call: Call, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    run = write_run(runs_dir)
    code, out, _ = call("attach", run.name)
    assert code == 0
    assert "epoch 3 of 3" in out
    assert "* the highest" in out
    code, out, _ = call("replay", run.name)
    assert code == 0
    assert "* the highest" in out


def test_a_run_that_failed_is_exit_code_one(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, endings={1: events.Failed(kind="cost", reason="cost not finite")})
    code, out, _ = call("attach", run.name, "--plain")
    assert code == 1
    assert "he_normal failed: cost not finite." in out
