"""`inittui completion`, in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from inittui.cli.main import main
from inittui.schemes.catalogue import SCHEMES
from tests.helpers import preset, write_run

ASK = 'COMP_WORDS=({words}); COMP_CWORD={at}; COMPREPLY=(); _shtab_inittui; printf "%s\\n" "${{COMPREPLY[@]}}"'


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home with one run, and `inittui` on the path, as this checkout has it."""
    write_run(tmp_path / "runs", preset(2, name="mine"))
    program = tmp_path / "bin" / "inittui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m inittui "$@"\n')
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "INITTUI_RUNS_DIR": str(tmp_path / "runs"),
        "HOME": str(tmp_path),
        "TERM": "dumb",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")]),
    }


EVIL = "$(touch${IFS}HERE)"


@pytest.fixture
def evil(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment, with links to the run under names that a shell would execute: they would leave the file HERE."""
    (run,) = (tmp_path / "runs").iterdir()
    for name in (EVIL, "`touch${IFS}HERE`", "$HOME", "-x", "~root", "*", "a;touch HERE", "e\x1b[2Jvil", "two words"):
        (tmp_path / "runs" / name).symlink_to(run)
    return environment


def script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    assert main(["completion", shell]) == 0
    path = tmp_path / f"inittui.{shell}"
    path.write_text(capsys.readouterr().out, "utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["inittui", "rep"], ["replay", "report"]),
        (["inittui", "--preset", "digi"], ["digits"]),
        (["inittui", "--arm", "he_"], [name for name in SCHEMES if name.startswith("he_")]),
        (["inittui", "--devi"], ["--device"]),
        (["inittui", "report", "mi"], ["mine-"]),
        (["inittui", "report", "last", "--format", "m"], ["md"]),
        (["inittui", "schemes", "ortho"], ["orthogonal"]),
        (["inittui", "completion", "z"], ["zsh"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bash(
    words: list[str],
    expected: list[str],
    tmp_path: Path,
    environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = script("bash", tmp_path, capsys)
    answers = answers_of_bash(path, words, environment, tmp_path)
    assert len(answers) == len(expected)
    assert all(answer.startswith(start) for answer, start in zip(sorted(answers), sorted(expected), strict=True))


def answers_of_bash(script: Path, words: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    code = f"source {script}; " + ASK.format(words=" ".join(words), at=len(words) - 1)
    done = subprocess.run(["bash", "-c", code], env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.usefixtures("evil")
def test_bash_executes_no_name(tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    path = script("bash", tmp_path, capsys)
    last, run = sorted(answers_of_bash(path, ["inittui", "report", "''"], environment, tmp_path))
    assert (last, run.partition("-")[0]) == ("last", "mine")
    assert not (tmp_path / "HERE").exists()


@pytest.mark.usefixtures("evil")
def test_fish(tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    path = script("fish", tmp_path, capsys)

    def completed(line: str) -> list[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return [answer.partition("\t")[0] for answer in done.stdout.splitlines()]

    assert completed("inittui rep") == ["replay", "report"]
    assert [answer.partition("-20")[0] for answer in completed("inittui report mi")] == ["mine"]
    assert [answer.partition("-20")[0] for answer in completed("inittui report ")] == ["last", "mine"]
    assert not (tmp_path / "HERE").exists()
    assert completed("inittui --preset digi") == ["digits"]


@pytest.mark.slow
@pytest.mark.usefixtures("evil")
def test_zsh(tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    path = script("zsh", tmp_path, capsys)
    (tmp_path / "zfunc").mkdir()
    path.rename(tmp_path / "zfunc" / "_inittui")
    shell = pexpect.spawn(
        "zsh",
        ["-f", "-i"],
        env={**environment, "TERM": "xterm"},
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 200),
    )
    try:
        shell.sendline(f"fpath+={tmp_path}/zfunc; autoload -U compinit; compinit -u -D; PS1=; echo re''ady")
        shell.expect("ready")
        for typed, completed in (
            ("inittui sche", "inittui schemes"),
            ("inittui report mi", "mine-"),
            ("inittui report ", "last"),
            ("inittui --preset digi", "--preset digits"),
        ):
            shell.send(f"{typed}\t")
            shell.expect_exact(completed)
            shell.send("\x15")  # the line is not wanted
    finally:
        shell.close(force=True)
    assert not (tmp_path / "HERE").exists()


def test_only_names_that_no_shell_expands_are_listed(
    evil: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INITTUI_RUNS_DIR", evil["INITTUI_RUNS_DIR"])
    assert main(["completion", "--list", "runs"]) == 0
    last, run = capsys.readouterr().out.split()
    assert (last, run.partition("-")[0]) == ("last", "mine")


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "completion: expected one of bash, zsh, fish"), (["tcsh"], "shell 'tcsh': expected one of bash, zsh, fish"),
     (["--list", "x"], "--list x: expected one of runs, presets, schemes, datasets")],
    ids=repr,
)  # fmt: skip
def test_bad_input_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", *words]) == 2
    assert capsys.readouterr().err == f"inittui: {said}\n"
