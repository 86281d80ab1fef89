"""Commands for a user id without an entry in passwd and without HOME, as in many containers."""

import pwd
from pathlib import Path
from typing import NoReturn

import pytest

from inittui.cli.commands import serve
from inittui.record.run_index import word_for
from tests.helpers import write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts", "without_home")


@pytest.fixture
def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME", "INITTUI_RUNS_DIR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for kind in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "--runs-dir", "runs"],
        ["report", "last", "--runs-dir", "runs"],
        ["attach", "last", "--runs-dir", "runs", "--plain"],
        ["presets"],
        ["presets", "digits"],
        ["schemes", "he_normal"],
        ["new", "./mine.toml"],
        ["completion", "--list", "presets"],
    ],
    ids=" ".join,
)
def test_what_needs_no_home_works(call: Call, tmp_path: Path, words: list[str]) -> None:
    write_run(tmp_path / "runs")
    code, out, err = call(*words)
    assert (code, err) == (0, ""), err
    assert out


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["runs"], "--runs-dir"),
        (["--preset", "digits", "--runs-dir", "runs"], "--data-dir"),
        (["--preset", "digits", "--data-dir", "data"], "--runs-dir"),
        (["new", "mine"], "a preset by its path"),
    ],
    ids=str,
)
def test_what_needs_one_says_in_one_line_what_to_give(call: Call, words: list[str], given: str) -> None:
    code, out, err = call(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("inittui: the home folder is unknown, ")
    assert err.endswith(f": set HOME, or give {given}\n")
    assert not Path("~").exists()


def test_a_run_is_named_by_its_path(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs")
    assert word_for(run) == str(run.path)


def test_the_tunnel_names_no_user() -> None:
    assert "@" not in serve._tunnel(8000)
