"""What the tests of the commands may ask for."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from inittui.cli.main import main
from inittui.launch import process
from inittui.record.run_directory import RunDir

Call = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command: its exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may get as far as a supervisor, and no folder of the person who runs them is touched."""

    def refused(run: RunDir, _: int) -> NoReturn:
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
def refused(call: Call, tmp_path: Path) -> Refused:
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
