"""A run whose files say what no terminal, table or picture may get: nothing that shows it passes it on."""

import csv
import io
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.board.source import LiveSource
from inittui.cli.watch import after_dashboard
from inittui.record import events
from inittui.record.run_directory import RunDir
from tests.helpers import preset, write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")

EVIL = "\x1b[2J\x9b31m\x07\u202e\u2028\ufffe&<\r\n|x"
SHOWN = "?[2J?31m????&<??|x"
DETAIL = f"Traceback:\n  File 'net.py', line 1\n{EVIL}"


@pytest.fixture
def hostile(runs_dir: Path) -> RunDir:
    """A finished run with such texts in its logs, its status, its result and its name."""
    failed = events.Failed(kind="exception", reason=EVIL, detail=DETAIL)
    of = preset(3, seeds=2)
    run = write_run(runs_dir, of, endings={1: failed, 2: events.Gone(arm="", reason=EVIL)}, note=EVIL)
    run.write_status(replace(run.status(), preset=EVIL, arms=(EVIL, EVIL, EVIL), reason=EVIL, device=EVIL))
    document = run.result()
    assert document is not None
    run.write_result(replace(document, run=EVIL, title=EVIL, reason=EVIL, device=EVIL, resumed=EVIL))
    path = run.path.rename(runs_dir / f"{EVIL}{run.name}")
    return RunDir(path)


@pytest.mark.parametrize(
    "words",
    [
        *(["report", "last", "--format", form] for form in ("table", "md", "csv", "json")),
        ["report", "last", "--each-seed", "--all-pairs"],
        ["replay", "last"],
        ["attach", "last", "--plain"],
        ["runs"],
        ["runs", "--json"],
        ["export", "last", "--to", "out.csv", "--to", "out.md"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("hostile")
def test_a_hostile_run_prints_printable_lines(call: Call, words: list[str]) -> None:
    _, out, err = call(*words)
    assert out
    assert [line for line in (out + err).split("\n") if not line.isprintable()] == []
    for path in Path().glob("out.*"):
        assert [line for line in path.read_text("utf-8").split("\n") if not line.isprintable()] == []


def test_a_hostile_run_has_one_row_per_arm_and_seed(call: Call, hostile: RunDir) -> None:
    """A line break in a text would make rows of its own."""
    rows = list(csv.reader(io.StringIO(call("report", "last", "--format", "csv")[1])))
    assert [row[1] for row in rows[1:]] == [arm for arm in ("xavier_normal", "he_normal", "orthogonal") for _ in "12"]
    assert hostile.name.startswith(SHOWN)
    assert call("compare", str(hostile.path), "last")[0] == 2  # it is one run, however it is named


def test_a_hostile_run_is_found_by_the_name_that_lists_show(call: Call, hostile: RunDir) -> None:
    assert hostile.name in call("runs")[1]
    assert call("report", hostile.name) == call("report", str(hostile.path)) == call("report", hostile.path.name)


def test_the_picture_of_a_hostile_run_is_xml(call: Call, hostile: RunDir) -> None:
    code, out, _ = call("report", "last", "--format", "svg")
    assert code == 0
    assert hostile.name in "".join(ET.fromstring(out).itertext())


@pytest.mark.parametrize("way", ["keep", "done"])
def test_the_farewell_of_a_hostile_run_is_printable(
    hostile: RunDir, capsys: pytest.CaptureFixture[str], way: Any
) -> None:
    app: Any = SimpleNamespace(source=LiveSource(Follower(hostile)), return_code=None)
    after_dashboard(app, way)
    assert hostile.name in (out := capsys.readouterr().out)
    assert [line for line in out.split("\n") if not line.isprintable()] == []


def test_a_hostile_preset_is_printed_without_control_characters_and_copied_exactly(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"# {EVIL}\ttab\n[data]\n".replace("\r", "")
    (tmp_path / "evil.toml").write_text(text, "utf-8")
    assert call("presets", "./evil.toml")[1] == text
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert all(line.isprintable() for line in call("presets", "./evil.toml")[1].split("\n"))


def test_an_exceptions_text_keeps_its_lines(hostile: RunDir) -> None:
    board = Follower(hostile).poll()
    assert board.arms[1].reason == SHOWN
    assert board.arms[1].detail == "Traceback:\n  File 'net.py', line 1\n?31m??\n?&<\n|x"
