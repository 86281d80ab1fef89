"""`inittui delete`."""

import io
from pathlib import Path

import pytest

from tests.helpers import empty_run, make_alive, preset, write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")


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
    make_alive(alive)
    code, out, err = call("delete", "ended", "alive", "--yes")
    assert (code, out) == (2, "")
    assert err == f"inittui: run '{alive.name}' is alive; it can be deleted when it has ended\n"
    assert ended.path.is_dir()
