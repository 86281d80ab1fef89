"""`inittui runs`."""

import json
from pathlib import Path

import pytest

from tests.helpers import empty_run, preset, write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")


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
    assert "inittui report NAME" in closing


def test_runs_for_programs_are_a_list_of_objects(call: Call, runs_dir: Path) -> None:
    assert call("runs", "--json")[1] == "[]\n"
    run = write_run(runs_dir, preset(2, name="digits"))
    (runs_dir / "e\x1b[2Jvil\x9b").symlink_to(run.path)
    code, out, err = call("runs", "--json")
    assert (code, err) == (0, "")
    assert out.replace("\n", "").isprintable()
    assert out.isascii()
    rows = {row["name"]: row for row in json.loads(out)}
    assert set(rows) == {run.name, "e?[2Jvil?"}
    assert rows["e?[2Jvil?"]["path"] == str(runs_dir / "e\x1b[2Jvil\x9b")
    row = rows[run.name]
    assert set(row) == {
        "name", "path", "state", "alive", "preset", "arms", "started", "age", "size", "device", "seconds", "reason"
    }  # fmt: skip
    assert (row["state"], row["alive"], row["preset"], row["path"]) == ("finished", False, "digits", str(run.path))
    assert [(arm["name"], arm["status"]) for arm in row["arms"]] == [
        ("xavier_normal", "finished"), ("he_normal", "finished")
    ]  # fmt: skip
