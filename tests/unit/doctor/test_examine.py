"""All checks together, and `inittui doctor`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inittui.cli.main import main
from inittui.doctor import machine
from inittui.doctor.check import here
from inittui.doctor.examine import examine
from tests.unit.doctor.conftest import MakeSystem

NO_GPU = machine.Gpus(error="NVML Shared Library Not Found", library=False)


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch is not imported."""
    monkeypatch.setattr(machine, "import_torch", lambda: ({"version": "2.14", "cuda": None, "devices": []}, ""))


@pytest.mark.parametrize("terminal", [None, (80, 24)])
def test_a_system_of_which_nothing_can_be_read_is_examined_to_the_end(
    system: MakeSystem, tmp_path: Path, terminal: tuple[int, int] | None
) -> None:
    bare = system(user="", environment={}, terminal=terminal)
    checks = list(examine(bare, tmp_path / "runs", tmp_path / "data"))
    names = [check.name for check in checks]
    assert names == [
        *("python", "packages", "gpu", "cores", "memory", "terminal", "locale", "logout"),
        *("runs", "data-dir", "data", "presets", "torch"),
    ]
    assert not [check for check in checks if "could not be checked" in check.finding]
    assert not list(tmp_path.glob("runs")), "nothing is made"


def test_a_check_that_stumbles_is_told_and_the_others_go_on(
    system: MakeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(machine, "look_for_gpus", stumble)
    monkeypatch.setattr(machine, "cores", stumble)
    checks = {check.name: check for check in examine(system(), tmp_path, tmp_path)}
    assert checks["gpu"].finding == checks["cores"].finding == "could not be checked: ZeroDivisionError: odd"
    assert checks["gpu"].state == "note"
    assert checks["presets"].state == checks["torch"].state == "ok"


def test_without_joblib_only_the_cores_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joblib", None)  # its import fails
    checks = {check.name: check for check in examine(here(), tmp_path, tmp_path)}
    assert "could not be checked" in checks["cores"].finding
    assert "joblib" in checks["cores"].finding
    assert checks["presets"].state == "ok"


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """The command on folders of its own."""
    monkeypatch.setattr(machine, "look_for_gpus", lambda: NO_GPU)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.delenv("INITTUI_RUNS_DIR", raising=False)

    def of(*words: str) -> tuple[int, str]:
        code = main(["doctor", *words])
        return code, capsys.readouterr().out

    return of


def test_json_is_a_list_of_objects_and_the_exit_code_tells_of_a_fault(
    call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, out = call("--json")
    checks = json.loads(out)
    assert {frozenset(check) for check in checks} == {frozenset(("name", "state", "found", "mend"))}
    assert code == int(any(check["state"] == "fault" for check in checks))
    assert checks[-1]["name"] == "torch"
    (tmp_path / "file").touch()
    code, out = call("--json", "--runs-dir", str(tmp_path / "file" / "runs"))
    assert code == 1
    (runs,) = [check for check in json.loads(out) if check["name"] == "runs"]
    assert runs["state"] == "fault"
    assert "--runs-dir" in runs["mend"]


def test_lines_for_a_person_fit_and_have_no_escapes(
    call: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out = call("--data-dir", str(tmp_path / "no\x1b[2Jwhere"))
    assert "\x1b" not in out
    lines = out.splitlines()
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 3] == []
    assert all(line[:5].strip() in ("ok", "note", "fault") for line in lines if line[:1].strip() and line != lines[-1])
    assert lines[-1].startswith("no fault" if code == 0 else "1 fault")


def test_bad_folders_are_bad_input(call: Callable[..., tuple[int, str]]) -> None:
    assert call("--data-dir", "~nosuchuser/x") == (2, "")


def test_torch_is_not_loaded_into_this_process() -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from inittui.doctor.examine import examine; from inittui.doctor.check import here;"
        "assert list(examine(here(), Path('/nonexistent'), Path('/nonexistent')));"
        "sys.exit(bool({'torch', 'textual.app', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
