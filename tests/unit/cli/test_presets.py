"""`inittui presets`."""

from pathlib import Path

import pytest

from inittui.experiment.preset_files import known
from tests.unit.cli.conftest import Call, Refused

pytestmark = pytest.mark.usefixtures("nothing_starts")


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
def test_a_file_that_cant_be_printed_is_refused(refused: Refused, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    assert "mine.toml" in refused("presets", "mine.toml")
